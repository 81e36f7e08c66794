"""Plain-data strategies for flow models: times of a batch, the form of its latents, steps, and where a run starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from .draw import Draw, Size, is_number, is_positive, is_word

INSIDE = tuple(n / 16 for n in range(2, 15))  # far enough from both ends for a derivative


def times(*more: float) -> Draw:
    """A time for each of 1..4 items, between 1/8 and 7/8 or one of `more`."""
    return Draw(st.lists(st.sampled_from((0.5, *more, *INSIDE)), min_size=1, max_size=4))


def form() -> Draw:
    """Features and frames of a batch of latents, 1..4 each: often as many as items."""
    return Draw(st.lists(st.integers(1, 4), min_size=2, max_size=2))


def steps(most: int = 64) -> Draw:
    """How many steps, few more often than many, named `steps`."""
    return Draw(
        st.one_of(st.integers(1, 4), st.integers(1, most)), {"steps": Size(int, st.sampled_from, is_positive)}
    )


def start() -> Draw:
    """The noise level at which a run starts: 1 for plain generation, less for a variation; named `start`."""
    low = (0.1, 0.05, 0.01)  # below 0.119, where stable-audio-tools' last noise level lies
    some = tuple(n / 16 for n in range(2, 16))
    whole = (1.0,) * len(low + low + some)  # half of the cases: it is all that much code can be asked for
    return Draw(
        st.sampled_from((*whole, *low, *low, *some)), {"start": Size(float, st.sampled_from, is_number)}
    )


def one_of(names: Sequence[str], size: str) -> Draw:
    """One of these names, any of which an implementation may lack; `size` is the name under which it says so."""
    return Draw(st.sampled_from(list(names)), {size: Size(str, st.sampled_from, is_word)})


def each(name: str, values: Iterable[object]) -> dict[str, Callable[[dict[str, Any]], bool]]:
    """A region for each of these values of a parameter."""

    def inside(value: object) -> Callable[[dict[str, Any]], bool]:
        return lambda case: bool(case[name] == value)

    return {str(value): inside(value) for value in values}


def falling() -> Draw:
    """Noise levels of a grid of one's own: 2..6 different sixteenths, falling, the last of them 0."""
    inside = st.lists(st.integers(1, 16), min_size=1, max_size=5, unique=True)
    return Draw(inside.map(lambda levels: [n / 16 for n in sorted(levels, reverse=True)] + [0.0]))
