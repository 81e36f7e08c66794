"""How far the sampler is from the exact flow, in float64: with a network that knows it, and with a posterior mean."""

from __future__ import annotations

import torch
from torch import Tensor

from refaudio.dynamics import Grid, denoise, draw
from refaudio.spec.oracles_dynamics import Gaussian

K_MAX = 64
SHAPE = (32, 5, 2, 3, 4)


def sampler_errors() -> dict[str, dict[str, float]]:
    """RMS distance from mean + deviation * noise, by oracle and number of steps: 1, 2, 4 .. K."""
    grid, gaussian = Grid(K_MAX), Gaussian(0.3, 0.5)
    noise = draw(SHAPE, torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = gaussian.mean + gaussian.deviation * noise
    oracles = {"exact shortcut": gaussian.shortcut, "posterior mean": gaussian.posterior}

    def error(oracle: str, steps: int) -> float:
        def network(z: Tensor, index: Tensor, exponent: Tensor) -> Tensor:
            labels = grid.tau(index, torch.float64), grid.d(exponent, torch.float64)
            return oracles[oracle](z, *labels)

        return float((denoise(network, noise, steps, grid) - exact).square().mean().sqrt())

    counts = [2**e for e in range(grid.coarsest + 1)]
    return {oracle: {str(steps): error(oracle, steps) for steps in counts} for oracle in oracles}
