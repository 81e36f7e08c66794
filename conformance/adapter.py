"""Load an adapter: plain functions on a module or an object, and what it declares about itself."""

from __future__ import annotations

import difflib
import importlib
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ..spec.conventions import CONVENTIONS, NUMBERS
from ..spec.law import AREAS, LAWS

FAMILIES: dict[str, list[str]] = {
    "codeclm": "AUDIO CODEC DELAY TEXT TOKEN LM GEN STEREO".split(),
    "flow": "PATH GRID SOLVE GUIDE COND DIT VAE LYRIC".split(),
    "dynamics": "SHORTCUT WORLD ROLLOUT TOKENIZER".split(),
    "training": "LOSS DATA SEED TRAIN ADAPT CKPT".split(),
    "perf": ["PERF"],
}


class UsageError(Exception):
    """Something that the caller has to change, said in one line that ends with what to type next."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown name."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


def areas_of(families: Sequence[str]) -> set[str]:
    """The areas of these families; an area stands for itself."""
    areas: set[str] = set()
    for family in families:
        if family not in FAMILIES and family not in AREAS:
            raise UsageError(f"unknown family {family!r}{did_you_mean(family, [*FAMILIES, *AREAS])}")
        areas.update(FAMILIES.get(family, [family]))
    return areas


def scoped(name: str, family: str) -> str:
    """A convention of one family, as a report names it: "TIME (flow)"."""
    return f"{name} ({family})"


def spec_functions() -> set[str]:
    """Every function that some law calls."""
    return {name for law in LAWS.values() for grain in law.needs for name in grain}


@dataclass(frozen=True)
class Adapter:
    """An implementation as it was bound: its functions by their names in the spec, and its declarations."""

    name: str
    functions: Mapping[str, Callable[..., Any]]
    conventions: Mapping[str, str] = field(default_factory=dict)
    implementation: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    families: Sequence[str] = ()
    not_claimed: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)

    def areas(self) -> set[str]:
        """The declared families, or else the areas of every law that a bound function belongs to."""
        if self.families:
            return areas_of(self.families)
        bound = set(self.functions)
        return {law.area for law in LAWS.values() if law.touches(bound)} or set(AREAS)

    def convention(self, name: str, area: str | None = None) -> str | None:
        """What is declared of this convention, for the family of this area where it was declared by family."""
        for family, areas in FAMILIES.items():
            if area in areas and (name_in := scoped(name, family)) in self.conventions:
                return self.conventions[name_in]
        return self.conventions.get(name)

    def but(self, **functions: Callable[..., Any]) -> Adapter:
        """The same adapter with some functions replaced."""
        return Adapter(
            self.name, {**self.functions, **functions}, self.conventions, self.implementation,
            self.sizes, self.families, self.not_claimed, self.notes, self.numbers,
        )  # fmt: skip


def load(adapter: str | Adapter | object) -> Adapter:
    """An adapter from "pkg.module", "pkg.module:obj", "command:...", a module, or any object with functions."""
    if isinstance(adapter, Adapter):
        return adapter
    if isinstance(adapter, str) and adapter.startswith("command:"):
        from .command import load_command  # stands on this module

        return load_command(adapter)
    if isinstance(adapter, str):
        return read(adapter, _imported(adapter))
    return read(getattr(adapter, "__name__", type(adapter).__name__), adapter)


def _imported(name: str) -> object:
    if name.endswith(".py") or "/" in name:
        dotted = name.removesuffix(".py").replace("/", ".").strip(".")
        raise UsageError(f"adapter {name!r} must be a module, not a path: refaudio check {dotted}")
    module_name, _, attribute = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # an adapter in the folder where one stands, as `python -m` would find it
    module = _import(module_name)
    target: object = module
    for part in filter(None, attribute.split(".")):
        if not hasattr(target, part):
            raise UsageError(f"{module_name} has no {part!r}{did_you_mean(part, _public(target))}")
        target = getattr(target, part)
    return target


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        wanted = missing.name or str(missing)
        if name == wanted or name.startswith(f"{wanted}."):
            raise UsageError(
                f"no adapter {name!r}: no module {wanted!r} here; run from the folder that holds it, or install it"
            ) from missing
        raise UsageError(
            f"adapter {name!r} imports {wanted!r}, which is not installed: pip install it, or, if the laws do not "
            f"need it, put refaudio.conformance.bind.stub_imports({wanted!r}) at the top of the adapter"
        ) from missing
    except (Exception, SystemExit) as raised:
        frame = traceback.extract_tb(raised.__traceback__)[-1]
        message = " ".join(f"{type(raised).__name__}: {raised}".split())
        raise UsageError(
            f"adapter {name!r} raised on import: {message} ({frame.filename}:{frame.lineno}); try: python -c 'import {name}'"
        ) from raised


def _public(target: object) -> list[str]:
    return [name for name in dir(target) if not name.startswith("_")]


def read(name: str, target: object) -> Adapter:
    """What an object binds and declares; every error is one line."""
    known = spec_functions()
    bound = {key: getattr(target, key) for key in known if callable(getattr(target, key, None))}
    return Adapter(
        name=name,
        functions=bound,
        conventions=_conventions(name, target),
        implementation={key: str(value) for key, value in _mapping(name, target, "IMPLEMENTATION").items()},
        sizes=_sizes(name, target),
        families=_families(name, target),
        not_claimed=_not_claimed(name, target),
        notes=_near_misses(target, bound, known),
        numbers=_numbers(name, target),
    )


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


DECLARATIONS = {*CONVENTIONS, *NUMBERS, "IMPLEMENTATION", "SIZES", "FAMILIES", "NOT_CLAIMED"}


def _near_misses(target: object, bound: Mapping[str, object], known: set[str]) -> list[str]:
    """Functions and declarations whose names are nearly those of the spec: most likely they were meant to be bound."""
    unbound = sorted(known - set(bound))
    notes = []
    for name in sorted(set(_public(target)) - known - DECLARATIONS):
        kind, names = ("declaration", DECLARATIONS) if name.isupper() else ("function", unbound)
        meant = name if name.isupper() else name.lower()
        close = difflib.get_close_matches(meant, sorted(names), n=1, cutoff=0.8)
        if close and (name.isupper() or callable(getattr(target, name, None))):
            notes.append(f"{name!r} is no {kind} of the spec: did you mean {close[0]!r}?")
    return notes
