"""`refaudio symptom`: from the words of who hears it to the law."""

from __future__ import annotations

import pytest

from refaudio.cli import main
from refaudio.conformance.symptom import MOST, answer, search, stem
from refaudio.spec.law import LAWS


@pytest.mark.parametrize(
    "words",
    ["click clicks clicked clicking", "clip clips clipped clipping", "repeat repeats repeated repeating", "noise noises"],
)  # fmt: skip
def test_forms_of_a_word_are_one(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == 1


@pytest.mark.parametrize(
    ("words", "id"),
    [
        ("streamed audio clicks at each chunk", "DELAY-010"),
        ("a stutter in the tail", "DELAY-004"),
        ("every rank draws the same crops", "SEED-002"),
        ("trimming thirty rows", "DELAY-006"),
        ("DELAY-012", "DELAY-012"),
        ("same seed another song", "SEED-003"),
    ],
)
def test_a_symptom_leads_to_its_law(words: str, id: str) -> None:
    assert id in [law.id for law in search(words)[:3]]


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_each_law_is_found_first_by_its_own_effect(law: object) -> None:
    assert search(law.effect)[0] is law  # type: ignore[attr-defined]


def test_the_answer_says_what_to_type_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["symptom", "streamed", "clicks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"DELAY-010  {LAWS['DELAY-010'].effect}"
    assert lines[1] == "  refaudio explain DELAY-010"
    assert lines[-1] == "to hold your code to the first: refaudio check YOURS --only DELAY-010"


def test_many_answers_are_cut_and_counted() -> None:
    found, lines = answer("audio noise code codebook seed")
    assert found
    assert sum(line.startswith("  refaudio explain") for line in lines) == MOST
    assert any(line.startswith("and ") and line.endswith("add a word to narrow it down") for line in lines)


@pytest.mark.parametrize(
    ("words", "says"),
    [("strutter", "did you mean stutter"), ("the", "; try: "), ("xyzzy", "; try: "), ("!!", "; try: ")],
)
def test_nothing_found_gives_hints_and_exits_1(
    words: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["symptom", words]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"nothing found for {words!r}; ")
    assert says in out
    assert out.splitlines()[-1] == "say what is heard or seen: refaudio symptom clicks at every chunk"


def test_no_words_are_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["symptom"])
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
