"""Hold one adapter to one law after another."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from .. import spec
from ..spec.law import LAWS, Case, Law
from .adapter import Adapter, areas_of
from .cases import PROFILES, corpus, draw, examples, shrink
from .expected import Expected, KnownFailure
from .load import load
from .naming import candidates, settle
from .report import Result, command
from .rounds import run_cases
from .run import Bound, Outcome, grains_of, run_case
from .smoke import Question, smoke
from .usage import UsageError, did_you_mean

HALF = 0.5  # below this share of accepted cases a law is unclaimed


@dataclass
class Checker:
    """One adapter, ready to be held to one law after another."""

    adapter: Adapter
    profile: str = "default"
    device: str = "cpu"
    expected: Expected = field(default_factory=Expected)
    random: int | None = None
    families: Sequence[str] = ()
    questions: list[Question] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise UsageError(f"unknown profile {self.profile!r}{did_you_mean(self.profile, PROFILES)}")
        if not re.fullmatch(r"cpu|cuda(:\d+)?", self.device):
            raise UsageError(f"unknown device {self.device!r}{did_you_mean(self.device, ['cpu', 'cuda'])}")
        self.questions = smoke(self.adapter)

    @property
    def laws(self) -> list[Law]:
        """The laws of the families, in order; withdrawn ones are gone."""
        areas = areas_of(self.families) if self.families else self.adapter.areas()
        return [law for law in LAWS.values() if law.area in areas and law.status != "withdrawn"]

    def result(self, law: Law, only: Case | None = None) -> Result:
        """How one law ends, in the words of the report."""
        started = time.perf_counter()
        result = self._judged(law, only)
        return replace(result, seconds=time.perf_counter() - started)

    def _judged(self, law: Law, only: Case | None) -> Result:
        if reason := self.unclaimed(law):
            return Result(law.id, "unclaimed", reason=reason)
        asked = [question.says for question in self.questions if law.touches({question.function})]
        if asked:
            return Result(
                law.id,
                "error",
                reason=f"adapter? {asked[0]}",
                command=command(self.adapter, law.id, None, self.profile, self.device),
            )
        known = self.expected.known(law.id, self.device)
        if known and only is None:
            return self._replayed(law, known)
        result = self._explored(law, only)
        if _calver(law.since) > _calver(self.expected.spec or spec.VERSION):
            return _without_effect(result, "new")
        return _without_effect(result, "tentative") if law.status == "tentative" else result

    def unclaimed(self, law: Law) -> str:
        """Why a law cannot speak of this adapter, if it cannot."""
        if self.device.startswith("cuda") and not torch.cuda.is_available():
            return "no CUDA"
        if law.id in self.adapter.not_claimed:
            return self.adapter.not_claimed[law.id]
        if not grains_of(law, self.adapter):
            missing = [
                " ".join(name for name in grain if name not in self.adapter.functions) for grain in law.needs
            ]
            return f"no {' or '.join(missing)}"
        return ""

    def _replayed(self, law: Law, known: KnownFailure) -> Result:
        """A known failure has to fail again on its stored case; that it passes is an error."""
        outcome = self._worst(law, known.example)
        status = "xfail" if outcome.bad else "xpass"
        return Result(
            law.id, status, cases=1, accepted=1, example=known.example, what=outcome.what, got=outcome.got,
            want=outcome.want, reason=known.reason, message=outcome.message,
            command=command(self.adapter, law.id, known.example, self.profile, self.device),
        )  # fmt: skip

    def _worst(self, law: Law, case: Case) -> Outcome:
        outcomes = [
            run_case(law, Bound(self.adapter, grain, self.device, law.area), case)
            for grain in grains_of(law, self.adapter)
        ]
        return next((outcome for outcome in outcomes if outcome.bad), outcomes[0])

    def _explored(self, law: Law, only: Case | None) -> Result:
        results = [self._explored_grain(law, grain, only) for grain in grains_of(law, self.adapter)]
        bad = [result for result in results if result.status in ("fail", "error")]
        passed = [result for result in results if result.status == "pass"]
        if bad or not passed:
            return bad[0] if bad else max(results, key=lambda result: result.share)
        return min(passed, key=lambda result: result.share)

    def _explored_grain(self, law: Law, grain: tuple[str, ...], only: Case | None) -> Result:
        impl = Bound(self.adapter, grain, self.device, law.area)
        count = examples(law, self.profile)
        own = [only] if only is not None else [*corpus(law), *draw(law, count, random=self.random)]
        narrowed = {} if only is not None else narrowing(law, self.adapter.sizes)
        fits = [case for case in own if _fits(law, case, narrowed)]
        cases = [*fits, *draw(law, count, narrowed, self.random)] if narrowed else own
        declined: Counter[str] = Counter()
        for case, outcome in zip(cases, run_cases(law, impl, cases), strict=False):
            if outcome.bad:
                return self._failed(law, grain, impl, case, outcome, count, narrowed, single=only is not None)
            if outcome.kind == "declined":
                declined[outcome.message] += 1
        ran = len(cases) - declined.total()
        inside = ran / len(cases) if cases else 0.0
        accepted = round(inside * len(fits)) if narrowed else ran
        reason = declined.most_common(1)[0][0] if declined else ""
        if inside < HALF:
            return Result(
                law.id, "unclaimed", len(own), accepted, reason=reason or "no case of the declared sizes"
            )
        return Result(law.id, "pass", len(own), accepted, narrowed=narrowed, reason=reason)

    def _failed(
        self, law: Law, grain: tuple[str, ...], impl: Bound, first: Case, outcome: Outcome, count: int,
        narrowed: Mapping[str, Sequence[Any]], single: bool,
    ) -> Result:  # fmt: skip
        def fails_alike(case: Case) -> bool:
            return run_case(law, impl, case).kind == outcome.kind

        case, mutants, reason = first, list[str](), ""
        if outcome.what != "ProgramHung":  # each case more would wait as long again
            if not single and first not in corpus(law):
                case = shrink(law, fails_alike, first, count, narrowed, self.random)
            again = run_case(law, impl, case)
            if not again.bad:
                case, reason = first, "not every time: the same case has passed as well"
            outcome = again if again.bad else outcome
            mutants = settle(candidates(law, self.adapter, grain, case), self.adapter, law)
        return Result(
            law.id, "fail" if outcome.kind == "fail" else "error", cases=count, accepted=count, example=case,
            what=outcome.what, got=outcome.got, want=outcome.want, message=outcome.message, mutant=mutants,
            command=command(self.adapter, law.id, case, self.profile, self.device), narrowed=narrowed, reason=reason,
        )  # fmt: skip


def _calver(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def narrowing(law: Law, sizes: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The declared sizes that a law's parameters speak for."""
    known = {size for drawn in law.draws.values() for size in drawn.sizes}
    return {name: values for name, values in sizes.items() if name in known}


def _fits(law: Law, case: Case, sizes: Mapping[str, Sequence[Any]]) -> bool:
    for name, drawn in law.draws.items():
        for size, known in drawn.sizes.items():
            if size in sizes and known.of(case[name]) not in sizes[size]:
                return False
    return True


def _without_effect(result: Result, status: str) -> Result:
    """A result that is reported and never fails: of a law that is tentative, or newer than the pin."""
    if result.status == "unclaimed":
        return result
    return replace(result, status=status, reason=f"{result.status}: {result.reason}".rstrip(": "))


def checker_of(
    adapter: str | object, profile: str, device: str, expected: str | Path | None, random: int | None,
    families: Sequence[str] = (),
) -> Checker:  # fmt: skip
    """The checker of an adapter, with what it is expected to do."""
    known = Expected.read(Path(expected)) if expected else Expected()
    return Checker(load(adapter), profile, device, known, random, families)
