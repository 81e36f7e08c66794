"""Draw the cases of a law with Hypothesis, and shrink a failing one: both a function of the versions alone."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from .. import spec
from ..spec.law import Case, Law

PROFILES = {"quick": 25, "default": 100, "thorough": 5000}
SHRINKING_CALLS = {"free": 500, "model": 60, "run": 5}
Sizes = Mapping[str, Sequence[Any]]


def examples(law: Law, profile: str) -> int:
    """How many cases a profile gives a law: all for cost free, a quarter for model, three for run."""
    full = PROFILES[profile]
    return {"free": full, "model": -(-full // 4), "run": 3}[law.cost]


def corpus_file(id: str) -> Path:
    """Where the cases live that once broke somebody's implementation; everyone replays them first."""
    return Path(spec.__file__).parent / "corpus" / f"{id}.json"


def corpus(law: Law) -> list[Case]:
    """The stored cases of a law."""
    path = corpus_file(law.id)
    if not path.is_file():
        return []
    stored = [entry["case"] for entry in json.loads(path.read_text())]
    for case in stored:
        if set(case) != set(law.draws):
            raise ValueError(f"{path.name} holds {sorted(case)}: {law.id} draws {sorted(law.draws)}")
    return stored


@contextmanager
def _hermetic() -> Iterator[None]:
    """Hypothesis without its pool of constants from local modules, and with no folder of its own.

    Measured: importing a two-line user module changed the cases that were drawn, because constants of local modules
    are tried as values. A verdict must be a function of the versions.
    """
    original = providers._get_local_constants
    providers._get_local_constants = Constants
    providers.CONSTANTS_CACHE.cache.clear()
    with tempfile.TemporaryDirectory() as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
            providers._get_local_constants = original
            providers.CONSTANTS_CACHE.cache.clear()


def _seed_of(law: Law, random: int | None) -> int:
    digest = hashlib.blake2b(f"{law.id} {random}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _explore(law: Law, body: Callable[[Case], None], count: int, sizes: Sizes, random: int | None) -> None:
    strategies = {}
    for name, drawn in law.draws.items():
        narrow = [size for size in drawn.sizes if size in sizes]
        strategies[name] = drawn.sizes[narrow[0]].only(sizes[narrow[0]]) if narrow else drawn.strategy

    @hypothesis_seed(_seed_of(law, random))
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
    )
    @given(**strategies)
    def explore(**case: Any) -> None:
        body(case)

    with _hermetic():
        explore()


def key(case: Case) -> str:
    """A case as the one line of JSON that repeats it."""
    return json.dumps(case, sort_keys=True)


def draw(law: Law, count: int, sizes: Sizes | None = None, random: int | None = None) -> list[Case]:
    """The first `count` cases of a law, the same for every implementation; `sizes` narrows them."""
    return [json.loads(line) for line in _drawn(law.id, count, key(dict(sizes or {})), random, law)]


@lru_cache(maxsize=512)
def _drawn(id: str, count: int, sizes: str, random: int | None, law: Law) -> tuple[str, ...]:
    cases: list[str] = []
    _explore(law, lambda case: cases.append(key(case)), count, json.loads(sizes), random)
    return tuple(cases)


class _Found(Exception):
    """Raised for every case that fails in the way that is being shrunk."""


def shrink(
    law: Law,
    fails: Callable[[Case], bool],
    first: Case,
    count: int,
    sizes: Sizes | None = None,
    random: int | None = None,
) -> Case:
    """The smallest case that still fails, found within the calls that the law's cost allows."""
    calls = SHRINKING_CALLS[law.cost]
    seen: dict[str, bool] = {}
    best = key(first)

    def body(case: Case) -> None:
        nonlocal calls, best
        line = key(case)
        if line not in seen:
            shrinking = any(seen.values())
            calls -= shrinking
            seen[line] = calls >= 0 and fails(case)
        if seen[line]:
            best = line
            raise _Found

    with suppress(_Found):
        _explore(law, body, count, sizes or {}, random)
    result: Case = json.loads(best)
    return result
