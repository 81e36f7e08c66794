"""The front door: `refaudio check`, `explain`, `symptom` and `matrix`. The kit is loaded when a command needs it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from . import __version__
from .errors import unknown

if TYPE_CHECKING:
    from .conformance.report import Report

# What the kit imports beyond the library itself: the extra `check`.
_EXTRA = {"hypothesis", "packaging", "tomli"}


_NEW = object()  # --random without a seed: any integer is one


class MissingExtra(ImportError):
    """The kit was asked for, and what it needs is not installed."""


def _kit(module: str) -> ModuleType:
    """A module of the kit, or one line about the extra that is missing."""
    try:
        return import_module(f"refaudio.conformance.{module}")
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] in _EXTRA:
            raise MissingExtra(f'{missing.name} is not installed: pip install "refaudio[check]"') from missing
        raise


def check(adapter: str | object, **options: Any) -> Report:
    """Hold an adapter to every law that it is bound to; the options are those of refaudio.conformance.check.check."""
    report: Report = _kit("check").check(adapter, **options)
    return report


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with what to type next."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; try: {self.prog} --help\n")


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} must be one JSON object, as a failure prints it")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="refaudio", description="The known bugs of generative audio, as laws.")
    parser.add_argument("--version", action="version", version=f"refaudio {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    asked = commands.add_parser("check", help="hold an implementation to the spec")
    asked.add_argument("adapter", help="pkg.module, pkg.module:obj or 'command:./port {op} {dir}'")
    asked.add_argument("--only", metavar="ID", help="one law")
    asked.add_argument(
        "--example", metavar="JSON", type=_json_object, help="one case of it, as a failure prints it"
    )
    asked.add_argument(
        "--profile", default=os.environ.get("REFAUDIO_PROFILE", "default"), help="quick, default or thorough"
    )
    asked.add_argument(
        "--family", metavar="F", action="append", default=[], help="a family or an area; may be repeated"
    )
    asked.add_argument("--device", default="cpu", help="cpu or cuda")
    asked.add_argument("--expected", metavar="FILE", help="the claims and known failures to hold it to")
    asked.add_argument(
        "--write-expected", metavar="FILE", help="write what was found as the expectation from now on"
    )
    asked.add_argument("--json", metavar="FILE", help="write the report")
    asked.add_argument("--junit", metavar="FILE", help="write the report as JUnit XML")
    asked.add_argument("--jobs", metavar="N", type=int, default=1, help="laws in N processes at once")
    asked.add_argument(
        "--random",
        metavar="SEED",
        type=int,
        nargs="?",
        const=_NEW,
        help="other cases than everybody's: the nightly hunt",
    )
    asked.set_defaults(run=_check)

    told = commands.add_parser("explain", help="what a law says, who was bitten, and what it catches")
    told.add_argument("id", metavar="ID")
    told.set_defaults(run=_explain)

    felt = commands.add_parser("symptom", help="the laws behind what one hears or sees")
    felt.add_argument("words", metavar="WORDS", nargs="+")
    felt.set_defaults(run=_symptom)

    merged = commands.add_parser("matrix", help="one table from several reports")
    merged.add_argument("reports", metavar="FILE", nargs="+")
    merged.set_defaults(run=_matrix)
    _library_commands(commands)
    return parser


def _check(options: argparse.Namespace) -> int:
    _kit("check")
    for target in filter(None, (options.json, options.junit, options.write_expected)):
        _writable(Path(target))
    if options.write_expected and Path(options.write_expected).is_file():
        _kit("expected").Expected.read(Path(options.write_expected))
    progress = _kit("progress").Progress()
    report = check(
        options.adapter,
        only=options.only,
        example=options.example,
        profile=options.profile,
        families=options.family,
        device=options.device,
        expected=options.expected,
        random=_random_seed(options.random),
        jobs=options.jobs,
        on_start=progress.start,
        on_result=progress.result,
    )
    text = _kit("report")
    for result in report.results:
        if result.status in ("fail", "error", "xpass"):
            print(text.failure_text(result) + "\n")
    _told(report)
    if options.json:
        report.write(options.json)
    if options.junit:
        _kit("junit").write(report, Path(options.junit))
    if options.write_expected and report.exit_code == 2:
        print(f"left {options.write_expected} as it was")
    elif options.write_expected:
        unexplained = _kit("expected").write(report, Path(options.write_expected))
        print(
            f"wrote {options.write_expected}"
            + (f": {unexplained} known failures are unexplained" if unexplained else "")
        )
    print(report.summary)
    return int(report.exit_code)


def _writable(target: Path) -> None:
    """Refuse a file that could not be written before the laws run, and what they found would be lost."""
    if not target.parent.is_dir():
        raise FileNotFoundError(f"no folder {str(target.parent)!r} for {target.name}: make it first")
    if target.is_dir() or not os.access(target if target.exists() else target.parent, os.W_OK):
        raise PermissionError(f"{str(target)!r} cannot be written: choose another file")


def _told(report: Report) -> None:
    """What is neither red nor green, and still has to be said."""
    for result in report.results:
        if (
            result.narrowed
            or (result.status == "unclaimed" and result.accepted)
            or result.status in ("xfail", "tentative", "new")
        ):
            print(f"{result.id} {result.cell}" + (f": {result.reason}" if result.reason else ""))
    for line in report.lost:
        print(f"lost: {line}")


def _random_seed(asked: Any) -> int | None:
    if asked is _NEW:
        asked = int.from_bytes(os.urandom(4), "big")
        print(f"random cases: repeat them with --random {asked}", file=sys.stderr)
    return None if asked is None else int(asked)


def _explain(options: argparse.Namespace) -> int:
    print(_kit("index").explain(_kit("check").find(options.id)))
    return 0


def _symptom(options: argparse.Namespace) -> int:
    found, lines = _kit("symptom").answer(" ".join(options.words))
    print("\n".join(lines))
    return 0 if found else 1


def _matrix(options: argparse.Namespace) -> int:
    matrix = _kit("matrix")
    print(matrix.markdown([matrix.read(Path(path)) for path in options.reports]), end="")
    return 0


def _complaint(error: Exception) -> str | None:
    """The one line of an error that the caller can act on; anything else is our bug, and keeps its traceback."""
    known = (sys.modules.get(f"refaudio.{module}") for module in ("conformance.usage", "spec.law"))
    types = tuple(
        getattr(module, name, MissingExtra) for module in known for name in ("UsageError", "UnknownLaw")
    )
    return str(error) if isinstance(error, (MissingExtra, OSError, *types)) else None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 for what a check found, or 2 for what the caller has to change."""
    parser = _parser()
    words = sys.argv[1:] if argv is None else list(argv)
    _known_command(parser, words)
    options = parser.parse_args(words)
    if options.command is None:
        parser.print_help()
        return 2
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except (
        BrokenPipeError
    ):  # `refaudio ... | head`: whoever read has enough, and the rest would be a second complaint
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        line = _complaint(error)
        if line is None:
            raise
        print(f"error: {line}", file=sys.stderr)
        return 2


