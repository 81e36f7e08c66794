"""diffusers' FlowMatchEulerDiscreteScheduler: its noise levels, and those of the caller's own. Data lie at 0.

Levels are asked for as pipelines do: `set_timesteps(n)` or `set_timesteps(sigmas=...)`, which append the last level
themselves. A variation takes fewer of them (`strength`), never others, so that it has no `start`. `scale_noise` takes
training timesteps alone, and the target is left to each training script.
"""

from __future__ import annotations

import diffusers
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from torch import Tensor

IMPLEMENTATION = {
    "name": "diffusers FlowMatchEuler",
    "version": diffusers.__version__,
    "issues": "https://github.com/huggingface/diffusers/issues",
}
FAMILIES = ["PATH", "GRID"]
TIME, PREDICTS = "data at 0", "velocity"
GRID = "fixed tail"  # the level before the last is 1/1000
SIZES = {"start": [1.0], "grid": ["flow-match-euler"]}


def grid(steps: int, start: float) -> Tensor:
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(steps)
    levels: Tensor = scheduler.sigmas
    return levels


def published_grid(name: str, steps: int) -> Tensor:
    return grid(steps, 1.0)


def check_grid(times: list[float]) -> Tensor:
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=times[:-1])  # the 0 is appended
    levels: Tensor = scheduler.sigmas
    return levels


def shift(t: Tensor, length: int) -> Tensor:
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    shifted: Tensor = scheduler.time_shift(calculate_shift(length), 1.0, t)
    return shifted
