"""What an object binds and declares: plain functions and upper-case names, each slip answered with one line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from ..spec.conventions import CONVENTIONS, NUMBERS
from ..spec.functions import SHORT
from ..spec.law import LAWS
from .adapter import FAMILIES, Adapter, areas_of, scoped, spec_functions
from .usage import UsageError, did_you_mean

DECLARATIONS = {*CONVENTIONS, *NUMBERS, "IMPLEMENTATION", "SIZES", "FAMILIES", "NOT_CLAIMED"}


def public(target: object) -> list[str]:
    return [name for name in dir(target) if not name.startswith("_")]


def read(name: str, target: object) -> Adapter:
    """What an object binds and declares; every error is one line."""
    known = spec_functions()
    families = _families(name, target)
    short = _short(families)
    named = {key: getattr(target, key, None) for key in known if key not in short.values()}
    named |= {
        key: getattr(target, other)
        for key, other in short.items()
        if not named[key] and hasattr(target, other)
    }
    bound = {key: value for key, value in named.items() if callable(value)}
    return Adapter(
        name=name,
        functions=bound,
        conventions=_conventions(name, target),
        implementation={key: str(value) for key, value in _mapping(name, target, "IMPLEMENTATION").items()},
        sizes=_sizes(name, target),
        families=families,
        not_claimed=_not_claimed(name, target),
        notes=_near_misses(target, bound, known),
        numbers=_numbers(name, target),
    )


def _short(families: Sequence[str]) -> dict[str, str]:
    """The functions that may be bound by a shorter name, because these families do not use it for something else."""
    theirs = {
        name
        for law in LAWS.values()
        if law.area in areas_of(families)
        for grain in law.needs
        for name in grain
    }
    return {key: other for key, other in SHORT.items() if key in theirs and other not in theirs}


def _mapping(name: str, target: object, attribute: str) -> dict[str, Any]:
    value = getattr(target, attribute, {})
    if not isinstance(value, Mapping):
        raise UsageError(f"{attribute}={value!r} of adapter {name!r} must be a dict")
    return dict(value)


def _conventions(name: str, target: object) -> dict[str, str]:
    """Each declared convention; `TIME = {"flow": ..., "dynamics": ...}` declares one for each family of a module."""
    declared: dict[str, str] = {}
    for key in (key for key in CONVENTIONS if hasattr(target, key)):
        value = getattr(target, key)
        for family, chosen in value.items() if isinstance(value, Mapping) else [("", value)]:
            if family and family not in FAMILIES:
                raise UsageError(
                    f"{key} of adapter {name!r} names the family {family!r}{did_you_mean(str(family), FAMILIES)}"
                )
            if chosen not in CONVENTIONS[key]:
                raise UsageError(
                    f"{key}={chosen!r} of adapter {name!r} must be one of {', '.join(map(repr, CONVENTIONS[key]))}"
                )
            declared[scoped(key, family) if family else key] = chosen
    return declared


def _numbers(name: str, target: object) -> dict[str, float]:
    declared = {key: getattr(target, key) for key in NUMBERS if hasattr(target, key)}
    for key, value in declared.items():
        least, most = NUMBERS[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise UsageError(
                f"{key}={value!r} of adapter {name!r} must be a number between {least:g} and {most:g}"
            )
    return {key: float(value) for key, value in declared.items()}


def _sizes(name: str, target: object) -> dict[str, list[Any]]:
    sizes = _mapping(name, target, "SIZES")
    known = {
        key: size
        for law in LAWS.values()
        for drawn in law.draws.values()
        for key, size in drawn.sizes.items()
    }
    for key, values in sizes.items():
        if key not in known:
            raise UsageError(f"SIZES of adapter {name!r} names {key!r}{did_you_mean(key, sorted(known))}")
        if not isinstance(values, (list, tuple)) or not values:
            raise UsageError(
                f"SIZES[{key!r}]={values!r} of adapter {name!r} must be a list of the values that work"
            )
        if strange := [value for value in values if not known[key].looks(value)]:
            raise UsageError(f"SIZES[{key!r}]={values!r} of adapter {name!r} cannot hold {strange[0]!r}")
    return {key: list(values) for key, values in sizes.items()}


def _families(name: str, target: object) -> list[str]:
    families = getattr(target, "FAMILIES", ())
    if not isinstance(families, (list, tuple)) or not all(isinstance(family, str) for family in families):
        raise UsageError(
            f"FAMILIES={families!r} of adapter {name!r} must be a list of names: {', '.join(FAMILIES)}"
        )
    areas_of(families)
    return list(families)


def _not_claimed(name: str, target: object) -> dict[str, str]:
    reasons = _mapping(name, target, "NOT_CLAIMED")
    for id, reason in reasons.items():
        if id not in LAWS:
            raise UsageError(
                f"NOT_CLAIMED of adapter {name!r} names the unknown law {id!r}{did_you_mean(str(id), LAWS)}"
            )
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(f"NOT_CLAIMED[{id!r}] of adapter {name!r} must give a reason")
    return reasons


def _near_misses(target: object, bound: Mapping[str, object], known: set[str]) -> list[str]:
    """Functions and declarations whose names are nearly those of the spec: most likely they were meant to be bound."""
    unbound = sorted(known - set(bound))
    notes = []
    for name in sorted(set(public(target)) - known - DECLARATIONS):
        kind, names = ("declaration", DECLARATIONS) if name.isupper() else ("function", unbound)
        meant = name if name.isupper() else name.lower()
        close = difflib.get_close_matches(meant, sorted(names), n=1, cutoff=0.8)
        if close and (name.isupper() or callable(getattr(target, name, None))):
            notes.append(f"{name!r} is no {kind} of the spec: did you mean {close[0]!r}?")
    return notes
