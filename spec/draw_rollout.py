"""Plain-data strategies of sampling: grids with a number of steps, windows, caches, and frames that can be told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from .draw import Draw, Size, integer, is_positive, named, seed
from .draw_dynamics import latent

# K and the steps: four and more of many among them. Held noise hides in one step and in two, a wrong d in K of K.
PACES = ([2, 1], [4, 4], [8, 2], [64, 4], [4, 1], [8, 4], [8, 8], [64, 1], [64, 8], [16, 16], [2, 2])


def _of(k_max: int) -> list[list[int]]:
    return [[k_max, 2**e] for e in range(int(k_max).bit_length())]


def _in(steps: int) -> list[list[int]]:
    return [[k_max, steps] for k_max in (4 * steps, 64, steps) if 4 <= k_max <= 64 and k_max >= steps]


def pace(*paces: Sequence[int]) -> Draw:
    """The grid's K and a number of steps, [K, S]; named `k_max` by the first and `steps` by the second."""
    return Draw(
        st.sampled_from(paces or PACES).map(list),
        {"k_max": _pair(0, _of), "steps": _pair(1, _in)},
    )


def _pair(place: int, pairs: Callable[[int], list[list[int]]]) -> Size:
    """A size that is one half of a pair."""
    return Size(
        lambda value: value[place],
        lambda known: st.sampled_from([pair for size in known for pair in pairs(size)]),
        is_positive,
    )


def cache() -> Draw:
    """Whether the network is shown its past ("none") or keeps a cache ("own"); named `cache`."""
    return named("none", "own", size="cache")


def window() -> Draw:
    """How many frames the network reaches, its own included, or None for all; named `reach`."""
    return Draw(
        st.sampled_from([None, 1, 2, 3, 4]), {"reach": Size(lambda w: w, st.sampled_from, _is_window)}
    )


def acted() -> Draw:
    """Whether there are actions, named `actions`."""
    return Draw(st.booleans(), {"actions": Size(bool, st.sampled_from, lambda value: type(value) is bool)})


def _is_window(value: Any) -> bool:
    return value is None or is_positive(value)


def game(*paces: Sequence[int]) -> dict[str, Draw]:
    """Frames to sample: on what grid, after how many, in rows of which shape."""
    return {
        "pace": pace(*paces),
        "batch": integer(1, 3, "batch"),
        "past": integer(0, 2, "past"),
        "frames": integer(1, 3, "frames"),
        "latent": latent(),
        "cache": cache(),
        "seed": seed(),
    }


def loud() -> Draw:
    """Axes of enough numbers to know a frame by; named `latent` by their number."""
    shapes = [[64], [4, 2, 8]]

    def only(known: Sequence[int]) -> st.SearchStrategy[list[int]]:
        return st.sampled_from([shape for shape in shapes if len(shape) in known])

    return Draw(st.sampled_from(shapes), {"latent": Size(len, only, is_positive)})


REGIONS = {
    "one step": lambda case: case["pace"][1] == 1,
    "every step of the grid": lambda case: case["pace"][0] == case["pace"][1] > 1,
    "four steps": lambda case: case["pace"][1] == 4,
    "batch == frames": lambda case: case["batch"] == case["frames"] > 1,
    "no past": lambda case: case["past"] == 0,
    "a cache": lambda case: case["cache"] == "own",
    "audio": lambda case: len(case["latent"]) == 1,
}


def patterns(seed: int, batch: int, frames: int, latent: Sequence[int]) -> Tensor:
    """Loud frames (B, T, ...) of -100 and 100, no two alike: they are known again through noise."""
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, (batch, frames, *latent), generator=generator)
    return 200.0 * signs - 100.0
