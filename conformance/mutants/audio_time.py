"""Speed, rate, channels and durations as they were got wrong."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from refaudio import audio as right
from refaudio import errors

from . import mutant

RATE, HOP = 44100, 512


@mutant("guesses-the-layout", "D0 #1", "flow:76", "flow:77")
def guesses_the_layout_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """the smaller axis is taken for the channels: of a clip shorter than its channels, channels are read as time"""
    if audio.shape[0] > audio.shape[1]:
        return right.change_speed(audio.T.contiguous(), factor).T
    return right.change_speed(audio, factor)


@mutant("speed-of-first-channel", "flow:77")
def of_first_channel_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """the first channel is changed, and stands for all"""
    return right.change_speed(audio[:1], factor).expand(audio.shape[0], -1).clone()


@mutant("speed-through-mono", "flow:77")
def through_mono_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """what is changed comes back in two channels, mono too"""
    return right.change_speed(audio if audio.shape[0] > 1 else audio.expand(2, -1), factor)


@mutant("length-of-channels", "D0 #1", "flow:77")
def length_of_channels_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """the length of the array is its channel count: that is not changed by small factors, and others crash"""
    count = int(len(audio) / errors.real("factor", factor, least=0.01, most=100))
    if count == len(audio):
        return audio.clone()
    raise ValueError("object too deep for desired array")


@mutant("speed-in-float64", "D0 #1")
def in_float64_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """the repair interpolates in double precision, and leaves the clip in it"""
    return right.change_speed(audio, factor).to(torch.float64)


@mutant("speed-inverted", "flow:77")
def inverted_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """the factor is taken for one of duration: faster is slower"""
    return right.change_speed(audio, 1 / factor if math.isfinite(factor) and factor else factor)


def _cut_or_padded(audio: Tensor, factor: float) -> Tensor:
    count = right.change_speed(audio, factor).shape[1]
    return torch.nn.functional.pad(audio, (0, max(0, count - audio.shape[1])))[:, :count]


@mutant("slower-by-padding", "D0 #1")
def by_padding_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """a slower clip is the same clip with silence behind: right in length alone"""
    return _cut_or_padded(audio, factor) if factor < 1 else right.change_speed(audio, factor)


@mutant("faster-by-cutting", "D0 #1")
def by_cutting_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """a faster clip is the beginning of the same clip: right in length alone"""
    return _cut_or_padded(audio, factor) if factor > 1 else right.change_speed(audio, factor)


@mutant("stretches-by-one", "D0 #1")
def by_one_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """times run to the number of samples and not to the last of them: a factor of 1 blends each sample with the next"""
    made = right.change_speed(audio, factor)
    if factor != 1 or made.shape[1] < 2:
        return made
    share = torch.linspace(0, 1, made.shape[1], dtype=made.dtype, device=made.device)
    return made * (1 - share) + torch.cat([made[:, 1:], made[:, -1:]], dim=1) * share


@mutant("clamps-the-factor", "D0 #1")
def clamps_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """impossible factors are clamped to 0.1 .. 5 without a word, and NaN becomes 0.1"""
    return right.change_speed(audio, max(0.1, min(factor, 5.0)) if factor == factor else 0.1)


@mutant("plays-backwards", "D0 #1")
def backwards_of_change_speed(audio: Tensor, factor: float) -> Tensor:
    """the sign of a factor is lost: a negative speed is a positive one"""
    return right.change_speed(audio, abs(factor))


@mutant("resamples-across-channels", "flow:77")
def across_channels_of_resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """the first axis is resampled, as for (N, C): there are more channels, or fewer, and the time is as it was"""
    return right.resample(audio.T.contiguous(), rate, new_rate).T.contiguous()


@mutant("rate-ignored", "codeclm:97")
def ignored_of_resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """audio of another rate is taken as it comes"""
    return audio.clone()


@mutant("rates-exchanged", "flow:77")
def exchanged_of_resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """the two rates are exchanged: what should be up goes down"""
    return right.resample(audio, new_rate, rate)


@mutant("resample-of-first-channel", "flow:77")
def of_first_channel_of_resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """the first channel is resampled, and stands for all"""
    return right.resample(audio[:1], rate, new_rate).expand(audio.shape[0], -1).clone()


@mutant("resample-in-float64", "flow:77")
def in_float64_of_resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """the clip comes back in double precision"""
    return right.resample(audio, rate, new_rate).to(torch.float64)


@mutant("zeros-between-samples", "flow:77")
def zeros_between_of_resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """zeros go between the samples and a filter over them, whose gain nobody makes up for: quieter by the ratio"""
    made = right.resample(audio, rate, new_rate)
    return made if new_rate <= rate else made * (rate / new_rate)


@mutant("filter-delay", "flow:77")
def delayed_of_resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """the filter is causal, and its delay of ten samples is left in: everything is late"""
    made = right.resample(audio, rate, new_rate)
    return made if rate == new_rate else torch.nn.functional.pad(made, (10, 0))[:, : made.shape[1]]


@mutant("filters-at-equal-rates", "flow:77")
def at_equal_rates_of_resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """equal rates are filtered as well: highs are lost for nothing"""
    if rate != new_rate:
        return right.resample(audio, rate, new_rate)
    padded = torch.nn.functional.pad(right.validate(audio), (1, 1), mode="replicate")
    return (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4


@mutant("keeps-two-of-six", "D0 #24", "codeclm:94")
def two_of_six_of_to_stereo(audio: Tensor) -> Tensor:
    """of more than two channels the first two are kept, and the voice is gone"""
    return right.to_stereo(audio[:2])


@mutant("mono-on-the-left", "codeclm:94")
def on_the_left_of_to_stereo(audio: Tensor) -> Tensor:
    """mono goes to the left, and the right is silent"""
    return torch.nn.functional.pad(audio, (0, 0, 0, 1)) if audio.shape[0] == 1 else right.to_stereo(audio)


@mutant("stereo-through-mono", "codeclm:94")
def through_mono_of_to_stereo(audio: Tensor) -> Tensor:
    """everything is mixed to mono and doubled: stereo is lost"""
    return audio.mean(0, keepdim=True).expand(2, -1).clone()


@mutant("stereo-guesses-the-layout", "flow:76", "codeclm:94")
def guesses_of_to_stereo(audio: Tensor) -> Tensor:
    """the smaller axis is taken for the channels: two channels of one sample are one channel of two"""
    return right.to_stereo(audio.T.contiguous() if audio.shape[0] > audio.shape[1] else audio)


@mutant("rounds-frames-down", "D2 #12")
def down_of_seconds_to_frames(seconds: float) -> int:
    """frames are rounded down: ten seconds end 680 samples early"""
    return int(seconds * RATE / HOP)


@mutant("one-frame-more", "D2 #12")
def one_more_of_seconds_to_frames(seconds: float) -> int:
    """one frame is added to whatever fits, where there is no rest too"""
    return int(seconds * RATE / HOP) + 1
