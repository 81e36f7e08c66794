"""Which mutant are you: the name of a known bug that an implementation cannot be told from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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


def _outcomes(law: Law, adapter: Adapter, grain: Sequence[str], cases: Iterable[Case]) -> Iterator[Outcome]:
    return run_cases(law, Bound(adapter, grain, area=law.area), cases)


@dataclass(frozen=True)
class Behaviour:
    """How an implementation ends some cases of a law, and whether it ends them so every time."""

    law: Law
    grain: Sequence[str]
    cases: Sequence[Case]
    ends: Sequence[Outcome]
    steady: bool

    @classmethod
    def of(cls, law: Law, adapter: Adapter, grain: Sequence[str], cases: Sequence[Case]) -> Behaviour:
        ends, again = (list(_outcomes(law, adapter, grain, cases)) for _ in range(2))
        return cls(law, grain, cases, ends, all(map(alike, ends, again)))

    def shared_by(self, mutant: Adapter) -> bool:
        """Whether a mutant cannot be told from it on the cases that it accepts; by kind alone where it is unsteady."""
        pairs = zip(self.ends, _outcomes(self.law, mutant, self.grain, self.cases), strict=True)
        accepted = ((ours, theirs) for ours, theirs in pairs if ours.kind != "declined")
        if self.steady:
            return all(alike(ours, theirs) for ours, theirs in accepted)
        return all((ours.kind, ours.what) == (theirs.kind, theirs.what) for ours, theirs in accepted)


def candidates(law: Law, adapter: Adapter, grain: Sequence[str], case: Case) -> list[Mutant]:
    """The mutants which behave as this implementation does on the shrunk case and on twenty more."""
    ours = Behaviour.of(law, adapter, grain, [case, *draw(law, MORE, adapter.sizes)])
    touching = (mutant for mutant in all_mutants().values() if set(mutant.functions) & set(grain))
    return [mutant for mutant in touching if ours.shared_by(mutant.adapter())]


def settle(found: Sequence[Mutant], adapter: Adapter, failed: Law) -> list[str]:
    """The lines that name them; of several, those stay which behave alike under every other law as well."""
    settled = list(found)
    if len(settled) > 1:
        settled = [mutant for mutant in settled if _alike_everywhere(mutant, adapter, failed)] or settled
    return [f"behaves like mutant {mutant.name}: {mutant.says}" for mutant in settled]


def _alike_everywhere(mutant: Mutant, adapter: Adapter, failed: Law) -> bool:
    for law in LAWS.values():
        for grain in grains_of(law, adapter):
            if law is not failed and set(mutant.functions) & set(grain):
                ours = Behaviour.of(law, adapter, grain, draw(law, MORE, adapter.sizes))
                if not ours.shared_by(mutant.adapter()):
                    return False
    return True
