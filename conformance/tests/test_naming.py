"""Which mutant are you: every known bug is told its own name."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import torch

from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.mutants import all_mutants

# Each mutant as a stranger would meet it: anonymous functions, in a process that knows nothing else of it.
ANONYMOUS = """
import types
from refaudio.conformance.check import check
from refaudio.conformance.mutants import all_mutants
from refaudio.spec import LAWS

def anonymous(function):
    return lambda *args: function(*args)

wrong = []
for name, mutant in all_mutants().items():
    adapter = mutant.adapter()
    functions = {key: anonymous(value) for key, value in adapter.functions.items()}
    touched = [law.id for law in LAWS.values() if law.touches(set(mutant.functions))]
    declared = {**adapter.conventions, **adapter.numbers}
    report = check(types.SimpleNamespace(**declared, **functions), profile="quick", only=touched)
    told = {line for result in report.results for line in result.mutant}
    if told != {f"behaves like mutant {name}: {mutant.says}"}:
        red = [result.id for result in report.results if result.status in ("fail", "error")]
        wrong.append(f"{name} (red: {red}) is told {sorted(told)}")
print(len(all_mutants()), "mutants")
print("\\n".join(wrong))
"""


def test_every_mutant_is_told_its_own_name_and_no_other() -> None:
    run = subprocess.run(
        [sys.executable, "-c", ANONYMOUS], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.stdout.split("\n") == [f"{len(all_mutants())} mutants", "", ""], run.stdout + run.stderr


def test_an_unknown_bug_is_given_no_name() -> None:
    def backwards(codes: torch.Tensor, delays: list[int], *rest: object) -> torch.Tensor:
        return reference.delay(codes.flip(1), delays, *rest)

    report = check(SimpleNamespace(delay=backwards), only="DELAY-001", profile="quick")
    assert (report["DELAY-001"].status, list(report["DELAY-001"].mutant)) == ("fail", [])
