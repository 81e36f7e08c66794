"""Plain data for codecs: lengths around whole frames, pieces around whole chunks."""

from __future__ import annotations

from hypothesis import strategies as st

from .draw import Draw, Size, integer, is_positive


def hops(most: int = 3) -> Draw:
    """How many whole frames a clip has, before `rest` samples are added."""
    return Draw(st.sampled_from([1, 0, *range(2, most + 1)]))


def rest() -> Draw:
    """How many samples more (or one fewer) than whole frames: often none, or one."""
    return Draw(st.one_of(st.sampled_from([0, 1, -1]), st.sampled_from([1, 2, 100, 300])))


def stereo() -> Draw:
    """One channel or two, named `channels`."""
    return integer(1, 2, "channels")


def length(hop: int, hops: int, rest: int) -> int:
    """The samples of such a clip: at least one."""
    return max(1, hops * hop + rest)


def chunk() -> Draw:
    """How many frames a chunk has, named `chunk`."""
    return Draw(
        st.one_of(st.integers(1, 4), st.integers(1, 24)),
        {"chunk": Size(int, st.sampled_from, is_positive)},
    )


def over() -> Draw:
    """How many frames more (or fewer) than whole chunks."""
    return Draw(st.sampled_from([0, 1, -1, 2, 11]))


def context() -> Draw:
    """How many frames to either side matter: up to the 10 of DAC, which come often."""
    return Draw(st.one_of(st.integers(0, 10), st.sampled_from([10, 1])))
