"""soundfile: write and read, with the channels in the columns, as its documentation has them."""

from __future__ import annotations

import io

import soundfile
import torch
from torch import Tensor

IMPLEMENTATION = {
    "name": "soundfile",
    "version": soundfile.__version__,
    "issues": "https://github.com/bastibe/python-soundfile/issues",
}
FAMILIES = ["AUDIO"]


def save(path: str, audio: Tensor, rate: int) -> None:
    soundfile.write(path, audio.t().numpy(), rate)


def load(path: str) -> tuple[Tensor, int]:
    data, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(data.T.copy()), rate


def to_pcm16(audio: Tensor) -> Tensor:
    """Its conversion is inside of writing: the integers are what a PCM_16 file holds."""
    file = io.BytesIO()
    soundfile.write(file, audio.t().numpy(), 44100, format="WAV", subtype="PCM_16")
    file.seek(0)
    codes, _ = soundfile.read(file, dtype="int16", always_2d=True)
    return torch.from_numpy(codes.T.copy())
