"""Integers: audio (C, N) to 16 bits and back, rounded, clipped aloud, never wrapped.

One scale, 32767, in both directions: every 16-bit code survives the way to a float and back.

>>> to_pcm16(torch.tensor([[1.0, -1.0, 0.5 / 32767, 1.5 / 32767]]))
tensor([[ 32767, -32767,      0,      2]], dtype=torch.int16)
"""

import warnings
from typing import SupportsFloat

import torch
from jaxtyping import Float, Int16, Shaped
from torch import Tensor

from .transform import normalize
from .waveform import check_shape, validate

SCALE = 32767  # +1 and -1 are both reached; +32768 does not exist in 16 bits, and would wrap to -32768


class ClippedAudio(UserWarning):
    """Samples beyond full scale were clipped."""


def to_pcm16(audio: Shaped[Tensor, "C N"]) -> Int16[Tensor, "C N"]:
    """round(32767 * audio) in 16 bits, half to even: audio (C, N); what does not fit is clipped, with a ClippedAudio.

    int16 audio comes back as it is. Cast without rounding, samples would be half a step too quiet on average; cast
    without clipping, 1.5 would become -16386.
    """
    codes, clipped = quantize(audio)
    if clipped:
        warnings.warn(clipping(clipped, audio.numel()), ClippedAudio, stacklevel=2)
    return codes


def quantize(audio: Shaped[Tensor, "C N"]) -> tuple[Int16[Tensor, "C N"], int]:
    """The 16-bit codes of audio (C, N), and how many of them are clipped."""
    if isinstance(audio, Tensor) and audio.dtype == torch.int16:
        check_shape(audio, "audio")
        return audio.clone(), 0
    validate(audio)
    steps = (audio.to(torch.promote_types(audio.dtype, torch.float32)) * SCALE).round()
    kept = steps.clamp(-32768, 32767)
    return kept.to(torch.int16), int((kept != steps).sum())


def clipping(clipped: int, total: int) -> str:
    """What a ClippedAudio says."""
    share = 100 * clipped / total
    return (
        f"{clipped} of {total} samples ({share:.2g} %) lie beyond full scale and are clipped: normalize first"
    )


def from_pcm16(codes: Int16[Tensor, "C N"]) -> Float[Tensor, "C N"]:
    """codes (C, N) / 32767 as float32, the exact inverse of to_pcm16: -32768 becomes -1.00003, and comes back."""
    if not isinstance(codes, Tensor) or codes.dtype != torch.int16:
        raise ValueError(f"codes={getattr(codes, 'dtype', type(codes).__name__)} must be a tensor of int16")
    check_shape(codes, "codes")
    return codes.to(torch.float32) / SCALE


def export(audio: Float[Tensor, "C N"], peak: SupportsFloat = 1.0) -> Int16[Tensor, "C N"]:
    """Normalise to `peak` and convert: audio (C, N) -> 16-bit codes (C, N), each clip by its own peak."""
    return to_pcm16(normalize(audio, peak))
