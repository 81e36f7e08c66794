"""DAC's audio, which is descript-audiotools: the levels, rates and files of its AudioSignal.

DAC.compress normalises to a loudness in LUFS, of which no law speaks, and then keeps peaks at 1 by ensure_max_of_audio:
that is bound, for clips beyond the peak, the only ones that it is for. An AudioSignal holds float32, whatever it is
made of. Its own reader is librosa's; the files that it writes are read here by soundfile, which also writes them.
"""

from __future__ import annotations

from importlib.metadata import version

import soundfile
import torch
from torch import Tensor

from refaudio.conformance.bind import stub_imports

stub_imports("ffmpy", "flatten_dict", "randomname", "torch.utils.tensorboard")

from audiotools import AudioSignal  # noqa: E402

IMPLEMENTATION = {
    "name": "DAC (descript-audiotools)",
    "version": version("descript-audiotools"),
    "issues": "https://github.com/descriptinc/audiotools/issues",
}
FAMILIES = ["AUDIO"]
LENGTH = "floor"


def normalize(audio: Tensor, peak: float) -> Tensor:
    if not bool(audio.abs().max() > peak):
        raise NotImplementedError("ensure_max_of_audio only turns down")
    made: Tensor = AudioSignal(audio, 44100).ensure_max_of_audio(peak).audio_data[0]
    return made


def resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    made: Tensor = AudioSignal(audio, rate).resample(new_rate).audio_data[0]
    return made.to(audio.dtype)


def save(path: str, audio: Tensor, rate: int) -> None:
    AudioSignal(audio, rate).write(path)


def load(path: str) -> tuple[Tensor, int]:
    data, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(data.T.copy()), rate
