"""suite(): one line in somebody's repository, from a process of its own as they would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORK = """
import torch

EOS = "staggered"

def delay(codes, delays, bos, pad, eos):
    if eos is not None:
        raise NotImplementedError("rows never end")
    columns = [
        torch.cat([torch.full((len(codes), 1 + d), bos), codes[..., k], torch.full((len(codes), max(delays) - d), pad)], 1)
        for k, d in enumerate(delays)
    ]
    return torch.stack(columns, -1)

def undelay(rows, delays, frames):
    kept = rows.shape[1] - 1 - TRIM
    return torch.stack([rows[:, 1 + d : 1 + d + kept, k] for k, d in enumerate(delays)], -1)[:, :frames]
"""
TEST = "import refaudio.conformance\ntest_spec = refaudio.conformance.suite({arguments})\n"


def write_fork(folder: Path, trim: str) -> None:
    (folder / "fork.py").write_text(FORK.replace("TRIM", trim))


def run(
    folder: Path, trim: str = "max(delays)", arguments: str = '"fork"', **environment: str
) -> subprocess.CompletedProcess[str]:
    write_fork(folder, trim)
    (folder / "test_fork.py").write_text(TEST.format(arguments=arguments))
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rsxX",
            "-p",
            "no:cacheprovider",
            "-W",
            "error",
            "test_fork.py",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_fork_is_held_to_each_law_by_name(tmp_path: Path) -> None:
    green = run(tmp_path, "max(0, min(rows.shape[1] - 1, max(delays)))")
    assert green.returncode == 0, green.stdout
    assert "unclaimed: no visible" in green.stdout
    red = run(tmp_path, "30 - max(delays)")
    assert red.returncode == 1
    assert "DELAY-002" in red.stdout
    assert "repeat:  refaudio check fork --only DELAY-002 --example" in red.stdout


def test_expected_failures_are_xfailed_and_a_misspelt_law_breaks_the_collection(tmp_path: Path) -> None:
    write_fork(tmp_path, "29")
    write = [
        sys.executable,
        "-m",
        "refaudio",
        "check",
        "fork",
        "--profile",
        "quick",
        "--write-expected",
        "known.toml",
    ]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    subprocess.run(write, cwd=tmp_path, env=environment, capture_output=True, check=False)
    known = run(tmp_path, "29", '"fork", expected="known.toml"')
    assert known.returncode == 0, known.stdout
    assert "unexplained" in known.stdout
    text = (tmp_path / "known.toml").read_text()
    (tmp_path / "known.toml").write_text(text.replace("DELAY-002", "DELAY-02"))
    broken = run(tmp_path, "29", '"fork", expected="known.toml"')
    assert broken.returncode == 2
    assert "unknown law 'DELAY-02'" in broken.stdout


def test_nothing_checked_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("")
    nothing = run(tmp_path, arguments='"empty"')
    assert nothing.returncode == 1
    assert "nothing was checked" in nothing.stdout


@pytest.mark.parametrize(("profile", "code"), [("thorough-ish", 2), ("quick", 0)])
def test_the_environment_stands_above_the_profile(tmp_path: Path, profile: str, code: int) -> None:
    trim = "max(0, min(rows.shape[1] - 1, max(delays)))"
    asked = run(tmp_path, trim, '"fork", profile="default"', REFAUDIO_PROFILE=profile)
    assert asked.returncode == code
    assert ("unknown profile 'thorough-ish'" in asked.stdout) == (code == 2)
