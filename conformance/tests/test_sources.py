"""Every documented item ends in a law, or says why not; no id is lost, and none is used twice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import refaudio.spec
from refaudio.conformance.adapter import spec_functions
from refaudio.conformance.mutants import all_mutants
from refaudio.conformance.new_law import ids
from refaudio.spec import AREAS, LAWS
from refaudio.spec.functions import FUNCTIONS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SPEC = Path(refaudio.spec.__file__).parent
SOURCES = tomllib.loads((SPEC / "sources.toml").read_text())
ROWS: dict[str, dict[str, Any]] = {
    key: row
    for path in sorted((SPEC / "traceability").glob("*.toml"))
    for key, row in tomllib.loads(path.read_text()).items()
}
FATES = ("laws", "planned", "merged", "reason")
COUNTS = {"D0": 30, "D1": 31, "D2": 17, "D3": 19, "D4": 25, "codeclm": 107, "flow": 92, "dynamics": 61}


def test_every_key_has_a_statement_and_a_fate() -> None:
    assert set(ROWS) == set(SOURCES["items"])
    found = {name: sum(key.replace(":", " ").split()[0] == name for key in ROWS) for name in COUNTS}
    assert found == COUNTS
    assert set(SOURCES["documents"]) == set(COUNTS)


@pytest.mark.parametrize("key", ROWS)
def test_a_row_has_one_fate_that_its_class_allows(key: str) -> None:
    row = ROWS[key]
    kind = row.get("class") or row.get("level")
    assert kind in ("R", "R*", "L", "S", "N", "D", "MUST", "SHOULD")
    (fate,) = (name for name in FATES if name in row)
    if fate == "reason":
        assert kind in ("S", "N", "D", "SHOULD")
    if fate == "merged":
        assert "merged" not in ROWS[row["merged"]]
    if fate == "planned":
        assert set(row["planned"].split()) <= set(AREAS)


@pytest.mark.parametrize("key", [key for key, row in ROWS.items() if "laws" in row])
def test_a_row_that_ends_in_laws_is_named_by_them(key: str) -> None:
    laws = [LAWS[id] for id in ROWS[key]["laws"]]
    assert all(key in law.origin for law in laws)
    if ROWS[key].get("class") in ("R", "R*", "L"):
        first = [all_mutants()[law.mutants[0]] for law in laws]
        assert any(key in mutant.of for mutant in first), (
            f"no first mutant of {ROWS[key]['laws']} is named for {key}"
        )


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_a_law_names_sources_that_exist(law: Any) -> None:
    assert set(law.origin) <= set(SOURCES["items"])
    for name in law.mutants:
        assert set(all_mutants()[name].of) <= set(SOURCES["items"])


def test_ids_are_registered_and_never_reused() -> None:
    given = ids(SPEC / "ids.txt")
    assert len(given) == len(set(given))
    assert set(LAWS) == set(given)


def test_every_function_that_a_law_calls_is_described() -> None:
    assert spec_functions() == set(FUNCTIONS)


def test_stored_cases_belong_to_laws() -> None:
    assert {path.stem for path in (SPEC / "corpus").glob("*.json")} <= set(LAWS)


def test_refaudio_is_never_named_inside_the_spec() -> None:
    named = [path.name for path in SPEC.glob("*.py") if "refaudio" in path.read_text().lower()]
    assert named == []
