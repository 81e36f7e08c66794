"""Beginning a law: the next id, in its place, and sketches that somebody can fill in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from refaudio.conformance.new_law import MUTANTS, SPEC, begin, ids, main, next_id
from refaudio.conformance.usage import UsageError


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of spec/ and of the mutants to write into."""
    spec, mutants = tmp_path / "spec", tmp_path / "mutants"
    shutil.copytree(SPEC, spec, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(MUTANTS, mutants, ignore=shutil.ignore_patterns("__pycache__"))
    return spec, mutants


def test_the_next_id_of_an_area_is_one_more_than_its_largest() -> None:
    known = ["DELAY-001", "DELAY-009", "DELAY-003", "DELAYED-050", "SEED-020"]
    assert next_id("DELAY", known) == "DELAY-010"
    assert next_id("TOKEN", known) == "TOKEN-001"


def test_a_number_is_not_given_again_when_its_law_is_gone(folders: tuple[Path, Path]) -> None:
    register = folders[0] / "ids.txt"
    register.write_text(register.read_text() + "DELAY-777\n")
    assert begin("DELAY", *folders)[0] == "DELAY-778"


def test_a_law_begins_in_the_files_of_its_area(folders: tuple[Path, Path]) -> None:
    spec, mutants = folders
    law, mutant, register = spec / "delay.py", mutants / "delay.py", spec / "ids.txt"
    before = {path: path.read_text() for path in (law, mutant, register)}
    id, changed = begin("DELAY", spec, mutants)
    assert changed == [law, mutant, register]
    for path in law, mutant:
        assert path.read_text().startswith(before[path].rstrip("\n") + "\n\n\n@")
        compile(path.read_text(), path, "exec")
    assert f'    "{id}",' in law.read_text().removeprefix(before[law])
    assert f'mutants=["{id.lower()}-mutant"]' in law.read_text()
    assert f'@mutant("{id.lower()}-mutant"' in mutant.read_text()
    assert not list(spec.parent.rglob("*.partial"))


def test_the_register_keeps_its_order_and_its_head(folders: tuple[Path, Path]) -> None:
    register = folders[0] / "ids.txt"
    head, before = register.read_text().splitlines()[0], ids(register)
    first, _ = begin("DELAY", *folders)
    second, _ = begin("DELAY", *folders)
    last = max(number for number, id in enumerate(before) if id.startswith("DELAY-")) + 1
    assert ids(register) == [*before[:last], first, second, *before[last:]]
    assert register.read_text().splitlines()[0] == head
    assert register.read_text().count("#") == head.count("#")


def test_an_area_without_laws_begins_with_files_of_its_own(folders: tuple[Path, Path]) -> None:
    spec, mutants = folders
    id, _ = begin("LYRIC", spec, mutants)
    assert id == "LYRIC-001" == ids(spec / "ids.txt")[-1]
    for path, imported in (spec / "lyric.py", "import draw"), (mutants / "lyric.py", "import mutant"):
        text = path.read_text()
        compile(text, path, "exec")
        assert text.startswith('"""LYRIC')
        assert f"from . {imported}\n" in text


@pytest.mark.parametrize("area", ["DELEY", "", "DELAY-015"])
def test_an_unknown_area_is_refused_and_nothing_is_written(area: str, folders: tuple[Path, Path]) -> None:
    before = {path: path.read_text() for folder in folders for path in folder.rglob("*.*")}
    with pytest.raises(UsageError, match="unknown area"):
        begin(area, *folders)
    assert {path: path.read_text() for folder in folders for path in folder.rglob("*.*")} == before


def test_the_command_says_which_area_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deley"]) == 2
    assert capsys.readouterr().err == "error: unknown area 'DELEY'; did you mean 'DELAY'?\n"
