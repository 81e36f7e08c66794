"""Which mutant are you: every known bug is told its own name."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import torch

from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.mutants import all_mutants

# Each mutant as a stranger would meet it: anonymous functions, in a process that knows nothing else of it.
ANONYMOUS = """
import sys, types
from refaudio.conformance import cases
from refaudio.conformance.check import check
from refaudio.conformance.mutants import all_mutants
from refaudio.spec import LAWS

first, every = map(int, sys.argv[1:])
cases.SHRINKING_CALLS["free"] = 40  # a name needs a failing case, and not the smallest one

def anonymous(function):
    return lambda *args: function(*args)

wrong = []
mutants = list(all_mutants().items())[first::every]
for name, mutant in mutants:
    adapter = mutant.adapter()
    functions = {key: anonymous(value) for key, value in adapter.functions.items()}
    touched = [law.id for law in LAWS.values() if law.touches(set(mutant.functions))]
    declared = {**adapter.conventions, **adapter.numbers}
    report = check(types.SimpleNamespace(**declared, **functions), profile="quick", only=touched)
    told = {line for result in report.results for line in result.mutant}
    if told != {f"behaves like mutant {name}: {mutant.says}"}:
        red = [result.id for result in report.results if result.status in ("fail", "error")]
        wrong.append(f"{name} (red: {red}) is told {sorted(told)}")
print(len(mutants), *wrong, sep="\\n")
"""


def test_every_mutant_is_told_its_own_name_and_no_other() -> None:
    """A process a core, each with its share of the mutants."""
    cores = os.cpu_count() or 1
    shares = [
        subprocess.Popen(
            [sys.executable, "-c", ANONYMOUS, str(first), str(cores)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for first in range(cores)
    ]
    told = [share.communicate(timeout=1200)[0] for share in shares]
    counts = [text.partition("\n")[0] for text in told]
    wrong = [text for text in told if text.partition("\n")[2]]
    assert wrong == []
    assert sum(map(int, counts)) == len(all_mutants())


def test_an_unknown_bug_is_given_no_name() -> None:
    def backwards(codes: torch.Tensor, delays: list[int], *rest: object) -> torch.Tensor:
        return reference.delay(codes.flip(1), delays, *rest)

    report = check(SimpleNamespace(delay=backwards), only="DELAY-001", profile="quick")
    assert (report["DELAY-001"].status, list(report["DELAY-001"].mutant)) == ("fail", [])
