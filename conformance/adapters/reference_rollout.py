"""The reference's sampler and rollout loop: integers inside, fractions at this edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from refaudio import dynamics
from refaudio.dynamics import Grid, Sampling


class Shown:
    """A network of (z, tau, d, actions), called with (z, index, exponent, actions)."""

    def __init__(self, network: Any, grid: Grid) -> None:
        self.network, self.grid = network, grid

    def __call__(self, z: Tensor, index: Tensor, exponent: Tensor, *inputs: Tensor, **cache: Any) -> Tensor:
        answer: Tensor = self.network(z, self.grid.tau(index), self.grid.d(exponent), *inputs, **cache)
        return answer


class Cached(Shown):
    """The same with a cache of its own."""

    def begin(self, batch: int, window: int | None) -> Any:
        return self.network.begin(batch, window)

    def commit(self, z: Tensor, index: Tensor, exponent: Tensor, *inputs: Tensor, cache: Any) -> Any:
        return self.network.commit(z, self.grid.tau(index), self.grid.d(exponent), *inputs, cache=cache)


def denoise(network: Any, shape: Sequence[int], steps: int, k_max: int, generator: torch.Generator) -> Tensor:
    grid = Grid(k_max)
    return dynamics.denoise(Shown(network, grid), dynamics.draw(shape, generator), steps, grid)


def rollout(
    network: Any,
    context: Tensor,
    frames: int,
    steps: int,
    actions: Tensor | None,
    k_max: int,
    window: int | None,
    generator: torch.Generator,
) -> Tensor:
    grid = Grid(k_max)
    bound = (Cached if hasattr(network, "begin") else Shown)(network, grid)
    sampling = Sampling(grid, steps, window=window)
    inputs = () if actions is None else (actions,)
    return dynamics.rollout(bound, context, frames, sampling, generator, inputs)
