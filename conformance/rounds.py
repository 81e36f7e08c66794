"""Run the cases of a law on another program, one process a round instead of one a call.

A law asks for one thing at a time, and what it asks next may depend on the answer. So all its cases are begun, each
up to its first call; one process answers these calls; all cases are begun again, each with the answer it now has, up
to its second call; and so on. Nothing runs at the same time, each case is left through its own `finally`s before the
next one begins, and a case that does not ask the same again is run by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..spec.law import Case, Law
from .process import Program, Reply, serve
from .run import Bound, Outcome, run_case
from .wire import Request, encode

BATCH = 128  # cases in one folder: all of the default profile with its corpus


class _Asked(BaseException):
    """Leaves a case at the first call that has no answer yet; no `except Exception` on the way can swallow it."""


class _Strayed(BaseException):
    """Leaves a case that asks for something else than it did the last time."""


@dataclass
class Tape:
    """The calls of one case in order, and the replies there are."""

    requests: list[Request] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    at: int = 0

    @property
    def pending(self) -> bool:
        return len(self.requests) > len(self.replies)

    def answer(self, request: Request) -> Reply:
        """The reply to the next call of the case."""
        if self.at < len(self.replies):
            if self.requests[self.at] != request:
                raise _Strayed
            self.at += 1
            return self.replies[self.at - 1]
        if not self.pending:
            self.requests.append(request)
        raise _Asked


# By thread: what a law calls from a thread of its own is answered at once, in a process for this one call.
_playing = threading.local()


@dataclass(frozen=True)
class Remote:
    """A function of another program, called as if it were here."""

    program: Program
    name: str

    def __call__(self, *arguments: Any) -> Any:
        request = encode(self.name, arguments)
        tape: Tape | None = getattr(_playing, "tape", None)
        # a file is there while the law that made it is: such a call cannot wait for the others
        if tape is None or request.files:
            return serve(self.program, [request])[0].value()
        return tape.answer(request).value()


def run_cases(law: Law, impl: Bound, cases: Iterable[Case]) -> Iterator[Outcome]:
    """How each case of a law ends, in order and no earlier than it is asked for, or in rounds where that is faster."""
    remotes = {name: function for name, function in impl.functions.items() if isinstance(function, Remote)}
    if not remotes:
        yield from (run_case(law, impl, case) for case in cases)
        return
    known = list(cases)
    for first in range(0, len(known), BATCH):
        yield from _in_rounds(law, impl, remotes, known[first : first + BATCH])


def _in_rounds(law: Law, impl: Bound, remotes: Mapping[str, Remote], cases: Sequence[Case]) -> list[Outcome]:
    tapes = [Tape() for _ in cases]
    ends: dict[int, Outcome] = {}
    number = 0
    while len(ends) < len(cases):
        for at, case in enumerate(cases):
            if at not in ends and (end := _played(law, impl, case, tapes[at])):
                ends[at] = end
        _answer(remotes, [tapes[at] for at in range(len(cases)) if at not in ends], number)
        number += 1
    return [ends[at] for at in range(len(cases))]


def _played(law: Law, impl: Bound, case: Case, tape: Tape) -> Outcome | None:
    """How a case ends with the replies that it has; None where it asks for one more."""
    tape.at = 0
    _playing.tape = tape
    try:
        outcome = run_case(law, impl, case)
    except _Asked:
        return None
    except _Strayed:
        _playing.tape = None
        return run_case(law, impl, case)
    finally:
        _playing.tape = None
    return None if tape.pending else outcome


def _answer(remotes: Mapping[str, Remote], tapes: Sequence[Tape], number: int) -> None:
    """Answer the last call of each tape: a process for each function that is asked for."""
    for name in dict.fromkeys(tape.requests[-1].function for tape in tapes):
        asking = [tape for tape in tapes if tape.requests[-1].function == name]
        requests = [tape.requests[-1] for tape in asking]
        # Each round asks the first call once more than the round before, so that a case comes at another place each
        # time: a generator that runs on from call to call is told from one that is seeded anew, alone and in a batch.
        ahead = requests[:1] * number
        replies = serve(remotes[name].program, ahead + requests)
        if ahead and replies[0].kind in ("failed", "hung"):
            replies[number] = replies[0]
        for tape, reply in zip(asking, replies[number:], strict=True):
            tape.replies.append(reply)
