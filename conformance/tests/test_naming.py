"""Which mutant are you: every known bug is told its own name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import torch

from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.mutants import all_mutants
from refaudio.conformance.teeth import KILLS

# Each mutant as a stranger would meet it: anonymous functions, in a process that knows nothing else of it.
ANONYMOUS = """
import json, sys, types
from refaudio.conformance import cases
from refaudio.conformance.check import check
from refaudio.conformance.mutants import all_mutants

killers = json.loads(sys.argv[1])
first, every = map(int, sys.argv[2:])
cases.SHRINKING_CALLS["free"] = 40  # a name needs a failing case, and not the smallest one

def anonymous(function):
    return lambda *args: function(*args)

def as_declared(conventions):  # "TIME (flow)" was declared as TIME = {"flow": ...}
    found = {}
    for name, value in conventions.items():
        key, _, family = name.removesuffix(")").partition(" (")
        found[key] = {**found.get(key, {}), family: value} if family else value
    return found

wrong = []
mutants = list(all_mutants().items())[first::every]
for name, mutant in mutants:
    adapter = mutant.adapter()
    functions = {key: anonymous(value) for key, value in adapter.functions.items()}
    declared = {**as_declared(adapter.conventions), **adapter.numbers}
    report = check(types.SimpleNamespace(**declared, **functions), profile="quick", only=killers[name])
    told = {line for result in report.results for line in result.mutant}
    if told != {f"behaves like mutant {name}: {mutant.says}"}:
        red = [result.id for result in report.results if result.status in ("fail", "error")]
        wrong.append(f"{name} (red: {red}) is told {sorted(told)}")
print(len(mutants), *wrong, sep="\\n")
"""


def killers() -> dict[str, list[str]]:
    """The laws that kill each mutant, declared or not, read off the kill matrix, which the teeth keep fresh."""
    found: dict[str, list[str]] = {}
    area = ""
    columns: list[str] = []
    for line in KILLS.read_text().splitlines():
        if line.startswith("## "):
            area = line.removeprefix("## ")
        elif line.startswith("| "):
            name, _, _, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            if name == "mutant":
                columns = cells
            else:
                laws = [f"{area}-{number}" for number, cell in zip(columns, cells, strict=True) if cell]
                found[name] = found.get(name, []) + laws
    return found


def test_every_mutant_is_told_its_own_name_and_no_other() -> None:
    """A process a core, each with its share of the mutants."""
    known = json.dumps(killers())
    cores = os.cpu_count() or 1
    shares = [
        subprocess.Popen(
            [sys.executable, "-c", ANONYMOUS, known, str(first), str(cores)],
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