def _known_command(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Answer a misspelt command with the one that was meant."""
    known = dict.fromkeys(("check", "explain", "symptom", "matrix", "scan", "generate", "export"))
    if words and not words[0].startswith("-") and words[0] not in known:
        parser.error(str(unknown("command", words[0], known)))


_TO_COME = "codec language models (Dia), flow matching (Stable Audio Open, DiffRhythm), dynamics (Dreamer 4)"


def _library_commands(commands: Any) -> None:
    """scan, generate and export: what needs no adapter."""
    looked = commands.add_parser("scan", help="lines of source that look like a documented bug; no verdicts")
    looked.add_argument(
        "path", metavar="PATH", type=Path, help="a folder or a .py file; it is read, never run"
    )
    looked.set_defaults(run=_scan)

    made = commands.add_parser(
        "generate",
        help="make audio or frames (no model yet)",
        description=f"No model is installed yet. To come, each with its checkpoints, seed, length and output file: {_TO_COME}.",
    )
    made.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    made.set_defaults(run=_generate)

    written = commands.add_parser("export", help="rewrite a checkpoint as safetensors, whole or not at all")
    written.add_argument("source", metavar="SOURCE", help="safetensors, or a .pth of tensors alone")
    written.add_argument("target", metavar="TARGET", help="the safetensors file to write")
    written.add_argument("--at", metavar="ENTRY", help="the entry of a .pth that holds the tensors")
    written.set_defaults(run=_export)


def _scan(options: argparse.Namespace) -> int:
    if not options.path.exists():
        raise FileNotFoundError(f"{options.path} must be a folder or a .py file")
    found = _kit("scan").scan(options.path)
    for line in found.lines:
        print(line)
    print(found.summary)
    return 0


def _generate(options: argparse.Namespace) -> int:
    print(f"error: no model is installed yet; to come: {_TO_COME}", file=sys.stderr)
    return 2


def _export(options: argparse.Namespace) -> int:
    """Compile's and DDP's prefixes go; the rest stays as it is."""
    files, load = import_module("refaudio.weights.files"), import_module("refaudio.weights.load")
    try:
        state, problems = load.plain_names(files.read(options.source, at=options.at))
        if problems:
            raise ValueError("; ".join(problems))
        files.write(state, options.target)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {options.target}: {len(state)} tensors")
    return 0
