"""`refaudio scan PATH`: lines that look like a documented bug, and what to bind to know. It reads, and never runs, code.

>>> source = b"def export(audio):\\n    return audio / audio.abs().max()\\n"
>>> [(line, found.name) for line, found in suspicions(source)]
[(2, 'peak-division')]
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import scan_patterns_learning, scan_patterns_weights  # noqa: F401  they register themselves
from .scan_patterns import PATTERNS, Pattern
from .scan_tree import Source

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HUGE = 500_000  # bytes: generated tables, and nobody's training loop
SKIPPED = {"node_modules", "site-packages", "dist-packages", "__pycache__", "venv", "env", "build", "dist"}
TRACEABILITY = Path(__file__).parents[1] / "spec" / "traceability"


@dataclass
class Scan:
    """What a scan saw: lines to print, and how many files it could not tell about."""

    lines: list[str] = field(default_factory=list)
    read: int = 0
    huge: int = 0
    unreadable: int = 0
    unparsable: int = 0

    @property
    def summary(self) -> str:
        """The last line: what was looked at, and that none of it is a verdict."""
        told = [f"{self.read} files", f"{len(self.lines)} places to look at"]
        told += [f"{n} {what}" for what in ("huge", "unreadable", "unparsable") if (n := getattr(self, what))]
        return f"{', '.join(told)}; no verdicts: bind the functions, then refaudio check ADAPTER"


def scan(path: Path) -> Scan:
    """Every suspicion in a file or in the Python files below a folder, in the order of their paths."""
    found = Scan()
    laws = laws_by_key()
    for file in [path] if path.is_file() else python_files(path):
        try:
            text = _text(file, found)
            hits = suspicions(text) if text is not None else []
        except OSError:
            found.unreadable += 1
        except (
            SyntaxError,
            ValueError,
            RecursionError,
            MemoryError,
        ):  # what ast.parse raises: null bytes, deep nests
            found.unparsable += 1
        else:
            for line, hit in hits:
                bind = f"then bind this: {hit.binds} ({laws[hit.key]})"
                found.lines.append(f"{file}:{line}: look here: {hit.says}; {bind}")
    return found


def suspicions(text: bytes) -> list[tuple[int, Pattern]]:
    """The lines of a module that a pattern finds, each pattern once a line."""
    near = {each: lines for each in PATTERNS if (lines := _hints(each, text))}
    if not near:
        return []  # most files: nothing is parsed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the escapes in somebody's strings
        source = Source(text)
    nodes = list(source.near(set().union(*near.values())))
    hits = {
        (_line(node, source), each.name): each
        for each in near
        for node in nodes
        if isinstance(node, each.kinds) and each.finds(node, source)
    }
    return [(line, each) for (line, _), each in sorted(hits.items(), key=lambda hit: hit[0])]


def _hints(each: Pattern, text: bytes) -> set[int]:
    """The lines on which a pattern may find something."""
    if not all(any(word in text for word in group) for group in each.needles):
        return set()
    return {text.count(b"\n", 0, hint.start()) + 1 for hint in each.hint.finditer(text)}


def python_files(folder: Path) -> Iterator[Path]:
    """The .py files below a folder, sorted; not in hidden folders, environments or what others installed."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in SKIPPED
            and not Path(here, name, "pyvenv.cfg").exists()
        )
        yield from (Path(here, name) for name in sorted(files) if name.endswith(".py") and name[0] != ".")


def laws_by_key(folder: Path = TRACEABILITY) -> dict[str, str]:
    """For every documented item, the laws that hold it, or the areas in which they are planned."""
    entries: dict[str, Mapping[str, Any]] = {}
    for file in sorted(folder.glob("*.toml")):
        entries |= tomllib.loads(file.read_text(encoding="utf-8"))
    return {key: _laws(key, entries) for key in entries}


def _laws(key: str, entries: Mapping[str, Mapping[str, Any]]) -> str:
    entry = entries[key]
    if "merged" in entry:
        return _laws(entry["merged"], entries)
    planned = ", ".join(entry.get("planned", "").split())
    return ", ".join(entry.get("laws", ())) or (f"{planned}, planned" if planned else "no law")


def _text(file: Path, found: Scan) -> bytes | None:
    """The bytes of a file, unless there are too many; what is no regular file counts as unreadable."""
    if not file.is_file():
        raise OSError(f"{file} is no file")
    if file.stat().st_size > HUGE:
        found.huge += 1
        return None
    found.read += 1
    return file.read_bytes()


def _line(node: Any, source: Source) -> int:
    """The line of a node that has none of its own: that of what it lies in."""
    while not hasattr(node, "lineno"):
        node = source.parents[node]
    return int(node.lineno)
