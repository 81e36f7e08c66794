"""JUnit XML: what a CI service shows of a check, read back by a parser."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from refaudio.cli import main
from refaudio.conformance import junit
from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.expected import write as write_expected
from refaudio.conformance.report import Report, failure_text


def trims_thirty(rows: torch.Tensor, delays: list[int], frames: int | None) -> torch.Tensor:
    kept = reference.undelay(rows, delays, None)
    return kept[:, : max(0, kept.shape[1] + max(delays) - 30)][:, :frames]


def crashes(*args: Any) -> Any:
    raise RuntimeError("bad byte \x00\x1b[31m, lone surrogate \ud800 & <tag> ]]>")


BROKEN = SimpleNamespace(
    delay=reference.delay, undelay=trims_thirty, make_config=crashes, visible=reference.visible
)


@pytest.fixture(scope="module")
def report() -> Report:
    return check(BROKEN, profile="quick")


def parsed(report: Report, folder: Path) -> ET.Element:
    junit.write(report, folder / "report.xml")
    root = ET.parse(folder / "report.xml").getroot()
    assert root.tag == "testsuites"
    (suite,) = root
    return suite


def cases(suite: ET.Element) -> dict[str, ET.Element]:
    return {case.attrib["name"]: case for case in suite.findall("testcase")}


def test_each_law_is_a_test_case_and_the_counts_add_up(report: Report, tmp_path: Path) -> None:
    suite = parsed(report, tmp_path)
    assert list(cases(suite)) == [*(result.id for result in report.results), junit.SUMMARY]
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {
        "tests": len(report.results) + 1,
        "failures": report.counts["fail"],
        "errors": report.counts["error"],
        "skipped": report.counts["unclaimed"],
    }
    assert counts["failures"] > 0
    assert counts["errors"] > 0
    assert {case.attrib["classname"] for case in cases(suite).values()} == {"refaudio.DELAY", "refaudio"}
    assert sum(float(case.attrib["time"]) for case in cases(suite).values()) == pytest.approx(
        float(suite.attrib["time"]), abs=0.1
    )


def test_a_failure_tells_everything_and_a_pass_nothing(report: Report, tmp_path: Path) -> None:
    found = cases(parsed(report, tmp_path))
    failure = found["DELAY-002"].find("failure")
    assert failure is not None
    assert failure.text == failure_text(report["DELAY-002"])
    assert failure.attrib["message"].startswith("behaves like mutant undelay-trims-thirty")
    assert list(found["DELAY-001"]) == list(found["DELAY-007"]) == list(found[junit.SUMMARY]) == []


def test_what_is_unclaimed_is_skipped_with_its_reason(report: Report, tmp_path: Path) -> None:
    skipped = cases(parsed(report, tmp_path))["DELAY-010"].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "unclaimed: no stream"


def test_what_xml_cannot_hold_is_replaced(report: Report, tmp_path: Path) -> None:
    error = cases(parsed(report, tmp_path))["DELAY-005"].find("error")
    assert error is not None
    assert error.text is not None
    assert "bad byte \ufffd\ufffd[31m, lone surrogate \ufffd & <tag> ]]>" in error.text


def test_known_failures_are_skipped_and_what_passes_again_or_is_lost_is_red(tmp_path: Path) -> None:
    expected = tmp_path / "refaudio.toml"
    write_expected(check(SimpleNamespace(**{**vars(BROKEN), "make_config": None}), profile="quick"), expected)
    mended = SimpleNamespace(delay=reference.delay, undelay=reference.undelay)
    found = cases(parsed(check(mended, profile="quick", expected=expected), tmp_path))
    again = found["DELAY-002"].find("failure")
    assert again is not None
    assert again.attrib["message"] == "passes again (unexplained): take it out of the expected failures"
    lost = found[junit.SUMMARY].find("failure")
    assert lost is not None
    assert "DELAY-007 was claimed" in lost.attrib["message"]
    still = SimpleNamespace(delay=reference.delay, undelay=trims_thirty, visible=reference.visible)
    known = cases(parsed(check(still, profile="quick", expected=expected), tmp_path))["DELAY-002"]
    assert known.find("failure") is None
    skipped = known.find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "xfail: unexplained"


def test_that_nothing_was_checked_is_red(tmp_path: Path) -> None:
    failure = cases(parsed(check(SimpleNamespace(), profile="quick"), tmp_path))[junit.SUMMARY].find(
        "failure"
    )
    assert failure is not None
    assert "nothing was checked" in failure.attrib["message"]


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.xml"
    name = "refaudio.conformance.adapters.reference"
    assert main(["check", name, "--only", "DELAY-014", "--profile", "quick", "--junit", str(path)]) == 0
    assert list(cases(ET.parse(path).getroot()[0])) == ["DELAY-014", junit.SUMMARY]
    capsys.readouterr()
    assert main(["check", name, "--only", "DELAY-014", "--junit", str(tmp_path / "no" / "report.xml")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
