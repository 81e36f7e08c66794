"""Hold an adapter to the laws in several processes: the same results, in the same order, as in one.

A worker is `python -m refaudio.conformance.jobs`. It reads lines of JSON (first what is asked, then the id of one law
after another) and answers each id with its result as a line of JSON: nothing is pickled, and values travel in the
form in which a report shows them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from ..spec.law import Case, Law, find
from ..spec.values import plain
from .checker import checker_of
from .report import Result
from .usage import UsageError


@dataclass(frozen=True)
class Asked:
    """What every worker is asked: plain data, like everything that crosses."""

    adapter: str
    profile: str
    device: str
    expected: str
    random: int | None
    case: Case | None


def refuse(adapter: object, jobs: int) -> None:
    """Refuse what cannot be shared out."""
    if jobs < 1:
        raise UsageError(f"jobs={jobs} must be at least 1: --jobs {os.cpu_count() or 1} suits this machine")
    if jobs > 1 and not isinstance(adapter, str):
        raise UsageError(
            f"jobs={jobs} needs an adapter by its name, which each process can load: got a "
            f'{type(adapter).__name__}; put it in a module and pass "pkg.module:obj"'
        )


def results(asked: Asked, laws: Sequence[Law], jobs: int) -> Iterator[Result]:
    """The result of each law, in the order of the laws, as soon as it and all before it are there."""
    with ThreadPoolExecutor(min(jobs, max(1, len(laws)))) as threads:
        workers = [_Worker(asked) for _ in range(min(jobs, len(laws)))]
        idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in workers:
            idle.put(worker)
        futures = [threads.submit(_with, idle, law.id) for law in laws]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
            for worker in workers:
                worker.end()


def _with(idle: SimpleQueue[_Worker], id: str) -> Result:
    worker = idle.get()
    try:
        return worker.result(id)
    finally:
        idle.put(worker)


class _Worker:
    """One process, begun when it is first needed and again after it died."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._process: subprocess.Popen[str] | None = None
        self._ended = False

    def result(self, id: str) -> Result:
        """The result of one law; that the process did not survive it is an error of the implementation."""
        process = self._process = self._process or self._begun()
        line = ""
        with suppress(OSError):
            _tell(process.stdin, id)
            line = process.stdout.readline() if process.stdout else ""
        if line.endswith("\n"):
            return _result(json.loads(line))
        self._process, code = None, _closed(process)
        says = f"the process died (exit code {code}); see standard error, or repeat it with --only {id}"
        return Result(id, "error", what="died", got=f"exit code {code}", want="no exception", message=says)

    def end(self) -> None:
        """End the process, whatever it is doing, and through its own `finally`s: it may have begun a program."""
        self._ended = True
        if process := self._process:
            process.terminate()
            _closed(process)

    def _begun(self) -> subprocess.Popen[str]:
        if self._ended:
            raise RuntimeError("the check has ended")
        # what was added to the search path since the start, by a test runner or by hand, holds for the workers too
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        optimised = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
        warned = [f"-W{option}" for option in sys.warnoptions]
        process = subprocess.Popen(
            [sys.executable, *optimised, *warned, "-m", __name__],
            env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with suppress(OSError):  # it died already: the first law will say so
            _tell(process.stdin, asdict(self._asked))
        return process


def _closed(process: subprocess.Popen[str]) -> int:
    """The exit code of a process that is ending, with its pipes closed."""
    try:
        code = process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    for stream in process.stdin, process.stdout:
        with suppress(OSError):  # the last line may still be on its way to nobody
            if stream:
                stream.close()
    return code


def _tell(stream: IO[str] | None, document: Any) -> None:
    if stream:
        stream.write(json.dumps(document) + "\n")
        stream.flush()


def _document(result: Result) -> dict[str, Any]:
    document = {field.name: getattr(result, field.name) for field in fields(result)}
    return {**document, **{name: plain(document[name]) for name in ("got", "want", "narrowed", "mutant")}}


def _result(document: dict[str, Any]) -> Result:
    return replace(Result(document["id"], document["status"]), **document)


def main() -> int:
    """Serve one law after another until the input ends, or until the one who asks has heard enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to everybody; the one who asks ends us
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _serve()
    except KeyboardInterrupt:
        return 1


def _serve() -> int:
    # adapters print as they like: what is answered goes where only answers go
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        asked = Asked(**json.loads(sys.stdin.readline()))
        checker = checker_of(asked.adapter, asked.profile, asked.device, asked.expected or None, asked.random)
        for line in sys.stdin:
            result = checker.result(find(json.loads(line)), asked.case)
            _tell(answers, _document(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
