"""What the laws of shortcut forcing hand over: labels in an implementation's own units, and a network that hears them.

Inside the spec tau = 0 is noise and 1 is data, d is a fraction of the way, and a network predicts data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .law import Implementation

Predict = Callable[[Tensor, Tensor, Tensor], Tensor]  # z (B, T, ...), tau and d (B, T) -> data (B, T, ...)


def over(label: Tensor, frames: Tensor) -> Tensor:
    """label (), (B,) or (B, T) -> (B, T, 1, .., 1): aligned with frames (B, T, ...) from the left."""
    rows = label.reshape(*label.shape, *[1] * (2 - label.ndim)).expand(frames.shape[:2])
    return rows.reshape(*rows.shape, *[1] * (frames.ndim - 2))


@dataclass(frozen=True)
class Units:
    """How an implementation writes labels, and what its networks answer; every method goes to or from the spec's own."""

    k_max: int
    time: str = "data at 1"
    step: str = "fraction"
    predicts: str = "data"

    @classmethod
    def of(cls, impl: Implementation, k_max: int) -> Units:
        """As declared; the spec's own where nothing is."""
        told = {name.lower(): impl.convention(name) for name in ("TIME", "STEP", "PREDICTS")}
        return cls(k_max, **{name: value for name, value in told.items() if value})

    def level(self, tau: Tensor) -> Tensor:
        """tau to theirs, or theirs to tau."""
        return tau if self.time == "data at 1" else 1 - tau

    def write(self, d: Tensor) -> Tensor:
        """d to theirs: a fraction as it is, grid units and exponents as integers."""
        if self.step == "fraction":
            return d
        grid = (d * self.k_max).round().to(torch.int64)
        return grid if self.step == "grid units" else grid.to(torch.float64).log2().round().to(torch.int64)

    def read(self, d: Tensor) -> Tensor:
        """Theirs to d."""
        known = d.to(torch.float64)
        if self.step == "fraction":
            return known
        return (known if self.step == "grid units" else 2.0**known) / self.k_max

    def answer(self, z: Tensor, tau: Tensor, data: Tensor) -> Tensor:
        """Predicted data as what their networks predict: velocity points the way their tau goes."""
        if self.predicts == "data":
            return data
        noise = (z - tau * data) / (1 - tau)
        if self.predicts == "noise":
            return noise
        if self.predicts == "v":
            return tau * noise - (1 - tau) * data
        return data - noise if self.time == "data at 1" else noise - data


@dataclass(eq=False)
class Asked:
    """One call of the network in the spec's own units: z (B, T, ...), tau and d (B, T), or None where none was given."""

    z: Tensor
    tau: Tensor | None
    d: Tensor | None
    data: Tensor
    leaf: Tensor
    training: bool


@dataclass(eq=False)
class Listener:
    """A network network(z, tau, d) that answers `predict` in an implementation's units, and keeps what it was asked.

    A label may be a number, (B,) or (B, T); one that was not given is kept as None, and answered with NaN.
    """

    units: Units
    predict: Predict
    asked: list[Asked] = field(default_factory=list)
    training: bool = False

    def __call__(self, z: Tensor, tau: Any = None, d: Any = None) -> Tensor:
        lead = z.shape[:2]
        level = None if tau is None else self.units.level(_spread(tau, lead))
        step = None if d is None else self.units.read(_spread(d, lead))
        missing = torch.full(lead, float("nan"), dtype=torch.float64)
        known = (missing if level is None else level, missing if step is None else step)
        x = z.to(torch.float64)
        data = self.predict(x, *known)
        answer = self.units.answer(x, over(known[0], z), data).to(z.dtype)
        with torch.enable_grad():
            leaf = torch.zeros_like(answer, requires_grad=True)
        self.asked.append(Asked(z.detach().clone(), level, step, data.detach().clone(), leaf, self.training))
        return answer + leaf


def _spread(label: Any, lead: torch.Size) -> Tensor:
    """A label of any rank up to (B, T, 1, ..) as float64 (B, T), aligned from the left."""
    known = torch.as_tensor(label).detach().to("cpu", torch.float64)
    while known.ndim > 2 and known.shape[-1] == 1:
        known = known[..., 0]
    if known.ndim == 2 and known.shape[1] == 1:
        known = known[:, 0]
    if known.ndim > 2 or tuple(known.shape) not in ((), tuple(lead[:1]), tuple(lead)):
        raise RuntimeError(f"the network was given labels {tuple(known.shape)} for frames {tuple(lead)}")
    return known.reshape(*known.shape, *[1] * (2 - known.ndim)).expand(lead).clone()
