"""torchaudio: its resampler. Files are another matter since 2.9: see torchaudio_save."""

from __future__ import annotations

import torchaudio
from torch import Tensor

IMPLEMENTATION = {
    "name": "torchaudio",
    "version": torchaudio.__version__,
    "issues": "https://github.com/pytorch/audio/issues",
}
FAMILIES = ["AUDIO"]
LENGTH = "ceil"


def resample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    resampled: Tensor = torchaudio.functional.resample(audio, rate, new_rate)
    return resampled
