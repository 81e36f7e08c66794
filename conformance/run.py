"""Run one law on one case of one implementation, and say how it ended."""

from __future__ import annotations

import copy
import dis
import linecache
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import torch
from torch import Tensor

from ..spec.law import Broken, Case, Declined, Law, Watch, watching
from ..spec.values import same
from .adapter import Adapter

Kind = Literal["pass", "fail", "error", "declined"]


@dataclass(frozen=True)
class Outcome:
    """How one case ended: `what` is the comparison that failed, or the exception that was raised."""

    kind: Kind
    what: str = ""
    got: Any = None
    want: Any = None
    message: str = ""

    @property
    def bad(self) -> bool:
        return self.kind in ("fail", "error")


class Bound:
    """What a law sees of an adapter: the functions of one grain, and the declared conventions."""

    def __init__(
        self, adapter: Adapter, grain: Sequence[str], device: str = "cpu", area: str | None = None
    ) -> None:
        self._functions = {name: adapter.functions[name] for name in grain}
        self._adapter, self._area = adapter, area
        self._device = device

    def has(self, name: str) -> bool:
        return name in self._functions

    def convention(self, name: str) -> str | None:
        return self._adapter.convention(name, self._area)

    def offers(self, size: str, value: object) -> bool:
        sizes = self._adapter.sizes
        return size not in sizes or value in sizes[size]

    def number(self, name: str) -> float | None:
        return self._adapter.numbers.get(name)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        functions = self.__dict__.get("_functions", {})
        if name not in functions:
            raise AttributeError(f"this grain binds {', '.join(functions)}, not {name!r}")
        return _on(self._device, functions[name])

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """The functions as they were bound."""
        return self._functions


def _on(device: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with lists of its own, and its tensors on a device; what it writes into those is carried back.

    Code that sorts the list of delays it is handed would otherwise sort the law's, and be found right.
    """

    def call(*args: Any) -> Any:
        args = tuple(map(_own, args))
        if device == "cpu":
            return function(*args)
        moved = [_moved(arg, device) for arg in args]
        result = function(*moved)
        for arg, copied in zip(args, moved, strict=True):
            if isinstance(arg, Tensor) and not same(arg, copied.cpu()):
                arg.copy_(copied)
        return _moved(result, "cpu")

    return call


def _own(value: Any) -> Any:
    """A list of one's own; the tensors in it stay the law's, so that writing into them is seen."""
    return [_own(item) for item in value] if isinstance(value, list) else value


def _moved(value: Any, device: str) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(item, device) for item in value)
    if isinstance(value, Iterator):
        return (_moved(item, device) for item in value)
    return value


def grains_of(law: Law, adapter: Adapter) -> list[tuple[str, ...]]:
    """The grains of a law that an adapter binds in full."""
    return [grain for grain in law.needs if all(name in adapter.functions for name in grain)]


@contextmanager
def _one_thread(law: Law) -> Iterator[None]:
    """torch on one thread while a small case runs.

    Measured: softmax and cross_entropy of a few hundred numbers wait for a second thread; on two busy cores a hundred
    cases of one loss law take 5 to 20 s that way, and 0.5 s on one thread.
    """
    threads = torch.get_num_threads()
    if law.cost != "free" or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def run_case(law: Law, impl: Bound, case: Case, watch: Watch | None = None) -> Outcome:
    """One case of a law; exceptions of the implementation are errors, and a raised NotImplementedError declines.

    No gradients are kept: a law that judges some says so itself, with torch.enable_grad().
    """
    try:
        with watching(watch or Watch()), _one_thread(law), torch.no_grad():
            law.check(impl, **copy.deepcopy(case))
    except Broken as broken:
        return Outcome("fail", broken.what, broken.got, broken.want, str(broken))
    except Declined as declined:
        return Outcome("declined", message=str(declined))
    except NotImplementedError as declined:
        if _raised_in_python(declined.__traceback__):
            return Outcome("declined", message=str(declined))
        return _error(declined)
    except (Exception, SystemExit) as raised:
        return _error(raised)
    return Outcome("pass")


def _raised_in_python(tb: TracebackType | None) -> bool:
    """Whether a `raise` statement outside torch raised it: torch's own (a missing kernel) declines nothing."""
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    if tb is None or str(tb.tb_frame.f_globals.get("__name__")).split(".")[0] == "torch":
        return False
    code = tb.tb_frame.f_code.co_code
    return dis.opname[code[tb.tb_lasti]] in ("RAISE_VARARGS", "RERAISE")


def _error(raised: BaseException) -> Outcome:
    frame = traceback.extract_tb(raised.__traceback__)[-1]
    line = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
    kind = type(raised).__name__
    said = " ".join(str(raised).split())[:300]
    where = f"{_short(frame.filename)}:{frame.lineno}: {line}"
    return Outcome("error", kind, f"{kind}: {said}", "no exception", f"{kind}: {said} (at {where})")


def _short(filename: str) -> str:
    """A file as its package names it: a report is read on other machines."""
    for mark in ("site-packages/", "dist-packages/"):
        if mark in filename:
            return filename.rpartition(mark)[2]
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else "/".join(path.parts[-2:])
