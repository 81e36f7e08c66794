"""refaudio.toml: the pinned spec, what an implementation claims, and its known failures with the case of each."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from .. import spec
from ..spec.law import LAWS, Case
from .adapter import UsageError, did_you_mean
from .report import Result, write_whole

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from .report import Report

UNEXPLAINED = "unexplained"
LOSS = 0.1  # a share may differ by this much between profiles before a claim counts as lost
TOP = ("spec", "adapter", "claims", "expected")
FIELDS = ("law", "reason", "issue", "when", "example")


@dataclass(frozen=True)
class KnownFailure:
    """A law that an implementation is known to break, why, and the case that shows it."""

    law: str
    reason: str
    example: Case
    issue: str = ""
    when: str = ""

    def holds(self, device: str) -> bool:
        """Whether the condition under which the failure is expected is met: "torch<2.9", or a device."""
        if not self.when:
            return True
        if self.when in ("cpu", "cuda"):
            return device.startswith(self.when)
        requirement = Requirement(self.when)
        try:
            return requirement.specifier.contains(version(requirement.name), prereleases=True)
        except PackageNotFoundError:
            return False


@dataclass(frozen=True)
class Expected:
    """What a refaudio.toml says."""

    spec: str = ""
    claims: Mapping[str, float] = field(default_factory=dict)
    failures: Sequence[KnownFailure] = ()

    @classmethod
    def read(cls, path: Path) -> Expected:
        """Read and validate a refaudio.toml; every error is one line that says what to change."""
        if not path.is_file():
            raise UsageError(f"no {path}: write it with refaudio check ADAPTER --write-expected {path}")
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path} is no valid TOML: {error}") from error
        _known_keys(path, data, TOP, "")
        claims = data.get("claims", {})
        for id in claims:
            _known_law(path, id)
        failures = [_failure(path, entry) for entry in data.get("expected", [])]
        return cls(str(data.get("spec", "")), claims, failures)

    def known(self, id: str, device: str) -> KnownFailure | None:
        """The known failure of a law, where its condition holds."""
        return next(
            (failure for failure in self.failures if failure.law == id and failure.holds(device)), None
        )

    def lost(self, results: Sequence[Result]) -> list[str]:
        """Claims that are no longer kept: a renamed function must not turn red into green."""
        now = {result.id: result for result in results}
        lines = []
        for id, share in self.claims.items():
            result = now.get(id)
            if result is None or result.status == "unclaimed":
                reason = result.reason if result else "outside the declared families"
                lines.append(f"{id} was claimed, and is unclaimed now: {reason}")
            elif result.status in ("pass", "tentative", "new") and result.share < share - LOSS:
                lines.append(
                    f"{id} accepted {100 * share:.0f} % of its cases, and accepts {100 * result.share:.0f} % now"
                )
        return lines


def _known_keys(path: Path, data: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in data:
        if name not in known:
            raise UsageError(f"{path}{where}: unknown key {name!r}{did_you_mean(name, known)}")


def _known_law(path: Path, id: str) -> None:
    if id not in LAWS:
        raise UsageError(f"{path}: unknown law {id!r}{did_you_mean(id, LAWS)}")


def _failure(path: Path, entry: Mapping[str, Any]) -> KnownFailure:
    _known_keys(path, entry, FIELDS, " [[expected]]")
    for name in ("law", "reason", "example"):
        if not entry.get(name):
            raise UsageError(f"{path}: [[expected]] of {entry.get('law', '?')} must give {name}")
    _known_law(path, entry["law"])
    wanted = sorted(LAWS[entry["law"]].draws)
    if sorted(entry["example"]) != wanted:
        raise UsageError(f"{path}: the example of {entry['law']} must give {', '.join(wanted)}")
    failure = KnownFailure(**entry)
    try:
        failure.holds("cpu")
    except InvalidRequirement as error:
        raise UsageError(
            f"{path}: when = {failure.when!r} must read like 'torch<2.9', 'cpu' or 'cuda'"
        ) from error
    return failure


def write(report: Report, path: Path) -> int:
    """Write what a report found as the expectation from now on; reasons written by hand survive.

    Returns how many failures are still unexplained.
    """
    before = Expected.read(path) if path.is_file() else Expected()
    told = {failure.law: failure for failure in before.failures}
    entries = []
    for result in report.results:
        if result.status in ("fail", "error", "xfail") and result.example is not None:
            old = told.get(result.id)
            entry: dict[str, Any] = {"law": result.id, "reason": old.reason if old else UNEXPLAINED}
            entry |= {name: getattr(old, name) for name in ("issue", "when") if old and getattr(old, name)}
            entries.append(entry | {"example": result.example})
    skipped = [failure for failure in before.failures if not failure.holds(report.device)]
    entries += [{name: value for name, value in vars(failure).items() if value} for failure in skipped]
    claims = {
        result.id: round(result.share, 2)
        for result in report.results
        if result.status in ("pass", "new", "tentative")
    }
    claims |= {entry["law"]: before.claims.get(entry["law"], 1.0) for entry in entries}
    head = {"spec": before.spec or spec.VERSION, "adapter": report.adapter.name}
    write_whole(path, _toml(head, dict(sorted(claims.items())), entries))
    return sum(entry["reason"] == UNEXPLAINED for entry in entries)


def _toml(head: Mapping[str, Any], claims: Mapping[str, float], entries: Sequence[Mapping[str, Any]]) -> str:
    """The file, with each stored case on a line of its own: plain JSON values are TOML values as well."""
    blocks = [_lines(head), "\n".join(["[claims]", _lines(claims)])]
    blocks += ["\n".join(["[[expected]]", _lines(entry)]) for entry in entries]
    return "\n\n".join(blocks) + "\n"


def _lines(table: Mapping[str, Any]) -> str:
    return "\n".join(f"{name} = {_value(value)}" for name, value in table.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(item)}" for name, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")
