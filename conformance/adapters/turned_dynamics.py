"""Shortcut forcing in the opposite convention: t = 1 is noise and t = 0 data, steps are whole grid units, one an example.

The same mathematics, written by somebody else: velocities that point to noise, a teacher for each step size, four kinds
of calls, the mean of each branch over its own frames. Its labels, its grid and its noise stand on the reference's.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from refaudio import dynamics
from refaudio.dynamics import Grid

from . import reference_dynamics as reference

Network = Callable[..., Tensor]

IMPLEMENTATION = {"name": "refaudio, turned", "version": "test"}
FAMILIES = ["SHORTCUT"]
TIME, STEP, PREDICTS, BRANCHES = "data at 0", "grid units", "data", "own frames"
SIZES = {"d": ["example"]}


def add_noise(data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    return dynamics.add_noise(noise, data, tau)


def ramp(tau: Tensor) -> Tensor:
    return 1 - 0.9 * tau


def step_sizes(k_max: int) -> list[int]:
    return [round(size * k_max) for size in reversed(Grid(k_max).step_sizes)]


def sample_levels(batch: int, frames: int, k_max: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    tau, d = reference.sample_levels(batch, frames, k_max, generator)
    return 1 - tau, (d[:, 0] * k_max).long()


def embed_level(tau: Tensor, d: Tensor, k_max: int) -> Tensor:
    return reference.embed_level(1 - tau, d / k_max, k_max)


def shortcut_loss(
    network: Network, data: Tensor, tau: Tensor, d: Tensor, k_max: int
) -> tuple[Tensor, Tensor]:
    if not data.numel():
        raise ValueError("data must hold a frame")
    check_labels(tau, d, k_max)
    wide = [*tau.shape, *[1] * (data.ndim - 2)]
    z = add_noise(data, torch.randn_like(data), tau)
    flow, bootstrap = [], []
    for units in d.unique().tolist():
        rows = d == units
        answer = network(z[rows], tau[rows], d[rows])
        weight = ramp(tau[rows])
        if units == 1:
            flow.append(weight * (answer - data[rows]).square().flatten(2).mean(2))
            continue
        left, half = tau[rows].reshape(-1, *wide[1:]), units / 2 / k_max
        with torch.no_grad():
            halves = torch.full((int(rows.sum()),), units // 2)
            first = (z[rows] - network(z[rows], tau[rows], halves)) / left
            between = z[rows] - half * first
            second = (between - network(between.to(z.dtype), tau[rows] - half, halves)) / (left - half)
        velocity = (z[rows] - answer) / left
        error = (velocity - (first + second) / 2).square().flatten(2).mean(2)
        bootstrap.append(weight * tau[rows] ** 2 * error)
    nothing = [data.new_zeros(1, 1)]
    mean = [torch.cat([loss.flatten() for loss in branch or nothing]).mean() for branch in (flow, bootstrap)]
    return mean[0], mean[1]


def check_labels(tau: Tensor, d: Tensor, k_max: int) -> None:
    """Levels count down from 1 in steps of d units, which are a power of two."""
    Grid(k_max)
    if d.is_floating_point() or bool(((d < 1) | (d > k_max) | (d & (d - 1) != 0)).any()):
        raise ValueError(f"d={d.tolist()} must be powers of two, from 1 to {k_max}")
    steps = tau * k_max / d[:, None]
    if bool(((steps < 1) | (steps != steps.round()) | (tau > 1)).any()):
        raise ValueError(f"tau={tau.tolist()} must be multiples of d / {k_max}, from d / {k_max} to 1")
