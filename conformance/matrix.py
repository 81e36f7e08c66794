"""Who passes what: one table made of the JSON reports of several implementations.

`python -m refaudio.conformance.matrix` writes MATRIX.md from the reports in results/; with --check it fails when that
is stale, or when a report was made with other laws than today's.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import spec
from ..spec.law import LAWS
from .generated import settle_file
from .report import SCHEMA, sizes_text
from .usage import UsageError

HERE = Path(__file__).parent
Document = Mapping[str, Any]
RESULT = {
    "id",
    "area",
    "status",
    "title",
    "effect",
    "cases",
    "accepted",
    "reason",
    "message",
    "mutant",
    "example",
}


def read(path: Path) -> Document:
    """A report as `refaudio check --json` wrote it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} is no report: {error}; make one with refaudio check ADAPTER --json {path}"
        ) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else None
        raise UsageError(
            f"{path} has schema {found!r}, this version reads {SCHEMA}: make it again with refaudio check --json"
        )
    if problem := _problem(document):
        raise UsageError(
            f"{path} is no report: {problem}; make it again with refaudio check ADAPTER --json {path}"
        )
    return document


def _problem(document: Document) -> str | None:
    """What a report lacks of all that the table reads; report.schema.json says more."""
    for name, kind in {
        "implementation": dict,
        "versions": dict,
        "results": list,
        "spec": str,
        "device": str,
    }.items():
        if not isinstance(document.get(name), kind):
            return f"{name} must be a {kind.__name__}"
    for name in ("name", "version", "adapter"):
        if not isinstance(document["implementation"].get(name), str):
            return f"implementation.{name} must be text"
    for result in document["results"]:
        if not isinstance(result, dict) or not RESULT.issubset(result):
            return f"a result must give {', '.join(sorted(RESULT))}"
    return None


def escaped(text: object) -> str:
    """Text from a report as it may stand in a markdown table: a report comes from anywhere."""
    words = " ".join(str(text).split())
    printable = "".join(
        mark if mark.isprintable() else "\ufffd" for mark in words
    )  # no steering of terminals
    plain = printable.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", plain)


def markdown(documents: Sequence[Document]) -> str:
    """The table: a row a law, a column an implementation, and under it every red cell explained."""
    columns = [
        f"{escaped(doc['implementation']['name'])} {escaped(doc['implementation']['version'])}".strip()
        for doc in documents
    ]
    cells = [{result["id"]: result for result in doc["results"]} for doc in documents]
    ids = sorted(
        {id for column in cells for id in column},
        key=lambda id: (list(LAWS).index(id) if id in LAWS else 10**6, id),
    )
    lines = ["| law | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for id in ids:
        row = [_cell(column.get(id)) for column in cells]
        title = (
            LAWS[id].title if id in LAWS else next(column[id]["title"] for column in cells if id in column)
        )
        lines.append(f"| **{escaped(id)}** {escaped(title)} | {' | '.join(row)} |")
    lines.append("| *environment* | " + " | ".join(_environment(doc) for doc in documents) + " |")
    red = [
        f"- **{escaped(id)}**, {column}: {_why(cell)}"
        for id in ids
        for column, results in zip(columns, cells, strict=True)
        if (cell := results.get(id)) and cell["status"] in ("fail", "error", "xfail", "xpass")
    ]
    return (
        "\n".join([*lines, "", *(["What the red cells mean:", "", *red] if red else ["No cell is red."])])
        + "\n"
    )


def _cell(result: Mapping[str, Any] | None) -> str:
    if result is None:
        return ""
    status = str(result["status"])
    if status == "unclaimed" and result["accepted"]:
        return f"unclaimed ({100 * result['accepted'] / max(1, result['cases']):.0f} % of cases)"
    if result.get("narrowed"):
        return escaped(f"{status} ({sizes_text(result['narrowed'])})")
    return f"**{escaped(status)}**" if status in ("fail", "error", "xfail", "xpass") else escaped(status)


def _why(result: Mapping[str, Any]) -> str:
    said = result["reason"] or "; ".join(result["mutant"]) or result["message"] or result["effect"]
    return f"{escaped(said)}. Case: {escaped(json.dumps(result['example']))}"


def _environment(document: Document) -> str:
    versions = document["versions"]
    return escaped(
        f"torch {versions.get('torch', '?')}, python {versions.get('python', '?')}, {document['device']}"
    )


def matrix_file(documents: Sequence[Document]) -> str:
    """MATRIX.md as a whole."""
    head = [
        "# Who passes what",
        "",
        f"Generated by `python -m refaudio.conformance.matrix` from `conformance/results/*.json` (spec {spec.VERSION}).",
        "`pass (sizes)` was held to the law at these sizes alone; `unclaimed` means that the implementation does not offer",
        "what the law speaks about. Each red cell has a script in `conformance/findings/` that shows it without this kit.",
        "",
    ]
    have = {document["implementation"]["adapter"].rpartition(".")[2] for document in documents}
    peers = {path.stem for path in (HERE / "adapters" / "peers").glob("[!_]*.py")}
    missing = [f"unavailable: {', '.join(sorted(peers - have))}", ""] if peers - have else []
    return "\n".join([*head, *missing]) + "\n" + markdown(documents)


def stale(documents: Sequence[Document]) -> list[str]:
    """Reports that were made with other laws than today's."""
    problems = []
    for document in documents:
        name = document["implementation"]["adapter"]
        if document["spec"] != spec.VERSION:
            problems.append(f"the report of {name} is of spec {document['spec']}: make it again")
        areas = {result["area"] for result in document["results"]}
        have = {result["id"] for result in document["results"]}
        missing = [
            law.id
            for law in LAWS.values()
            if law.area in areas and law.status != "withdrawn" and law.id not in have
        ]
        problems += [f"the report of {name} has no {id}: make it again" for id in missing]
    return problems


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m refaudio.conformance.matrix", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when MATRIX.md is stale, write nothing")
    options = parser.parse_args(argv)
    paths = sorted((HERE / "results").glob("*.json"), key=lambda path: (path.stem != "reference", path.stem))
    documents = [read(path) for path in paths]
    problems = stale(documents)
    for problem in problems:
        print(f"error: {problem}")
    return 1 if problems else settle_file(HERE / "MATRIX.md", matrix_file(documents), options.check)


if __name__ == "__main__":
    sys.exit(main())
