"""How soon each law kills the mutants that it declares: the cases until the first kill, over several seeds.

`python -m refaudio.conformance.power` prints every pair of a law and a mutant, and exits 1 where the median of a pair
is beyond a quarter of the default budget. That one seed in twenty is beyond it is reported and allowed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..spec.law import LAWS, Case, Law, find
from .cases import draw, examples
from .mutants import Mutant, all_mutants
from .run import Bound, grains_of, run_case

SEEDS = 20
QUARTER = 0.25


@dataclass(frozen=True)
class Power:
    """How many cases one law took to kill one mutant, by seed; one more than the budget where it did not."""

    law: Law
    mutant: str
    cases: Sequence[int]

    @property
    def budget(self) -> int:
        return examples(self.law, "default")

    @property
    def median(self) -> float:
        return statistics.median(self.cases)

    @property
    def worst(self) -> int:
        return max(self.cases)

    @property
    def slow(self) -> str:
        """Which of the two is beyond a quarter of the default budget: nothing, the worst, or the median as well."""
        limit = QUARTER * self.budget
        return "median" if self.median > limit else "worst" if self.worst > limit else ""

    def __str__(self) -> str:
        missed = sum(count > self.budget for count in self.cases)
        line = (
            f"{self.law.id} {self.mutant}: median {self.median:g}, worst {self.worst} of {self.budget} cases"
        )
        return f"{line}, survived {missed} of {len(self.cases)} seeds" if missed else line


def first_kill(law: Law, mutant: Mutant, cases: Sequence[Case]) -> int:
    """The number of the first case that kills, in whichever grain it dies first; one more than there are if none does."""
    adapter = mutant.adapter()
    grains = [
        Bound(adapter, grain, area=law.area)
        for grain in grains_of(law, adapter)
        if set(grain) & set(mutant.functions)
    ]
    for number, case in enumerate(cases, 1):
        if any(run_case(law, impl, case).bad for impl in grains):
            return number
    return len(cases) + 1


def powers(law: Law, seeds: int = SEEDS) -> list[Power]:
    """The power of one law over each mutant that it declares; stored cases do not count."""
    mutants = all_mutants()
    count = examples(law, "default")
    drawn = [draw(law, count, random=seed) for seed in range(seeds)]
    return [
        Power(law, name, [first_kill(law, mutants[name], cases) for cases in drawn]) for name in law.mutants
    ]


def measure(laws: Sequence[Law], seeds: int, tell: Callable[[str], None]) -> list[Power]:
    """The power of these laws, told one pair a line as it is known."""
    found = []
    for law in laws:
        for power in powers(law, seeds):
            tell(f"{power}")
            found.append(power)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m refaudio.conformance.power", description=__doc__)
    parser.add_argument("--only", metavar="ID", action="append", default=[], help="one law; may be repeated")
    parser.add_argument("--seeds", metavar="N", type=int, default=SEEDS)
    options = parser.parse_args(argv)
    try:
        laws = [find(id) for id in options.only] or [
            law for law in LAWS.values() if law.status != "withdrawn"
        ]
    except ValueError as error:
        parser.error(str(error))
    if options.seeds < 1:
        parser.error(f"seeds={options.seeds} must be at least 1")
    found = measure(laws, options.seeds, print)
    slow = [power for power in found if power.slow]
    for power in slow:
        print(f"slow by its {power.slow}: {power}")
    print(f"{len(found)} pairs of a law and a mutant, {len(slow)} beyond a quarter of the budget")
    return 1 if any(power.slow == "median" for power in slow) else 0


if __name__ == "__main__":
    sys.exit(main())
