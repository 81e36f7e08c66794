"""scipy.io.wavfile: write and read, channels in the columns. The dtype decides what the file holds; nothing is scaled."""

from __future__ import annotations

import numpy as np
import scipy
import torch
from scipy.io import wavfile
from torch import Tensor

IMPLEMENTATION = {
    "name": "scipy.io.wavfile",
    "version": scipy.__version__,
    "issues": "https://github.com/scipy/scipy/issues",
}
FAMILIES = ["AUDIO"]


def save(path: str, audio: Tensor, rate: int) -> None:
    wavfile.write(path, rate, audio.t().numpy())


def load(path: str) -> tuple[Tensor, int]:
    rate, data = wavfile.read(path)
    if data.dtype == np.int16:
        data = data / np.float32(
            32768
        )  # integers come as they are: full scale is documented, and left to the caller
    data = data.astype(np.float32).reshape(len(data), -1)  # mono comes with one axis, as documented
    return torch.from_numpy(data.T.copy()), rate
