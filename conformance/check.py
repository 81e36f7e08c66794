"""Hold one implementation to the spec."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..spec.law import Case, Law, find
from . import jobs as parallel
from .cases import corpus, draw, examples, key
from .checker import Checker, checker_of
from .report import Report, Result
from .usage import UsageError


def check(
    adapter: str | object,
    *,
    only: str | Sequence[str] | None = None,
    example: Mapping[str, Any] | None = None,
    profile: str = "default",
    families: Sequence[str] = (),
    device: str = "cpu",
    expected: str | Path | None = None,
    random: int | None = None,
    jobs: int = 1,
    on_result: Callable[[Result, int, int], None] | None = None,
    on_start: Callable[[Checker, list[Law]], None] | None = None,
) -> Report:
    """Hold an adapter ("pkg.module", "pkg.module:obj", or an object with functions) to every law it is bound to."""
    parallel.refuse(adapter, jobs)
    checker = checker_of(adapter, profile, device, expected, random, families)
    laws = _asked(checker, only)
    case = _case(laws, example)
    if on_start:
        on_start(checker, laws)
    if jobs > 1:
        asked = parallel.Asked(str(adapter), profile, device, str(expected or ""), random, case)
        ended = parallel.results(asked, laws, jobs)
    else:
        ended = (checker.result(law, case) for law in laws)
    results = []
    for number, result in enumerate(ended, 1):
        results.append(result)
        if on_result:
            on_result(result, number, len(laws))
    return report(checker, results, single=only is not None)


def report(checker: Checker, results: Sequence[Result], single: bool = False) -> Report:
    """The report of these results: what was lost, and what binding one more function would unlock."""
    lost = [] if single else checker.expected.lost(results, bool(checker.families))
    return Report(
        checker.adapter,
        checker.profile,
        checker.device,
        results,
        lost,
        checker.adapter.notes,
        _missing(checker, results),
        single,
    )


def _asked(checker: Checker, only: str | Sequence[str] | None) -> list[Law]:
    if only is None:
        return checker.laws
    return [find(id) for id in ([only] if isinstance(only, str) else only)]


def _case(laws: Sequence[Law], example: Mapping[str, Any] | None) -> Case | None:
    if example is None:
        return None
    if len(laws) != 1:
        raise UsageError("an example belongs to one law: add --only ID")
    wanted = list(laws[0].draws)
    if sorted(example) != sorted(wanted):
        raise UsageError(
            f"the example of {laws[0].id} must give {', '.join(wanted)}: got {', '.join(example) or 'nothing'}"
        )
    case: Case = dict(example)
    return case


def _missing(checker: Checker, results: Sequence[Result]) -> list[tuple[str, int]]:
    """Unbound functions, with the number of unclaimed laws that binding each one alone would unlock."""
    bound = set(checker.adapter.functions)
    unlocked: Counter[str] = Counter()
    for result in results:
        if result.status == "unclaimed" and result.id not in checker.adapter.not_claimed:
            unlocked.update(
                {
                    missing
                    for grain in find(result.id).needs
                    if len(gap := set(grain) - bound) == 1
                    for missing in gap
                }
            )
    return sorted(unlocked.items(), key=lambda item: (-item[1], item[0]))


def cases_of(law: Law, profile: str) -> list[str]:
    """The cases that a law is run on, as lines of JSON: the same for every implementation."""
    return [key(case) for case in [*corpus(law), *draw(law, examples(law, profile))]]
