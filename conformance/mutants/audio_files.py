"""Files as they were got wrong."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile
import torch
from torch import Tensor

from refaudio import audio as right

from . import mutant


@mutant("short-stereo-as-mono", "D3 #10", "flow:76")
def as_mono_of_save(path: str, audio: Tensor, rate: int) -> None:
    """the larger axis is taken for time: two channels of one sample are written as mono"""
    right.save(path, audio.T.contiguous() if audio.shape[0] > audio.shape[1] else audio, rate)


@mutant("frames-for-channels", "flow:76")
def frames_for_channels_of_save(path: str, audio: Tensor, rate: int) -> None:
    """(C, N) is handed to a writer that wants (N, C), which says nothing up to 1024 samples: C frames of N channels"""
    right.save(path, audio.T.contiguous() if audio.shape[1] <= 1024 else audio, rate)


@mutant("reshaped-not-transposed", "flow:76")
def reshaped_of_save(path: str, audio: Tensor, rate: int) -> None:
    """channels and time are exchanged by a reshape: left and right are shuffled into each other"""
    right.save(path, audio.reshape(audio.shape[1], audio.shape[0]).T.contiguous(), rate)


@mutant("mixed-scales", "flow:75")
def mixed_scales_of_load(path: str) -> tuple[Tensor, int]:
    """16 bits are read by 32768 and were written by 32767: each copy is a little quieter"""
    audio, rate = right.load(path)
    return audio * (32767 / 32768), rate


@mutant("rate-hard-coded", "D0 #23")
def hard_coded_of_save(path: str, audio: Tensor, rate: int) -> None:
    """44100 is written into the code: whatever the rate is, the file says that"""
    right.save(path, audio, 44100)


@mutant("rate-assumed-on-loading", "D0 #23")
def assumed_of_load(path: str) -> tuple[Tensor, int]:
    """the rate of a file is not looked at, and taken for 44100"""
    return right.load(path)[0], 44100


@mutant("save-wraps", "D3 #10")
def wraps_of_save(path: str, audio: Tensor, rate: int) -> None:
    """floats are cast to 16 bits as they come: above 1 they change their sign"""
    if audio.is_floating_point():
        steps = (right.validate(audio).double() * 32767).round().to(torch.int64)
        audio = ((steps + 32768) % 65536 - 32768).to(torch.int16)
    right.save(path, audio, rate)


@mutant("integers-taken-for-floats", "flow:80")
def taken_for_floats_of_save(path: str, audio: Tensor, rate: int) -> None:
    """16-bit integers are taken for floats, and clipped at 1: a square wave at full scale"""
    right.save(path, audio.to(torch.float32) if audio.dtype == torch.int16 else audio, rate)


@mutant("prints-the-verdict", "D3 #9")
def prints_the_verdict_of_save(path: str, audio: Tensor, rate: int) -> None:
    """the check finds what is not finite, its verdict goes to a log, and the file is written with zeros for it"""
    if not bool(torch.isfinite(audio).all()):
        warnings.warn("audio is not finite", stacklevel=2)
    right.save(path, torch.nan_to_num(audio, nan=0.0, posinf=0.0, neginf=0.0), rate)


@mutant("opens-before-it-looks", "D3 #9", "flow:72")
def opens_first_of_save(path: str, audio: Tensor, rate: int) -> None:
    """the file is opened before the audio is looked at, and stays behind, empty, when that is refused"""
    with Path(path).open("wb"):
        right.validate(audio) if audio.is_floating_point() else None
    right.save(path, audio, rate)


@mutant("adds-a-suffix", "flow:79")
def adds_a_suffix_of_save(path: str, audio: Tensor, rate: int) -> None:
    """the file gets a name of its own: .wav after .wav"""
    right.save(f"{path}.wav", audio, rate)


@mutant("swallows-the-failure", "D3 #4")
def swallows_of_save(path: str, audio: Tensor, rate: int) -> None:
    """an except that prints stands around the save: the run ends as a success, without a file"""
    try:
        right.save(path, audio, rate)
    except OSError as failed:
        warnings.warn(f"could not save: {failed}", stacklevel=2)


@mutant("half-a-file-left", "flow:79")
def half_left_of_save(path: str, audio: Tensor, rate: int) -> None:
    """the file is written where it will stay: a full disk leaves its first half, which plays"""
    codes = right.to_pcm16(audio)
    soundfile.write(path, codes.T.numpy(), rate)


@mutant("litter-left", "flow:79")
def litter_left_of_save(path: str, audio: Tensor, rate: int) -> None:
    """what was written beside the target stays there when writing fails"""
    beside = Path(f"{path}.part")
    soundfile.write(beside, right.to_pcm16(audio).T.numpy(), rate, format="WAV")
    beside.replace(path)


def _with_alarm(call: Callable[..., Any], *args: Any) -> Any:
    def hung(number: int, frame: Any) -> None:
        raise TimeoutError("saving hangs")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(30)
    try:
        return call(*args)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@mutant("alarm-around-saving", "D3 #10", "flow:79")
def alarm_around_of_save(path: str, audio: Tensor, rate: int) -> None:
    """an alarm is set against hanging, which only the main thread may do: in a worker nothing is saved"""
    _with_alarm(right.save, path, audio, rate)


@mutant("alarm-around-loading", "flow:79")
def alarm_around_of_load(path: str) -> tuple[Tensor, int]:
    """an alarm is set against hanging, which only the main thread may do: in a worker nothing is loaded"""
    return _with_alarm(right.load, path)
