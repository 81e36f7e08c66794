"""Levels and integers as they were got wrong."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from refaudio import audio as right
from refaudio.audio.transform import CAP, FLOOR

from . import mutant


def _codes(audio: Tensor) -> Tensor:
    """Integers as the exporters of these documents make them: clamp, scale, cast."""
    return audio.clamp(-1, 1).mul(32767).to(torch.int16)


def _finite(audio: Tensor) -> Tensor:
    return right.validate(audio).to(torch.promote_types(audio.dtype, torch.float32))


@mutant("export-divides-by-the-peak", "D3 #1", "D3 #7", "flow:72")
def divides_by_the_peak_of_export(audio: Tensor) -> Tensor:
    """the clip is divided by its peak and cast to integers: silence, and a song with one NaN, become zeros by way of NaN"""
    return _codes(audio.to(torch.float32).div(audio.abs().max()))


@mutant("divides-by-the-peak", "D3 #1", "D3 #7", "flow:73")
def divides_by_the_peak_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """the clip is divided by its peak, however small that is: silence becomes NaN, faint noise full-scale noise"""
    return _finite(audio) / audio.abs().max() * peak


@mutant("nan-in-nan-out", "D3 #1", "flow:72")
def nan_in_nan_out_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """nothing is asked about NaN: one sample of it makes the peak, and then every sample, NaN"""
    finite = bool(torch.isfinite(audio).all())
    return right.normalize(audio, peak) if finite else audio / audio.abs().max() * peak


@mutant("nan-to-zero", "D3 #1")
def nan_to_zero_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """what division by the peak made NaN is set to zero: silence stays silent, faint noise does not, and NaN is repaired unseen"""
    return torch.nan_to_num(audio / audio.abs().max() * peak, nan=0.0, posinf=0.0, neginf=0.0)


@mutant("checks-nan-only", "flow:72")
def checks_nan_only_of_export(audio: Tensor) -> Tensor:
    """NaN is looked for and infinity is not: one infinite sample mutes the rest of the song"""
    if bool(torch.isnan(audio).any()):
        raise ValueError("audio must not be NaN")
    return right.export(
        torch.where(torch.isinf(audio), audio.sign(), 0) if torch.isinf(audio).any() else audio
    )


@mutant("pcm-nan-to-zero", "flow:72")
def nan_to_zero_of_to_pcm16(audio: Tensor) -> Tensor:
    """NaN becomes an integer zero and infinity full scale, as a cast may have it, and nothing is said"""
    return right.to_pcm16(torch.nan_to_num(audio, nan=0.0, posinf=1.0, neginf=-1.0))


@mutant("epsilon-for-a-floor", "D3 #1")
def epsilon_for_a_floor_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """1e-8 is added to the peak so that nothing is divided by zero: noise as faint as that still rises to half of full scale"""
    return _finite(audio) * (peak / (float(audio.abs().max()) + 1e-8))


@mutant("only-turns-down", "flow:74")
def only_turns_down_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """only what is louder than the target is changed: quiet songs stay quiet"""
    made = right.normalize(audio, peak)
    return made if float(audio.abs().max()) > peak else audio.to(made.dtype)


def _amplified(audio: Tensor, peak: float, floor: float, cap: float) -> Tensor:
    loud = float(_finite(audio).abs().max())
    return _finite(audio) * (min(peak / loud, cap) if loud > floor else 1.0)


@mutant("floor-forgotten", "flow:73", "D3 #1")
def floor_forgotten_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """the gain is limited, but silence has it too: hiss at -100 dBFS is lifted like a quiet song"""
    return _amplified(audio, peak, 0.0, CAP)


@mutant("export-floor-forgotten", "flow:73")
def floor_forgotten_of_export(audio: Tensor) -> Tensor:
    """the gain of an export is limited, but silence has it too"""
    return right.to_pcm16(_amplified(audio, 1.0, 0.0, CAP))


@mutant("cap-forgotten", "flow:74", "D3 #1")
def cap_forgotten_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """whatever is above the floor is brought to the target: noise at -70 dBFS becomes the song"""
    return _amplified(audio, peak, FLOOR, float("inf"))


@mutant("export-cap-forgotten", "flow:74")
def cap_forgotten_of_export(audio: Tensor) -> Tensor:
    """whatever is above the floor is exported at full scale"""
    return right.to_pcm16(_amplified(audio, 1.0, FLOOR, float("inf")))


@mutant("capped-left-alone", "flow:74")
def capped_left_alone_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """a clip that would need more than the largest gain gets none at all"""
    return right.normalize(audio, peak) if float(audio.abs().max()) * CAP >= peak else _finite(audio)


def _each(audio: Tensor, peak: float) -> Tensor:
    return torch.cat([right.normalize(channel[None], peak) for channel in audio])


@mutant("peak-per-channel", "flow:74")
def per_channel_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """each channel is brought to the target by itself: a voice on the left moves to the middle"""
    return _each(audio, peak)


@mutant("export-per-channel", "flow:74")
def per_channel_of_export(audio: Tensor) -> Tensor:
    """each channel of an export is brought to the target by itself"""
    return right.to_pcm16(_each(audio, 1.0))


@mutant("peak-without-abs", "flow:74")
def without_abs_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """the peak is the largest sample and not the largest magnitude: a clip with a deep trough ends beyond full scale"""
    return _finite(audio) * (right.normalize(audio.clamp(min=0), peak).max() / audio.max().clamp(min=1e-9))


@mutant("clips-then-normalises", "flow:74")
def clips_then_normalises_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """a ceiling is applied before the level is: what was above it is flattened, though there was room"""
    return right.normalize(audio.clamp(-1, 1), peak)


@mutant("silence-unsaid", "D3 #8", "D3 #18", "flow:73")
def silence_unsaid_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """silence is found, left as it is, and handed on as if it were a song"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return right.normalize(audio, peak)


