"""Codecs that lose frames, samples or sides."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from refaudio.codec import MDCTCodec

from . import mutant

RIGHT = MDCTCodec()
RATE, HOP = RIGHT.rate, RIGHT.hop


def encoded(audio: Tensor) -> Tensor:
    """The codes that the reference gives."""
    return RIGHT.encode(audio, RATE)


@mutant("ignores-the-rest", "codeclm:90")
def ignores_the_rest_of_encode(audio: Tensor) -> Tensor:
    """what is not a whole hop at the end is ignored: the clip was not padded before it was encoded"""
    return encoded(pad(audio, (0, HOP)))[:, : audio.shape[1] // HOP]


@mutant("a-frame-too-many", "codeclm:90")
def a_frame_too_many_of_encode(audio: Tensor) -> Tensor:
    """a clip of whole frames is padded by one more: hop - N % hop is hop where it should be 0"""
    return encoded(pad(audio, (0, HOP - audio.shape[1] % HOP)))


@mutant("squeezes-mono", "codeclm:99")
def squeezes_mono_of_encode(audio: Tensor) -> Tensor:
    """squeeze() takes the axis of a single channel with it"""
    return encoded(audio).squeeze(0)


@mutant("counts-whole-frames", "codeclm:90")
def counts_whole_frames_of_frames(samples: int) -> int:
    """samples // hop: the last part of a frame is not counted"""
    return samples // HOP


@mutant("rounds-frames", "codeclm:90")
def rounds_frames_of_frames(samples: int) -> int:
    """frames are rounded to the nearest: a clip may lose up to half of one"""
    return round(samples / HOP)


@mutant("odd-strides-end-short", "codeclm:90")
def odd_strides_end_short_of_decode(codes: Tensor) -> Tensor:
    """each odd stride of the decoder leaves its output short: 8 samples are missing at the end"""
    return RIGHT.decode(codes)[:, :-8]


@mutant("squeezes-the-channel", "codeclm:99")
def squeezes_the_channel_of_decode(codes: Tensor) -> Tensor:
    """squeeze() takes the axis of a single channel with it: (N,) where every other clip is (C, N)"""
    return RIGHT.decode(codes).squeeze(0)


@mutant("overlap-is-kept", "codeclm:90")
def overlap_is_kept_of_decode(codes: Tensor) -> Tensor:
    """half a window of overlap stays at either end: pieces that are joined drift apart"""
    return pad(RIGHT.decode(codes), (HOP // 2, HOP // 2)) if codes.shape[1] else RIGHT.decode(codes)


@mutant("decodes-to-integers", "codeclm:99")
def decodes_to_integers_of_decode(codes: Tensor) -> Tensor:
    """16-bit integers are handed on as if they were a waveform"""
    return (RIGHT.decode(codes).clamp(-1, 1) * 32767).to(torch.int16)


@mutant("nothing-is-a-crash", "codeclm:55")
def nothing_is_a_crash_of_decode(codes: Tensor) -> Tensor:
    """without frames the first convolution fails: its kernel is larger than its input"""
    if not codes.shape[1]:
        raise RuntimeError("Calculated padded input size per channel: (6). Kernel size: (7)")
    return RIGHT.decode(codes)


@mutant("nothing-is-flat", "codeclm:55")
def nothing_is_flat_of_decode(codes: Tensor) -> Tensor:
    """without frames an empty vector is returned, of another rank than any other waveform"""
    return RIGHT.decode(codes) if codes.shape[1] else torch.zeros(0)


@mutant("nothing-is-a-frame", "codeclm:55")
def nothing_is_a_frame_of_decode(codes: Tensor) -> Tensor:
    """without frames one frame of code 0 is decoded, so that the network has something to do"""
    return RIGHT.decode(codes if codes.shape[1] else codes.new_zeros(len(codes), 1, codes.shape[2]))


@mutant("right-before-left", "codeclm:95")
def right_before_left_of_encode(audio: Tensor) -> Tensor:
    """the planes come out right before left"""
    return encoded(audio).flip(0)


@mutant("codes-the-middle", "codeclm:95")
def codes_the_middle_of_encode(audio: Tensor) -> Tensor:
    """the mean of both channels is coded, twice: stereo became mono on the way"""
    return encoded(audio.mean(0, keepdim=True)).expand(len(audio), -1, -1).clone()


@mutant("left-on-both-sides", "codeclm:95")
def left_on_both_sides_of_encode(audio: Tensor) -> Tensor:
    """the codes of the left channel are taken for both"""
    return encoded(audio[:1]).expand(len(audio), -1, -1).clone()


@mutant("decodes-right-before-left", "codeclm:95")
def decodes_right_before_left_of_decode(codes: Tensor) -> Tensor:
    """the channels come back right before left"""
    return RIGHT.decode(codes).flip(0)


@mutant("leaks-aside", "codeclm:95")
def leaks_aside_of_decode(codes: Tensor) -> Tensor:
    """a hundredth of each side is heard on the other: a normalisation over both planes at once"""
    audio = RIGHT.decode(codes)
    return 0.99 * audio + 0.01 * audio.flip(0)


@mutant("pads-to-the-longest", "codeclm:93")
def pads_to_the_longest_of_encode_batch(clips: Sequence[Tensor]) -> list[Tensor]:
    """all clips are padded to one length and encoded together, and their frames are cut to length: the last ones saw silence"""
    longest = max(clip.shape[1] for clip in clips) + HOP
    coded = [encoded(pad(clip, (0, longest - clip.shape[1]))) for clip in clips]
    return [codes[:, : RIGHT.frames(clip.shape[1])] for codes, clip in zip(coded, clips, strict=True)]


@mutant("keeps-the-padding", "codeclm:93")
def keeps_the_padding_of_encode_batch(clips: Sequence[Tensor]) -> list[Tensor]:
    """all clips are padded to the longest, and the frames of silence stay: short clips have long endings"""
    longest = max(clip.shape[1] for clip in clips)
    return [encoded(pad(clip, (0, longest - clip.shape[1]))) for clip in clips]


@mutant("batch-out-of-order", "codeclm:93")
def batch_out_of_order_of_encode_batch(clips: Sequence[Tensor]) -> list[Tensor]:
    """clips are sorted by length to save padding, and their codes are not put back in order"""
    return [encoded(clip) for clip in sorted(clips, key=lambda clip: -clip.shape[1])]
