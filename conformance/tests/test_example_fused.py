"""Two strangers whose bug sits inside an expression, or a step, that nobody can take apart: bound short, named, mended."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "conformance" / "examples"


@dataclass(frozen=True)
class Fork:
    """A fork, what the check must say of it, and the one condition that mends it."""

    name: str
    file: str
    family: str
    mutant: str
    red: tuple[str, ...]
    green: tuple[str, ...]
    before: str
    after: str


GUARD = """\
    if not 1e-6 < float(output.abs().max()) < float("inf"):  # no comparison holds of NaN
        raise ValueError("output must be finite, and above -120 dBFS")
"""
FORKS = [
    Fork(
        name="expression",
        file="song.py",
        family="AUDIO",
        mutant="export-divides-by-the-peak",
        red=("AUDIO-001", "AUDIO-002"),
        green=("AUDIO-005", "AUDIO-007"),
        before="    output = output_BxCxN.squeeze(0)\n",
        after="    output = output_BxCxN.squeeze(0)\n" + GUARD,
    ),
    Fork(
        name="trainer",
        file="train.py",
        family="LOSS",
        mutant="codes-only",
        red=("LOSS-014",),
        green=tuple(f"LOSS-0{number:02}" for number in (1, 2, 3, 4, 10, 11, 12, 13, 16)),
        before="(labels < EOS)  # no special tokens in the loss",
        after="(labels <= EOS)",
    ),
]
parametrized = pytest.mark.parametrize("fork", FORKS, ids=lambda fork: fork.name)


def checked(folder: Path, family: str) -> tuple[int, dict[str, Any]]:
    """The exit code of a check in this folder, and its results by id."""
    words = ["check", "adapter", "--family", family, "--profile", "quick", "--json", "r.json"]
    run = subprocess.run(
        [sys.executable, "-m", "refaudio", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    return run.returncode, {
        each["id"]: each for each in json.loads((folder / "r.json").read_text())["results"]
    }


def with_status(results: dict[str, Any], *statuses: str) -> tuple[str, ...]:
    return tuple(sorted(id for id, each in results.items() if each["status"] in statuses))


def project(fork: Fork, folder: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES / fork.name, folder / "project"))


@parametrized
def test_the_adapter_is_short(fork: Fork) -> None:
    tree = ast.parse((EXAMPLES / fork.name / "adapter.py").read_text())
    assert sum(isinstance(node, ast.stmt) for node in ast.walk(tree)) < 20


@parametrized
def test_its_bug_is_named_and_nothing_innocent_is_accused(fork: Fork, tmp_path: Path) -> None:
    code, results = checked(project(fork, tmp_path), fork.family)
    assert code == 1
    assert with_status(results, "fail", "error") == fork.red
    assert with_status(results, "pass") == fork.green
    named = {line.split(":")[0] for each in results.values() for line in each["mutant"]}
    assert named == {f"behaves like mutant {fork.mutant}"}


@parametrized
def test_mended_it_is_green(fork: Fork, tmp_path: Path) -> None:
    folder = project(fork, tmp_path)
    source = (folder / fork.file).read_text()
    assert source.count(fork.before) == 1
    (folder / fork.file).write_text(source.replace(fork.before, fork.after))
    code, results = checked(folder, fork.family)
    assert code == 0
    assert with_status(results, "pass") == tuple(sorted({*fork.red, *fork.green}))


def test_the_trainer_needs_what_is_not_installed(tmp_path: Path) -> None:
    folder = project(FORKS[1], tmp_path)
    run = subprocess.run([sys.executable, "-c", "import train"], cwd=folder, capture_output=True, check=False)
    assert b"ModuleNotFoundError" in run.stderr
