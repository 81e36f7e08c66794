"""A verdict is a function of the versions: the same cases for everybody, whatever else is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DIGEST = """
import hashlib
{before}
from refaudio.conformance.check import cases_of
from refaudio.spec import LAWS
{ids}
print(hashlib.sha256("".join(line for id in ids for line in cases_of(LAWS[id], "quick")).encode()).hexdigest())
"""
ALL = "ids = list(LAWS)"
ROOT = Path(__file__).parents[2]


def digest(folder: Path, before: str = "", ids: str = ALL, *options: str) -> str:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    command = [sys.executable, *options, "-c", DIGEST.format(before=before, ids=ids)]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.fixture(scope="module")
def everybodys(tmp_path_factory: pytest.TempPathFactory) -> str:
    return digest(tmp_path_factory.mktemp("empty"))


def test_a_users_module_full_of_constants_changes_nothing(tmp_path: Path, everybodys: str) -> None:
    # measured: importing two lines like these changed what Hypothesis drew
    (tmp_path / "mine.py").write_text("SIZES = (3, 5, 7, 11, 1023, 1337, 65521)\nNAMES = ['left', 'right']\n")
    assert digest(tmp_path, before="import mine") == everybodys


def test_a_users_own_hypothesis_tests_change_nothing(tmp_path: Path, everybodys: str) -> None:
    before = (
        "from hypothesis import given, settings, strategies as st\n"
        "@settings(database=None)\n@given(st.integers(0, 12))\ndef theirs(n): assert n >= 0\ntheirs()\n"
    )
    assert digest(tmp_path, before=before) == everybodys


def test_optimised_python_and_another_hash_seed_change_nothing(tmp_path: Path, everybodys: str) -> None:
    assert digest(tmp_path, "import os; assert os", ALL, "-O") == everybodys


def test_a_law_alone_has_the_cases_that_it_has_in_a_full_run(tmp_path: Path) -> None:
    alone = digest(tmp_path, ids="ids = ['DELAY-009']")
    last = digest(tmp_path, ids="[cases_of(law, 'quick') for law in LAWS.values()]\nids = ['DELAY-009']")
    assert alone == last


def test_a_law_that_failed_and_was_shrunk_has_the_same_cases_afterwards(
    tmp_path: Path, everybodys: str
) -> None:
    before = (
        "import types\nfrom refaudio.conformance.check import check\n"
        "report = check(types.SimpleNamespace(delay=lambda codes, *rest: codes + 1), profile='quick')\n"
        "assert report.exit_code == 1\n"
    )
    assert digest(tmp_path, before=before) == everybodys
