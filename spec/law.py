"""The record of a law, the register of all laws, and the comparisons that laws are made of.

A law is a function with a record. Its drawn parameters are plain data, its body speaks only to the implementation
that it is handed, and it compares through `expect` alone: a bare `assert` would vanish under `python -O`, and could
not be disabled one at a time to prove that each comparison bites.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from .budget import Budget, error
from .draw import Draw
from .values import same, shown

AREAS = (
    "AUDIO CODEC DELAY TEXT TOKEN LM GEN STEREO PATH GRID SOLVE GUIDE COND DIT VAE LYRIC "
    "SHORTCUT WORLD ROLLOUT TOKENIZER LOSS DATA SEED TRAIN ADAPT CKPT PERF"
).split()

Case = dict[str, Any]
Status = Literal["required", "tentative", "withdrawn"]
Cost = Literal["free", "model", "run"]


class Implementation(Protocol):
    """What a law may ask of the implementation it is handed; every bound function is an attribute too."""

    def has(self, name: str) -> bool: ...
    def convention(self, name: str) -> str | None: ...
    def offers(self, size: str, value: object) -> bool: ...
    def number(self, name: str) -> float | None: ...
    def __getattr__(self, name: str) -> Any: ...


@dataclass(frozen=True, eq=False)
class Law:
    """One numbered law: what must hold, what one observes when it does not, who was bitten, and what it catches."""

    id: str
    title: str
    effect: str
    origin: Mapping[str, str]
    witnesses: Sequence[str]
    status: Status
    since: str
    needs: Sequence[tuple[str, ...]]
    cost: Cost
    mutants: Sequence[str]
    draws: Mapping[str, Draw]
    regions: Mapping[str, Callable[[Case], bool]]
    spare: Mapping[str, str]
    check: Callable[..., None] = field(repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        return find, (self.id,)  # in another process a law is the one registered there

    @property
    def area(self) -> str:
        return self.id.split("-")[0]

    def touches(self, functions: set[str]) -> bool:
        """Whether any grain of this law calls one of these functions."""
        return any(functions & set(grain) for grain in self.needs)


LAWS: dict[str, Law] = {}


def law(
    id: str,
    *,
    needs: str,
    effect: str,
    origin: Mapping[str, str],
    witnesses: Sequence[str],
    since: str,
    mutants: Sequence[str],
    draws: Mapping[str, Draw],
    status: Status = "required",
    cost: Cost = "free",
    regions: Mapping[str, Callable[[Case], bool]] | None = None,
    spare: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register the function below as a law; `needs` lists its grains: "delay undelay | rows_to_audio"."""

    def register(check: Callable[..., None]) -> Callable[..., None]:
        title = " ".join((check.__doc__ or "").strip().split("\n\n")[0].split())
        grains = tuple(tuple(grain.split()) for grain in needs.split("|"))
        record = Law(
            id, title, effect, dict(origin), tuple(witnesses), status, since, grains, cost, tuple(mutants),
            dict(draws), dict(regions or {}), dict(spare or {}), check,
        )  # fmt: skip
        _validate(record)
        LAWS[id] = record
        return check

    return register


def _validate(record: Law) -> None:
    if not re.fullmatch(rf"({'|'.join(AREAS)})-\d{{3}}", record.id):
        raise ValueError(f"id={record.id!r} must be AREA-NNN with an area of {' '.join(AREAS)}")
    if record.id in LAWS:
        raise ValueError(f"id={record.id!r} must be unique: an id is never reused")
    for name in ("title", "effect", "origin", "witnesses", "since", "mutants", "draws"):
        if not getattr(record, name):
            raise ValueError(
                f"{name}={getattr(record, name)!r} of {record.id} must not be empty: every field is mandatory"
            )
    if not all(record.needs):
        raise ValueError(f"needs={record.needs!r} of {record.id} must name a function in every grain")
    if record.status == "required" and len(record.witnesses) < 2:
        raise ValueError(
            f"witnesses={list(record.witnesses)!r} of {record.id} must be two or more, or the law is tentative"
        )


class UnknownLaw(ValueError):
    """An id that no law has."""


def find(id: str) -> Law:
    """The law of this id; an unknown id is an error that says what was probably meant."""
    if id not in LAWS:
        close = difflib.get_close_matches(id.upper(), LAWS, n=1)
        hint = f"; did you mean {close[0]}?" if close else f"; known: {', '.join(LAWS)}"
        raise UnknownLaw(f"unknown law {id!r}{hint}")
    return LAWS[id]


class Broken(Exception):
    """A comparison of a law failed."""

    def __init__(self, what: str, got: object, want: object) -> None:
        super().__init__(f"{what}: got {shown(got)}, want {shown(want)}")
        self.what, self.got, self.want = what, got, want


class Declined(Exception):
    """The law does not speak about this case of this implementation."""


def decline(reason: str) -> None:
    """Leave this case unclaimed: it counts against the share of cases that the implementation accepted."""
    raise Declined(reason)


@dataclass
class Watch:
    """What the comparisons of a run report, and the one comparison that is switched off in it."""

    disabled: str | None = None
    met: list[str] = field(default_factory=list)
    errors: list[tuple[str, float, float]] = field(default_factory=list)


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    """Collect the comparisons made in this context, with the one named `watch.disabled` switched off."""
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


def _enabled(what: str) -> bool:
    watch = _watch.get()
    if watch is None:
        return True
    if what not in watch.met:
        watch.met.append(what)
    return watch.disabled != what


def expect(got: object, want: object, what: str, *, within: Budget | None = None) -> None:
    """got equals want (shape, dtype and values; within a budget if one is given), or the law is broken."""
    if not _enabled(what):
        return
    if within is None:
        if not same(got, want):
            raise Broken(what, got, want)
        return
    distance = error(got, want)
    if (watch := _watch.get()) is not None:
        watch.errors.append((what, distance, within.allowed))
    if not distance <= within.allowed:
        raise Broken(what, got, want)


def expect_that(holds: bool, what: str, *, got: object, want: object) -> None:
    """A relation other than equality holds; `want` says it in words."""
    if _enabled(what) and not holds:
        raise Broken(what, got, want)


# What Python raises for a value that it will not take. A crash further down (RuntimeError, IndexError, ...) is no refusal.
REFUSALS = (ValueError, TypeError, AssertionError, OverflowError)


def expect_refusal(call: Callable[[], object], what: str) -> None:
    """The call is refused, with an error about its arguments."""
    if not _enabled(what):
        return
    try:
        got = call()
    except REFUSALS:
        return
    raise Broken(what, got, "a refusal (ValueError)")
