"""What a check found: one result a law, a summary that counts everything, and the text and JSON made from them."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import spec
from ..spec.law import Case, find
from ..spec.values import plain, shown
from .adapter import Adapter

SCHEMA = 1
STATUSES = ("pass", "fail", "error", "xfail", "xpass", "unclaimed", "tentative", "new")


def sizes_text(narrowed: Mapping[str, Sequence[Any]]) -> str:
    """Declared sizes in few words: `codebooks 9/18, frames 1-12`."""
    return ", ".join(f"{name} {_values_text(values)}" for name, values in narrowed.items())


def _values_text(values: Sequence[Any]) -> str:
    first = values[0]
    if len(values) > 2 and isinstance(first, int) and list(values) == list(range(first, first + len(values))):
        return f"{first}-{values[-1]}"
    if len(values) > 3:
        return f"{len(values)} values"
    return "/".join(map(str, values))


@dataclass(frozen=True)
class Result:
    """How one law ended for one implementation."""

    id: str
    status: str
    cases: int = 0
    accepted: int = 0
    seconds: float = 0.0
    example: Case | None = None
    what: str = ""
    got: Any = None
    want: Any = None
    reason: str = ""
    message: str = ""
    mutant: Sequence[str] = ()
    command: str = ""
    narrowed: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of the law's own cases that the implementation accepted."""
        return self.accepted / self.cases if self.cases else 0.0

    @property
    def cell(self) -> str:
        """The status as a table shows it: a narrowed pass and a small share are never a plain pass."""
        if self.status == "unclaimed" and self.accepted:
            return f"unclaimed ({100 * self.share:.0f} % of cases)"
        if self.narrowed:
            return f"{self.status} ({sizes_text(self.narrowed)})"
        return self.status

    def as_json(self) -> dict[str, Any]:
        law = find(self.id)
        return {
            "id": self.id, "area": law.area, "status": self.status, "title": law.title, "effect": law.effect,
            "origin": dict(law.origin), "since": law.since, "cases": self.cases, "accepted": self.accepted,
            "seconds": round(self.seconds, 3), "example": plain(self.example), "what": self.what, "got": plain(self.got),
            "want": plain(self.want), "reason": self.reason, "message": self.message, "mutant": list(self.mutant),
            "command": self.command, "narrowed": {name: plain(list(sizes)) for name, sizes in self.narrowed.items()},
        }  # fmt: skip


@dataclass(frozen=True)
class Report:
    """Everything that one check found."""

    adapter: Adapter
    profile: str
    device: str
    results: Sequence[Result]
    lost: Sequence[str] = ()
    notes: Sequence[str] = ()
    missing: Sequence[tuple[str, int]] = ()
    single: bool = False

    def __getitem__(self, id: str) -> Result:
        find(id)
        for result in self.results:
            if result.id == id:
                return result
        raise KeyError(f"{id} was not checked: it is outside the families of {self.adapter.name}")

    @property
    def counts(self) -> dict[str, int]:
        """How many laws ended in each status."""
        return {status: sum(result.status == status for result in self.results) for status in STATUSES}

    @property
    def exit_code(self) -> int:
        """0 when all is well; 1 on fail, error, xpass and lost claims; 2 when nothing passed."""
        counts = self.counts
        if counts["fail"] or counts["error"] or counts["xpass"] or self.lost:
            return 1
        return (
            0
            if counts["pass"] or (self.single and counts["xfail"] + counts["tentative"] + counts["new"])
            else 2
        )

    @property
    def summary(self) -> str:
        """The last line: it counts every law of the families, whatever became of it."""
        counts = self.counts
        line = f"{len(self.results)} laws: " + ", ".join(f"{counts[status]} {status}" for status in STATUSES)
        if self.exit_code == 2:
            line += "; nothing was checked"
        if self.missing and counts["unclaimed"]:
            name, laws = self.missing[0]
            line += f"; binding {name} would unlock {laws}"
        return line

    def as_json(self) -> dict[str, Any]:
        """The versioned document of report.schema.json."""
        info = self.adapter.implementation
        return {
            "schema": SCHEMA,
            "spec": spec.VERSION,
            "versions": versions(),
            "device": self.device,
            "profile": self.profile,
            "implementation": {
                "name": info.get("name", self.adapter.name),
                "version": info.get("version", ""),
                "issues": info.get("issues", ""),
                "adapter": self.adapter.name,
                "families": list(self.adapter.families),
                "conventions": dict(self.adapter.conventions),
            },
            "summary": {"laws": len(self.results), **self.counts, "lost": list(self.lost)},
            "results": [result.as_json() for result in self.results],
        }

    def write(self, path: str | Path) -> None:
        """Write the JSON document, whole or not at all."""
        write_whole(Path(path), json.dumps(self.as_json(), indent=1, allow_nan=False) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file through a temporary neighbour, so that a failure leaves no half of one."""
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_text(text, encoding="utf-8")  # /dev/stdout or a pipe: nothing to replace
        return
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """What a verdict is a function of."""
    found = {"python": platform.python_version()}
    for name in ("refaudio", "hypothesis", "torch"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "checkout"
    return found


def command(adapter: Adapter, id: str, case: Case | None, profile: str, device: str) -> str:
    """The command that repeats exactly this case."""
    words = ["refaudio", "check", adapter.name, "--only", id]
    words += ["--example", json.dumps(case)] if case is not None else ["--profile", profile]
    return shlex.join(words + (["--device", device] if device != "cpu" else []))


def failure_text(result: Result) -> str:
    """Everything that somebody needs in order to understand and repeat a failure."""
    law = find(result.id)
    lines = [
        f"{result.id} {result.status.upper()}: {law.title}",
        f"  effect:  {law.effect}",
        *(f"  origin:  {key}: {text}" for key, text in law.origin.items()),
    ]
    if result.reason:
        lines.append(f"  reason:  {result.reason}")
    if result.example is not None:
        lines.append(f"  case:    {json.dumps(result.example)}")
    if result.what:
        lines += [f"  {result.what}:", f"    got    {shown(result.got)}", f"    want   {shown(result.want)}"]
    if result.status == "error" and result.message:
        lines.append(f"  raised:  {result.message}")
    lines += [f"  {line}" for line in result.mutant]
    if result.command:
        lines.append(f"  repeat:  {result.command}")
    return "\n".join(lines)
