"""Plain-data strategies of shortcut forcing: grid sizes, few rows and frames that often are as many, and shapes of a latent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from .draw import Draw, Size, is_positive, named, seed

SHAPES = ([2], [1], [2, 1, 3], [3, 2, 1], [1, 3, 2], [2, 2, 2])


def k_max(*sizes: int) -> Draw:
    """The number of steps of the grid, named `k_max`."""
    return Draw(st.sampled_from(sizes), {"k_max": Size(int, st.sampled_from, is_positive)})


def few(size: str) -> Draw:
    """1 to 3, most often 2 or 3: two of them are equal, and not 1, in a third of all cases."""
    return Draw(st.sampled_from((1, 2, 3, 2, 3)), {size: Size(int, st.sampled_from, is_positive)})


def latent() -> Draw:
    """The axes behind (B, T): one for audio, three and not square for video; named `latent` by their number."""
    return Draw(
        st.sampled_from(SHAPES).map(list),
        {
            "latent": Size(
                len,
                lambda known: st.sampled_from([list(s) for s in SHAPES if len(s) in known]),
                is_positive,
            )
        },
    )


def per() -> Draw:
    """Whether d is given for each example or for each frame, named `d`."""
    return named("example", "frame", "example", size="d")


def branches(*kinds: str) -> Draw:
    """Which rows a batch holds: both kinds, rows of the finest step alone, or of coarser steps alone; named `branches`."""
    return named("both", *kinds, size="branches")


def batch_case(*sizes: int, kinds: Sequence[str] = ("bootstrap",)) -> dict[str, Draw]:
    """A batch of latents with its labels, of both kinds of rows or of one of these."""
    return {
        "k_max": k_max(*sizes),
        "batch": few("batch"),
        "frames": few("frames"),
        "seed": seed(),
        "per": per(),
        "branches": branches(*kinds),
        "latent": latent(),
    }


@dataclass(frozen=True)
class Batch:
    """Latents (B, T, ...) float64, their levels tau (B, T) and steps d (B, T); flow rows first."""

    data: Tensor
    tau: Tensor
    d: Tensor
    per: str
    k_max: int

    @property
    def steps(self) -> Tensor:
        """d as it is handed over: (B,) or (B, T)."""
        return self.d if self.per == "frame" else self.d[:, 0]

    @property
    def flow(self) -> Tensor:
        """Which frames learn from data: bool (B, T)."""
        return self.d == 1 / self.k_max


def make_batch(
    k_max: int, batch: int, frames: int, seed: int, per: str, branches: str, latent: Sequence[int]
) -> Batch:
    """Random latents and labels on the grid, often at its ends; with both kinds of rows, those of the finest step come first."""
    generator = torch.Generator().manual_seed(seed)
    finest, coarsest = 0, k_max.bit_length() - 1
    shape = (batch, frames) if per == "frame" else (batch, 1)
    exponent = torch.randint(1, max(1, coarsest) + 1, shape, generator=generator)
    if branches == "flow" or coarsest == 0:
        exponent[:] = finest
    elif branches == "both" and per == "frame":
        exponent[torch.rand(shape, generator=generator) < 0.4] = finest
    elif branches == "both":
        exponent[: (batch + seed % 2) // 2] = finest
    exponent = exponent.expand(batch, frames)
    index = torch.randint(k_max, (batch, frames), generator=generator) >> exponent << exponent
    ends = torch.rand((batch, frames), generator=generator)
    index = torch.where(ends < 0.2, k_max - (1 << exponent), index).masked_fill(ends > 0.9, 0)
    data = 0.4 + 0.6 * torch.randn((batch, frames, *latent), generator=generator, dtype=torch.float64)
    tau, d = (label.to(torch.float64) / k_max for label in (index, 1 << exponent))
    return Batch(data, tau, d, per, k_max)


def whole_grid(k_max: int, seed: int) -> Batch:
    """A row for every step size with a frame for every level: (log2 K + 1, K, 2), the coarse ones more than once."""
    exponent = torch.arange(k_max.bit_length())[:, None].expand(-1, k_max)
    index = torch.arange(k_max) >> exponent << exponent
    data = torch.randn((*index.shape, 2), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    tau, d = (label.to(torch.float64) / k_max for label in (index, 1 << exponent))
    return Batch(data, tau, d, "example", k_max)


def mixing(case: dict[str, Any]) -> bool:
    """Frames may see each other where all of a row have halves; what a frame without does meanwhile is left open."""
    return not (case["per"] == "frame" and case["branches"] == "both")


REGIONS = {
    "batch == frames": lambda case: case["batch"] == case["frames"] > 1,
    "one frame": lambda case: case["frames"] == 1,
    "one row": lambda case: case["batch"] == 1,
    "a step for each frame": lambda case: case["per"] == "frame",
    "both branches": lambda case: case["branches"] == "both" and case["batch"] > 1,
    "a fine grid": lambda case: case["k_max"] == 64,
    "audio": lambda case: len(case["latent"]) == 1,
}
