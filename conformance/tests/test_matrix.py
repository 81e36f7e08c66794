"""The table of who passes what: made of reports from anywhere, which can neither break it nor slip html into it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from refaudio import spec
from refaudio.conformance.adapter import Adapter
from refaudio.conformance.matrix import markdown, matrix_file, read, stale
from refaudio.conformance.report import Report, Result
from refaudio.conformance.usage import UsageError
from refaudio.spec.law import LAWS

DELAY = [id for id in LAWS if id.startswith("DELAY-")]
CASE = {"delays": [0], "codebooks": 2}


def document(name: str, *results: Result) -> dict[str, Any]:
    """The report of an implementation, as it is read from a file."""
    adapter = Adapter(f"{name}.adapter", {}, implementation={"name": name, "version": "1.0"})
    made: dict[str, Any] = json.loads(json.dumps(Report(adapter, "default", "cpu", results).as_json()))
    return made


def rows(table: str) -> list[list[str]]:
    """The cells of each line that a markdown parser takes for a row."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1] for line in lines]


def row(table: str, id: str) -> list[str]:
    return next([cell.strip() for cell in cells[1:]] for cells in rows(table) if f"**{id}**" in cells[0])


def test_a_row_is_a_law_and_a_column_an_implementation() -> None:
    table = markdown(
        [
            document("dia", Result("DELAY-002", "pass", 100, 100), Result("DELAY-001", "fail", 100, 100)),
            document("moshi", Result("DELAY-002", "unclaimed", reason="no undelay")),
        ]
    )
    head, rule, *body, environment = rows(table)
    assert [cell.strip() for cell in head] == ["law", "dia 1.0", "moshi 1.0"]
    assert set(rule) == {"---"}
    assert [cells[0].split()[0] for cells in body] == ["**DELAY-001**", "**DELAY-002**"]
    assert row(table, "DELAY-001") == ["**fail**", ""]
    assert row(table, "DELAY-002") == ["pass", "unclaimed"]
    assert "torch" in environment[1]
    assert LAWS["DELAY-001"].title.split(":")[0] in body[0][0]


def test_a_narrowed_pass_and_a_small_share_are_no_plain_cells() -> None:
    sizes = {"codebooks": [9, 18]}
    table = markdown(
        [
            document(
                "dia",
                Result("DELAY-001", "pass", 100, 12, narrowed=sizes),
                Result("DELAY-002", "fail", 100, 12, narrowed=sizes),
                Result("DELAY-003", "unclaimed", 100, 4),
                Result("DELAY-004", "unclaimed"),
            )
        ]
    )
    cells = [row(table, id)[0].strip("*") for id in ("DELAY-001", "DELAY-002", "DELAY-003", "DELAY-004")]
    assert cells == [
        "pass (codebooks 9/18)",
        "fail (codebooks 9/18)",
        "unclaimed (4 % of cases)",
        "unclaimed",
    ]


@pytest.mark.parametrize("status", ["fail", "error", "xfail", "xpass"])
def test_a_red_cell_is_explained_with_its_case(status: str) -> None:
    failed = Result("DELAY-005", status, 100, 100, example=CASE, mutant=["behaves like mutant any-pattern"])
    table = markdown([document("dia", failed)])
    assert row(table, "DELAY-005") == [f"**{status}**"]
    (why,) = (line for line in table.splitlines() if line.startswith("- "))
    assert why.startswith("- **DELAY-005**, dia 1.0: behaves like mutant any-pattern")
    assert '"codebooks": 2' in why


@pytest.mark.parametrize("status", ["pass", "unclaimed", "tentative", "new"])
def test_what_is_not_red_needs_no_explanation(status: str) -> None:
    assert markdown([document("dia", Result("DELAY-005", status, 9, 9))]).endswith("\nNo cell is red.\n")


HOSTILE = {
    "a cell more": "a | b",
    "an escaped pipe": "a \\| b",
    "a tag": "<script>alert(1)</script>",
    "a code span": "`a | ` | `",
    "lines": "a\n| x | y |\r\n\n# b\u2028c\x0bd",
    "a link": "[click](javascript:alert(1))",
    "an entity": "&lt;b&gt;",
}


def infected(text: str) -> dict[str, Any]:
    """A report with a text in every place that holds one."""
    doc = document("dia", Result("DELAY-005", "fail", 100, 100), Result("DELAY-001", "pass", 100, 100))
    doc["implementation"] |= {"name": text, "version": text}
    doc |= {"device": text, "versions": {"torch": text, "python": text}}
    red, green = doc["results"]
    red |= {"reason": text, "message": text, "mutant": [text], "effect": text, "example": {text: text}}
    green |= {"narrowed": {text: [text]}, "title": text, "status": text}
    stranger = {**red, "id": text, "title": text, "reason": ""}
    doc["results"].append(stranger)
    return doc


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_report_cannot_break_the_table_or_leave_it(text: str) -> None:
    table = markdown([infected(text), document("moshi")])
    harmless = markdown([infected("harmless"), document("moshi")])
    assert [len(cells) for cells in rows(table)] == [3] * len(rows(harmless))
    assert len(table.splitlines()) == len(harmless.splitlines())
    unescaped = re.sub(r"\\[\\`*_\[\]|~]", "", table)
    assert not set("<`[]~") & set(unescaped)
    assert "&lt;b&gt;" not in unescaped


def test_a_report_cannot_steer_the_terminal_that_shows_it() -> None:
    table = markdown([infected("\033]0;owned\007 \033[2J \x9b2J")])
    assert [character for character in table if not character.isprintable() and character != "\n"] == []


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "{}",
        '{"schema": 2, "results": []}',
        '{"schema": 1}',
        '{"schema": 1, "implementation": {"name": 3}, "results": [{}]}',
    ],
)
def test_what_is_no_report_is_refused_with_what_to_type(text: str, tmp_path: Path) -> None:
    (tmp_path / "dia.json").write_text(text)
    with pytest.raises(UsageError, match=r"dia\.json .*refaudio check") as refused:
        read(tmp_path / "dia.json")
    assert len(str(refused.value).splitlines()) == 1


def test_a_report_that_was_written_is_read(tmp_path: Path) -> None:
    report = Report(Adapter("dia.adapter", {}), "default", "cpu", [Result("DELAY-001", "pass", 9, 9)])
    report.write(tmp_path / "dia.json")
    assert read(tmp_path / "dia.json") == json.loads(json.dumps(report.as_json()))
    assert f"spec {spec.VERSION}" in matrix_file([read(tmp_path / "dia.json")])


def test_a_report_is_stale_when_it_lacks_a_law_or_is_of_another_spec() -> None:
    whole = document("dia", *(Result(id, "pass", 9, 9) for id in DELAY))
    assert stale([whole]) == []
    lacking = document("dia", *(Result(id, "pass", 9, 9) for id in DELAY[:-1]))
    assert stale([whole, lacking]) == [f"the report of dia.adapter has no {DELAY[-1]}: make it again"]
    old = whole | {"spec": "2025.3"}
    assert stale([old]) == ["the report of dia.adapter is of spec 2025.3: make it again"]


def test_a_withdrawn_law_is_missing_from_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check leaves it out, so that making the report again would not help."""
    monkeypatch.setitem(LAWS, "DELAY-001", replace(LAWS["DELAY-001"], status="withdrawn"))
    assert stale([document("dia", *(Result(id, "pass", 9, 9) for id in DELAY if id != "DELAY-001"))]) == []
