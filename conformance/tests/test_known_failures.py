"""A known failure is replayed on its stored case: strict, deterministic, in milliseconds."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.expected import UNEXPLAINED, Expected, write


def trims_thirty(rows: torch.Tensor, delays: list[int], frames: int | None) -> torch.Tensor:
    kept = reference.undelay(rows, delays, None)
    return kept[:, : max(0, kept.shape[1] + max(delays) - 30)][:, :frames]


BROKEN = SimpleNamespace(delay=reference.delay, undelay=trims_thirty, EOS="staggered")
MENDED = SimpleNamespace(delay=reference.delay, undelay=reference.undelay, EOS="staggered")


@pytest.fixture
def expected(tmp_path: Path) -> Path:
    path = tmp_path / "refaudio.toml"
    write(check(BROKEN, profile="quick"), path)
    return path


def test_known_failures_are_expected_and_replayed_in_milliseconds(expected: Path) -> None:
    known = [failure.law for failure in Expected.read(expected).failures]
    assert "DELAY-002" in known
    report = check(BROKEN, profile="quick", expected=expected)
    assert report.exit_code == 0
    assert all(report[id].status == "xfail" for id in known)
    started = time.perf_counter()
    replayed = check(BROKEN, profile="quick", expected=expected, only=known)
    assert replayed.counts["xfail"] == len(known)
    assert (time.perf_counter() - started) / len(known) < 0.1


def test_a_known_failure_that_passes_again_is_an_error(expected: Path) -> None:
    report = check(MENDED, profile="quick", expected=expected)
    assert report["DELAY-002"].status == "xpass"
    assert report.exit_code == 1


def test_the_reason_is_unexplained_until_somebody_explains_it(expected: Path) -> None:
    text = expected.read_text()
    assert text.count(UNEXPLAINED) == len(Expected.read(expected).failures)
    explained = text.replace(
        f'reason = "{UNEXPLAINED}"', 'reason = "thirty was once the tail"\nissue = "tracker 7"', 1
    )
    expected.write_text(explained)
    left = write(check(BROKEN, profile="quick", expected=expected), expected)
    first = Expected.read(expected).failures[0]
    assert (first.reason, first.issue) == ("thirty was once the tail", "tracker 7")
    assert left == text.count(UNEXPLAINED) - 1


@pytest.mark.parametrize(
    ("when", "status"), [("torch>=1", "xfail"), ("torch<1", "fail"), ("cuda", "fail"), ("cpu", "xfail")]
)
def test_a_condition_says_when_the_failure_is_expected(expected: Path, when: str, status: str) -> None:
    text = expected.read_text().replace("reason =", f'when = "{when}"\nreason =')
    expected.write_text(text)
    assert check(BROKEN, profile="quick", expected=expected, only="DELAY-002")["DELAY-002"].status == status


def test_the_stored_case_is_the_shrunk_one(expected: Path) -> None:
    (case,) = (failure.example for failure in Expected.read(expected).failures if failure.law == "DELAY-002")
    smallest: dict[str, Any] = {"delays": [0], "frames": 1, "batch": 1, "seed": 0, "keep": 0}
    assert case == smallest
