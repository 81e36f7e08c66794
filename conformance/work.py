"""Run jobs one after another, or on all cores; the answers come in the order of the jobs either way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

import torch

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def _silent(line: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Work:
    """Where the proofs are done: in this process, or in several of their own."""

    tell: Callable[[str], None] = _silent
    processes: int = 1

    def each(self, title: str, job: Callable[[Asked], Answer], asked: Sequence[Asked]) -> Iterator[Answer]:
        """The answers of a job to each of these, with a line of progress for every one."""
        if self.processes == 1:
            yield from self._told(title, map(job, asked), len(asked))
            return
        with get_context("spawn").Pool(self.processes, torch.set_num_threads, (1,)) as pool:  # a core each
            yield from self._told(title, pool.imap(job, asked), len(asked))

    def _told(self, title: str, answers: Iterable[Answer], total: int) -> Iterator[Answer]:
        for number, answer in enumerate(answers, 1):
            self.tell(f"[{number}/{total}] {title}")
            yield answer
