"""The smoke stage for codecs: forms of codes and waveforms, and whether HOP and RATE look like the codec's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..spec.scripts_codec import WideCodec
from ..spec.waves import clip, quietly
from .adapter import Adapter

Probe = Callable[[Adapter], str | None]
# Floats are let through: a law judges them.
NUMBERS = (torch.int64, torch.int32, torch.int16, torch.uint8, torch.float32, torch.float64)
FRAMES = 6


def _clip(adapter: Adapter) -> Tensor:
    channels = max(adapter.sizes.get("channels", [2]))
    return clip(0, channels, FRAMES * int(adapter.numbers.get("HOP", 512)), 0.5)


def _codes(got: object, channels: int) -> str | None:
    wanted = f"codes (C, T, K) = ({channels}, T, K)"
    if not isinstance(got, Tensor):
        return f"must return a tensor, {wanted}: got {type(got).__name__}"
    if got.ndim != 3 or len(got) != channels:
        return f"must return {wanted}: got shape {tuple(got.shape)}"
    return None if got.dtype in NUMBERS else f"must return {wanted} of integers: got {got.dtype}"


def _encode(adapter: Adapter) -> str | None:
    audio = _clip(adapter)
    return _codes(quietly(adapter.functions["encode"], audio), len(audio))


def _hop(adapter: Adapter) -> str | None:
    """Whether the frames of a clip look like another HOP than the declared one: half of it, or less, or twice."""
    hop, audio = adapter.numbers.get("HOP"), _clip(adapter)
    frames = quietly(adapter.functions["encode"], audio).shape[1]
    if hop is None or frames < 1 or FRAMES / 2 < frames < FRAMES * 2:
        return None
    return f"is declared HOP = {hop:g}, but {audio.shape[1]} samples make {frames} frames: HOP near {audio.shape[1] / frames:.3g}"


def _rate(adapter: Adapter) -> str | None:
    """Whether the declared RATE is the one that is refused, and another common one is taken."""
    declared = adapter.numbers.get("RATE")
    if declared is None:
        return None
    taken = [rate for rate in (16000, 24000, 32000, 44100, 48000) if _takes(adapter, rate)]
    if _takes(adapter, int(declared)) or len(taken) != 1:
        return None
    return f"is declared RATE = {declared:g}, which it refuses: it takes {taken[0]}"


def _takes(adapter: Adapter, rate: int) -> bool:
    try:
        quietly(adapter.functions["encode_at"], _clip(adapter), rate)
    except (ValueError, TypeError, AssertionError):
        return False
    return True


def _decode(adapter: Adapter) -> str | None:
    if "encode" not in adapter.functions:
        return None
    codes = quietly(adapter.functions["encode"], _clip(adapter))
    got = quietly(adapter.functions["decode"], codes)
    if not isinstance(got, Tensor):
        return f"must return a tensor, a waveform (C, N): got {type(got).__name__}"
    if got.ndim != 2 or len(got) != len(codes):
        return f"must return a waveform (C, N) = ({len(codes)}, N): got shape {tuple(got.shape)}"
    return None


def _batch(adapter: Adapter) -> str | None:
    audio = _clip(adapter)[:1]
    got = quietly(adapter.functions["encode_batch"], [audio, audio.clone()])
    if not isinstance(got, (list, tuple)) or len(got) != 2:
        return f"must return a list of codes, one a clip: got {type(got).__name__}"
    return _codes(got[0], 1)


def _decode_chunked(adapter: Adapter) -> str | None:
    codec, chunk = WideCodec(2, 3, 1), adapter.sizes.get("chunk", [4])[0]
    got = quietly(adapter.functions["decode_chunked"], codec, torch.zeros(2, 8, 2, dtype=torch.int64), chunk)
    if not isinstance(got, Tensor) or got.ndim != 2 or len(got) != 2:
        return f"must return a waveform (B, N) = (2, N): got {_form(got)}"
    return None


def _encode_chunked(adapter: Adapter) -> str | None:
    codec, chunk = WideCodec(2, 3, 1), adapter.sizes.get("chunk", [4])[0]
    got = quietly(adapter.functions["encode_chunked"], codec, torch.zeros(2, 24), chunk)
    if not isinstance(got, Tensor) or got.ndim != 3 or got.shape[::2] != (2, 2):
        return f"must return codes (B, T, K) = (2, T, 2): got {_form(got)}"
    return None


def _form(got: object) -> str:
    return f"shape {tuple(got.shape)}" if isinstance(got, Tensor) else type(got).__name__


PROBES: Mapping[str, list[Probe]] = {
    "encode": [_encode, _hop],
    "decode": [_decode],
    "encode_at": [_rate],
    "encode_batch": [_batch],
    "decode_chunked": [_decode_chunked],
    "encode_chunked": [_encode_chunked],
}
