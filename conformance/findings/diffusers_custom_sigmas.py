"""A list of noise levels with a typing error is sampled as it stands: rising, repeated, above 1, empty or NaN.

diffusers, FlowMatchEulerDiscreteScheduler.set_timesteps(sigmas=...). With one NaN every latent is NaN after the last step;
with levels that rise the run walks back into the noise and costs as many network calls.
"""

import math
import sys

import diffusers
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

LISTS = {
    "two exchanged": [1.0, 0.25, 0.5],
    "one repeated": [1.0, 0.5, 0.5],
    "above 1": [1.5, 0.5],
    "empty": [],
    "NaN": [1.0, math.nan, 0.5],
}

taken = []
for name, sigmas in LISTS.items():
    scheduler = FlowMatchEulerDiscreteScheduler()
    try:
        scheduler.set_timesteps(sigmas=sigmas)
    except ValueError:
        continue
    taken.append(f"{name} {[round(float(sigma), 3) for sigma in scheduler.sigmas]}")
print(f"diffusers {diffusers.__version__}, torch {torch.__version__}: set_timesteps(sigmas=...)")
print("got ", "; ".join(taken))
print("want an error for each of", ", ".join(LISTS))
sys.exit(0 if len(taken) == len(LISTS) else 1)
