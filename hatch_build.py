"""Put spec/, conformance/ and benchmarks/ inside the wheel, as refaudio.spec and so on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("spec", "conformance", "benchmarks")
KINDS = (".py", ".json", ".toml", ".txt")  # code and what code reads; pages for people stay in the repository
AT_HOME = {"tests", "examples", "findings", "results", "__pycache__"}  # needed only beside a checkout


def inside(root: Path) -> dict[str, str]:
    """{path of a file under root: its path in the wheel}, for each file that a user of the kit needs."""
    files = (file.relative_to(root) for folder in FOLDERS for file in sorted((root / folder).rglob("*")))
    return {
        str(root / file): f"refaudio/{file.as_posix()}"
        for file in files
        if file.suffix in KINDS and not AT_HOME.intersection(file.parts)
    }


class Inside(BuildHookInterface):  # type: ignore[type-arg]
    """Runs in standard wheels only: an editable install imports the three folders from the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":  # planted in an editable one they would be copies that go stale
            build_data["force_include"].update(inside(Path(self.root)))
