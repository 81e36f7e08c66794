"""What a check says while it runs: one moving line on a terminal, plain lines in a log."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import strategies as st

from refaudio.conformance.check import check
from refaudio.conformance.checker import Checker
from refaudio.conformance.load import load
from refaudio.conformance.progress import Progress
from refaudio.spec.draw import Draw
from refaudio.spec.law import LAWS
from refaudio.spec.oracles import sees

DELAY_LAWS = sum(law.area == "DELAY" for law in LAWS.values())
ESCAPES = re.compile(r"\033\[[0-9;]*[A-Za-z]")
COLOURED = re.compile(r"\033\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def a_terminal_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def told(stream: io.StringIO, **functions: Any) -> str:
    """What a check of these functions, with `visible` right, says on a stream."""
    progress = Progress(stream)
    adapter = SimpleNamespace(visible=sees, **functions)
    check(adapter, profile="quick", on_start=progress.start, on_result=progress.result)
    return stream.getvalue()


def test_a_log_gets_one_plain_line_for_each_law() -> None:
    text = told(io.StringIO(), make_config=lambda codebooks, delays: delays)
    lines = text.splitlines()[1:]
    assert not set("\033\r") & set(text)
    assert [line.split()[0] for line in lines] == [f"[{n}/{DELAY_LAWS}]" for n in range(1, DELAY_LAWS + 1)]
    assert {line.split(maxsplit=1)[1] for line in lines} >= {"DELAY-007 pass", "DELAY-005 fail"}


def test_a_terminal_gets_one_line_that_moves_and_is_gone_at_the_end() -> None:
    moving = told(Terminal()).splitlines(keepends=True)[1:]
    *steps, after = "".join(moving).split("\r\033[K")[1:]
    assert [step.split("/")[0] for step in steps] == [f"[{n}" for n in range(1, DELAY_LAWS + 1)]
    assert after == ""
    assert "\n" not in "".join(steps)


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_is_coloured_unless_its_user_says_no(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "DELAY-007 \033[32mpass\033[0m" in told(Terminal())
    monkeypatch.setenv(variable, value)
    assert not COLOURED.search(told(Terminal()))


def test_no_color_that_is_empty_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org: when present and not an empty string."""
    monkeypatch.setenv("NO_COLOR", "")
    assert COLOURED.search(told(Terminal()))


@pytest.mark.parametrize("stream", [io.StringIO, Terminal], ids=["log", "terminal"])
def test_how_long_it_will_take_is_said_first(stream: type[io.StringIO]) -> None:
    first = ESCAPES.sub("", told(stream())).splitlines()[0]
    assert re.fullmatch(rf"SimpleNamespace: {DELAY_LAWS} laws, about \d+ s \(quick profile\)", first)


def test_what_looks_wrong_about_the_adapter_is_said_before_that() -> None:
    lines = told(io.StringIO(), undelay=lambda rows, delays, frames: rows[0], de_lay=print).splitlines()
    assert lines[0] == "note: 'de_lay' is no function of the spec: did you mean 'delay'?"
    assert lines[1].startswith("adapter? undelay must return codes (B, T, K)")
    assert "laws, about" in lines[2]


def test_what_is_not_claimed_is_not_run_for_the_estimate() -> None:
    """NOT_CLAIMED is where an adapter puts what hangs, or needs a machine that is not there."""
    calls = []

    def make_config(codebooks: int, delays: list[int]) -> list[int]:
        calls.append(codebooks)
        return delays

    told(io.StringIO(), make_config=make_config, NOT_CLAIMED={"DELAY-005": "loads the checkpoint"})
    assert calls == []


def test_the_estimate_does_not_wait_for_every_case_to_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing the 5000 cases of each law takes minutes, in which nothing would be said."""
    drawn: list[int] = []

    def counted(frames: int) -> int:
        drawn.append(frames)
        return frames

    frames = Draw(st.integers(0, 3).map(counted))
    law = replace(LAWS["DELAY-007"], draws={**LAWS["DELAY-007"].draws, "frames": frames})
    monkeypatch.setitem(LAWS, law.id, law)
    Progress(io.StringIO()).start(Checker(load(SimpleNamespace(visible=sees)), "thorough"), [law])
    assert 0 < len(drawn) < 1000
