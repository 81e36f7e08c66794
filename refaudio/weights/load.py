"""Strict loading: a model gets all its tensors, in their shapes and dtypes, or nothing and one error that lists all."""

import os
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from .files import read, write
from .tables import Problems, State, Table
from .weight_norm import fold

T = TypeVar("T")
KINDS = (
    "missing",
    "unexpected",
    "misshapen",
    "ambiguous",
    "of another dtype",
    "not finite",
    "without numbers",
)
MOST = 20  # of one kind in an error: a file of another model differs in all of them


def load(
    model: nn.Module,
    weights: str | os.PathLike[str] | Mapping[str, Tensor],
    table: Table | None = None,
    *,
    cast: bool = False,
) -> None:
    """Fill the model from a file, or from tensors by name, in the layout of the table; ValueError, and nothing changed,
    when anything is missing, unexpected, misshapen, of another dtype or not finite.

    cast: floating tensors may be of another floating dtype than the model's, and are converted. A model on the meta
    device takes the tensors as they are. The prefixes of torch.compile and DDP are stripped on both sides, and weight
    norm is folded where the model has plain weights.
    """
    state = dict(weights) if isinstance(weights, Mapping) else read(weights)
    state, problems = plain_names(state)
    places, unclear = plain_names(
        {name: (name, place) for name, place in model.state_dict(keep_vars=True).items()}
    )
    state, converted = _converted(state, places, table)
    problems += unclear + converted + _mismatches(places, state, table, cast) + _left_on_meta(model)
    if problems:
        raise ValueError(_told(problems))
    ready = {name: state[key].to(place.dtype) for key, (name, place) in places.items()}
    if not any(place.is_meta for _, place in places.values()):
        model.load_state_dict(ready)
        return
    fresh: dict[int, Tensor] = {}  # one tensor a place: tied parameters stay tied
    for name, place in places.values():
        if isinstance(place, nn.Parameter):
            ready[name] = fresh.setdefault(id(place), nn.Parameter(ready[name], place.requires_grad))
    model.load_state_dict(ready, assign=True)


def export(model: nn.Module, path: str | os.PathLike[str], table: Table | None = None) -> None:
    """Write the model's tensors as safetensors, in the layout of the table: the inverse of load, whole or not at all."""
    state, problems = plain_names(model.state_dict())
    if table is not None:
        state, unfit = table.to_theirs(state)
        problems += unfit
    if problems:
        raise ValueError(_told(problems))
    write(state, path)


def plain_names(state: Mapping[str, T]) -> tuple[dict[str, T], Problems]:
    """Without the prefixes of torch.compile (`_orig_mod.`, at any depth) and of DDP (`module.`, before every key)."""
    names = [name.replace("_orig_mod.", "") for name in state]
    while names and all(name.startswith("module.") for name in names):
        names = [name.removeprefix("module.") for name in names]
    made = dict(zip(names, state.values(), strict=True))
    twice = sorted({name for name in names if names.count(name) > 1}) if len(made) < len(names) else []
    return made, [f"ambiguous {name}: there with and without a prefix" for name in twice]


def _converted(
    state: State, model_names: Mapping[str, object], table: Table | None
) -> tuple[State, Problems]:
    """In our layout; weight norm is folded first unless the model itself has it."""
    normed = any(name.endswith(("weight_g", "weight.original0")) for name in model_names)
    problems: Problems = []
    if not normed:
        state, problems = fold(state)
    if table is not None:
        state, unfit = table.to_ours(state)
        problems += unfit
    return state, problems


def _mismatches(
    places: Mapping[str, tuple[str, Tensor]], state: State, table: Table | None, cast: bool
) -> Problems:
    problems = []
    for key, (_, place) in places.items():
        if key not in state:
            theirs = table.sources(key) if table is not None else []
            problems.append(f"missing {key}" + (f" (from {', '.join(theirs)})" if theirs else ""))
            continue
        found = state[key]
        both_float = found.is_floating_point() and place.is_floating_point()
        if found.shape != place.shape:
            problems.append(f"misshapen {key}: {tuple(found.shape)} for {tuple(place.shape)}")
        elif found.dtype != place.dtype and not (cast and both_float):
            hint = ": cast=True converts" if both_float else ""
            problems.append(f"of another dtype {key}: {found.dtype} for {place.dtype}{hint}")
        elif found.is_meta:
            problems.append(f"without numbers {key}: it is on the meta device")
        elif found.is_floating_point() and not bool(torch.isfinite(found.to(place.dtype)).all()):
            problems.append(f"not finite {key}")  # as float16, for one, a large float32 is not
    return problems + [f"unexpected {key}" for key in state if key not in places]


def _left_on_meta(model: nn.Module) -> Problems:
    """Buffers that no checkpoint has: on the meta device they would stay without numbers."""
    saved = set(model.state_dict())
    left = [name for name, buffer in model.named_buffers() if buffer.is_meta and name not in saved]
    return [f"without numbers {name}: a buffer that is not saved, on the meta device" for name in left]


def _told(problems: Problems) -> str:
    """Every problem on a line of its own, the same kinds together, under a first line that counts them."""
    kinds = {kind: found for kind in KINDS if (found := [each for each in problems if each.startswith(kind)])}
    counts = ", ".join(f"{len(found)} {kind}" for kind, found in kinds.items())
    lines = [f"weights must fit the model: {counts}"]
    for kind, found in kinds.items():
        lines += [f"  {line}" for line in found[:MOST]]
        if len(found) > MOST:
            lines.append(f"  and {len(found) - MOST} more {kind}")
    return "\n".join(lines)
