"""The shortcut-forcing objective (Dreamer 4, equation 7) in x-space, without an epsilon.

The network predicts clean data. A row of the finest step learns from data; a row of a coarser step d learns where two
half steps of its own arrive. With r = d / (2 (1 - tau)), the share of the way to tau = 1 that half a step covers,

    middle = (1 - r) z + r first        first  = f(z,      tau,       d/2)
    target = w1 first + w2 second       second = f(middle, tau + d/2, d/2)      w2 = 1 / (2 (1 - r)), w1 = 1 - w2

which is the paper's mean of two velocities, times 1 - tau: on the grid r is at most 1/2, so that nothing is divided by
zero and the weights are convex. Only on the last point before tau = 1 is the target the second prediction alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .grid import Levels
from .noise import _blend

Network = Callable[..., Tensor]


class Losses(NamedTuple):
    """Both branches, each a share of the mean over all frames of the batch: their sum is the objective.

    Divided by all frames and not by its own, so that the losses of equal micro-batches average to that of the batch,
    however the rows of the finest step fall.
    """

    flow: Float[Tensor, ""]
    bootstrap: Float[Tensor, ""]


def ramp(tau: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """0.9 tau + 0.1: a frame's weight, from 0.1 at noise to 1 at data, where the signal is."""
    return 0.9 * tau + 0.1


def shortcut_loss(
    network: Network,
    data: Float[Tensor, "B T *axes"],
    noise: Float[Tensor, "B T *axes"],
    levels: Levels,
    inputs: Sequence[Tensor | None] = (),
    *,
    teacher: Network | None = None,
) -> Losses:
    """Latents (B, T, ...), noise alike and labels (B, T) -> the flow and the bootstrap loss, after three network calls.

    `network(z, index, exponent, *inputs)` predicts data; `inputs` (actions, ..) have a row an example. The teacher is
    the network itself, without gradient and without dropout (where it is a module: its mode is what it was before), or
    another one. All rows go through the network at once; those behind `levels.flow_rows` through the teacher, twice.
    """
    _check(data, noise, levels, inputs)
    rows, tau = (
        levels.flow_rows,
        levels.grid.tau(levels.index, torch.promote_types(data.dtype, torch.float32)),
    )
    z = _blend(data, noise, _over(tau, data))
    target = data.to(tau.dtype)
    if rows < len(data):
        late = [None if given is None else given[rows:] for given in inputs]
        with torch.no_grad(), _without_dropout(network if teacher is None else teacher) as teach:
            taught = bootstrap_target(teach, z[rows:], levels.bootstrapped(), late)
        fine = _over(levels.exponent[rows:] == 0, data)
        target = torch.cat([target[:rows], torch.where(fine, target[rows:], taught)])
    predicted = network(z, levels.index, levels.exponent, *inputs)
    each = ramp(tau) * (predicted.to(tau.dtype) - target).square().flatten(2).mean(2)
    flow = levels.exponent == 0
    return Losses(*(torch.where(branch, each, 0).sum() / each.numel() for branch in (flow, ~flow)))


def bootstrap_target(
    teacher: Network, z: Float[Tensor, "B T *axes"], levels: Levels, inputs: Sequence[Tensor | None] = ()
) -> Float[Tensor, "B T *axes"]:
    """w1 first + w2 second: the data that two half steps of the teacher from z (B, T, ...) arrive at, all frames at once.

    A frame of the finest step has no half: it stays where it is, under its own label, as company for the others.
    """
    half = (1 << levels.exponent) >> 1
    finer = (levels.exponent - 1).clamp(min=0)
    left = levels.grid.k_max - levels.index
    dtype = torch.promote_types(z.dtype, torch.float32)
    first = teacher(z, levels.index, finer, *inputs).to(dtype)
    middle = z + _over(half.to(dtype) / left, z) * (first - z)
    second = teacher(middle.to(z.dtype), levels.index + half, finer, *inputs).to(dtype)
    return first + _over(left.to(dtype) / (2 * (left - half)), z) * (second - first)


def _over(label: Tensor, frames: Tensor) -> Tensor:
    """label (B, T) -> (B, T, 1, .., 1), as frames (B, T, ...) has axes."""
    return label.reshape(*label.shape, *[1] * (frames.ndim - 2))


@contextmanager
def _without_dropout(network: Network) -> Iterator[Network]:
    """The network in evaluation mode, where it is a module; each of its parts is given its own mode back."""
    parts = [part for part in network.modules() if part.training] if isinstance(network, nn.Module) else []
    for part in parts:
        part.training = False
    try:
        yield network
    finally:
        for part in parts:
            part.training = True


def _check(data: Tensor, noise: Tensor, levels: Levels, inputs: Sequence[Tensor | None]) -> None:
    if not data.is_floating_point() or data.ndim < 3 or not data.numel():
        raise ValueError(
            f"data={data.dtype} {tuple(data.shape)} must be floating-point (B, T, ...), with a frame at least"
        )
    if noise.shape != data.shape or noise.dtype != data.dtype:
        raise ValueError(
            f"noise={noise.dtype} {tuple(noise.shape)} must be as data: {data.dtype} {tuple(data.shape)}"
        )
    if levels.index.shape != data.shape[:2]:
        raise ValueError(f"levels={tuple(levels.index.shape)} must be (B, T) = {tuple(data.shape[:2])}")
    for i, given in enumerate(inputs):
        if given is not None and len(given) != len(data):
            raise ValueError(f"len(inputs[{i}])={len(given)} must be one an example: {len(data)}")
