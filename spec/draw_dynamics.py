"""Plain-data strategies of shortcut forcing: grid sizes, few rows and frames that often are as many, and shapes of a latent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

from .draw import Draw, Size, integer, is_positive, named, seed

SHAPES = ([2], [1], [2, 1, 3], [3, 2, 1], [1, 3, 2], [2, 2, 2])


def k_max(*sizes: int) -> Draw:
    """The number of steps of the grid, named `k_max`."""
    return Draw(st.sampled_from(sizes), {"k_max": Size(int, st.sampled_from, is_positive)})


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
    return named("example", "frame", size="d")


def branches() -> Draw:
    """Which rows a batch holds: both kinds, rows of the finest step alone, or of coarser steps alone; named `branches`."""
    return named("both", "flow", "bootstrap", size="branches")


def batch_case(*sizes: int) -> dict[str, Draw]:
    """A batch of latents with its labels."""
    return {
        "k_max": k_max(*sizes),
        "batch": integer(1, 4, "batch"),
        "frames": integer(1, 4, "frames"),
        "seed": seed(),
        "per": per(),
        "branches": branches(),
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
    """Random latents and labels on the grid; with both kinds of rows, those of the finest step come first."""
    generator = torch.Generator().manual_seed(seed)
    finest, coarsest = 0, k_max.bit_length() - 1
    shape = (batch, frames) if per == "frame" else (batch, 1)
    exponent = torch.randint(1, max(1, coarsest) + 1, shape, generator=generator)
    if branches == "flow" or coarsest == 0:
        exponent[:] = finest
    elif branches == "both" and per == "frame":
        exponent[torch.rand(shape, generator=generator) < 0.4] = finest
    elif branches == "both":
        exponent[: (batch + 1) // 2] = finest
    exponent = exponent.expand(batch, frames)
    index = torch.randint(k_max, (batch, frames), generator=generator) >> exponent << exponent
    data = torch.randn((batch, frames, *latent), generator=generator, dtype=torch.float64)
    tau, d = (label.to(torch.float64) / k_max for label in (index, 1 << exponent))
    return Batch(data, tau, d, per, k_max)


def whole_grid(k_max: int, seed: int) -> Batch:
    """A row for every step size with a frame for every level: (log2 K + 1, K, 2), the coarse ones more than once."""
    exponent = torch.arange(k_max.bit_length())[:, None].expand(-1, k_max)
    index = torch.arange(k_max) >> exponent << exponent
    data = torch.randn((*index.shape, 2), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    tau, d = (label.to(torch.float64) / k_max for label in (index, 1 << exponent))
    return Batch(data, tau, d, "example", k_max)


REGIONS = {
    "batch == frames": lambda case: case["batch"] == case["frames"] > 1,
    "one frame": lambda case: case["frames"] == 1,
    "one row": lambda case: case["batch"] == 1,
    "a step for each frame": lambda case: case["per"] == "frame",
    "both branches": lambda case: case["branches"] == "both" and case["batch"] > 1,
    "audio": lambda case: len(case["latent"]) == 1,
}
