"""Cases in rounds end as cases one by one do: whatever a law does between its calls."""

from __future__ import annotations

import random
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from programs import program, started

from refaudio.conformance.load import load
from refaudio.conformance.rounds import run_cases
from refaudio.conformance.run import Bound, Outcome
from refaudio.spec.law import LAWS, decline, expect

# pattern(name) answers with the length of its name and where in its batch the call was served
LENGTH = "(folder / 'out.json').write_text(json.dumps([len(arguments[0]), number]))\nreturn 0"


def ends(folder: Path, check: Callable[..., None], count: int = 4) -> list[Outcome]:
    """How a law with this body ends for names of one letter, two letters and so on."""
    law = replace(LAWS["DELAY-014"], check=check)
    impl = Bound(load(program(folder, LENGTH, "pattern")), ["pattern"])
    return list(run_cases(law, impl, [{"name": "x" * at} for at in range(1, count + 1)]))


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.kind for outcome in outcomes]


def test_what_is_asked_next_may_depend_on_the_answer(tmp_path: Path) -> None:
    def halves(impl: Any, name: str) -> None:
        calls = 0
        while name:
            name = name[: impl.pattern(name)[0] // 2]
            calls += 1
        expect(calls, 3, "how many calls")

    assert kinds(ends(tmp_path, halves, 8)) == ["fail"] * 3 + ["pass"] * 4 + ["fail"]
    assert started(tmp_path) == ["describe"] + ["pattern"] * 4


def test_each_case_ends_in_its_own_way(tmp_path: Path) -> None:
    def each(impl: Any, name: str) -> None:
        length = impl.pattern(name)[0]
        if length == 2:
            decline("two")
        expect(length, 3, "the length")
        raise RuntimeError("three")

    assert kinds(ends(tmp_path, each)) == ["fail", "declined", "error", "fail"]


def test_global_generators_and_warnings_are_as_if_cases_ran_one_by_one(tmp_path: Path) -> None:
    def stirs(impl: Any, name: str) -> None:
        random.seed(name)
        first = random.random()
        random.seed(name)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn(name, stacklevel=1)
            impl.pattern(name)
        impl.pattern(name)
        expect(random.random(), first, "the next draw")
        expect([str(warning.message) for warning in caught], [name], "what was warned")

    before = list(warnings.filters)
    assert kinds(ends(tmp_path, stirs)) == ["pass"] * 4
    assert list(warnings.filters) == before


def test_a_case_that_asks_for_something_else_each_time_is_run_by_itself(tmp_path: Path) -> None:
    counter = iter(range(10**6))

    def strays(impl: Any, name: str) -> None:
        for _ in range(3):
            length, place = impl.pattern(name + "y" * next(counter))
            expect(length > 0, True, "the length")
        expect(place, 1, "served alone")

    assert kinds(ends(tmp_path, strays, 2)) == ["pass"] * 2


def test_a_call_about_a_file_is_answered_while_the_file_is_there(tmp_path: Path) -> None:
    def about_a_file(impl: Any, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            length, place = impl.pattern(Path(folder, name))
            expect(length, len(folder) + 1 + len(name), "the length of the path")
            expect(place, 1, "served alone")

    assert kinds(ends(tmp_path, about_a_file)) == ["pass"] * 4


def test_a_call_from_a_thread_of_the_law_is_answered_at_once(tmp_path: Path) -> None:
    def from_threads(impl: Any, name: str) -> None:
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.append(impl.pattern(name)[0])) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(found, [len(name)] * 2, "the lengths")

    assert kinds(ends(tmp_path, from_threads, 2)) == ["pass"] * 2


def test_the_same_call_comes_at_another_place_in_each_round(tmp_path: Path) -> None:
    def places(impl: Any, name: str) -> None:
        found = [impl.pattern(name)[1] for _ in range(3)]
        expect(found, [len(name), len(name) + 1, len(name) + 2], "the places")

    assert kinds(ends(tmp_path, places)) == ["pass"] * 4


def test_cases_are_made_lazily_for_functions_that_are_here() -> None:
    law = LAWS["DELAY-014"]
    impl = Bound(load("refaudio.conformance.adapters.reference"), ["pattern"])

    def cases() -> Iterator[dict[str, Any]]:
        yield {"name": "dia"}
        raise LookupError("asked for too early")

    ran = run_cases(law, impl, cases())
    assert next(ran).kind == "pass"
    with pytest.raises(LookupError):
        next(ran)
