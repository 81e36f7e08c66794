"""Plain-data strategies for solvers: a method by name, and a grid as the widths of its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from .draw import Draw, Size, Strategy, is_word

Case = dict[str, Any]


def method(*names: str) -> Draw:
    """One of these methods, named `method`: of an implementation that knows others, those it shares."""

    def shared(known: Sequence[str]) -> Strategy:
        return st.sampled_from([name for name in names if name in known] or list(names))

    return Draw(st.sampled_from(names), {"method": Size(str, shared, is_word)})


def widths(most: int = 7) -> Draw:
    """A grid of 1..`most` steps, as how wide each is beside the others."""
    each = st.integers(1, 4)
    many = st.lists(each, min_size=most, max_size=most)
    return Draw(
        st.one_of(st.lists(each, min_size=1, max_size=4), st.lists(each, min_size=2, max_size=most), many)
    )


def eighths(low: int, high: int) -> Draw:
    """A number in eighths."""
    return Draw(st.integers(low * 8, high * 8).map(lambda n: n / 8))


def always(name: str) -> Callable[[Case], bool]:
    """The region of the cases of one method."""
    return lambda case: bool(case["method"] == name)
