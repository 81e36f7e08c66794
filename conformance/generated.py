"""Generated files: written by one command, and noticed by another when they are stale."""

from __future__ import annotations

from pathlib import Path

from .report import write_whole


def settle_file(path: Path, text: str, check: bool) -> int:
    """Write a generated file, or say whether it is stale: the exit code of the command that generates it."""
    if not check:
        write_whole(path, text)
        print(f"wrote {path.name}")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        print(f"{path.name} is up to date")
        return 0
    print(f"error: {path.name} is stale: run the same command without --check, and commit what it writes")
    return 1
