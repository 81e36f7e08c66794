"""The commands at work: a failure can be repeated, expectations can be kept, and cases can be drawn anew."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from refaudio.cli import main
from refaudio.conformance.adapter import FAMILIES
from refaudio.conformance.check import check
from refaudio.spec.law import LAWS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
FORK = """
from refaudio.spec.oracles import sees
EOS = "none"
SEEN = []

def visible(delays, frames):
    SEEN.append((list(delays), frames))
    return sees(delays, frames)

def make_config(codebooks, delays):
    return delays

def pattern(name):
    return list(range(9)) if name == "dia" else [0]
"""
REASON = 'our config says "repeat", \\ and it is na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a fork that breaks DELAY-005 and DELAY-014, where one stands."""
    (tmp_path / "a_fork.py").write_text(FORK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("REFAUDIO_PROFILE", raising=False)
    yield tmp_path
    sys.modules.pop("a_fork", None)


def run(capsys: pytest.CaptureFixture[str], words: str) -> tuple[int, str]:
    """The exit code of a quick check of the fork, and what it printed."""
    code = main(["check", "a_fork", "--profile", "quick", *shlex.split(words)])
    return code, capsys.readouterr().out


def test_the_command_that_a_failure_prints_repeats_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "--only DELAY-014")
    lines = out.splitlines()
    command = next(line.removeprefix("  repeat:") for line in lines if line.startswith("  repeat:"))
    program, *words = shlex.split(command)
    assert (program, main(words)) == ("refaudio", code)
    assert capsys.readouterr().out == out
    assert "  case:    " + words[-1] in lines
    assert "    want   [0, 8, 9, 10, 11, 12, 13, 14, 15]" in lines


def test_the_command_that_a_failure_prints_repeats_it_on_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    report = check("a_fork", only="DELAY-014", profile="quick", device="cuda:7")
    assert "--device cuda:7" in report["DELAY-014"].command


def test_the_module_is_the_script() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        module, _, function = tomllib.load(file)["project"]["scripts"]["refaudio"].partition(":")
    script = ["-c", f"import sys; from {module} import {function}; sys.exit({function}())"]
    for words in ["--version"], ["chekc"], ["check", "--help"], []:
        said = [
            subprocess.run([sys.executable, *start, *words], cwd=ROOT, capture_output=True, check=False)
            for start in (["-m", "refaudio"], script)
        ]
        assert len({(ran.returncode, ran.stdout, ran.stderr) for ran in said}) == 1
        assert b"refaudio" in said[0].stdout + said[0].stderr


def test_what_was_written_as_expected_is_met(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "--write-expected refaudio.toml")
    assert code == 1
    assert "wrote refaudio.toml: 2 known failures are unexplained\n" in out
    code, out = run(capsys, "--expected refaudio.toml")
    assert code == 0
    assert "DELAY-005 xfail: unexplained" in out
    assert ": 1 pass, 0 fail, 0 error, 2 xfail, " in out.splitlines()[-1]


def expectations(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "refaudio.toml").read_text(encoding="utf-8"))


def explain(folder: Path, *words: str) -> None:
    """Give the first known failure a reason, and whatever else is said about it."""
    text = (folder / "refaudio.toml").read_text(encoding="utf-8")
    told = "\n".join([f"reason = {json.dumps(REASON, ensure_ascii=False)}", *words])
    (folder / "refaudio.toml").write_text(text.replace('reason = "unexplained"', told, 1), encoding="utf-8")


@pytest.mark.parametrize("options", ["", "--expected refaudio.toml", "--only DELAY-014", "--only DELAY-007"])
def test_reasons_written_by_hand_survive(
    options: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rewrite after a check of one law knows nothing about the others."""
    run(capsys, "--write-expected refaudio.toml")
    explain(folder, 'issue = "https://example.org/1"', 'when = "cpu"')
    before = expectations(folder)
    _, out = run(capsys, f"{options} --write-expected refaudio.toml")
    assert expectations(folder) == before
    assert [entry["reason"] for entry in before["expected"]] == [REASON, "unexplained"]
    assert "1 known failures are unexplained" in out


def test_where_nothing_was_checked_nothing_is_forgotten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run(capsys, "--write-expected refaudio.toml")
    explain(folder)
    before = expectations(folder)
    assert run(capsys, "--device cuda --write-expected refaudio.toml")[0] == 2
    assert expectations(folder) == before


def test_what_holds_elsewhere_keeps_its_own_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--only DELAY-005 --write-expected refaudio.toml")
    explain(folder, 'when = "cpu"')
    here = expectations(folder)["expected"]
    elsewhere = [{**here[0], "when": "cuda", "reason": "their kernel"}]
    with (folder / "refaudio.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[expected]]\nlaw = "DELAY-005"\nreason = "their kernel"\nwhen = "cuda"\n')
        file.write("example = { codebooks = 2, delays = [0] }\n")
    run(capsys, "--only DELAY-005 --write-expected refaudio.toml")
    assert expectations(folder)["expected"] == here + elsewhere


def test_code_that_exits_does_not_end_the_check_in_green(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a_fork.py").write_text("def visible(delays, frames):\n    raise SystemExit(0)\n")
    try:
        code: object = run(capsys, "--only DELAY-007")[0]
    except SystemExit as stopped:
        code = stopped.code
    assert code == 1


def test_a_family_is_all_that_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    def last(words: str) -> str:
        return run(capsys, words)[1].splitlines()[-1]

    seed, both = (
        sum(law.area in areas for law in LAWS.values())
        for areas in (["SEED"], ["SEED", *FAMILIES["codeclm"]])
    )
    assert last("--family SEED").startswith(f"{seed} laws: 0 pass, ")
    assert last("--family SEED --family codeclm").startswith(f"{both} laws: 1 pass, 2 fail, ")


def test_a_family_is_held_to_its_own_claims_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a_fork.py").write_text(FORK + "\n\nfrom refaudio.seeds import noise\n")
    run(capsys, "--family DELAY --family SEED --write-expected refaudio.toml")
    assert run(capsys, "--family SEED --expected refaudio.toml")[0] == 0


def seen(words: str) -> list[Any]:  # the cases that a check of DELAY-007 asked the fork for
    main(["check", "a_fork", "--profile", "quick", "--only", "DELAY-007", *words.split()])
    cases = list(sys.modules["a_fork"].SEEN)
    sys.modules["a_fork"].SEEN.clear()
    return cases


def test_random_cases_are_other_cases_and_can_be_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert seen("") == seen("")
    assert seen("--random 5") == seen("--random 5") != seen("--random 6")
    assert seen("--random 5") != seen("")
    capsys.readouterr()
    some = seen("--random")
    said = capsys.readouterr().err.splitlines()[0]
    assert said.startswith("random cases: repeat them with --random ")
    assert seen("--random " + said.rpartition(" ")[2]) == some


def test_a_negative_seed_is_a_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert seen("--random -1") == seen("--random -1") != seen("--random -2")
