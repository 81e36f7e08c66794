"""The grid of signal levels and step sizes: tau = i / K and d = 2**e / K, with i and e integers and K a power of two.

tau = 0 is noise and tau = 1 is data. Of tau, d, tau + d/2 and tau + d all are integers over K, except the half of the
finest step, 1/K: those rows learn from data, all others from two half steps. Floats occur at the boundary alone.

>>> grid = Grid(8)
>>> grid.step_sizes
(0.125, 0.25, 0.5, 1.0)
>>> grid.plan(4)
((0, 1), (2, 1), (4, 1), (6, 1))
>>> grid.index(torch.tensor([0.0, 0.625])).tolist()
[0, 5]
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import LONGEST, integer, real

DATA_AT = 1  # the time direction: tau = 1 is data (the paper's, and most flow code's)
MOST_STEPS = 2**24  # float32 holds i / K exactly up to here


@dataclass(frozen=True)
class Grid:
    """K = k_max steps from noise to data, a power of two: tau in {0, 1/K, .., (K-1)/K}, d in {1/K, 2/K, 4/K, .., 1}."""

    k_max: int

    def __post_init__(self) -> None:
        _power_of_two("k_max", self.k_max, MOST_STEPS)

    @property
    def coarsest(self) -> int:
        """log2(K), the exponent of the one step d = 1."""
        return self.k_max.bit_length() - 1

    @property
    def step_sizes(self) -> tuple[float, ...]:
        """Every d, from 1/K to 1: log2(K) + 1 of them."""
        return tuple(2**e / self.k_max for e in range(self.coarsest + 1))

    def plan(self, steps: int) -> tuple[tuple[int, int], ...]:
        """The labels (index, exponent) of sampling in `steps` steps, a power of two of at most K: index s * 2**e."""
        _power_of_two("steps", steps, self.k_max)
        stride = self.k_max // steps
        return tuple((s * stride, stride.bit_length() - 1) for s in range(steps))

    def tau(self, index: Int[Tensor, "*axes"], dtype: torch.dtype = torch.float32) -> Float[Tensor, "*axes"]:
        """index -> index / K, the signal level."""
        return index.to(dtype) / self.k_max

    def d(self, exponent: Int[Tensor, "*axes"], dtype: torch.dtype = torch.float32) -> Float[Tensor, "*axes"]:
        """exponent -> 2**exponent / K, the step size."""
        return (1 << exponent).to(dtype) / self.k_max

    def index(self, tau: Float[Tensor, "*axes"]) -> Int[Tensor, "*axes"]:
        """tau -> tau * K; ValueError unless every level is on the grid, from 0 to 1 - 1/K."""
        scaled = _floats("tau", tau).to(torch.float64) * self.k_max
        index = scaled.nan_to_num(-1.0).clamp(-1, self.k_max).to(torch.int64)
        off = (index != scaled) | (index < 0) | (index >= self.k_max)
        _refuse("tau", tau, off, f"be a multiple of 1/{self.k_max}, from 0 to {1 - 1 / self.k_max:g}")
        return index

    def exponent(self, d: Float[Tensor, "*axes"]) -> Int[Tensor, "*axes"]:
        """d -> log2(d * K); ValueError unless every step size is one of `step_sizes`."""
        scaled = _floats("d", d).to(torch.float64) * self.k_max
        mantissa, power = torch.frexp(scaled.nan_to_num(-1.0))
        off = (mantissa != 0.5) | (power < 1) | (power > self.coarsest + 1)
        _refuse("d", d, off, f"be a power of two times 1/{self.k_max}, from 1/{self.k_max} to 1")
        return power.to(torch.int64) - 1

    def nearest(self, signal: float) -> int:
        """The index whose level is nearest to a signal level from 0 to 1: what lies off the grid is labelled as it is fed."""
        return min(round(real("signal", signal, least=0.0, most=1.0) * self.k_max), self.k_max - 1)

    def check(self, index: Tensor, exponent: Tensor) -> None:
        """ValueError unless each level (B, T) can be stepped from: 0 <= index < K, a multiple of 2**exponent <= K."""
        if index.ndim != 2 or exponent.shape != index.shape:
            raise ValueError(
                f"exponent.shape={tuple(exponent.shape)} must be that of index, (B, T): {tuple(index.shape)}"
            )
        for name, label, most in (("index", index, self.k_max - 1), ("exponent", exponent, self.coarsest)):
            if label.is_floating_point() or label.dtype == torch.bool or label.is_complex():
                raise ValueError(f"{name}.dtype={label.dtype} must be an integer type: floats stay outside")
            _refuse(
                name, label, (label < 0) | (label > most), f"be from 0 to {most} on a grid of {self.k_max}"
            )
        stride = 1 << exponent
        off = index % stride != 0
        _refuse("index", index, off, "be a multiple of the step 2**exponent")

    def sample(
        self,
        batch: int,
        frames: int,
        generator: torch.Generator,
        *,
        flow: float | None = None,
        per_frame: bool = False,
    ) -> Levels:
        """Training levels (B, T): the step size uniform per example, the level uniform per frame on that step's own grid.

        `flow` is the share of rows with the finest step, which learn from data: 1 / (1 + log2 K) by default, so that all
        steps are equally frequent. It is met by a whole number of rows, rounded up or down by the generator so that the
        share holds on average. `per_frame` draws a step size for every frame as well, as the paper's equation 6 reads:
        then every row has to visit the teacher (5/3 of the cost without bootstrap, not 1.57 at K = 64). What it buys: with a
        step an example, a row of d = 1 holds pure noise alone, so that large steps never meet a clean context.
        """
        batch = integer("batch", batch, least=0, most=LONGEST)
        frames = integer("frames", frames, least=0, most=LONGEST)
        share = 1 / (1 + self.coarsest) if flow is None else real("flow", flow, least=0.0, most=1.0)
        if self.k_max == 1 and share < 1:
            raise ValueError(f"flow={flow} must be 1 where k_max=1: one step has no half to learn from")
        device = generator.device
        where = (batch, frames) if per_frame else (batch, 1)
        coarse = torch.randint(self.coarsest or 1, where, generator=generator, device=device) + 1
        chance = torch.rand(
            where if per_frame else (), generator=generator, device=device, dtype=torch.float64
        )
        if per_frame:
            exponent, flow_rows = coarse.masked_fill(chance < share, 0), batch if share == 1 else 0
        else:
            flow_rows = min(batch, int(share * batch + float(chance)))
            exponent = coarse.masked_fill((torch.arange(batch, device=device) < flow_rows)[:, None], 0)
        exponent = exponent.expand(batch, frames).contiguous()
        index = torch.randint(self.k_max, (batch, frames), generator=generator, device=device)
        return Levels(self, (index >> exponent) << exponent, exponent, flow_rows)


@dataclass(frozen=True, eq=False)
class Levels:
    """The labels of a training batch: index (B, T) and exponent (B, T) on one grid; the first `flow_rows` rows have exponent 0.

    The split is a number, not a mask, so that the teacher runs on a static slice of the batch. A row behind it may hold
    frames of the finest step too: they are answered by data all the same, and only cost more. Checked when they are made;
    `to` moves them without a second look, so that a training step never waits for the device.
    """

    grid: Grid
    index: Int[Tensor, "B T"]
    exponent: Int[Tensor, "B T"]
    flow_rows: int = 0

    def __post_init__(self) -> None:
        self.grid.check(self.index, self.exponent)
        rows = integer("flow_rows", self.flow_rows, least=0, most=len(self.exponent))
        if bool(self.exponent[:rows].any()):
            raise ValueError(f"flow_rows={rows} must count rows of exponent 0, which come first")

    def to(self, device: torch.device | str) -> Levels:
        """The same labels on a device."""
        return self._known(self.index.to(device), self.exponent.to(device), self.flow_rows)

    def bootstrapped(self) -> Levels:
        """The rows behind the flow rows, which the teacher answers."""
        return self._known(self.index[self.flow_rows :], self.exponent[self.flow_rows :], 0)

    def _known(self, index: Tensor, exponent: Tensor, flow_rows: int) -> Levels:
        """Labels that need no second look."""
        made = object.__new__(Levels)
        made.__dict__.update(grid=self.grid, index=index, exponent=exponent, flow_rows=flow_rows)
        return made


def aligned(label: Tensor, frames: Tensor, name: str = "tau") -> Tensor:
    """label (), (B,) or (B, T) -> (B, T, 1, .., 1), aligned with frames (B, T, ...) from the left; ValueError otherwise.

    Broadcasting aligns from the right: with B == T the levels of rows become levels of frames, and nothing says so
    (document D4, items 1.1 and 8.2).
    """
    lead = tuple(frames.shape[:2])
    if frames.ndim < 2 or tuple(label.shape) not in ((), lead[:1], lead):
        raise ValueError(
            f"{name}.shape={tuple(label.shape)} must be (), (B,) or (B, T) = {lead}: one level, one a row or one a frame"
        )
    rows = label.reshape(*label.shape, *[1] * (2 - label.ndim)).expand(lead)
    return rows.reshape(*lead, *[1] * (frames.ndim - 2))


def _power_of_two(name: str, value: int, most: int) -> None:
    count = integer(name, value, least=1, most=most)
    if count & (count - 1):
        below = 1 << (count.bit_length() - 1)
        raise ValueError(f"{name}={count} must be a power of two: {below} or {2 * below}")


def _floats(name: str, value: Tensor) -> Tensor:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(
            f"{name}={kind} must be a floating-point tensor: integers are an index or an exponent"
        )
    return value


def _refuse(name: str, label: Tensor, off: Tensor, rule: str) -> None:
    if bool(off.any()):
        raise ValueError(f"{name}={label[off].flatten()[0].item():g} must {rule}")
