"""Exact counters: the ATen operations of a call and the bytes they read and write, the same on every machine."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_ALLOCATE = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
_OVERWRITE = {"copy_", "fill_", "normal_", "random_", "zero_"}  # in place, without a look at what was there


@dataclass(frozen=True)
class Count:
    """Operations that touch data, and the bytes they read and write: views and allocations are free."""

    ops: int
    bytes: int


def count(call: Callable[[], object]) -> Count:
    """What one call of a function costs, whatever the clock says.

    An operation is charged all that it is given: a gather its whole source, an expanded tensor what lies in memory.
    """
    with _Counter() as counter:
        call()
    return Count(counter.ops, counter.bytes)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ops = self.bytes = 0

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = func._schema.name.removeprefix("aten::")
        if not func.is_view and name not in _ALLOCATE:
            self.ops += 1
            self.bytes += sum(map(_size, _moved(func, name, args, kwargs, out)))
        return out


def _moved(
    func: OpOverload, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], out: object
) -> Iterator[Tensor]:
    """The tensors that one operation reads and those that it writes; one that it updates is both."""
    given = [*zip(func._schema.arguments, args, strict=False)]
    given += [
        (argument, kwargs[argument.name]) for argument in func._schema.arguments if argument.name in kwargs
    ]
    for argument, value in given:
        written = argument.alias_info is not None and argument.alias_info.is_write
        if written:
            yield from _tensors(value)
        if not written or not (argument.is_out or name in _OVERWRITE):
            yield from _tensors(value)
    for result, value in zip(func._schema.returns, out if isinstance(out, tuple) else (out,), strict=False):
        if result.alias_info is None:
            yield from _tensors(value)


def _tensors(value: object) -> Iterable[Tensor]:
    return (leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor))


def _size(tensor: Tensor) -> int:
    """Bytes in memory: what an expanded axis repeats lies there once."""
    cells = tensor.element_size()
    for length, stride in zip(tensor.shape, tensor.stride(), strict=True):
        cells *= length if stride else min(length, 1)
    return cells
