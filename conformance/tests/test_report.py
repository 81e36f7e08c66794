"""Reports: strict JSON that its schema describes, written whole or not at all, and nothing else is written."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import jsonschema
import pytest
import torch

from refaudio.conformance import report as report_module
from refaudio.conformance.adapter import Adapter
from refaudio.conformance.check import check
from refaudio.conformance.report import STATUSES, Report, Result, failure_text
from refaudio.spec.oracles import sees

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(Path(report_module.__file__).with_name("report.schema.json").read_text())
KNOWN = """
[[expected]]
law = "DELAY-005"
reason = "we repeat nothing"
example = {{ codebooks = {codebooks}, delays = [0] }}
"""


def lost_pattern(name: str) -> NoReturn:
    raise KeyError(name)


# DELAY-005 fails, DELAY-007 passes, DELAY-014 is an error, and the others are unclaimed.
FORK = SimpleNamespace(
    visible=sees,
    make_config=lambda codebooks, delays: delays,
    pattern=lost_pattern,
    IMPLEMENTATION={"name": "fork", "version": "1.0"},
    EOS="none",
)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[Report]:
    """Reports in which every status but tentative occurs."""
    folder = tmp_path_factory.mktemp("expected")
    for name, text in {
        "fails.toml": KNOWN.format(codebooks=2),
        "passes.toml": KNOWN.format(codebooks=1),
        "old.toml": 'spec = "2025.1"',
    }.items():
        (folder / name).write_text(text)
    files = [None, *sorted(folder.iterdir())]
    return [check(FORK, profile="quick", expected=file) for file in files]


def strictly(text: str) -> Any:
    """JSON as other languages read it: without NaN and Infinity."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def written(report: Report, folder: Path) -> Any:
    report.write(folder / "report.json")
    return strictly((folder / "report.json").read_text(encoding="utf-8"))


def test_every_report_is_as_the_schema_says(reports: list[Report], tmp_path: Path) -> None:
    seen = set()
    for report in reports:
        document = written(report, tmp_path)
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
        seen |= {result["status"] for result in document["results"]}
    assert seen == set(STATUSES) - {"tentative"}


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"extra": 1}, {"spec": "latest"}, {"device": None}, {"results": [{"id": "x"}]}]
)
def test_the_schema_refuses_other_documents(change: dict[str, Any], reports: list[Report]) -> None:
    document = json.loads(json.dumps(reports[0].as_json()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(document | change)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_summary_adds_up(reports: list[Report]) -> None:
    for report in reports:
        document = report.as_json()
        statuses = [result["status"] for result in document["results"]]
        counts = {status: document["summary"][status] for status in STATUSES}
        assert counts == {status: statuses.count(status) for status in STATUSES}
        assert sum(counts.values()) == document["summary"]["laws"] == len(statuses)
        assert report.summary.startswith(
            f"{len(statuses)} laws: {counts['pass']} pass, {counts['fail']} fail"
        )


def test_a_failure_says_all_that_is_needed_to_repeat_it(reports: list[Report]) -> None:
    result = reports[0]["DELAY-005"].as_json()
    assert (result["got"], result["what"]) == ([0], "a pattern that does not fit")
    assert json.dumps(result["example"]) in result["command"]
    assert "KeyError" in reports[0]["DELAY-014"].as_json()["message"]


def test_numbers_that_json_has_not_appear_by_name(tmp_path: Path) -> None:
    values = torch.tensor([[float("nan"), float("inf"), -float("inf")]])
    adapter = SimpleNamespace(stream=lambda codec, rows, delays: [values.expand(len(next(rows)), 3)])
    report = check(adapter, profile="quick", only="DELAY-010")
    (result,) = written(report, tmp_path)["results"]
    assert result["status"] == "fail"
    assert result["got"]["values"][:3] == ["nan", "inf", "-inf"]
    assert "['nan', 'inf', '-inf'" in failure_text(report["DELAY-010"])


def test_a_case_that_json_has_not_is_written_all_the_same(tmp_path: Path) -> None:
    result = Result("DELAY-005", "fail", 1, 1, example={"codebooks": float("nan"), "delays": [0]})
    document = written(Report(Adapter("fork", {}), "quick", "cpu", [result]), tmp_path)
    assert "nan" in json.dumps(document["results"][0]["example"]).lower()


@pytest.mark.parametrize("before", [None, "the report of yesterday"])
def test_a_failed_write_leaves_what_was_there(
    before: str | None, reports: list[Report], tmp_path: Path
) -> None:
    if before:
        (tmp_path / "report.json").write_text(before)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # as a full disk: half of it is written
    try:
        with pytest.raises(OSError, match="File too large"):
            reports[0].write(tmp_path / "report.json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    left = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert left == ({"report.json": before} if before else {})


def test_a_target_that_is_a_folder_is_refused_and_nothing_is_left(
    reports: list[Report], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        reports[0].write(tmp_path / "folder")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


def test_a_target_that_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    """`--json /dev/stdout`, typed by root, must not put a file where the device was."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    report = Report(Adapter("fork", {}), "quick", "cpu", [Result("DELAY-001", "pass", 9, 9)])
    try:
        report.write(tmp_path / "pipe")
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
        assert strictly(os.read(reader, 2**16).decode())["schema"] == 1
    finally:
        os.close(reader)


def test_a_check_leaves_the_working_folder_as_it_was(tmp_path: Path) -> None:
    here, lib = tmp_path / "here", tmp_path / "lib"
    here.mkdir()
    lib.mkdir()
    (lib / "a_fork.py").write_text("def make_config(codebooks, delays):\n    return delays\n")
    ran = subprocess.run(
        [sys.executable, "-m", "refaudio", "check", "a_fork", "--profile", "quick"],
        cwd=here,
        env={**os.environ, "HOME": str(here), "PYTHONPATH": f"{ROOT}{os.pathsep}{lib}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, "DELAY-005 FAIL" in ran.stdout) == (1, True), ran.stderr
    assert list(here.rglob("*")) == []


def test_a_report_that_lacks_a_law_says_so(reports: list[Report]) -> None:
    with pytest.raises(KeyError, match="SEED-001 was not checked"):
        reports[0]["SEED-001"]
