"""Each red cell of the matrix comes with a sentence and with a script that shows it without the kit."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).parents[1]
RED = [
    (path.stem, result)
    for path in sorted((CONFORMANCE / "results").glob("*.json"))
    for result in json.loads(path.read_text())["results"]
    if result["status"] in ("fail", "error", "xfail", "xpass")
]


@pytest.mark.parametrize(("peer", "result"), RED, ids=[f"{peer}-{result['id']}" for peer, result in RED])
def test_a_red_cell_names_its_script(peer: str, result: dict[str, str]) -> None:
    named = re.search(r"\(findings/(\w+\.py)\)$", result["reason"])
    assert result["status"] == "xfail", f"{peer} {result['id']} is red, and nobody has said why"
    assert named is not None
    assert (CONFORMANCE / "findings" / named[1]).is_file()


@pytest.mark.parametrize(
    "script", sorted((CONFORMANCE / "findings").glob("*.py")), ids=lambda path: path.stem
)
def test_a_finding_needs_no_kit(script: Path) -> None:
    tree = ast.parse(script.read_text())
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if name.split(".")[0] == "refaudio"]
    assert ast.get_docstring(tree), "the first line says what a user of the library meets"
