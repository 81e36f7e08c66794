"""Changes to a waveform (C, N): its level, its rate, its speed. All channels change alike, along time.

A length that comes out as a fraction is rounded up, everywhere here: what has begun is kept.
"""

import math
import warnings
from fractions import Fraction
from typing import SupportsFloat

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import real
from .waveform import check_finite, decibels, loudest, sample_rate, validate

FLOOR = (
    1e-4  # -80 dBFS: a clip that never rises above is silence with noise, and noise is not to be amplified
)
CAP = 100.0  # +40 dB, the most that a clip is ever amplified by
FASTEST = 100.0


class SilentAudio(UserWarning):
    """Audio that was to be normalised is silent, and was left as it is."""


class CappedGain(UserWarning):
    """Audio that was to be normalised is so quiet that it does not reach its peak."""


def gain(audio: Float[Tensor, "C N"], peak: SupportsFloat) -> float:
    """What brings audio (C, N) to `peak`: 1 for silence (below -80 dBFS), at most +40 dB, else peak / max|audio|."""
    peak = real("peak", peak, least=2.0**-15, most=1.0)
    loud = loudest(validate(audio))
    return 1.0 if loud < FLOOR else min(peak / loud, CAP)


def normalize(
    audio: Float[Tensor, "C N"], peak: SupportsFloat = 1.0, *, on_silence: str = "warn"
) -> Float[Tensor, "C N"]:
    """audio (C, N) times one gain, so that max|audio| is `peak`, in float32 or wider; silence stays as it is.

    Dividing by the peak turns silence into NaN and faint noise into full-scale noise (document D3, item 1). Below
    -80 dBFS nothing is changed, with a SilentAudio; more than +40 dB is not given, with a CappedGain. For what a
    model made, `on_silence="raise"`: a silent song is a failure, not a file.
    """
    if on_silence not in ("warn", "raise"):
        raise ValueError(f"on_silence={on_silence!r} must be 'warn' or 'raise'")
    wanted, factor = real("peak", peak, least=2.0**-15, most=1.0), gain(audio, peak)
    wide = audio.to(torch.promote_types(audio.dtype, torch.float32))
    loud = loudest(wide)
    if loud < FLOOR:
        says = f"audio is silent: its peak {decibels(loud):.4g} dBFS is below {decibels(FLOOR):g} dBFS"
        if on_silence == "raise":
            raise ValueError(f"{says}, and on_silence='raise'")
        warnings.warn(f"{says}, and it is not amplified", SilentAudio, stacklevel=2)
        return wide.clone()
    if factor == CAP and loud * CAP < wanted:
        warnings.warn(
            f"audio is quiet: {decibels(CAP):g} dB lift its peak to {decibels(loud * CAP):.4g} dBFS only",
            CappedGain, stacklevel=2,
        )  # fmt: skip
    return wide * factor


def resample(audio: Float[Tensor, "C N"], rate: int, new_rate: int) -> Float[Tensor, "C M"]:
    """audio (C, N) at `rate` -> (C, M) at `new_rate`, M = ceil(N * new_rate / rate); the same signal, band-limited.

    A polyphase filter with zero phase. It may overshoot: a square wave of +-1 peaks near 1.2, so normalise or clip
    afterwards. At the same rate the samples are those of the input.
    """
    validate(audio)
    down, up = sample_rate("rate", rate), sample_rate("new_rate", new_rate)
    if up == down:
        return audio.clone()
    shared = math.gcd(up, down)
    return _polyphase(audio, up // shared, down // shared)


def change_speed(audio: Float[Tensor, "C N"], factor: SupportsFloat) -> Float[Tensor, "C M"]:
    """Play audio (C, N) `factor` times as fast, its pitch with it: (C, M), M = ceil(N / factor), in audio's dtype.

    Along time, each channel alike and band-limited. Where the channel count was read for the length (document D0,
    item 1) nothing changed, or it crashed.
    """
    validate(audio)
    factor = real("factor", factor, least=1 / FASTEST, most=FASTEST)
    if factor == 1:
        return audio.clone()
    ratio = _ratio(factor, audio.shape[1])
    made = _polyphase(audio, ratio.denominator, ratio.numerator)
    # One sample more or less where the ratio is not quite the factor.
    missing = math.ceil(audio.shape[1] / factor) - made.shape[1]
    if missing > 0:
        return torch.cat([made, made[:, -1:].expand(-1, missing)], dim=1)
    return made[:, : made.shape[1] + missing].contiguous()


def _ratio(factor: float, samples: int) -> Fraction:
    """The simplest ratio that runs less than half a sample away from `factor` in so many samples."""
    exact = Fraction(factor) if factor < 1 else 1 / Fraction(factor)
    near = exact
    for largest in 10**3, 10**4, 10**5, 10**6:
        near = exact.limit_denominator(largest)
        if 2 * samples * abs(near - exact) < exact:
            break
    return near if factor < 1 else 1 / near


def _polyphase(audio: Tensor, up: int, down: int) -> Tensor:
    """audio (C, N) -> (C, ceil(N * up / down)): before the first and after the last sample it is as at the edge."""
    from scipy.signal import resample_poly  # a second of imports

    wide = audio.detach().to("cpu", torch.promote_types(audio.dtype, torch.float32)).numpy()
    made = resample_poly(wide, up, down, axis=1, padtype="edge")
    done = torch.from_numpy(made).to(audio.device, audio.dtype)
    check_finite(done, "resampled audio")  # the filter overshoots, beyond the largest float if need be
    return done
