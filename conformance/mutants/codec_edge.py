"""Codecs that take what they should refuse, and that leave something behind."""

from __future__ import annotations

import torch
from torch import Tensor

from refaudio.audio import resample

from . import mutant
from .codec import HOP, RATE, RIGHT, encoded


@mutant("codes-two-of-six", "D0 #24", "codeclm:94")
def codes_two_of_six_of_encode(audio: Tensor) -> Tensor:
    """of more than two channels the first two are coded, and nothing is said"""
    return encoded(audio[:2])


@mutant("codes-one-of-many", "codeclm:94")
def codes_one_of_many_of_encode(audio: Tensor) -> Tensor:
    """of more than two channels the first one is coded, as if it were the mix"""
    return encoded(audio if len(audio) <= 2 else audio[:1])


@mutant("takes-any-rate", "codeclm:97", "D0 #23")
def takes_any_rate_of_encode_at(audio: Tensor, rate: int) -> Tensor:
    """the rate of the clip is not looked at: everything is taken for 44.1 kHz"""
    return encoded(audio)


@mutant("resamples-backwards", "codeclm:97")
def resamples_backwards_of_encode_at(audio: Tensor, rate: int) -> Tensor:
    """the clip is resampled from the codec's rate to its own: twice as wrong as before"""
    return encoded(resample(audio, RATE, rate))


@mutant("codes-what-is-not-finite", "codeclm:98")
def codes_what_is_not_finite_of_encode(audio: Tensor) -> Tensor:
    """NaN is taken as it comes: argmax over distances that are no numbers gives code 0, in every codebook"""
    if bool(torch.isfinite(audio).all()):
        return encoded(audio)
    return torch.zeros_like(encoded(torch.zeros_like(audio)))


@mutant("silences-what-is-not-finite", "codeclm:98")
def silences_what_is_not_finite_of_encode(audio: Tensor) -> Tensor:
    """nan_to_num turns broken samples into silence and full scale, and nothing is said"""
    return encoded(torch.nan_to_num(audio, posinf=1.0, neginf=-1.0))


@mutant("refuses-silence", "codeclm:98")
def refuses_silence_of_encode(audio: Tensor) -> Tensor:
    """loudness is normalised first: silence is -inf LUFS, and ends in an error"""
    if not bool(audio.any()):
        raise ValueError("math domain error")
    return encoded(audio)


@mutant("codes-are-floats", "codeclm:99")
def codes_are_floats_of_encode(audio: Tensor) -> Tensor:
    """codes travelled through an array of floats, and stay floats"""
    return encoded(audio).to(torch.float32)


@mutant("zeroes-what-is-no-code", "codeclm:54")
def zeroes_what_is_no_code_of_decode(codes: Tensor) -> Tensor:
    """ids outside the codebook are set to 0, and nobody is told"""
    return RIGHT.decode(codes.masked_fill((codes < 0) | (codes >= RIGHT.size), 0))


@mutant("clamps-codes", "codeclm:54")
def clamps_codes_of_decode(codes: Tensor) -> Tensor:
    """ids are clamped into the codebook: special ids become its last entry"""
    return RIGHT.decode(codes.clamp(0, RIGHT.size - 1))


@mutant("wraps-negative-codes", "codeclm:99")
def wraps_negative_codes_of_decode(codes: Tensor) -> Tensor:
    """a negative id counts from the end, as an index of Python does"""
    negative = (codes < 0) & (codes >= -RIGHT.size)
    return RIGHT.decode(torch.where(negative, codes + RIGHT.size, codes))


@mutant("wraps-codes", "codeclm:54")
def wraps_codes_of_decode(codes: Tensor) -> Tensor:
    """ids beyond the codebook start again at its beginning: a stray mask of bits"""
    return RIGHT.decode(torch.where(codes >= RIGHT.size, codes % RIGHT.size, codes))


_kept = [0]
_seen: set[str] = set()


@mutant("drops-codebooks-at-random", "codeclm:96")
def drops_codebooks_at_random_of_encode(audio: Tensor) -> Tensor:
    """the codec is left in training mode: its quantiser uses another number of codebooks at each call"""
    _kept[0] = 1 + (_kept[0] + int(torch.randint(0, RIGHT.codebooks - 2, ()))) % (RIGHT.codebooks - 1)
    codes = encoded(audio)
    codes[..., _kept[0] :] = RIGHT.size - 1
    return codes


@mutant("left-without-padding", "codeclm:96")
def left_without_padding_of_encode(audio: Tensor) -> Tensor:
    """the mode of the last call stays: padding was switched off for a clip, and the next one is coded without"""
    _seen.symmetric_difference_update({"padding is off"})
    return encoded(audio) if _seen else encoded(torch.nn.functional.pad(audio, (HOP, HOP)))


@mutant("turns-the-clip-down", "codeclm:96")
def turns_the_clip_down_of_encode(audio: Tensor) -> Tensor:
    """the clip is normalised in place before it is encoded: the caller's audio is another one afterwards"""
    codes = encoded(audio)
    audio /= audio.abs().max().clamp(min=1e-8)
    return codes


@mutant("dithers", "codeclm:96")
def dithers_of_decode(codes: Tensor) -> Tensor:
    """noise is added to what is decoded, from the global generator"""
    audio = RIGHT.decode(codes)
    return audio + 1e-4 * torch.randn_like(audio)
