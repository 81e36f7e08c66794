"""How a refusal reads: `name=value must ...`, the offending name and value first, then the rule."""

import difflib
import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any


class NonFinite(ValueError):
    """Numbers that have to be finite are not: `stage` says where, `count` how many, `first` the index of one.

    A service maps it to a status code of its own: the request was fine, the model's output is not.
    """

    def __init__(self, stage: str, count: int, total: int, first: Sequence[int]) -> None:
        super().__init__(
            f"{stage} must be finite: {count} of {total} values are NaN or infinite, the first at {list(first)}"
        )
        self.stage, self.count, self.first = stage, count, tuple(first)

    def __reduce__(self) -> tuple[object, ...]:
        return _non_finite, (str(self), self.stage, self.count, self.first)


def _non_finite(message: str, stage: str, count: int, first: tuple[int, ...]) -> NonFinite:
    """A NonFinite as it was, on the other side of a process pool."""
    error = NonFinite.__new__(NonFinite, message)
    error.stage, error.count, error.first = stage, count, first
    return error


LONGEST = 2**40  # entries along one axis: no memory holds more, and torch overflows from 2**63 on


def integer(name: str, value: object, *, least: int | None = None, most: int | None = None) -> int:
    """value as a Python int, at least `least` and at most `most`; ValueError for anything else.

    numpy's integers count; bool does not: True as a delay or a seed is a mistake, not a 1.
    """
    if type(value) is not int:  # int() of a symbolic size would pin it to one value under torch.compile
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise ValueError(f"{name}={value!r} must be an integer")
        value = int(value)
    if least is not None and value < least:
        raise ValueError(f"{name}={value} must be at least {least}")
    if most is not None and value > most:
        raise ValueError(f"{name}={value} must be at most {most}")
    return value


def positive(name: str, value: object) -> float:
    """value as a Python float, above zero and finite; ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < _as_float(value) < math.inf:
        raise ValueError(f"{name}={value!r} must be a number above 0, and finite")
    return float(value)


def listed(name: str, values: object) -> list[Any]:
    """values as a list; ValueError where there is nothing to iterate over."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ValueError(f"{name}={values!r} must be a list")
    try:
        return list(values)
    except TypeError as refused:  # a tensor or an array without axes
        raise ValueError(f"{name}={values!r} must be a list") from refused


def real(name: str, value: object, *, least: float, most: float) -> float:
    """value as a Python float between least and most, both allowed; ValueError for anything else, NaN included."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name}={value!r} must be a number")
    number = _as_float(value)
    if not least <= number <= most:
        raise ValueError(f"{name}={value!r} must be between {least:g} and {most:g}")
    return number


def _as_float(value: Real) -> float:
    """value as a float, infinite where it is an integer or a fraction beyond all floats."""
    try:
        return float(value)
    except (OverflowError, ValueError):
        return math.inf


def unknown(name: str, value: object, known: Iterable[str]) -> ValueError:
    """The error, to raise, for a name that is not among the known ones: it guesses which was meant."""
    names = sorted(known)
    close = difflib.get_close_matches(str(value).lower(), names, n=1)
    hint = f": did you mean {close[0]!r}?" if close else ""
    return ValueError(f"{name}={value!r} must be one of {', '.join(names)}{hint}")
