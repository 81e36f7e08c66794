"""The table that a run ends with: a row for each implementation and workload."""

import platform

import pytest
import torch

from refaudio import __version__

_ROWS = pytest.StashKey[list[dict[str, str]]]()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> list[dict[str, str]]:
    """The rows so far: append one, with the same columns as the others."""
    return request.config.stash.setdefault(_ROWS, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash.get(_ROWS, [])
    if not rows:
        return
    terminalreporter.section(
        f"refaudio {__version__}, torch {torch.__version__}, python {platform.python_version()}, one thread"
    )
    widths = {column: max(len(row[column]) for row in [{column: column}, *rows]) for column in rows[0]}
    for row in [{column: column for column in widths}, *rows]:
        terminalreporter.write_line("  ".join(row[column].ljust(width) for column, width in widths.items()))
