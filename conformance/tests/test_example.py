"""A stranger's fork in a project of its own: bound in under fifteen lines, checked, expected, replayed."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "conformance" / "examples" / "fork"


def refaudio(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "refaudio", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("home") / "project"))


def test_the_adapter_is_short() -> None:
    tree = ast.parse((EXAMPLE / "adapter.py").read_text())
    lines = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)}
    assert len(lines) < 15


def test_its_bug_is_named_and_nothing_innocent_is_accused(project: Path) -> None:
    run = refaudio(project, "check", "adapter")
    assert run.returncode == 1
    named = {line.split(":")[0].strip() for line in run.stdout.splitlines() if "behaves like" in line}
    assert named == {"behaves like mutant undelay-trims-thirty"}
    assert "DELAY-001 pass (delays [0, 8, 9, 10, 11, 12, 13, 14, 15])" in run.stdout
    assert "DELAY-008" not in run.stdout, "a pattern that the fork cannot be asked for is no failure"


def test_its_failures_are_expected_and_replayed(project: Path) -> None:
    assert refaudio(project, "check", "adapter", "--write-expected", "refaudio.toml").returncode == 1
    run = refaudio(project, "check", "adapter", "--expected", "refaudio.toml", "--json", "r.json")
    assert run.returncode == 0, run.stdout
    assert "0 fail, 0 error, 5 xfail, 0 xpass" in run.stdout
    written = {path.name for path in project.iterdir()} - {"__pycache__"}
    assert written == {"adapter.py", "fork.py", "refaudio.toml", "r.json"}


def test_mending_it_is_noticed(project: Path) -> None:
    fork = project / "fork.py"
    fork.write_text(fork.read_text().replace("TAIL = 30", "TAIL = 15"))
    later = time.time() + 10  # a second write in the same second would leave the compiled module as it was
    os.utime(fork, (later, later))
    run = refaudio(project, "check", "adapter", "--expected", "refaudio.toml")
    assert run.returncode == 1
    assert "DELAY-002 XPASS" in run.stdout
