"""The script, bound: its one expression hands no integers over, so they are read back from the file that it writes."""

import tempfile
from pathlib import Path

import song
import soundfile
import torch

IMPLEMENTATION = {"name": "a script", "version": "0.1"}


def export(audio):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "song.wav")
        song.write_song(audio[None], path)
        samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
        return torch.from_numpy(samples.T)
