"""A request for 0 steps is answered with the noise, as a success: both schedulers set 0 timesteps without a word.

diffusers, FlowMatchEulerDiscreteScheduler and CosineDPMSolverMultistepScheduler. The loop below is that of each pipeline:
it is not entered, and what is decoded is the noise that came in.
"""

import sys

import diffusers
import torch
from diffusers import CosineDPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler

noise = torch.randn(1, 2, 4, generator=torch.Generator().manual_seed(0))
got = []
for scheduler in FlowMatchEulerDiscreteScheduler(), CosineDPMSolverMultistepScheduler():
    latents = noise
    try:
        scheduler.set_timesteps(0)
        for t in scheduler.timesteps:
            latents = scheduler.step(torch.zeros_like(latents), t, latents).prev_sample
        same = "the noise" if torch.equal(latents, noise) else "something else"
    except ValueError as error:
        same = f"ValueError: {error}"
    got.append(f"{type(scheduler).__name__}: {same}")
print(f"diffusers {diffusers.__version__}: sampled in 0 steps")
print("got ", "; ".join(got))
print("want an error")
sys.exit(0 if all(line.endswith(": the noise") for line in got) else 1)
