"""diffusers' CosineDPMSolverMultistepScheduler, with which Stable Audio Open 1.0 is sampled: its ratios and times.

Times run from 2 atan(500) / pi, and not from 1; after them comes the 0 that the scheduler appends as a ratio.
A run is the loop of StableAudioPipeline; its SDE solver of two data estimates is bound as the multistep SDE method that
the laws know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import diffusers
import torch
from diffusers import CosineDPMSolverMultistepScheduler
from torch import Tensor

IMPLEMENTATION = {
    "name": "diffusers CosineDPM",
    "version": diffusers.__version__,
    "issues": "https://github.com/huggingface/diffusers/issues",
}
FAMILIES = ["PATH", "GRID", "SOLVE"]
TIME, PREDICTS = "data at 0", "v"
GRID = "fixed tail"  # from sigma_min to 0
SIZES = {"start": [2 * math.atan(500) / math.pi], "grid": ["stable-audio-v"], "method": ["dpmpp-3m-sde"]}


def sigmas(steps: int, low: float, high: float) -> Tensor:
    scheduler = CosineDPMSolverMultistepScheduler(sigma_min=low, sigma_max=high)
    scheduler.set_timesteps(steps)
    ratios: Tensor = scheduler.sigmas
    return ratios


def sigma_to_time(sigma: Tensor) -> Tensor:
    times: Tensor = CosineDPMSolverMultistepScheduler().precondition_noise(sigma)
    return times


def grid(steps: int, start: float) -> Tensor:
    return sigma_to_time(sigmas(steps, 0.3, 500))


def published_grid(name: str, steps: int) -> Tensor:
    return grid(steps, 1.0)


def solve(
    network: Callable[..., Tensor], x: Tensor, steps: int, scale: float | None, generator: Sequence[torch.Generator],
    method: str,
) -> Tensor:  # fmt: skip
    if scale is not None:
        raise NotImplementedError("guidance is the pipeline's own")
    scheduler = CosineDPMSolverMultistepScheduler()
    scheduler.set_timesteps(steps)
    latents = x * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        out = network(scheduler.scale_model_input(latents, t), t.unsqueeze(0).expand(len(x)))
        latents = scheduler.step(out, t, latents, generator=list(generator)).prev_sample
    return latents
