"""Look at the adapter before the laws do: shapes, dtypes and declared conventions, answered with `adapter?`.

A wrong binding turned a correct commit red once (measured); what the smoke stage sees is a question to the author of
the adapter, not a verdict on the implementation. Exceptions are left to the laws.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..spec.delay import BOS, EOS, PAD, make_codes
from ..spec.functions import FUNCTIONS
from ..spec.oracles import delayed
from ..spec.scripts import EchoCodec
from . import (
    smoke_audio,
    smoke_codec,
    smoke_flow,
    smoke_lm,
    smoke_loss,
    smoke_rollout,
    smoke_shortcut,
    smoke_solve,
)
from .adapter import Adapter

FRAMES, BATCH = 5, 3


@dataclass(frozen=True)
class Question:
    """What looks wrong about the binding of a function, in words that its author can act on."""

    function: str
    says: str


def _delays(adapter: Adapter) -> list[int]:
    """A pattern that the implementation can be asked for, with two different delays where possible."""
    if "delays" in adapter.sizes:
        return list(adapter.sizes["delays"][0])
    return list(range(adapter.sizes.get("codebooks", [4])[0]))


def _tensor(
    got: object, wanted: str, shape: Mapping[int, int], ndim: int, kinds: tuple[torch.dtype, ...]
) -> str | None:
    """What is wrong with a result that should be a tensor of this form."""
    if not isinstance(got, Tensor):
        return f"must return a tensor {wanted}: got {type(got).__name__}"
    if got.ndim != ndim or any(got.shape[axis] != size for axis, size in shape.items()):
        return f"must return {wanted}: got shape {tuple(got.shape)}"
    if got.dtype not in kinds:
        return f"must return {wanted} of {' or '.join(map(str, kinds))}: got {got.dtype}"
    return None


# int32 and floats are let through where a law judges the dtype; here only what cannot be codes at all is asked about
_NUMBERS = (torch.int64, torch.int32, torch.int16, torch.float32, torch.float64)
_FLOATS = (torch.float32, torch.float64)


def _delay(adapter: Adapter) -> str | None:
    delays = _delays(adapter)
    codes = make_codes(0, BATCH, FRAMES, len(delays))
    got = adapter.functions["delay"](codes, delays, BOS, PAD, None)
    wanted = f"rows (B, R, K) = ({BATCH}, R, {len(delays)})"
    return _tensor(got, wanted, {0: BATCH, 2: len(delays)}, 3, _NUMBERS)


def _undelay(adapter: Adapter) -> str | None:
    delays = _delays(adapter)
    rows = delayed(make_codes(0, BATCH, FRAMES, len(delays)), delays, BOS, PAD)
    got = adapter.functions["undelay"](rows, delays, None)
    wanted = f"codes (B, T, K) = ({BATCH}, T, {len(delays)})"
    return _tensor(got, wanted, {0: BATCH, 2: len(delays)}, 3, _NUMBERS)


def _rows_to_audio(adapter: Adapter) -> str | None:
    delays = _delays(adapter)
    rows = delayed(make_codes(0, BATCH, FRAMES, len(delays)), delays, BOS, PAD)
    got = adapter.functions["rows_to_audio"](EchoCodec(len(delays)), rows, delays)
    return _tensor(got, f"a waveform (B, N) = ({BATCH}, N)", {0: BATCH}, 2, _FLOATS)


def _visible(adapter: Adapter) -> str | None:
    delays = _delays(adapter)
    got = adapter.functions["visible"](delays, FRAMES)
    shape = (FRAMES, len(delays), FRAMES, len(delays))
    return _tensor(got, f"a table (T, K, T, K) = {shape}", dict(enumerate(shape)), 4, (torch.bool,))


def _noise(adapter: Adapter) -> str | None:
    return _floats(adapter.functions["noise"](0, 0, (2, 3)))


def _noise_batch(adapter: Adapter) -> str | None:
    return _floats(adapter.functions["noise_batch"](0, 4, (2, 3)))


def _floats(got: object) -> str | None:
    """Noise is a float tensor; which shape it has is for a law to say."""
    return _tensor(got, "noise", {}, got.ndim if isinstance(got, Tensor) else 0, _FLOATS)


def _eos(adapter: Adapter) -> str | None:
    """Which convention the rows with EOS follow, against the declared one; what follows none is left to the laws."""
    delays = _delays(adapter)
    codes = make_codes(0, 1, FRAMES, len(delays))
    rows = adapter.functions["delay"](codes, delays, BOS, PAD, EOS)
    marks = [(rows[0, :, k] == EOS).nonzero().flatten().tolist() for k in range(len(delays))]
    looks = {
        "staggered": marks == [[FRAMES + 1 + d] for d in delays],
        "one row": marks == [[FRAMES + 1 + max(delays)]] * len(delays),
        "none": rows.shape[1] == FRAMES + 1 + max(delays) and not any(marks),
    }
    declared = adapter.convention("EOS", "DELAY")
    seen = [name for name, matches in looks.items() if matches]
    if declared is None or not seen or declared in seen:
        return None
    return f"is declared EOS = {declared!r}, but its rows look like EOS = {seen[0]!r}"


PROBES: Mapping[str, list[Callable[[Adapter], str | None]]] = {
    "delay": [_delay, _eos],
    "undelay": [_undelay],
    "rows_to_audio": [_rows_to_audio],
    "visible": [_visible],
    "noise": [_noise],
    "noise_batch": [_noise_batch],
    **smoke_loss.PROBES,
    **smoke_audio.PROBES,
    **smoke_codec.PROBES,
    **smoke_lm.PROBES,
    **smoke_rollout.PROBES,
    **smoke_solve.PROBES,
    **smoke_flow.PROBES,
    **smoke_shortcut.PROBES,
}


def smoke(adapter: Adapter) -> list[Question]:
    """The questions that an adapter raises; none means that the laws may speak."""
    questions = [
        Question(name, f"{name} {says}")
        for name, call in adapter.functions.items()
        if (says := _takes(name, call))
    ]
    asked = {question.function for question in questions}
    for function, probes in PROBES.items():
        if function in asked:
            continue
        for probe in probes if function in adapter.functions else ():
            says = _asked(probe, adapter)
            if says:
                questions.append(Question(function, f"{function} {says}"))
                break
    return questions


def _takes(name: str, function: Callable[..., Any]) -> str | None:
    """What is wrong with the parameters of a bound function."""
    wanted = FUNCTIONS[name].parameters
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None  # builtins may have none
    try:
        signature.bind(*wanted)
    except TypeError as error:
        return f"is called as {name}({', '.join(wanted)}), and takes {signature}: {error}"
    return None


def _asked(probe: Callable[[Adapter], str | None], adapter: Adapter) -> Any:
    try:
        return probe(adapter)
    except (Exception, SystemExit):  # declined, refused or crashed: the laws will say which
        return None
