"""The reference's dynamics: integers inside, fractions at this edge."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from refaudio import dynamics
from refaudio.dynamics import Grid, LevelEmbedding, Levels
from refaudio.dynamics.grid import aligned

Network = Callable[..., Tensor]

add_noise = dynamics.add_noise
ramp = dynamics.ramp


class Fractions(nn.Module):
    """A network of (z, tau, d), called with (z, index, exponent); a module stays one, so that its mode can be kept."""

    def __init__(self, network: Network, grid: Grid) -> None:
        super().__init__()
        self.grid, self.network = grid, network

    def forward(self, z: Tensor, index: Tensor, exponent: Tensor) -> Tensor:
        answer: Tensor = self.network(z, self.grid.tau(index), self.grid.d(exponent))
        return answer


def step_sizes(k_max: int) -> list[float]:
    return list(Grid(k_max).step_sizes)


def sample_levels(batch: int, frames: int, k_max: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    levels = Grid(k_max).sample(batch, frames, generator)
    return levels.grid.tau(levels.index), levels.grid.d(levels.exponent)


def embed_level(tau: Tensor, d: Tensor, k_max: int) -> Tensor:
    grid = Grid(k_max)
    token: Tensor = LevelEmbedding(grid, 32)(grid.index(tau)[None], grid.exponent(d)[None])
    return token[0]


def shortcut_loss(
    network: Network, data: Tensor, tau: Tensor, d: Tensor, k_max: int
) -> tuple[Tensor, Tensor]:
    grid = Grid(k_max)
    index, exponent = (
        aligned(part, data).reshape(data.shape[:2]) for part in (grid.index(tau), grid.exponent(d))
    )
    flow_rows = int((exponent == 0).all(1).to(torch.int64).cumprod(0).sum())
    levels = Levels(grid, index, exponent, flow_rows)
    return dynamics.shortcut_loss(Fractions(network, grid), data, torch.randn_like(data), levels)
