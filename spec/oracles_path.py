"""Closed forms of flow paths: what of the data and of the noise is in a state, and in the network's answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from .budget import EPS, FACTOR, Budget
from .law import Implementation, decline

TIMES, PREDICTIONS, SHAPES = (
    ("data at 0", "data at 1"),
    ("data", "velocity", "noise", "v"),
    ("line", "circle"),
)


@dataclass(frozen=True)
class Form:
    """One way to speak: where the data are, what is predicted, and whether the path is a line or a quarter circle."""

    time: str
    predicts: str
    shape: str

    def mix(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """alpha and sigma of x = alpha data + sigma noise."""
        clean, noisy = (1 - t, t) if self.time == "data at 0" else (t, 1 - t)
        if self.shape == "line":
            return clean, noisy
        return torch.sin(math.pi / 2 * clean), torch.sin(math.pi / 2 * noisy)

    def answer(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """a and b of the answer a data + b noise."""
        alpha, sigma = self.mix(t)
        one, to_noise = torch.ones_like(t), 1 if self.time == "data at 0" else -1
        if self.predicts in ("data", "noise"):
            return (one, 0 * one) if self.predicts == "data" else (0 * one, one)
        if self.predicts == "v":
            return -sigma, alpha
        if self.shape == "line":
            return -to_noise * one, to_noise * one
        return -to_noise * math.pi / 2 * sigma, to_noise * math.pi / 2 * alpha

    def back(self, t: Tensor, x: Tensor, out: Tensor) -> tuple[Tensor, Tensor]:
        """Data and noise of a state and an answer."""
        (alpha, sigma), (a, b) = self.mix(t), self.answer(t)
        det = alpha * b - sigma * a
        return (b * x - sigma * out) / det, (alpha * out - a * x) / det


FORMS = [Form(*form) for form in product(TIMES, PREDICTIONS, SHAPES)]
NETWORKS = {
    "rectified_flow": Form("data at 0", "velocity", "line"),
    "cfm": Form("data at 1", "velocity", "line"),
    "v": Form("data at 0", "v", "circle"),
}


def pair(seed: int, batch: int, form: list[int]) -> tuple[Tensor, Tensor]:
    """Data and noise, float32 (B, D, L)."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn((2, batch, *form), generator=generator)
    return drawn[0] * 2 + 1, drawn[1]


def mixing(want: Tensor, *parts: Tensor, least: float = 1.0) -> Budget:
    """What float32 earns on a mixture of these parts, divided by no less than `least`.

    Coefficients are sines of rounded angles: each is off by eps of 1, however small it is.
    """
    whole = torch.stack([part.double().abs() for part in parts]).sum(0)
    share = float(whole.norm() / want.double().norm().clamp(min=1e-300))
    return Budget(2 * FACTOR["elementwise"] * EPS[torch.float32] * share / least)


def column(t: Tensor) -> Tensor:
    """(B,) -> (B, 1, 1)."""
    return t[:, None, None]


def direction(impl: Implementation) -> str:
    """Where the data are, as declared; without a declaration the law does not speak."""
    if (time := impl.convention("TIME")) is None:
        decline('TIME is not declared: say TIME = "data at 0" or "data at 1"')
    return str(time)


def prediction(impl: Implementation) -> str:
    """What the network predicts, as declared."""
    if (predicts := impl.convention("PREDICTS")) is None:
        decline("PREDICTS is not declared: say which of data, velocity, noise, v the network answers")
    return str(predicts)


def at_level(impl: Implementation, level: Tensor) -> Tensor:
    """Noise levels as times of an implementation, and its times as noise levels."""
    return level if direction(impl) == "data at 0" else 1 - level


def own_mix(impl: Implementation, t: Tensor, name: str = "interpolate") -> tuple[Tensor, Tensor]:
    """alpha and sigma of an implementation's own path, float64 (B, 1, 1): what it makes of a data or a noise of 1.

    One item at a time, so that no item can lend another its time.
    """
    one, none = torch.ones(1, 1, 1, dtype=torch.float64), torch.zeros(1, 1, 1, dtype=torch.float64)
    shares = [
        [getattr(impl, name)(data.clone(), noise.clone(), each[None].clone()) for each in t.double()]
        for data, noise in ((one, none), (none, one))
    ]
    alpha, sigma = (torch.cat(share).to(torch.float64) for share in shares)
    return alpha, sigma
