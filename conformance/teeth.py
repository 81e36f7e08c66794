"""Prove that the spec bites: every law kills a mutant, every mutant dies, and no comparison can be lost unnoticed.

`python -m refaudio.conformance.teeth` writes the kill matrix to KILLS.md; with --check it fails when that is stale.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from ..spec.law import LAWS, Case, Law, Watch
from ..spec.values import plain
from .adapter import Adapter
from .cases import corpus, draw, examples
from .generated import settle_file
from .load import load
from .mutants import REFERENCE, Mutant, all_mutants
from .naming import alike
from .run import Bound, Outcome, grains_of, run_case
from .work import Work

KILLS = Path(__file__).parent / "KILLS.md"
ALONE = Work()
QUARTER = (
    0.25  # of a law's cases: by then it has killed what it declares, or nearly (`nox -s power` measures it)
)
GROSS = 0.5  # a mutant that this share of an area's laws kill proves nothing about any single one of them


def _cases(law: Law) -> list[Case]:
    return [*corpus(law), *draw(law, examples(law, "default"))]


def _touched(law: Law, adapter: Adapter, functions: Iterable[str]) -> list[tuple[str, ...]]:
    return [grain for grain in grains_of(law, adapter) if set(grain) & set(functions)]


def endings(
    law: Law, adapter: Adapter, functions: Iterable[str], watch: Watch | None = None, share: float = 1.0
) -> Iterator[Outcome]:
    """How every case of a law ends, in each grain that one of these functions belongs to, as it is asked for."""
    cases = _cases(law)
    impls = [Bound(adapter, grain, area=law.area) for grain in _touched(law, adapter, functions)]
    for case in cases[: math.ceil(share * len(cases))]:
        yield from (run_case(law, impl, case, watch) for impl in impls)


def outcomes(
    law: Law, adapter: Adapter, functions: Iterable[str], watch: Watch | None = None, share: float = 1.0
) -> list[Outcome]:
    """How every case of a law ends, or the first share of them."""
    return list(endings(law, adapter, functions, watch, share))


@dataclass(frozen=True)
class Matrix:
    """Which laws kill which mutants: how every case ended, by mutant and law."""

    laws: Sequence[Law]
    mutants: Mapping[str, Mutant]
    ends: Mapping[tuple[str, str], Sequence[Outcome]]

    def bad(self, name: str, law: Law) -> list[Outcome]:
        """The cases of a law that a mutant fails."""
        return [outcome for outcome in self.ends.get((name, law.id), ()) if outcome.bad]

    def kills(self, law: Law) -> list[str]:
        """The mutants that a law kills."""
        return [name for name in self.mutants if self.bad(name, law)]

    def per_cent(self, name: str, law: Law) -> int:
        """How many of a law's cases a mutant fails, in per cent and rounded up; 0 where it never does."""
        ends = self.ends.get((name, law.id), ())
        return -(-100 * len(self.bad(name, law)) // len(ends)) if ends else 0

    def gross(self, name: str, area: str) -> bool:
        """Whether half of an area kills this mutant."""
        laws = [law for law in self.laws if law.area == area]
        return sum(bool(self.bad(name, law)) for law in laws) >= GROSS * len(laws)

    def one(self, a: str, b: str) -> bool:
        """Whether two mutants of the same function cannot be told apart on the cases that were run."""
        if self.mutants[a].functions.keys() != self.mutants[b].functions.keys():
            return False
        pairs = (
            zip(self.ends.get((a, law.id), ()), self.ends.get((b, law.id), ()), strict=False)  # common cases
            for law in self.laws
        )
        return all(alike(x, y) for pair in pairs for x, y in pair)


def _light(outcome: Outcome) -> Outcome:
    """An outcome as plain data, which travels between processes."""
    return replace(outcome, got=plain(outcome.got), want=None)


def _ends(asked: tuple[Mutant, Sequence[Law]]) -> dict[str, list[Outcome]]:
    """How a mutant ends the first quarter of the cases of every law whose functions it replaces; where a law declares
    it and has not killed it by then, all cases.
    """
    mutant, laws = asked
    adapter, victims = mutant.adapter(), set(mutant.functions)
    found: dict[str, list[Outcome]] = {}
    for law in laws:
        if not law.touches(victims):
            continue
        ends = outcomes(law, adapter, victims, share=QUARTER)
        if mutant.name in law.mutants and not any(outcome.bad for outcome in ends):
            ends = outcomes(law, adapter, victims)
        found[law.id] = [_light(outcome) for outcome in ends]
    return found


def kill_matrix(laws: Sequence[Law], mutants: Mapping[str, Mutant], work: Work) -> Matrix:
    """Run every mutant against every law whose functions it replaces."""
    found = work.each("mutants", _ends, [(mutant, laws) for mutant in mutants.values()])
    ends = {
        (name, id): ended for name, by_law in zip(mutants, found, strict=True) for id, ended in by_law.items()
    }
    return Matrix(laws, mutants, ends)


@dataclass
class Findings:
    """What is wrong with the teeth; an empty list is the proof."""

    problems: list[str] = field(default_factory=list)

    def require(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(problem)


def judge_mutants(matrix: Matrix, findings: Findings) -> None:
    """Every law kills, every mutant dies by a law that declares it, and no two mutants are one."""
    declared = {name for law in matrix.laws for name in law.mutants}
    for law in matrix.laws:
        kills = matrix.kills(law)
        for name in law.mutants:
            findings.require(name in matrix.mutants, f"{law.id} declares the unknown mutant {name}")
            findings.require(name in kills, f"{law.id} declares {name}, and does not kill it")
        fine = [name for name in kills if not matrix.gross(name, law.area)]
        findings.require(
            bool(fine), f"{law.id} kills no mutant but such as half of its area kills: {', '.join(kills)}"
        )
        first = matrix.mutants.get(law.mutants[0])
        findings.require(
            first is not None and bool(set(first.of) & set(law.origin)),
            f"{law.id}: its first mutant {law.mutants[0]} re-creates none of its origins {', '.join(law.origin)}",
        )
    for name in matrix.mutants:
        findings.require(name in declared, f"mutant {name} is declared by no law")
    for a, b in combinations(matrix.mutants, 2):
        findings.require(
            not (matrix.one(a, b) and _twins(matrix.laws, matrix.mutants[a], matrix.mutants[b])),
            f"mutants {a} and {b} are one: every case of every law ends alike",
        )


def _twins(laws: Sequence[Law], a: Mutant, b: Mutant) -> bool:
    """Whether two mutants of the same function end every case of every law alike: then they are one."""
    victims = set(a.functions)
    pairs = (
        zip(outcomes(law, a.adapter(), victims), outcomes(law, b.adapter(), victims), strict=True)
        for law in laws
        if law.touches(victims)
    )
    return all(alike(x, y) for pair in pairs for x, y in pair)


def impostors(law: Law) -> list[str]:
    """What is wrong with a law by itself: the reference breaks it, or somebody passes who should not."""
    reference, findings = load(REFERENCE), Findings()
    ends = outcomes(law, reference, reference.functions)
    worst = next((outcome for outcome in ends if outcome.bad), None)
    findings.require(worst is None, f"the reference breaks {law.id}: {worst.message if worst else ''}")
    declined = sum(outcome.kind == "declined" for outcome in ends)
    findings.require(declined == 0, f"the reference declines {declined} cases of {law.id}")
    for impostor, function in IMPOSTORS.items():
        adapter = reference.but(**dict.fromkeys(reference.functions, function))
        passed = not any(outcome.bad for outcome in endings(law, adapter, reference.functions))
        findings.require(not passed, f"{law.id} is passed by {impostor}")
    return findings.problems


def _null(*args: Any) -> Any:
    return args[0] if args else None


def _raises_value_error(*args: Any) -> Any:
    raise ValueError("not today")


def _raises_runtime_error(*args: Any) -> Any:
    raise RuntimeError("not today")


IMPOSTORS: Mapping[str, Callable[..., Any]] = {
    "Null, which returns its input": _null,
    "Raises(ValueError)": _raises_value_error,
    "Raises(RuntimeError)": _raises_runtime_error,
}


def comparisons(law: Law) -> list[str]:
    """Every comparison that a law makes of the reference."""
    watch = Watch()
    reference = load(REFERENCE)
    outcomes(law, reference, reference.functions, watch)
    return watch.met


def judge_comparisons(matrix: Matrix, findings: Findings, work: Work) -> int:
    """Each comparison is disabled in turn: one whose loss changes no kill must be listed with its reason."""
    made = list(work.each("laws, for their comparisons", comparisons, matrix.laws))
    asked = [
        (
            law,
            what,
            [matrix.mutants[name] for name in matrix.kills(law) if _died_by(matrix.bad(name, law), what)],
        )
        for law, met in zip(matrix.laws, made, strict=True)
        for what in met
    ]
    for (law, what, _), lost in zip(
        asked, work.each("comparisons, disabled in turn", _survivors, asked), strict=True
    ):
        if what in law.spare:
            findings.require(
                not lost, f"{law.id} lists {what!r} as spare, but without it {', '.join(lost)} survive"
            )
        else:
            said = f"{law.id} loses no kill without the comparison {what!r}: mend it, or list it as spare"
            findings.require(bool(lost), said)
    for law, met in zip(matrix.laws, made, strict=True):
        for name in set(law.spare) - set(met):
            findings.require(False, f"{law.id} lists the comparison {name!r} as spare, and never makes it")
    return len(asked)


def _died_by(bad: Sequence[Outcome], what: str) -> bool:
    """Whether one comparison alone killed a mutant: only then can it outlive its loss."""
    return all(outcome.kind == "fail" and outcome.what == what for outcome in bad)


def _survivors(asked: tuple[Law, str, Sequence[Mutant]]) -> list[str]:
    """The mutants that outlive a law which has lost one comparison; the first one proves enough."""
    law, what, mutants = asked
    for mutant in mutants:
        if not any(outcome.bad for outcome in endings(law, mutant.adapter(), mutant.functions, Watch(what))):
            return [mutant.name]
    return []


def as_markdown(matrix: Matrix) -> str:
    """The kill matrix: a table an area, the per cent of a law's cases that each mutant fails."""
    lines = [
        "# Which law kills which mutant",
        "",
        "Generated by `python -m refaudio.conformance.teeth`. A cell is the per cent of cases that the mutant fails, of the first",
        "quarter of the law's default profile; **bold** where the law declares the mutant, and then of all, if the quarter does",
        "not kill it. Each mutant is the reference with one function replaced by a documented bug.",
    ]
    for area in dict.fromkeys(law.area for law in matrix.laws):
        laws = [law for law in matrix.laws if law.area == area]
        lines += [
            "",
            f"## {area}",
            "",
            "| mutant | of | re-creates | " + " | ".join(law.id[-3:] for law in laws) + " |",
        ]
        lines.append("|---|---|---|" + "---:|" * len(laws))
        for name, mutant in matrix.mutants.items():
            if any(matrix.bad(name, law) for law in laws):
                cells = [_cell(matrix, name, law) for law in laws]
                lines.append(
                    f"| {name} | `{' '.join(mutant.functions)}` | {', '.join(mutant.of)} | {' | '.join(cells)} |"
                )
    return "\n".join(lines) + "\n"


def _cell(matrix: Matrix, name: str, law: Law) -> str:
    share = matrix.per_cent(name, law)
    return f"**{share}**" if share and name in law.mutants else str(share or "")


def prove(laws: Sequence[Law], work: Work = ALONE) -> tuple[Matrix, int, list[str]]:
    """The kill matrix of these laws, how many comparisons they make, and what is wrong with their teeth."""
    findings = Findings()
    matrix = kill_matrix(laws, all_mutants(), work)
    judge_mutants(matrix, findings)
    for problems in work.each("laws, against impostors", impostors, laws):
        findings.problems += problems
    return matrix, judge_comparisons(matrix, findings, work), findings.problems


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m refaudio.conformance.teeth", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when KILLS.md is stale, write nothing")
    options = parser.parse_args(argv)
    laws = [law for law in LAWS.values() if law.status != "withdrawn"]
    work = Work(lambda line: print(line, file=sys.stderr), processes=os.cpu_count() or 1)
    matrix, made, problems = prove(laws, work)
    print(f"{len(laws)} laws, {len(matrix.mutants)} mutants, {made} comparisons")
    for problem in problems:
        print(f"error: {problem}")
    if problems:
        return 1
    return settle_file(KILLS, as_markdown(matrix), options.check)


if __name__ == "__main__":
    sys.exit(main())
