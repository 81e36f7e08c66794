"""One process serves a batch of calls: a folder a call, in order, and a status in each.

{dir}/0001/in.json           {"function": "delay", "arguments": [{"tensor": "0"}, [0, 8], 1026, 1025, null]}
{dir}/0001/in.safetensors    the tensors, where there are any
{dir}/0001/out.json          the result, or the reason of a status that is not 0
{dir}/0001/out.safetensors   its tensors; alone, where the result is one tensor
{dir}/0001/warnings          what Python would warn of, a line each; as a rule there is none
{dir}/0001/status            written last: 0 done, 3 declined, 4 refused (what Python would raise), else an error
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from .usage import UsageError
from .wire import Garbage, Request, decode, read

SECONDS = 30.0  # what a process may take for its batch, unless the program declares more
CRASHES = 3  # after so many in one batch the rest of it is not asked
MEMORY = "/dev/shm"
HANGS = 3  # after so many nothing is asked any more


class ProgramFailed(Exception):
    """The program crashed, wrote garbage, or gave a status that says so."""


class ProgramHung(ProgramFailed):
    """The program did not end in time."""


@dataclass
class Program:
    """A command line with {op} and {dir} in it, the seconds that a batch may take, and how often it has hung."""

    words: Sequence[str]
    seconds: float = SECONDS
    hangs: int = 0

    def line(self, function: str, folder: str) -> list[str]:
        """The command line for one batch; split before it is filled, so that no path can become two words."""
        return [word.replace("{op}", function).replace("{dir}", folder) for word in self.words]


@dataclass(frozen=True)
class Reply:
    """What became of one call; the value is made anew whenever it is asked for, since laws may write into it."""

    kind: Literal["done", "declined", "refused", "failed", "hung"]
    says: str = ""
    text: bytes | None = None
    tensors: bytes | None = None
    warned: Sequence[str] = ()

    def value(self) -> Any:
        """What the function returned, or the exception that a Python function would have raised."""
        for line in self.warned:
            warnings.warn(line, stacklevel=3)
        if self.kind == "declined":
            raise NotImplementedError(self.says)
        if self.kind == "refused":
            raise ValueError(self.says)
        if self.kind == "hung":
            raise ProgramHung(self.says)
        try:
            if self.kind == "done":
                return decode(self.text, self.tensors)
        except Garbage as garbage:
            raise ProgramFailed(f"the program answered with garbage: {garbage}") from garbage
        raise ProgramFailed(self.says)


@dataclass(frozen=True)
class _End:
    """How a process ended; `says` is empty where it ended well."""

    says: str = ""
    hung: bool = False


def serve(program: Program, requests: Sequence[Request]) -> list[Reply]:
    """A reply for each request, all of one function: one process for all, and after a crash one more for the rest."""
    replies: list[Reply] = []
    for _ in range(CRASHES):
        if program.hangs >= HANGS:
            break
        replies += _served(program, requests[len(replies) :])
        if len(replies) == len(requests):
            return replies
        if replies[-1].kind == "hung":
            break
    hung = program.hangs >= HANGS or replies[-1].kind == "hung"
    why = f"it has hung {program.hangs} times" if hung else f"it crashed {CRASHES} times in this batch"
    rest = Reply("hung" if hung else "failed", f"the program is not asked for {requests[0].function}: {why}")
    return replies + [rest] * (len(requests) - len(replies))


def _served(program: Program, requests: Sequence[Request]) -> list[Reply]:
    """The replies of one process, up to the first request that it did not survive."""
    # what a program leaves behind may not be removable: that is no verdict on what it computed
    with tempfile.TemporaryDirectory(
        prefix="refaudio-", dir=_home(requests), ignore_cleanup_errors=True
    ) as name:
        folders = [Path(name, f"{number:04d}") for number in range(1, len(requests) + 1)]
        for folder, request in zip(folders, requests, strict=True):
            folder.mkdir()
            Path(folder, "in.json").write_bytes(request.text)
            if request.tensors:
                Path(folder, "in.safetensors").write_bytes(request.tensors)
        end = _run(program, requests[0].function, name)
        replies = [_reply(folder) for folder in folders]
    if not end.says:
        return [reply or Reply("failed", "the program wrote no status") for reply in replies]
    # calls are served in order, so that the first one without a status is the one to blame, or else the last one
    served = next((at for at, reply in enumerate(replies) if reply is None), len(replies) - 1)
    known = [reply for reply in replies[:served] if reply is not None]
    return [*known, Reply("hung" if end.hung else "failed", end.says)]


def _home(requests: Sequence[Request]) -> str | None:
    """Where the folder of a batch lies: in memory if there is room; on a busy disk it takes ten times as long (measured)."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return None
    needed = 2**25 + 16 * sum(len(request.text) + len(request.tensors) for request in requests)
    return MEMORY if shutil.disk_usage(MEMORY).free > needed else None


def _run(program: Program, function: str, folder: str) -> _End:
    """Run the program once, in a session of its own so that all of it can be ended."""
    line = program.line(function, folder)
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
            )  # fmt: skip
        except OSError as error:
            raise UsageError(
                f"cannot run {line[0]!r}: {error.strerror}; try: {line[0]} describe ."
            ) from error
        try:
            code = _waited(process, program.seconds)
        finally:
            if process.returncode is None:  # not waited for yet: the number is still its own
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if code is None:
            program.hangs += 1
            return _End(f"the program did not end within {program.seconds:g} s", hung=True)
        return _End(f"the program ended with {_named(code)}{_last_line(errors)}" if code else "")


def _waited(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit code of a process, or None where it takes longer.

    Popen.wait looks again after up to 50 ms, which is longer than most batches take (measured).
    """
    started = time.monotonic()
    while (code := process.poll()) is None:
        taken = time.monotonic() - started
        if taken > seconds:
            return None
        time.sleep(min(0.02, 0.0005 + taken / 20))
    return code


def _named(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"


def _last_line(errors: IO[bytes]) -> str:
    """The last thing that the program said on its standard error."""
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 1000))
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return f": {' '.join(lines[-1].split())[:200]}" if lines else ""


def _reply(folder: Path) -> Reply | None:
    """What a program wrote for one call; None where it has not got to it."""
    try:
        status = read(folder / "status")
        if status is None:
            return None
        number = status.decode(errors="replace").strip()
        if not (number.isascii() and number.isdigit()):
            raise Garbage(f"the status {number!r} is no number")
        text, lines = read(folder / "out.json"), read(folder / "warnings") or b""
        warned = lines.decode(errors="replace").splitlines()
        if int(number) == 0:
            return Reply("done", "", text, read(folder / "out.safetensors"), warned)
    except Garbage as garbage:
        return Reply("failed", f"the program answered with garbage: {garbage}")
    says = f"the program gave status {int(number)}{_reason(text)}"
    if int(number) == 3:
        return Reply("declined", says, warned=warned)
    return Reply("refused" if int(number) == 4 else "failed", says, warned=warned)


def _reason(text: bytes | None) -> str:
    try:
        reason = json.loads(text or b"null")
    except (ValueError, RecursionError):
        return ""
    return f": {' '.join(reason.split())[:200]}" if isinstance(reason, str) else ""
