"""--jobs: several processes find what one finds, in the same order."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from programs import program

from refaudio.cli import main
from refaudio.conformance.check import check
from refaudio.conformance.report import Report, Result, failure_text
from refaudio.conformance.usage import UsageError

REFERENCE = "refaudio.conformance.adapters.reference"
FORK = """
import os
from refaudio.conformance.adapters.reference import delay, visible, pattern, noise

EOS = "staggered"
NOT_CLAIMED = {"DELAY-013": "not today"}

def undelay(rows, delays, frames):
    print("an adapter may print as it likes")
    return rows[:, 1 : max(1, rows.shape[1] - 30)][:, :frames]

def make_config(codebooks, delays):
    if len(delays) == codebooks:
        return delays
    raise NotImplementedError("misfits")

def delay_window(codes, start, frames, delays, bos, pad):
    raise RuntimeError("not yet")
"""


@pytest.fixture
def fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of a module that each process can import: a name a test, since modules are kept."""
    name = f"fork_{abs(hash(request.node.nodeid))}"
    (tmp_path / f"{name}.py").write_text(FORK)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def told(report: Report) -> list[Any]:
    """Everything that a report says but for the seconds."""
    document = report.as_json()
    for result in document["results"]:
        del result["seconds"]
    texts = [failure_text(result) for result in report.results]
    return [json.loads(json.dumps(document)), texts, report.summary, report.exit_code]


def test_two_processes_find_what_one_finds(fork: str) -> None:
    one = check(fork, profile="quick")
    assert all(one.counts[status] for status in ("pass", "fail", "error", "unclaimed"))
    assert told(check(fork, profile="quick", jobs=2)) == told(one)


def test_expectations_pins_and_families_hold_in_every_process(fork: str, tmp_path: Path) -> None:
    expected = tmp_path / "refaudio.toml"
    assert main(["check", fork, "--profile", "quick", "--jobs", "2", "--write-expected", str(expected)]) == 1
    options: dict[str, Any] = {"profile": "quick", "expected": expected, "families": ["DELAY"]}
    one = check(fork, **options)
    assert one.counts["xfail"]
    assert told(check(fork, **options, jobs=3)) == told(one)


def test_progress_is_told_in_order_and_counts_every_law() -> None:
    seen: list[tuple[str, int, int]] = []

    def on_result(result: Result, number: int, total: int) -> None:
        seen.append((result.id, number, total))

    report = check(REFERENCE, profile="quick", families=["DELAY", "SEED"], jobs=2, on_result=on_result)
    ids = [result.id for result in report.results]
    assert seen == [(id, number, len(ids)) for number, id in enumerate(ids, 1)]
    assert report.exit_code == 0


def test_a_process_that_dies_is_an_error_of_its_law(fork: str, tmp_path: Path) -> None:
    source = tmp_path / f"{fork}.py"
    source.write_text(FORK.replace('print("', 'len(rows) == 2 and os.abort() or print("'))
    report = check(fork, profile="quick", jobs=2, only=["DELAY-001", "DELAY-002", "DELAY-007"])
    assert [result.status for result in report.results] == ["pass", "error", "pass"]
    assert "the process died (exit code -6)" in report["DELAY-002"].message


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_processes_are_refused(jobs: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", REFERENCE, "--jobs", str(jobs)]) == 2
    assert capsys.readouterr().err.startswith(f"error: jobs={jobs} must be at least 1: --jobs ")


def test_an_adapter_without_a_name_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"jobs=2 needs an adapter by its name, .* got a SimpleNamespace; put it"
    ):
        check(SimpleNamespace(), jobs=2)


def test_what_the_laws_ask_of_a_program_is_shared_out_too(tmp_path: Path) -> None:
    name = program(tmp_path, "(folder / 'out.json').write_text('[0, 1, 2, 3]')\nreturn 0", "pattern")
    assert told(check(name, profile="quick", jobs=2)) == told(check(name, profile="quick"))


def test_a_check_that_is_interrupted_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = tmp_path / "batches"
    batches.mkdir()
    monkeypatch.setenv("TMPDIR", str(batches))
    monkeypatch.setattr("tempfile.tempdir", None)
    body = f"(Path({str(tmp_path)!r}) / 'pid').write_text(str(os.getpid()))\ntime.sleep(300)"
    name = program(tmp_path, body, "pattern", not_claimed={"DELAY-005": "no need"})

    def interrupts(result: Result, number: int, total: int) -> None:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(name, profile="quick", only=["DELAY-005", "DELAY-014"], jobs=2, on_result=interrupts)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert not list(batches.glob("refaudio-*"))
