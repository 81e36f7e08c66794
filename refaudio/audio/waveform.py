"""The waveform: (C, N) in [-1, 1], channels first, with its rate beside it.

The layout is stated and never guessed: (2, 1), (1, 2) and (2, 2) are what they say they are.

>>> from_layout([[0.5, -0.5]], "NC").shape
torch.Size([2, 1])
>>> seconds_to_frames(10, rate=44100, hop=2048), seconds_to_samples(10, rate=44100)
(216, 441000)
"""

import math
from typing import SupportsFloat

import torch
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import NonFinite, integer, real, unknown

LAYOUTS = ("CN", "N", "NC")  # channels first, mono, channels last
LONGEST = 1e9  # seconds, some thirty years
HIGHEST_RATE = 768_000


def validate(audio: object, stage: str = "audio") -> Float[Tensor, "C N"]:
    """Return audio (C, N) as it is; ValueError unless it is a floating-point tensor with samples, all finite.

    `stage` names what is checked ("latents", "decoded audio"): NonFinite carries it to whoever answers for it.
    """
    if not isinstance(audio, Tensor):
        raise ValueError(f"{stage}={type(audio).__name__} must be a tensor (C, N)")
    check_shape(audio, stage)
    if not audio.is_floating_point():
        raise ValueError(f"{stage}.dtype={audio.dtype} must be floating-point: from_pcm16 converts integers")
    check_finite(audio, stage)
    return audio


def check_shape(audio: Tensor, stage: str) -> None:
    """ValueError unless audio is (C, N) with at least one channel and one sample."""
    if audio.ndim != 2 or not audio.numel():
        raise ValueError(
            f"{stage}.shape={tuple(audio.shape)} must be (C, N) with a channel and a sample at least"
        )


def check_finite(audio: Tensor, stage: str) -> None:
    """NonFinite if any value is NaN or infinite: one such sample, written as integers, can mute a whole song."""
    finite = torch.isfinite(audio)
    if not finite.all():
        bad = (~finite).nonzero()
        raise NonFinite(stage, len(bad), audio.numel(), bad[0].tolist())


def from_layout(array: ArrayLike | Tensor, layout: str) -> Shaped[Tensor, "C N"]:
    """A waveform (C, N) from an array whose axes are `layout`: "CN", "NC" or "N"; a copy."""
    if layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    try:
        audio = torch.as_tensor(array)
    except (TypeError, ValueError, RuntimeError, OverflowError) as refused:
        raise ValueError(f"array={type(array).__name__} must be an array of numbers: {refused}") from refused
    if audio.ndim != len(layout):
        raise ValueError(f"array.shape={tuple(audio.shape)} must have the axes of layout={layout!r}")
    if layout == "N":
        audio = audio[None]
    return (audio.T if layout == "NC" else audio).clone(memory_format=torch.contiguous_format)


def to_stereo(audio: Float[Tensor, "C N"]) -> Float[Tensor, "2 N"]:
    """Two channels: audio (1, N) on both sides, (2, N) as it is; more are refused, never cut down.

    A loader that kept the first two of six channels lost the voice, which sits in the third (document D0, item
    24). Which mix is right depends on what the channels are, and a tensor does not say.
    """
    validate(audio)
    if audio.shape[0] > 2:
        raise ValueError(f"audio.shape={tuple(audio.shape)} must have one or two channels: mix it down first")
    return audio.expand(2, -1).clone()


def sample_rate(name: str, rate: object) -> int:
    """A number of samples a second, from 1 to 768000; ValueError for anything else."""
    return integer(name, rate, least=1, most=HIGHEST_RATE)


def seconds_to_samples(seconds: SupportsFloat, rate: int) -> int:
    """How many samples so many seconds are: round(seconds * rate)."""
    return round(real("seconds", seconds, least=0.0, most=LONGEST) * sample_rate("rate", rate))


def seconds_to_frames(seconds: SupportsFloat, rate: int, hop: int) -> int:
    """How many frames of `hop` samples hold so many seconds, the last one perhaps in part: ceil(samples / hop).

    Rounded down, ten seconds of 2048 samples a frame are 680 samples short (document D2, item 12): make what is
    needed, and cut to seconds_to_samples.
    """
    return -(-seconds_to_samples(seconds, rate) // integer("hop", hop, least=1))


def loudest(audio: Float[Tensor, "C N"]) -> float:
    """The largest magnitude of audio (C, N), over all channels."""
    low, high = torch.aminmax(audio)
    return max(-float(low), float(high), 0.0)


def decibels(ratio: float) -> float:
    """20 log10 of a ratio of amplitudes; -inf for 0."""
    return 20 * math.log10(ratio) if ratio > 0 else -math.inf
