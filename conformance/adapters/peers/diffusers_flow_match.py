"""diffusers' FlowMatchEulerDiscreteScheduler: its noise levels, and those of the caller's own. Data lie at 0.

Levels are asked for as pipelines do: `set_timesteps(n)` or `set_timesteps(sigmas=...)`, which append the last level
themselves. A run is the loop of its pipelines; with `stochastic_sampling` its step is ping-pong's. A variation takes
fewer of them (`strength`), never others, so that it has no `start`. `scale_noise` takes training timesteps alone, and the
target is left to each training script.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import diffusers
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from torch import Tensor

IMPLEMENTATION = {
    "name": "diffusers FlowMatchEuler",
    "version": diffusers.__version__,
    "issues": "https://github.com/huggingface/diffusers/issues",
}
FAMILIES = ["PATH", "GRID", "SOLVE"]
TIME, PREDICTS = "data at 0", "velocity"
GRID = "fixed tail"  # the level before the last is 1/1000
SIZES = {"start": [1.0], "grid": ["flow-match-euler"], "method": ["euler", "pingpong"]}


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


def stepped(
    scheduler: FlowMatchEulerDiscreteScheduler,
    network: Callable[..., Tensor],
    x: Tensor,
    generator: Sequence[torch.Generator],
) -> Tensor:
    for t in scheduler.timesteps:
        out = network(x, t.expand(len(x)).to(x.dtype) / 1000)
        x = scheduler.step(out, t, x, generator=list(generator)).prev_sample
    return x


def solve(
    network: Callable[..., Tensor], x: Tensor, steps: int, scale: float | None, generator: Sequence[torch.Generator],
    method: str,
) -> Tensor:  # fmt: skip
    if scale is not None:
        raise NotImplementedError("guidance is each pipeline's own")
    scheduler = FlowMatchEulerDiscreteScheduler(stochastic_sampling=method == "pingpong")
    scheduler.set_timesteps(steps)
    return stepped(scheduler, network, x, generator)


def integrate(
    network: Callable[..., Tensor],
    x: Tensor,
    times: Tensor,
    generator: Sequence[torch.Generator],
    method: str,
) -> Tensor:
    scheduler = FlowMatchEulerDiscreteScheduler(stochastic_sampling=method == "pingpong")
    scheduler.set_timesteps(sigmas=times[:-1].tolist())  # the 0 is appended
    return stepped(scheduler, network, x, generator)
