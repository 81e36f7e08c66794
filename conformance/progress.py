"""What a check says while it runs: one moving line on a terminal, plain lines elsewhere, colour unless NO_COLOR."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

from ..spec.law import Law
from .cases import draw, examples
from .checker import Checker
from .report import Result
from .rounds import run_cases
from .run import Bound, grains_of

SAMPLE = 25  # cases drawn for an estimate: all those of a thorough check take minutes to draw (measured)
COLOURS = {
    "pass": "32",
    "fail": "31",
    "error": "31",
    "xpass": "31",
    "xfail": "33",
    "unclaimed": "2",
    "tentative": "2",
    "new": "2",
}


def coloured(text: str, status: str, stream: TextIO) -> str:
    """The text in the colour of its status, on a terminal that wants colours."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{COLOURS[status]}m{text}\033[0m"


def estimate(checker: Checker, laws: list[Law]) -> float:
    """About how many seconds a check without failures will take: each law's first cases, times their number."""
    total = 0.0
    for law in laws:
        replayed = checker.expected.known(law.id, checker.device)
        for grain in () if replayed or checker.unclaimed(law) else grains_of(law, checker.adapter):
            count = examples(law, checker.profile)
            sample = draw(law, min(count, SAMPLE), random=checker.random)[:3]
            started = time.perf_counter()
            list(run_cases(law, Bound(checker.adapter, grain, checker.device, law.area), sample))
            total += (time.perf_counter() - started) / max(1, len(sample)) * count
    return total


@dataclass
class Progress:
    """Follows a check and tells how far it is; the results themselves go to standard output later."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)

    def start(self, checker: Checker, laws: list[Law]) -> None:
        for note in checker.adapter.notes:
            self.stream.write(f"note: {note}\n")
        for question in checker.questions:
            self.stream.write(f"adapter? {question.says}\n")
        seconds = estimate(checker, laws)
        self.stream.write(
            f"{checker.adapter.name}: {len(laws)} laws, about {seconds:.0f} s ({checker.profile} profile)\n"
        )
        self.stream.flush()

    def result(self, result: Result, number: int, total: int) -> None:
        if self.stream.isatty():
            self.stream.write(
                f"\r\033[K[{number}/{total}] {result.id} {coloured(result.cell, result.status, self.stream)}"
            )
            if number == total:
                self.stream.write("\r\033[K")
        else:
            self.stream.write(f"[{number}/{total}] {result.id} {result.cell}\n")
        self.stream.flush()
