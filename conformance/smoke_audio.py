"""The smoke stage for audio: forms of results, and whether declared numbers look like the implementation's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..spec.conventions import NUMBERS
from ..spec.waves import FULL, clip, quietly
from .adapter import Adapter

Probe = Callable[[Adapter], str | None]
CHANNELS, SAMPLES = 2, 12
WAVEFORM = f"a waveform (C, N) = ({CHANNELS}, N)"


def _form(function: str, *args: object, dtypes: tuple[torch.dtype, ...]) -> Probe:
    """Asks whether a function gives a waveform with the channels it was given."""

    def probe(adapter: Adapter) -> str | None:
        got = quietly(adapter.functions[function], clip(0, CHANNELS, SAMPLES, 0.5), *args)
        if not isinstance(got, Tensor):
            return f"must return a tensor, {WAVEFORM}: got {type(got).__name__}"
        if got.ndim != 2:
            return f"must return {WAVEFORM}: got shape {tuple(got.shape)}"
        if got.dtype not in dtypes:
            return f"must return {WAVEFORM} of {' or '.join(map(str, dtypes))}: got {got.dtype}"
        return None

    return probe


def _export_batch(adapter: Adapter) -> str | None:
    got = quietly(adapter.functions["export_batch"], [clip(0, CHANNELS, SAMPLES, 0.5)])
    if not isinstance(got, (list, tuple)) or len(got) != 1 or not isinstance(got[0], Tensor):
        return f"must return a list of tensors, one an item: got {type(got).__name__}"
    return None


def _peak(adapter: Adapter) -> str | None:
    """Whether an export looks like a peak that could be declared, and is not the declared one."""
    declared = adapter.numbers.get("PEAK")
    seen = float(quietly(adapter.functions["export"], clip(0, CHANNELS, SAMPLES, 0.7)).abs().max()) / FULL
    least, most = NUMBERS["PEAK"]
    if declared is None or abs(seen - declared) < 1e-3 or not least <= seen <= most:
        return None
    return f"is declared PEAK = {declared:g}, but what it exports looks like PEAK = {seen:.3g}"


def _gain(adapter: Adapter, level: float) -> float:
    """What normalisation multiplies a clip of this peak by; 0 where it refuses."""
    try:
        made = quietly(adapter.functions["normalize"], clip(0, CHANNELS, SAMPLES, level), 1.0)
    except (ValueError, TypeError, AssertionError):
        return 0.0
    return float(made.abs().max()) / level


def _floor(adapter: Adapter) -> str | None:
    """Whether normalisation looks like another floor that could be declared: quiet up to it, amplified from there."""
    declared = adapter.numbers.get("FLOOR")
    levels = [10 ** (tenths / 10) for tenths in range(-82, -24)]
    amplified = [_gain(adapter, level) > 1.01 for level in levels]
    if declared is None or amplified != sorted(amplified) or amplified[0] or not amplified[-1]:
        return None  # no threshold where one could be declared: the laws will say what that is
    first = amplified.index(True)
    if levels[first - 1] <= declared * 1.01 and declared <= levels[first] * 1.01:
        return None
    return f"is declared FLOOR = {declared:g}, but looks like a FLOOR near {levels[first]:.1g}"


def _cap(adapter: Adapter) -> str | None:
    """Whether normalisation looks like another largest gain that could be declared: the same at two levels."""
    declared, floor = adapter.numbers.get("CAP"), adapter.numbers.get("FLOOR")
    if declared is None or floor is None:
        return None
    gains = [_gain(adapter, floor * over) for over in (1.5, 2.0)]
    seen = gains[0]
    if (
        abs(gains[1] - seen) > 1e-3 * seen
        or abs(seen - declared) < 1e-2 * declared
        or seen < NUMBERS["CAP"][0]
    ):
        return None
    if seen * floor * 2 > 0.9:
        return None  # the target, not a limit
    return f"is declared CAP = {declared:g}, but looks like CAP = {seen:.3g}"


def _seconds(adapter: Adapter) -> str | None:
    rate, hop = adapter.numbers.get("RATE"), adapter.numbers.get("HOP")
    if rate is None or hop is None:
        return None
    seen = quietly(adapter.functions["seconds_to_frames"], 1000.0) / 1000
    if abs(seen - rate / hop) < 0.01 * rate / hop:
        return None
    return f"is declared RATE / HOP = {rate / hop:.4g} frames a second, but counts {seen:.4g}"


_FLOATS = (torch.float32, torch.float64)
_INT16 = (torch.int16,)

PROBES: Mapping[str, list[Probe]] = {
    "change_speed": [_form("change_speed", 0.8, dtypes=_FLOATS)],
    "resample": [_form("resample", 16000, 24000, dtypes=_FLOATS)],
    "normalize": [_form("normalize", 1.0, dtypes=_FLOATS), _floor, _cap],
    "to_pcm16": [_form("to_pcm16", dtypes=_INT16)],
    "to_stereo": [_form("to_stereo", dtypes=_FLOATS)],
    "export": [_form("export", dtypes=_INT16), _peak],
    "export_batch": [_export_batch],
    "seconds_to_frames": [_seconds],
}
