"""Which mutant are you: the name of a known bug that an implementation cannot be told from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..spec.budget import error
from ..spec.law import LAWS, Case, Law
from ..spec.values import same
from .adapter import Adapter
from .cases import draw
from .mutants import Mutant, all_mutants
from .rounds import run_cases
from .run import Bound, Outcome, grains_of

MORE = 20  # cases beside the shrunk one on which a mutant has to behave alike


def alike(a: Outcome, b: Outcome) -> bool:
    """Two outcomes that cannot be told apart: the same comparison with the same result, or the same exception."""
    if (a.kind, a.what) != (b.kind, b.what):
        return False
    if a.kind != "fail" or same(a.got, b.got):
        return True
    try:
        return error(a.got, b.got) < 1e-6
    except (TypeError, ValueError, RuntimeError):
        return False


def _of_a_kind(a: Outcome, b: Outcome) -> bool:
    return (a.kind, a.what) == (b.kind, b.what)


def _outcomes(law: Law, adapter: Adapter, grain: Sequence[str], cases: Iterable[Case]) -> Iterator[Outcome]:
    return run_cases(law, Bound(adapter, grain, area=law.area), cases)


@dataclass
class Behaviour:
    """How an implementation ends some cases of a law."""

    law: Law
    adapter: Adapter
    grain: Sequence[str]
    cases: Sequence[Case]

    def __post_init__(self) -> None:
        self.ends = self._run(self.adapter)

    def _run(self, adapter: Adapter) -> list[Outcome]:
        return list(_outcomes(self.law, adapter, self.grain, self.cases))

    @cached_property
    def steady(self) -> bool:
        """Whether it ends them so every time."""
        return all(map(alike, self.ends, self._run(self.adapter)))

    def shared_by(self, mutants: Sequence[Mutant]) -> list[Mutant]:
        """The mutants that cannot be told from it on the cases it accepts; by kind alone where it is unsteady."""
        strictly = [mutant for mutant in mutants if self._shared(mutant, alike)]
        return strictly if strictly or self.steady else [m for m in mutants if self._shared(m, _of_a_kind)]

    def _shared(self, mutant: Mutant, same_end: Callable[[Outcome, Outcome], bool]) -> bool:
        theirs = _outcomes(self.law, mutant.adapter(), self.grain, self.cases)
        pairs = zip(self.ends, theirs, strict=True)
        return all(ours.kind == "declined" or same_end(ours, other) for ours, other in pairs)


def candidates(law: Law, adapter: Adapter, grain: Sequence[str], case: Case) -> list[Mutant]:
    """The mutants which behave as this implementation does on the shrunk case and on twenty more."""
    ours = Behaviour(law, adapter, grain, [case, *draw(law, MORE, adapter.sizes)])
    return ours.shared_by([mutant for mutant in all_mutants().values() if set(mutant.functions) & set(grain)])


def settle(found: Sequence[Mutant], adapter: Adapter, failed: Law) -> list[str]:
    """The lines that name them; of several, those stay which behave alike under every other law as well."""
    settled = list(found)
    for law in LAWS.values():
        for grain in grains_of(law, adapter) if len(settled) > 1 and law is not failed else ():
            touching = [mutant for mutant in settled if set(mutant.functions) & set(grain)]
            if touching:
                shared = Behaviour(law, adapter, grain, draw(law, MORE, adapter.sizes)).shared_by(touching)
                settled = [mutant for mutant in settled if mutant in shared or mutant not in touching]
    return [f"behaves like mutant {mutant.name}: {mutant.says}" for mutant in settled or found]
