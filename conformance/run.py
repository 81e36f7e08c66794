"""Run one law on one case of one implementation, and say how it ended."""

from __future__ import annotations

import copy
import dis
import linecache
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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

    def __init__(self, adapter: Adapter, grain: Sequence[str], device: str = "cpu") -> None:
        self._functions = {name: adapter.functions[name] for name in grain}
        self._conventions, self._numbers = adapter.conventions, adapter.numbers
        self._device = device

    def has(self, name: str) -> bool:
        return name in self._functions

    def convention(self, name: str) -> str | None:
        return self._conventions.get(name)

    def number(self, name: str) -> float | None:
        return self._numbers.get(name)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        functions = self.__dict__.get("_functions", {})
        if name not in functions:
            raise AttributeError(f"this grain binds {', '.join(functions)}, not {name!r}")
        function: Callable[..., Any] = functions[name]
        return function if self._device == "cpu" else _on(self._device, function)


def _on(device: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its tensors on a device; what it writes into its inputs is carried back to them."""

    def call(*args: Any) -> Any:
        moved = [_moved(arg, device) for arg in args]
        result = function(*moved)
        for arg, copied in zip(args, moved, strict=True):
            if isinstance(arg, Tensor) and not same(arg, copied.cpu()):
                arg.copy_(copied)
        return _moved(result, "cpu")

    return call


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


def run_case(law: Law, impl: Bound, case: Case, watch: Watch | None = None) -> Outcome:
    """One case of a law; exceptions of the implementation are errors, and a raised NotImplementedError declines."""
    try:
        with watching(watch or Watch()), torch.no_grad():
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
    where = f"{frame.filename}:{frame.lineno}: {line}"
    return Outcome("error", kind, f"{kind}: {said}", "no exception", f"{kind}: {said} (at {where})")
