"""One line in somebody's test suite: `test_spec = suite("mydia.adapter", expected="refaudio.toml")`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..spec.law import find
from .check import report
from .checker import Checker
from .expected import Expected
from .load import load
from .report import Result, failure_text

SUMMARY = "summary"


def suite(
    adapter: str | object, *, expected: str | Path | None = None, profile: str = "quick"
) -> Callable[[str], None]:
    """A test for pytest with one case a law and one for the whole; REFAUDIO_PROFILE stands above `profile`."""
    import pytest

    known = Expected.read(Path(expected)) if expected else Expected()
    checker = Checker(load(adapter), os.environ.get("REFAUDIO_PROFILE", profile), expected=known)
    results: dict[str, Result] = {}

    def result(id: str) -> Result:
        if id not in results:
            results[id] = checker.result(find(id))
        return results[id]

    @pytest.mark.parametrize("law", [*(law.id for law in checker.laws), SUMMARY])
    def test_spec(law: str) -> None:
        __tracebackhide__ = True
        if law == SUMMARY:
            _summarised(checker, [result(each.id) for each in checker.laws])
        else:
            _told(pytest, result(law))

    return test_spec


def _told(pytest: Any, result: Result) -> None:
    """Say a result in pytest's words."""
    __tracebackhide__ = True
    if result.status in ("fail", "error"):
        pytest.fail(failure_text(result), pytrace=False)
    if result.status == "xpass":
        pytest.fail(
            f"{result.id} passes again ({result.reason}): take it out of the expected failures", pytrace=False
        )
    if result.status == "xfail":
        pytest.xfail(result.reason)
    if result.status in ("unclaimed", "tentative", "new"):
        pytest.skip(f"{result.cell}: {result.reason}")


def _summarised(checker: Checker, results: list[Result]) -> None:
    """What no single law can say: claims that were lost, and that anything was checked at all."""
    __tracebackhide__ = True
    import pytest

    found = report(checker, results)
    if found.lost:
        pytest.fail("; ".join(found.lost), pytrace=False)
    if found.exit_code == 2:
        pytest.fail(found.summary, pytrace=False)
