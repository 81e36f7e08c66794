"""Closed forms of shortcut forcing: equation 7 as it is printed, networks that solve a Gaussian exactly, and one that heeds its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .scripts_dynamics import Predict, over

Array = NDArray[Any]


def ramp(tau: Tensor) -> Tensor:
    """The weight of a frame: 0.1 at noise, 1 at data."""
    return 0.9 * tau + 0.1


@dataclass(frozen=True)
class Gaussian:
    """Data N(mean, deviation^2), element by element."""

    mean: float = 0.3
    deviation: float = 0.5

    def _spread(self, tau: Tensor) -> Tensor:
        return ((1 - tau) ** 2 + (tau * self.deviation) ** 2).sqrt()

    def flow(self, z: Tensor, tau: Tensor, until: Tensor) -> Tensor:
        """Where the exact flow takes z from one level to another: from 0 to 1, mean + deviation * z."""
        return until * self.mean + self._spread(until) / self._spread(tau) * (z - tau * self.mean)

    def shortcut(self, z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        """The data prediction whose one step of size d is the exact flow; two of its half steps are one of its steps."""
        tau, d = over(tau, z), over(d, z)
        return z + (1 - tau) * (self.flow(z, tau, tau + d) - z) / d

    def posterior(self, z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        """E[data | z]: what a network of infinitely fine steps learns; d has no say."""
        tau = over(tau, z)
        return self.mean + tau * self.deviation**2 / self._spread(tau) ** 2 * (z - tau * self.mean)


@dataclass(frozen=True)
class Arbitrary:
    """Smooth numbers that depend on z, tau and d, and on the frame before where `mixing`: no loss of it is zero by chance."""

    seed: int
    mixing: bool = True

    def __call__(self, z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        turn = 0.37 * (self.seed % 97)
        slope = over(0.6 * torch.sin(5.3 * tau + 3.1 * torch.log2(d) + turn), z)
        shift = over(torch.cos(7.7 * tau - 2.3 * torch.log2(d) + 2 * turn), z)
        x = slope * z + shift + 0.2 * torch.sin(3 * z + shift)
        if self.mixing:
            before = torch.roll(x, 1, dims=1)
            before[:, 0] = 0
            x = x + 0.3 * torch.tanh(before)
        return x


def equation_seven(
    predict: Predict, z: Tensor, tau: Tensor, d: Tensor, dtype: torch.dtype = torch.float64
) -> Tensor:
    """The bootstrap loss of every frame, mean over features, without the ramp: z (B, T, ...), tau and d (B, T) -> (B, T).

    As printed in the paper, velocities and all, in numpy: (1 - tau)^2 |(f(z, tau, d) - z) / (1 - tau) - v|^2.
    """
    kind = np.float64 if dtype == torch.float64 else np.float32

    def asked(at: Array, level: Array, step: Array) -> Array:
        answer = predict(*(torch.from_numpy(part.astype(np.float64)) for part in (at, level, step)))
        return answer.detach().numpy().astype(kind)

    def wide(label: Array) -> Array:
        return label.reshape(label.shape + (1,) * (z.ndim - 2))

    start, level, step = (part.detach().to(torch.float64).numpy().astype(kind) for part in (z, tau, d))
    half = step / 2
    first = (asked(start, level, half) - start) / wide(1 - level)
    middle = start + first * wide(half)
    second = (asked(middle, level + half, half) - middle) / wide(1 - (level + half))
    velocity = (asked(start, level, step) - start) / wide(1 - level)
    error = wide(1 - level) ** 2 * (velocity - (first + second) / 2) ** 2
    return torch.from_numpy(error.reshape(*level.shape, -1).mean(-1))
