"""The waveform contract: audio (C, N) in [-1, 1] with its rate, never silently wrong.

What is not finite is never written, silence is never amplified, the layout is never guessed, and a file is there
whole or not at all. `refaudio.audio.pictures` draws, and is not loaded here.
"""

from .files import Saved, load, save
from .pcm import ClippedAudio, export, from_pcm16, to_pcm16
from .transform import CappedGain, SilentAudio, change_speed, gain, normalize, resample
from .waveform import from_layout, seconds_to_frames, seconds_to_samples, to_stereo, validate

__all__ = [
    "CappedGain",
    "ClippedAudio",
    "Saved",
    "SilentAudio",
    "change_speed",
    "export",
    "from_layout",
    "from_pcm16",
    "gain",
    "load",
    "normalize",
    "resample",
    "save",
    "seconds_to_frames",
    "seconds_to_samples",
    "to_pcm16",
    "to_stereo",
    "validate",
]
