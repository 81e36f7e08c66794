"""Flows whose answers are known in closed form: data and noise at every state, and the map from noise to data."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# What an ideal network knows at (x, level): the data and the noise, of which x is made. alpha and sigma are (B, 1, ...).
Truth = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Straight:
    """Every state moves with one velocity, noise - data = c, on the straight path: x at level 1 ends at x - c."""

    c: Tensor

    def __call__(self, x: Tensor, alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        c = self.c.to(x)
        return x - sigma * c, x + alpha * c


@dataclass(frozen=True)
class OnePoint:
    """The data are one point m, whatever the noise was."""

    m: Tensor

    def __call__(self, x: Tensor, alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        m = self.m.to(x).expand_as(x)
        return m, (x - alpha * m) / sigma.clamp(min=1e-9)


@dataclass(frozen=True)
class Gaussian:
    """Every entry is drawn by itself from N(mean, deviation^2)."""

    mean: float
    deviation: float

    def __call__(self, x: Tensor, alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        away = x - alpha * self.mean
        spread = self.deviation**2
        share = away / (alpha**2 * spread + sigma**2)
        return self.mean + alpha * spread * share, sigma * share


@dataclass(frozen=True)
class Mixture:
    """Every entry is drawn by itself from Gaussians of these means, deviations and weights."""

    means: Sequence[float]
    deviations: Sequence[float]
    weights: Sequence[float]

    def __call__(self, x: Tensor, alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        means, deviations, weights = self._parts(x)
        away = x[..., None] - alpha[..., None] * means
        variance = (alpha[..., None] * deviations) ** 2 + sigma[..., None] ** 2
        share = (weights.log() - away**2 / (2 * variance) - variance.log() / 2).softmax(-1)
        data = means + alpha[..., None] * deviations**2 / variance * away
        noise = sigma[..., None] / variance * away
        return (share * data).sum(-1), (share * noise).sum(-1)

    def below(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """How much of the states at this level lies below x."""
        means, deviations, weights = self._parts(x)
        spread = torch.sqrt((alpha * deviations) ** 2 + sigma**2)
        shares: Tensor = torch.special.ndtr((x[..., None] - alpha * means) / spread)
        return (weights * shares).sum(-1)

    def end(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """Where the flow takes x from this level to the data: to the same quantile, found by bisection."""
        share = self.below(x, alpha, sigma)
        low, high = torch.full_like(x, -20.0), torch.full_like(x, 20.0)
        for _ in range(70):
            middle = (low + high) / 2
            short = self.below(middle, 1.0, 0.0) < share
            low, high = torch.where(short, middle, low), torch.where(short, high, middle)
        return (low + high) / 2

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weights = torch.tensor(list(self.weights), dtype=torch.float64).to(x)
        return torch.tensor(self.means).to(x), torch.tensor(self.deviations).to(x), weights / weights.sum()


def pingpong_deviation(levels: Sequence[float], deviation: float) -> float:
    """The spread that ping-pong leaves of Gaussian data, with the best possible network: V' = ((1 - t') g)^2 V + t'^2."""
    variance = 1.0
    for level, after in itertools.pairwise(levels):
        gain = (1 - level) * deviation**2 / ((1 - level) ** 2 * deviation**2 + level**2)
        variance = ((1 - after) * gain) ** 2 * variance + after**2
    return math.sqrt(variance)