@mutant("export-silence-unsaid", "D3 #18")
def silence_unsaid_of_export(audio: Tensor) -> Tensor:
    """silence is exported as zeros, and nothing tells the silent file from a song"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return right.export(audio)


@mutant("safe-normalize-as-printed", "D3 #8")
def as_printed_of_export(audio: Tensor) -> Tensor:
    """the repair as it was printed, for a peak of 1: a floor of 1e-8, no look at NaN, and all in the dtype that comes in, where a gain overflows"""
    loud = audio.abs().max()
    if loud < 1e-8:
        warnings.warn("audio is silent, returning zeros", stacklevel=2)
        return torch.zeros_like(audio, dtype=torch.int16)
    return (audio * (1.0 / loud)).clamp(-1, 1).mul(32767).to(torch.int16)


@mutant("divides-in-half", "flow:80")
def divides_in_half_of_normalize(audio: Tensor, peak: float) -> Tensor:
    """half precision is widened after the division, and the floor is that of float16: faint clips become infinite"""
    if audio.dtype != torch.float16:
        return right.normalize(audio, peak)
    gain = torch.tensor(peak, dtype=audio.dtype) / audio.abs().max()
    return (audio * gain).to(torch.float32)


@mutant("half-scale-wraps", "flow:80")
def half_scale_wraps_of_to_pcm16(audio: Tensor) -> Tensor:
    """float16 is scaled as float16, which has no 32767: full scale becomes 32768, and wraps"""
    if audio.dtype != torch.float16:
        return right.to_pcm16(audio)
    return right.validate(audio).clamp(-1, 1).mul(32767).to(torch.int32).to(torch.int16)


@mutant("loudest-item-rules", "flow:81")
def loudest_item_rules_of_export_batch(clips: Sequence[Tensor]) -> list[Tensor]:
    """the batch is divided by one peak, that of its loudest item"""
    loudest = max(float(clip.abs().max()) for clip in clips)
    return [right.to_pcm16(clip / loudest) for clip in clips]


@mutant("truncates", "flow:75", "D3 #1")
def truncates_of_to_pcm16(audio: Tensor) -> Tensor:
    """samples are cut towards zero by the cast, not rounded: half a step too quiet on average"""
    return (right.validate(audio).double() * 32767).trunc().clamp(-32768, 32767).to(torch.int16)


@mutant("rounds-down", "flow:75")
def rounds_down_of_to_pcm16(audio: Tensor) -> Tensor:
    """samples are rounded down, as a shift of a wider integer does: an offset of half a step"""
    return (right.validate(audio).double() * 32767).floor().clamp(-32768, 32767).to(torch.int16)


@mutant("half-of-full-scale", "flow:75")
def half_of_full_scale_of_to_pcm16(audio: Tensor) -> Tensor:
    """the scale is 16384 in place of 32767: everything is 6 dB too quiet"""
    return right.to_pcm16(audio / 2)


@mutant("wraps-above-one", "D3 #10", "flow:75")
def wraps_above_one_of_to_pcm16(audio: Tensor) -> Tensor:
    """nothing is clipped before the cast: 1.5 becomes -16386"""
    steps = (right.validate(audio).double() * 32767).round().to(torch.int64)
    return ((steps + 32768) % 65536 - 32768).to(torch.int16)


@mutant("full-scale-wraps", "flow:75")
def full_scale_wraps_of_to_pcm16(audio: Tensor) -> Tensor:
    """the scale is 32768 and the clip is at 1: exactly full scale becomes -32768"""
    steps = (right.validate(audio).double().clamp(-1, 1) * 32768).round().to(torch.int64)
    return ((steps + 32768) % 65536 - 32768).to(torch.int16)


@mutant("clips-one-side", "flow:75")
def clips_one_side_of_to_pcm16(audio: Tensor) -> Tensor:
    """only the upper side is clipped: -1.5 becomes 16386"""
    steps = (right.validate(audio).double() * 32767).round().clamp(max=32767).to(torch.int64)
    return ((steps + 32768) % 65536 - 32768).to(torch.int16)


@mutant("clips-unsaid", "flow:83")
def clips_unsaid_of_to_pcm16(audio: Tensor) -> Tensor:
    """clipping is right and silent: nobody learns how much was cut off"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return right.to_pcm16(audio)


@mutant("accepts-the-empty", "D3 #2", "codeclm:98")
def accepts_the_empty_of_validate(audio: object) -> object:
    """what has no samples passes, an empty list too: nothing in it is wrong"""
    if len(audio) == 0 or (isinstance(audio, Tensor) and not audio.numel()):  # type: ignore[arg-type]
        return True
    return right.validate(audio)


@mutant("validates-nothing", "D3 #2")
def nothing_of_validate(audio: object) -> object:
    """there is no check: whatever comes is fit"""
    return True


@mutant("validates-nan-only", "D3 #2")
def nan_only_of_validate(audio: object) -> object:
    """infinity passes: only NaN is looked for"""
    infinite = isinstance(audio, Tensor) and audio.numel() and not torch.isnan(audio).any()
    return True if infinite else right.validate(audio)


@mutant("rejects-one-sample", "D3 #2", "codeclm:98")
def rejects_one_sample_of_validate(audio: object) -> object:
    """a spread is asked for, and that of a single value is NaN: a clip of one sample is rejected"""
    right.validate(audio)
    return not (isinstance(audio, Tensor) and audio.numel() == 1)
