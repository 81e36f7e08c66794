"""Plain-data strategies: integers, floats, lists and a seed, so that a counterexample is one line of JSON.

Sizes are small on purpose: batch == frames, one codebook, or frames shorter than the largest delay must happen by
coincidence in any hundred cases, because that is where broadcasting hides a wrong axis. A parameter also says which
named sizes it speaks for, so that an implementation which only knows nine codebooks can be asked for nine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]


@dataclass(frozen=True)
class Size:
    """One named size of a drawn parameter: read it off a value, draw only values that have it, know it by sight."""

    of: Callable[[Any], Any]
    only: Callable[[Sequence[Any]], Strategy]
    looks: Callable[[Any], bool]


def is_count(value: Any) -> bool:
    """An integer from 0."""
    return type(value) is int and value >= 0


def is_number(value: Any) -> bool:
    """An integer or a float, and no bool."""
    return type(value) in (int, float)


def is_positive(value: Any) -> bool:
    """An integer from 1."""
    return is_count(value) and bool(value)


def is_word(value: Any) -> bool:
    """Text."""
    return isinstance(value, str)


def are_counts(value: Any) -> bool:
    """A list of integers from 0, not empty."""
    return isinstance(value, (list, tuple)) and bool(value) and all(map(is_count, value))


@dataclass(frozen=True)
class Draw:
    """A strategy of plain data, with the names of the sizes it speaks for."""

    strategy: Strategy
    sizes: Mapping[str, Size] = field(default_factory=dict)


def integer(low: int, high: int, size: str | None = None) -> Draw:
    """An integer of low..high; `size` is the name under which an implementation may narrow it."""
    sizes = {size: Size(int, st.sampled_from, is_count)} if size else {}
    return Draw(st.integers(low, high), sizes)


def choice(*values: Any) -> Draw:
    """One of these values."""
    return Draw(st.sampled_from(values))


def named(*names: str, size: str) -> Draw:
    """One of these names; `size` is the name under which an implementation may narrow them."""
    return Draw(st.sampled_from(names), {size: Size(str, st.sampled_from, is_word)})


def any_seed(*troublesome: int) -> Draw:
    """Any integer, of any size and sign, and now and then one of those that are known for trouble."""
    return Draw(st.one_of(st.sampled_from(troublesome), st.integers(-(2**70), 2**70)))


def shape() -> Draw:
    """One to three axes of one to six."""
    return Draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))


def seed() -> Draw:
    """The seed of the contents: what a law fills its tensors from."""
    return Draw(st.integers(0, 2**16))


def batch() -> Draw:
    """1..4 items, named `batch`."""
    return integer(1, 4, "batch")


def frames(low: int = 0) -> Draw:
    """Up to 12 codec frames, few more often than many, named `frames`."""
    return Draw(
        st.one_of(st.integers(low, 4), st.integers(low, 12)),
        {"frames": Size(int, st.sampled_from, is_count)},
    )


def channels(most: int = 3) -> Draw:
    """One to a few audio channels, named `channels`."""
    return integer(1, most, "channels")


def samples(most: int = 64) -> Draw:
    """Samples of a clip, often so few that they could be taken for channels, named `samples`."""
    return Draw(
        st.one_of(st.integers(1, 4), st.integers(1, most)),
        {"samples": Size(int, st.sampled_from, is_count)},
    )


DIA = [0, 8, 9, 10, 11, 12, 13, 14, 15]
PUBLISHED = (DIA, DIA * 2, list(range(9)), [0, 1, 2, 3], [0, 0, 1, 1, 2, 2, 3, 3])
# First, because Hypothesis takes the fewest and lowest choices for the simplest: without these a failing case shrank
# to a published pattern, which is one choice, and never to [0], which was three (measured).
SMALL = ([0], [1], [0, 0], [0, 1], [1, 0], [0, 2], [2, 0], [0, 2, 3])


def _pattern(codebooks: int) -> Strategy:
    """Delay lists of this length: anything (equal, none zero), all different (mostly unsorted), stairs, all zero."""
    return st.one_of(
        st.lists(st.integers(0, 9), min_size=codebooks, max_size=codebooks),
        st.lists(st.integers(0, 9 + codebooks), min_size=codebooks, max_size=codebooks, unique=True),
        st.integers(0, 2).map(lambda first: [first + k for k in range(codebooks)]),
        st.just([0] * codebooks),
    )


def delays(*often: int) -> Draw:
    """One delay a codebook, for 1..6 codebooks, or a published pattern; named `codebooks` and `delays`.

    `often` are numbers of codebooks that the law wants to see beside the published pattern of that length.
    """
    return Draw(
        st.one_of(
            st.sampled_from((*SMALL, *PUBLISHED)).map(list),
            st.integers(1, 6).flatmap(_pattern),
            st.integers(3, 6).flatmap(_pattern),
            *(_pattern(codebooks).map(sorted) for codebooks in often),  # sorted: some code takes no others
        ),
        {
            "codebooks": Size(len, lambda known: st.sampled_from(known).flatmap(_pattern), is_positive),
            "delays": Size(list, lambda known: st.sampled_from(known).map(list), are_counts),
        },
    )


WEIGHTS = (1.0, 2.0, 4.0, 0.25)


def _weights(count: int, values: Sequence[float]) -> Strategy:
    return st.lists(st.sampled_from(values), min_size=count, max_size=count).filter(any)


def weights(*counts: int, values: Sequence[float] = WEIGHTS) -> Draw:
    """One weight a channel, some of them above 0, for one of these numbers of channels; named `codebooks` and `weights`."""
    return Draw(
        st.sampled_from(counts).flatmap(lambda count: _weights(count, values)),
        {
            "codebooks": Size(
                len,
                lambda known: st.sampled_from(known).flatmap(lambda count: _weights(count, values)),
                is_positive,
            ),
            "weights": Size(list, lambda known: st.sampled_from(known).map(list), are_counts),
        },
    )


def clips(low: int = 1, high: int = 5) -> Draw:
    """How many frames each item of a batch has, 1..4 items."""
    return Draw(st.lists(st.integers(low, high), min_size=1, max_size=4))


def groups(most: int = 4) -> Draw:
    """How many frames each item of each batch has: 1..`most` batches of 1..3 items."""
    return Draw(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=most))


def vocabulary() -> Draw:
    """How many codes a codebook has, 2..6, named `vocabulary`: four more ids follow, as in Dia."""
    return integer(2, 6, "vocabulary")


def losses() -> Draw:
    """Losses of 1..5 micro-batches, in eighths."""
    return Draw(st.lists(st.integers(1, 64), min_size=1, max_size=5))


def few_delays() -> Draw:
    """One small delay a codebook, for 1..3 codebooks; named `codebooks` and `delays`."""
    return Draw(
        st.sampled_from([[0], [0, 1], [0, 0], [1, 0], [0, 2, 1], [0, 0, 0], [1, 1, 3]]).map(list),
        {
            "codebooks": Size(len, lambda known: st.sampled_from(known).flatmap(_pattern), is_positive),
            "delays": Size(list, lambda known: st.sampled_from(known).map(list), are_counts),
        },
    )
