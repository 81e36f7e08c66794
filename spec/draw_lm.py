"""Plain data for language models over codes: texts, rows, prefills, checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from .draw import Draw, Size, is_positive, is_word

# Tags, pieces of tags, tags in the wrong case, one- to four-byte characters, and names that tokenizers treat as special.
PIECES = ("[S1]", "[S2]", " ", "a", "é", "中", "😀", "[s1]", "[S3]", "[S", "1]", "<pad>", "[[S2]]", "")


def sentence(most: int = 6) -> Draw:
    """A text of up to `most` pieces, tags among them."""
    return Draw(st.lists(st.sampled_from(PIECES), max_size=most).map("".join))


def regions(parameter: str, *values: object) -> dict[str, Callable[[dict[str, Any]], bool]]:
    """A region for each value of a parameter, named by it."""

    def of(value: object) -> Callable[[dict[str, Any]], bool]:
        return lambda case: bool(case[parameter] == value)

    return {str(value): of(value) for value in values}


def lengths(low: int = 1, high: int = 6) -> Draw:
    """How many bytes of text each item of a batch has, 1..4 items."""
    return Draw(st.lists(st.integers(low, high), min_size=1, max_size=4))


def codebooks(*counts: int) -> Draw:
    """One of these numbers of codebooks, named `codebooks`."""
    return Draw(st.sampled_from(counts), {"codebooks": Size(int, st.sampled_from, is_positive)})


def layout() -> Draw:
    """A published layout of a checkpoint, named `layout`."""
    names = ("transformers", "nari", "nari-first")
    return Draw(st.sampled_from(names), {"layout": Size(str, st.sampled_from, is_word)})
