"""The mutants: the reference with one function replaced by a documented bug, re-created in our own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from ..adapter import Adapter
from ..load import load

REFERENCE = "refaudio.conformance.adapters.reference"
MODULES = (
    "audio audio_files audio_time ckpt codec codec_chunks codec_edge delay delay_use grid "
    "grid_published guide lm lm_parts loss loss_labels loss_learnt loss_mean loss_step path "
    "path_training rollout rollout_past seed shortcut "
    "shortcut_calls shortcut_levels shortcut_sampling solve solve_edit solve_order solve_runs stereo text"
).split()


@dataclass(frozen=True)
class Mutant:
    """One wrong implementation: what it replaces, what that does wrong, and whose bug it re-creates."""

    name: str
    says: str
    of: tuple[str, ...]
    functions: Mapping[str, Callable[..., Any]]

    def __reduce__(self) -> tuple[object, ...]:
        return _named, (self.name,)  # in another process a mutant is the one registered there

    def adapter(self) -> Adapter:
        """The reference with this bug."""
        return _reference().but(**self.functions)


@lru_cache(maxsize=1)
def _reference() -> Adapter:
    """The reference, read once: every mutant is a copy of it."""
    return load(REFERENCE)


MUTANTS: dict[str, Mutant] = {}


def mutant(name: str, *of: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the function below as a mutant of the reference function whose name ends its own: `_trims_thirty_of_undelay`.

    Its docstring says what the bug is; `of` are the keys of the sources that it re-creates.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        victim = function.__name__.rpartition("_of_")[2]
        says = " ".join((function.__doc__ or "").split()).rstrip(".")
        if name in MUTANTS or not says or not victim:
            raise ValueError(
                f"name={name!r} must be new, with a docstring, on a function named <bug>_of_<function>"
            )
        MUTANTS[name] = Mutant(name, says, of, {victim: function})
        return function

    return register


@lru_cache(maxsize=1)
def all_mutants() -> Mapping[str, Mutant]:
    """Every mutant, by name."""
    for module in MODULES:
        import_module(f"{__name__}.{module}")
    return MUTANTS


def _named(name: str) -> Mutant:
    return all_mutants()[name]
