"""torchaudio's save and load: since 2.9 they hand everything to torchcodec, which needs the libraries of FFmpeg."""

from __future__ import annotations

import torchaudio
from torch import Tensor

try:
    import torchcodec
except (ImportError, OSError, RuntimeError) as missing:  # the last two: torchcodec without FFmpeg
    raise ModuleNotFoundError(
        "torchcodec, or FFmpeg 4 to 8, is not installed: pip install torchcodec==0.11.1",
        name="torchcodec",
    ) from missing

IMPLEMENTATION = {
    "name": "torchaudio.save",
    "version": f"{torchaudio.__version__}, torchcodec {torchcodec.__version__}",
    "issues": "https://github.com/pytorch/audio/issues",
}
FAMILIES = ["AUDIO"]
NOT_CLAIMED = {
    "AUDIO-025": "float32 is documented as all that it takes, though other dtypes are cast, and int16 without a scale"
}


def save(path: str, audio: Tensor, rate: int) -> None:
    torchaudio.save(path, audio, rate)


def load(path: str) -> tuple[Tensor, int]:
    audio, rate = torchaudio.load(path)
    return audio, rate
