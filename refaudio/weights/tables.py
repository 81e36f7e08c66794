"""How an upstream layout maps to ours, as data: import reads a table from left to right, export from right to left.

>>> table = Table(
...     rule("mlp.{i}.wi.weight", "layers.{i}.up.weight", transpose()),
...     rule("embed.{*}.weight", "embed.weight"),
...     ignore("rotary.inv_freq", "made from the config"),
... )
>>> theirs = {f"embed.{k}.weight": torch.full((2,), k) for k in (0, 10, *range(1, 10))}
>>> ours, problems = table.to_ours({"mlp.0.wi.weight": torch.zeros(3, 5), **theirs})
>>> ours["layers.0.up.weight"].shape, ours["embed.weight"].shape, ours["embed.weight"][10, 0].item()
(torch.Size([5, 3]), torch.Size([11, 2]), 10)
>>> table.to_theirs(ours)[0].keys() == {"mlp.0.wi.weight", *theirs}
True

{i} stands for one number, the same on both sides of a rule; {*} for all numbers from 0, stacked in numeric order (as
strings, 10 would come before 2). Where a rule has several parts on a side, they are joined along one dimension.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

State = dict[str, Tensor]
Problems = list[str]  # one line each: all of them are told at once


@dataclass(frozen=True)
class Op:
    """A change of layout and its inverse."""

    apply: Callable[[Tensor], Tensor]
    undo: Callable[[Tensor], Tensor]


def transpose(a: int = 0, b: int = 1) -> Op:
    """Swap two dimensions."""
    return Op(lambda x: x.transpose(a, b), lambda x: x.transpose(a, b))


def permute(*order: int) -> Op:
    """Dimension i of the result is dimension order[i]."""
    if sorted(order) != [*range(len(order))]:
        raise ValueError(f"order={order} must be a permutation of 0..{len(order) - 1}")
    back = [order.index(i) for i in range(len(order))]
    return Op(lambda x: x.permute(order), lambda x: x.permute(back))


def reshape(before: Sequence[int], after: Sequence[int]) -> Op:
    """From the shape `before` to `after`, at most one -1 in each: both are needed to go back."""
    for name, shape in ("before", before), ("after", after):
        if sum(size == -1 for size in shape) > 1:
            raise ValueError(f"{name}={tuple(shape)} must have at most one -1")
    return Op(lambda x: _as(x, before).reshape(*after), lambda x: _as(x, after).reshape(*before))


@dataclass(frozen=True)
class Part:
    """A key and the way from its tensor to the joint one; size is its share of the joined dimension."""

    key: str
    ops: tuple[Op, ...] = ()
    size: int = 0


@dataclass(frozen=True)
class Rule:
    """Tensors of theirs, joined along dim, are those of ours, joined along dim."""

    theirs: tuple[Part, ...]
    ours: tuple[Part, ...]
    dim: int = 0


@dataclass(frozen=True)
class Ignored:
    """A key of theirs that ours has no place for, and why; `restore` makes it again for an export."""

    key: str
    reason: str
    restore: Callable[[], Tensor] | None = None


ignore = Ignored


def rule(theirs: str, ours: str, *ops: Op) -> Rule:
    """One key is the other, after ops in turn."""
    return Rule((Part(theirs, ops),), (Part(ours),))


def join(theirs: Sequence[Part], ours: str, dim: int = 0) -> Rule:
    """Several keys are one, joined along dim in this order: q, k, v."""
    return _sized(Rule(tuple(theirs), (Part(ours),), dim))


def split(theirs: Part, ours: Sequence[Part], dim: int = 0) -> Rule:
    """One key is several, cut along dim in this order."""
    return _sized(Rule((theirs,), tuple(ours), dim))


class Table:
    """The rules of one layout. Each key of either side has one rule."""

    def __init__(self, *rules: Rule | Ignored) -> None:
        self.rules = tuple(entry for entry in rules if isinstance(entry, Rule))
        self.ignored = tuple(entry for entry in rules if isinstance(entry, Ignored))
        for entry in self.rules:
            holes = {frozenset(_holes(part.key) - {"*"}) for part in entry.theirs + entry.ours}
            if len(holes) > 1:
                raise ValueError(f"{entry.theirs[0].key!r}: every key of a rule must have the same {{holes}}")
        for unused in self.ignored:
            if unused.restore is not None and _holes(unused.key):
                raise ValueError(f"{unused.key!r} must have no {{holes}} to be restored under")

    def to_ours(self, state: Mapping[str, Tensor]) -> tuple[State, Problems]:
        """Their tensors in our layout, and what did not fit, a line each."""
        kept = {
            key: tensor
            for key, tensor in state.items()
            if not any(_regex(entry.key).fullmatch(key) for entry in self.ignored)
        }
        return _convert(self.rules, kept)

    def sources(self, key: str) -> list[str]:
        """The keys of theirs that make this key of ours."""
        for entry in self.rules:
            for part in entry.ours:
                if match := _regex(part.key).fullmatch(key):
                    numbers = {name: value for name, value in match.groupdict().items() if name != "all"}
                    return [_fill(source.key, numbers) for source in entry.theirs]
        return []

    def to_theirs(self, state: Mapping[str, Tensor]) -> tuple[State, Problems]:
        """Our tensors in their layout, bit for bit as they came, and what did not fit."""
        mirrored = tuple(replace(entry, theirs=entry.ours, ours=entry.theirs) for entry in self.rules)
        made, problems = _convert(mirrored, state)
        made.update((entry.key, entry.restore()) for entry in self.ignored if entry.restore is not None)
        return made, problems


def _convert(rules: Sequence[Rule], state: Mapping[str, Tensor]) -> tuple[State, Problems]:
    """Every rule at every number for which the state has one of its keys."""
    made: State = {}
    problems: Problems = []
    used: set[str] = set()
    for entry in rules:
        for numbers in _numberings(entry, state):
            sources = [_sources(part, numbers, state) for part in entry.theirs]
            keys_here = [key for keys in sources for key in keys]
            problems += [f"ambiguous {key}: two rules read it" for key in keys_here if key in used]
            used.update(keys_here)
            absent = [key for key in keys_here if key not in state]
            if absent:
                problems += [f"missing {key}" for key in absent]
                continue
            try:
                _apply(entry, numbers, [[state[key] for key in keys] for keys in sources], made)
            except (RuntimeError, IndexError, ValueError) as error:
                shapes = ", ".join(f"{key} {tuple(state[key].shape)}" for key in keys_here)
                problems.append(f"misshapen {shapes}: {' '.join(str(error).split())}")
    return made, problems + [f"unexpected {key}" for key in state if key not in used]


def _apply(entry: Rule, numbers: Mapping[str, str], sources: list[list[Tensor]], made: State) -> None:
    joined = []
    for part, tensors in zip(entry.theirs, sources, strict=True):
        whole = torch.stack(tensors) if "*" in _holes(part.key) else tensors[0]
        for op in part.ops:
            whole = op.apply(whole)
        if part.size and whole.shape[entry.dim] != part.size:
            raise ValueError(f"must have {part.size} along dimension {entry.dim} of {tuple(whole.shape)}")
        joined.append(whole)
    joint = torch.cat(joined, entry.dim) if len(joined) > 1 else joined[0]
    several = len(entry.ours) > 1
    pieces = torch.split(joint, [part.size for part in entry.ours], entry.dim) if several else (joint,)
    for part, piece in zip(entry.ours, pieces, strict=True):
        for op in reversed(part.ops):
            piece = op.undo(piece)
        for key, tensor in _targets(part, numbers, piece):
            if key in made:
                raise ValueError(f"must not make {key} twice")
            made[key] = tensor.contiguous()


def _numberings(entry: Rule, state: Mapping[str, Tensor]) -> list[dict[str, str]]:
    """The numbers of {i}, in order, at which the state has at least one key of the rule."""
    found: dict[tuple[int, ...], dict[str, str]] = {}
    for part in entry.theirs:
        pattern = _regex(part.key)
        here = state if _holes(part.key) else [key for key in [part.key] if key in state]
        for match in filter(None, map(pattern.fullmatch, here)):
            numbers = {name: value for name, value in match.groupdict().items() if name != "all"}
            found[tuple(int(numbers[name]) for name in sorted(numbers))] = numbers
    return [found[key] for key in sorted(found)]


def _sources(part: Part, numbers: Mapping[str, str], state: Mapping[str, Tensor]) -> list[str]:
    """The keys of a part; with {*}, from 0 to the highest there is, so that a gap is missed."""
    key = _fill(part.key, numbers)
    if "*" not in _holes(key):
        return [key]
    found = [int(match["all"]) for match in map(_regex(key).fullmatch, state) if match]
    return [key.replace("{*}", str(number)) for number in range(max(found, default=0) + 1)]


def _targets(part: Part, numbers: Mapping[str, str], tensor: Tensor) -> list[tuple[str, Tensor]]:
    key = _fill(part.key, numbers)
    if "*" not in _holes(key):
        return [(key, tensor)]
    return [(key.replace("{*}", str(number)), piece) for number, piece in enumerate(tensor.unbind())]


def _sized(entry: Rule) -> Rule:
    """A joined rule can be cut again only where every part has a size."""
    for side in entry.theirs, entry.ours:
        for part in side:
            if len(side) > 1 and part.size < 1:
                raise ValueError(f"size={part.size} of {part.key!r} must be at least 1, to cut it off again")
    return entry


def _holes(key: str) -> set[str]:
    return set(re.findall(r"\{(\*|[a-z])\}", key))


@cache
def _regex(key: str) -> re.Pattern[str]:
    pattern, seen = "", set()
    for text in re.split(r"(\{(?:\*|[a-z])\})", key):
        name = {"{*}": "all"}.get(text, text.strip("{}"))
        if not text.startswith("{"):
            pattern += re.escape(text)
        elif name in seen:
            pattern += f"(?P={name})"
        else:
            seen.add(name)
            pattern += rf"(?P<{name}>0|[1-9][0-9]*)"
    return re.compile(pattern)


def _fill(key: str, numbers: Mapping[str, str]) -> str:
    for name, value in numbers.items():
        key = key.replace(f"{{{name}}}", value)
    return key


def _as(x: Tensor, shape: Sequence[int]) -> Tensor:
    """x itself, which must have this shape up to -1: another order of the same number of weights is no reshape."""
    if x.ndim != len(shape) or any(want not in (-1, size) for size, want in zip(x.shape, shape, strict=True)):
        raise ValueError(f"must be {tuple(shape)} to be reshaped, got {tuple(x.shape)}")
    return x
