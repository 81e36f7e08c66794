"""PARITY.md has the form that its command writes; the digits are those of the machine it was written on."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from refaudio.conformance.parity import __main__ as writer
from refaudio.conformance.parity.row import Row

PAGE = writer.PAGE.read_text() if writer.PAGE.exists() else ""


def test_a_row_holds_within_its_budget() -> None:
    assert Row("a", 1e-6, 2e-6).holds
    assert not Row("a", 3e-6, 2e-6).holds
    assert not Row("a", 1e-6, 2e-6, compared=0.9).holds
    assert not Row("a", float("nan"), 2e-6).holds
    assert Row("a", 3e-4, 2e-6, mutation=True).holds
    assert not Row("a", 1e-4, 2e-6, mutation=True).holds


def test_every_line_has_the_form_that_is_checked() -> None:
    for row in Row("a", 0.0, 2e-6), Row("b", 0.1, 2e-6, 0.97, "padding", mutation=True):
        assert writer.ROW.fullmatch(writer.line(row))


def test_the_form_of_a_page() -> None:
    titles = "".join(
        f"\n## {title}\n" for title in (import_module(f"{writer.HERE}.{n}").TITLE for n in writer.subjects())
    )
    page = f"{writer.HEAD}{titles}{writer.COLUMNS}\n{writer.line(Row('a', 1e-7, 2e-6))}\n"
    assert writer.form(page) == []
    assert writer.form(page.replace("1.0e-07", "small"))
    assert writer.form(page.replace(f"## {import_module(f'{writer.HERE}.codeclm').TITLE}", "##"))
    assert writer.form("")


@pytest.mark.skipif(not PAGE, reason="the page is written by nox -s parity")
def test_the_committed_page() -> None:
    assert writer.form(PAGE) == []
    assert Path(writer.PAGE).name == "PARITY.md"
