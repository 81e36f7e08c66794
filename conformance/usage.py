"""What the caller has to change, said in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UsageError(Exception):
    """Something that the caller has to change, said in one line that ends with what to type next."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown name."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
