"""refaudio.toml: the pinned spec, what an implementation claims, and its known failures with the case of each."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from .. import spec
from ..spec.law import LAWS, Case
from .report import Result, write_whole
from .usage import UsageError, did_you_mean

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
KINDS = {str: "text", dict: "table", list: "list"}


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
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is no valid TOML in UTF-8: {error}") from error
        _known_keys(path, data, TOP, "")
        for name, kind in {"spec": str, "claims": dict, "expected": list}.items():
            if not isinstance(data.get(name, kind()), kind):
                raise UsageError(f"{path}: {name} = {data[name]!r} must be a {KINDS[kind]}")
        if not re.fullmatch(r"\d+\.\d+", data.get("spec", spec.VERSION)):
            raise UsageError(f"{path}: spec = {data['spec']!r} must be a version like {spec.VERSION!r}")
        claims = data.get("claims", {})
        for id, share in claims.items():
            _known_law(path, id)
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
                raise UsageError(f"{path}: the claim {id} = {share!r} must be a share of cases, 0 to 1")
        failures = [_failure(path, entry) for entry in data.get("expected", [])]
        return cls(data.get("spec", ""), claims, failures)

    def known(self, id: str, device: str) -> KnownFailure | None:
        """The known failure of a law, where its condition holds."""
        return next(
            (failure for failure in self.failures if failure.law == id and failure.holds(device)), None
        )

    def lost(self, results: Sequence[Result], some: bool = False) -> list[str]:
        """Claims that are no longer kept: a renamed function must not turn red into green.

        With `some`, only a part of the families was asked for, and claims outside it are nobody's loss.
        """
        now = {result.id: result for result in results}
        lines = []
        for id, share in self.claims.items():
            result = now.get(id)
            if result is None and some:
                continue
            if result is None or result.status == "unclaimed":
                reason = result.reason if result else "outside the declared families"
                lines.append(f"{id} was claimed, and is unclaimed now: {reason}")
            elif result.status in ("pass", "tentative", "new") and result.share < share - LOSS:
                was, is_now = f"{100 * share:.0f} %", f"{100 * result.share:.0f} %"
                lines.append(f"{id} accepted {was} of its cases, and accepts {is_now} now")
        return lines


def _known_keys(path: Path, data: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in data:
        if name not in known:
            raise UsageError(f"{path}{where}: unknown key {name!r}{did_you_mean(name, known)}")


def _known_law(path: Path, id: str) -> None:
    if id not in LAWS:
        raise UsageError(f"{path}: unknown law {id!r}{did_you_mean(id, LAWS)}")


def _failure(path: Path, entry: Mapping[str, Any]) -> KnownFailure:
    if not isinstance(entry, dict):
        raise UsageError(f"{path}: expected = {entry!r} must be [[expected]] tables")
    _known_keys(path, entry, FIELDS, " [[expected]]")
    for name in FIELDS:
        kind = dict if name == "example" else str
        if name in ("law", "reason", "example") and not entry.get(name):
            raise UsageError(f"{path}: [[expected]] of {entry.get('law', '?')} must give {name}")
        if name in entry and not isinstance(entry[name], kind):
            raise UsageError(f"{path}: {name} = {entry[name]!r} must be a {KINDS[kind]}")
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
    """Write what a report found as the expectation from now on; what was written by hand survives.

    Laws that the report does not speak of keep their claims and known failures. Returns how many are unexplained.
    """
    before = Expected.read(path) if path.is_file() else Expected()
    here = {failure.law: failure for failure in before.failures if failure.holds(report.device)}
    asked = {result.id for result in report.results if result.status != "error" or result.example is not None}
    entries = [
        _entry(here.get(result.id), result)
        for result in report.results
        if result.status in ("fail", "error", "xfail") and result.example is not None
    ]
    others = [
        failure for failure in before.failures if failure.law not in asked or failure not in here.values()
    ]
    entries = sorted([*entries, *map(_as_written, others)], key=lambda entry: str(entry["law"]))
    claims = {id: share for id, share in before.claims.items() if id not in asked}
    claims |= {
        result.id: round(result.share, 2)
        for result in report.results
        if result.status in ("pass", "new", "tentative")
    }
    claims |= {
        entry["law"]: before.claims.get(entry["law"], 1.0) for entry in entries if entry["law"] in asked
    }
    head = {"spec": before.spec or spec.VERSION, "adapter": report.adapter.name}
    write_whole(path, _toml(head, dict(sorted(claims.items())), entries))
    return sum(entry["reason"] == UNEXPLAINED for entry in entries)


def _entry(old: KnownFailure | None, result: Result) -> dict[str, Any]:
    """A failure as it is expected from now on, with the words that somebody gave it."""
    told = old or KnownFailure(result.id, UNEXPLAINED, {})
    return {**_as_written(told), "example": result.example}


def _as_written(failure: KnownFailure) -> dict[str, Any]:
    values = {name: getattr(failure, name) for name in FIELDS}
    return {name: value for name, value in values.items() if value}


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
