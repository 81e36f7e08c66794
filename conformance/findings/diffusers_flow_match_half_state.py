"""With a network in bfloat16 the latents are rounded to bfloat16 after every step: the more steps, the more of it.

diffusers, FlowMatchEulerDiscreteScheduler.step: the sample is lifted to float32, moved, and cast back to the dtype of the
model's output, so that the next step starts from the rounded one.
"""

import sys

import diffusers
import torch
from diffusers import FlowMatchEulerDiscreteScheduler


def moved(dtype: torch.dtype) -> float:
    """How far one constant velocity of 1 carries a point at 3 in sixty steps."""
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(60)
    x = torch.full((1, 1), 3.0, dtype=dtype)
    for t in scheduler.timesteps:
        x = scheduler.step(torch.ones_like(x), t, x).prev_sample
    return 3 - float(x)


half, full = moved(torch.bfloat16), moved(torch.float32)
print(f"diffusers {diffusers.__version__}: FlowMatchEulerDiscreteScheduler, 60 steps along a velocity of 1")
print("got ", f"{half:.3f} in bfloat16, {full:.3f} in float32")
print("want 1.000")
sys.exit(0 if abs(half - 1) > 0.02 and abs(full - 1) < 1e-3 else 1)
