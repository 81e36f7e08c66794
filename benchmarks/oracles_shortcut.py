"""How far the objective is from what it should be, in float64: on the whole grid, for every grid up to K = 256."""

from __future__ import annotations

import torch
from torch import Tensor

from refaudio.dynamics import Grid, Levels, add_noise, bootstrap_target, shortcut_loss
from refaudio.spec.draw_dynamics import Batch, whole_grid
from refaudio.spec.oracles_dynamics import Arbitrary, Gaussian, equation_seven
from refaudio.spec.scripts_dynamics import Predict

GRIDS = [2**e for e in range(9)]


def objective_errors() -> dict[str, dict[str, float]]:
    """By oracle and K: the bootstrap loss of an exact shortcut, and the relative error against equation 7 in numpy."""
    return {
        "bootstrap loss of the exact shortcut": {str(k): _exact_loss(k) for k in GRIDS},
        "largest relative error against equation 7": {str(k): _worst(k) for k in GRIDS},
    }


def _labels(k_max: int) -> tuple[Batch, Levels, Tensor]:
    """Every (tau, d) of a grid, and noise."""
    batch, grid = whole_grid(k_max, seed=0), Grid(k_max)
    levels = Levels(grid, grid.index(batch.tau), grid.exponent(batch.d), flow_rows=1)
    noise = torch.randn(batch.data.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return batch, levels, noise


def _of(predict: Predict, grid: Grid) -> Predict:
    """The network as the library calls it."""
    return lambda z, index, exponent: predict(
        z, grid.tau(index, torch.float64), grid.d(exponent, torch.float64)
    )


def _exact_loss(k_max: int) -> float:
    batch, levels, noise = _labels(k_max)
    network = _of(Gaussian(0.3, 0.5).shortcut, levels.grid)
    return float(shortcut_loss(network, batch.data, noise, levels).bootstrap)


def _worst(k_max: int) -> float:
    """Over all frames of coarser steps, with a network that heeds its labels and mixes frames; 0 where there are none."""
    batch, levels, noise = _labels(k_max)
    predict, coarse = Arbitrary(0), ~batch.flow
    if not bool(coarse.any()):
        return 0.0
    z = add_noise(batch.data, noise, batch.tau)
    target = bootstrap_target(_of(predict, levels.grid), z, levels)
    got = (predict(z, batch.tau, batch.d) - target).square().flatten(2).mean(2)
    want = equation_seven(predict, z, batch.tau, batch.d)
    return float(((got - want).abs() / want)[coarse].max())
