"""An implementation as it was bound: its functions by their names in the spec, and what it declares about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..spec.law import AREAS, LAWS
from .usage import UsageError, did_you_mean

FAMILIES: dict[str, list[str]] = {
    "codeclm": "AUDIO CODEC DELAY TEXT TOKEN LM GEN STEREO".split(),
    "flow": "PATH GRID SOLVE GUIDE COND DIT VAE LYRIC".split(),
    "dynamics": "SHORTCUT WORLD ROLLOUT TOKENIZER".split(),
    "training": "LOSS DATA SEED TRAIN ADAPT CKPT".split(),
    "perf": ["PERF"],
}


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
