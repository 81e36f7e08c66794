"""The network that a law hands to a solver: it knows the truth, speaks the declared language, and hears every call.

It is called as network(x, t), or with guidance as network(x, t, cond), whose rows are zero where there is no condition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .budget import EPS, FACTOR, Budget
from .law import Implementation, decline, expect
from .oracles_flow import OnePoint, Straight, Truth

METHODS = ("euler", "heun", "midpoint", "rk4", "dpmpp-2m", "ddim", "pingpong", "dpmpp-3m-sde")
OF_V = ("ddim", "dpmpp-3m-sde")  # these are always given a network that predicts v, on the path cos, sin
STOCHASTIC = ("pingpong", "dpmpp-3m-sde")
FROM_DATA = (
    "dpmpp-2m",
    "ddim",
    "pingpong",
    "dpmpp-3m-sde",
)  # exact for one data point, and end on the data's estimate
# how often n steps call the network; Heun may end on an Euler step, as there is nothing beyond the data
CALLS = {"heun": (2, 1), "midpoint": (2, 0), "rk4": (4, 0)}


@dataclass(frozen=True)
class Language:
    """What a network is told and what it answers; a level counts time from the data, whichever way time runs."""

    time: str
    predicts: str

    @property
    def straight(self) -> bool:
        return self.predicts != "v"

    @property
    def start(self) -> float:
        """The level of a whole run on given times; on the path cos, sin the ratio of noise to data is infinite at 1."""
        return 1.0 if self.straight else 0.95

    def told(self, level: Tensor) -> Tensor:
        """Levels as times of this language, and back."""
        return level if self.time == "data at 0" else 1 - level

    def path(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """How much of the data, and of the noise, is in a state of this level."""
        if self.straight:
            return 1 - level, level
        return torch.sin(math.pi / 2 * (1 - level)), torch.sin(math.pi / 2 * level)

    def said(self, data: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """The answer of a network that means these data and this noise."""
        if self.predicts == "data":
            return data
        if self.predicts == "noise":
            return noise
        if self.predicts == "v":
            return alpha * noise - sigma * data
        return noise - data if self.time == "data at 0" else data - noise


def language(impl: Implementation, method: str) -> Language:
    """What the network has to speak to an implementation under this method, by its declarations."""
    time, predicts = impl.convention("TIME"), impl.convention("PREDICTS")
    if method in OF_V:
        predicts = "v"
    if time is None or predicts is None:
        decline("the adapter declares no TIME and PREDICTS, which a network has to speak")
    if not impl.offers("method", method):
        decline(f"the implementation does not know the method {method}")
    return Language(str(time), str(predicts))


@dataclass(frozen=True)
class Heard:
    """One call, copied: the state, what t was, its level for each row, and the condition, if there was any."""

    x: Tensor
    t: object
    level: Tensor
    cond: Tensor | None


@dataclass
class Ideal:
    """A network that answers the truth; with `without`, rows whose condition is zero are answered by that instead."""

    speaks: Language
    truth: Truth
    without: Truth | None = None
    answers: torch.dtype | None = None
    calls: list[Heard] = field(default_factory=list)

    def __call__(self, x: Tensor, t: Tensor | float, cond: Tensor | None = None) -> Tensor:
        told = torch.as_tensor(t).detach().reshape(-1).to(torch.float64)
        level = self.speaks.told(told).expand(len(x)).clone()
        kept = None if cond is None else torch.as_tensor(cond).detach().clone()
        self.calls.append(Heard(x.detach().clone(), t.clone() if isinstance(t, Tensor) else t, level, kept))
        return self.answer(x, level, kept).to(self.answers or x.dtype)

    def answer(self, x: Tensor, level: Tensor, cond: Tensor | None = None) -> Tensor:
        """What it says at these states and levels, in float64."""
        x = x.to(torch.float64)
        alpha, sigma = (part.reshape(-1, *[1] * (x.ndim - 1)) for part in self.speaks.path(level))
        out = self.speaks.said(*self.truth(x, alpha, sigma), alpha, sigma)
        if self.without is None or cond is None:
            return out
        bare = self.speaks.said(*self.without(x, alpha, sigma), alpha, sigma)
        given = (cond.reshape(len(x), -1) != 0).any(1).reshape(-1, *[1] * (x.ndim - 1))
        return torch.where(given, out, bare)

    @property
    def rows(self) -> int:
        """How many rows it was asked about."""
        return sum(len(call.x) for call in self.calls)


def levels_of(widths: Sequence[int], start: float = 1.0) -> list[float]:
    """The noise levels of a grid with steps this wide: from start to 0."""
    total, at, levels = sum(widths), 0, [start]
    for width in widths:
        at += width
        levels.append(start * (1 - at / total))
    return levels


def generators(seed: int, count: int, first: int = 0) -> list[torch.Generator]:
    """One generator an element."""
    return [torch.Generator().manual_seed(1000 * seed + first + i + 1) for i in range(count)]


def run(
    impl: Implementation, network: Ideal, x: Tensor, levels: Sequence[float], method: str,
    generator: Sequence[torch.Generator] | None = None,
) -> Tensor:  # fmt: skip
    """x from noise to data, at the grain that is bound: on these levels, or in as many steps of its own."""
    given = list(generator) if generator else generators(0, len(x))
    if impl.has("integrate"):
        dtype = torch.promote_types(x.dtype, torch.float32)
        times = network.speaks.told(torch.tensor(list(levels), dtype=torch.float64)).to(dtype)
        ended: Tensor = impl.integrate(network, x, times, given, method)
        return ended
    made: Tensor = impl.solve(network, x, len(levels) - 1, None, given, method)
    return made


def state(seed: int, batch: int, channels: int, frames: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal noise (B, C, L)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, channels, frames, generator=generator, dtype=torch.float64).to(dtype)


def easy(speaks: Language, method: str, x: Tensor, seed: int) -> tuple[Truth, Tensor]:
    """A problem that this method solves exactly in any number of steps, and its answer in float64."""
    batch, channels, frames = x.shape
    other = state(seed + 1, batch, channels, frames, torch.float64)
    if method in FROM_DATA:
        return OnePoint(other), other
    if not speaks.straight:
        decline(f"no problem on the path cos, sin is exact for {method}")
    return Straight(other), x.to(torch.float64) - other


def expect_near(
    got: Tensor, want: Tensor, beside: Tensor, what: str, kind: str = "network", roundings: int = 1
) -> None:
    """got is want, within some roundings of numbers of the size of `beside`."""
    if got.shape != want.shape:
        expect(got, want, what)
        return
    exact, size = want.detach().to(torch.float64), float(beside.detach().to(torch.float64).norm())
    norm = float(exact.norm())
    rounding = FACTOR[kind] * EPS.get(got.dtype, EPS[torch.float32]) * roundings
    # error() is relative to the norm of want, or absolute where that is 0
    within = Budget(rounding * (norm**2 + size**2) ** 0.5 / (norm or 1.0))
    expect(got.detach().to(torch.float64), exact, what, within=within)
