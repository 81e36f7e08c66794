"""How a refusal reads: `name=value must ...`, the offending name and value first, then the rule."""

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real


def integer(name: str, value: object, *, least: int | None = None) -> int:
    """value as a Python int, at least `least`; ValueError for anything else.

    numpy's integers count; bool does not: True as a delay or a seed is a mistake, not a 1.
    """
    if type(value) is not int:  # int() of a symbolic size would pin it to one value under torch.compile
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise ValueError(f"{name}={value!r} must be an integer")
        value = int(value)
    if least is not None and value < least:
        raise ValueError(f"{name}={value} must be at least {least}")
    return value


def positive(name: str, value: object) -> float:
    """value as a Python float, above zero and finite; ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < math.inf:
        raise ValueError(f"{name}={value!r} must be a number above 0, and finite")
    return float(value)


def unknown(name: str, value: object, known: Iterable[str]) -> ValueError:
    """The error, to raise, for a name that is not among the known ones: it guesses which was meant."""
    names = sorted(known)
    close = difflib.get_close_matches(str(value).lower(), names, n=1)
    hint = f": did you mean {close[0]!r}?" if close else ""
    return ValueError(f"{name}={value!r} must be one of {', '.join(names)}{hint}")
