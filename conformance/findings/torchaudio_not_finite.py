"""torchaudio.save writes NaN and infinities as silence, and reports success.

What they become is left to FFmpeg's conversion to 16 bits, which has no code for either.
"""

import sys
import tempfile
from pathlib import Path

import torch
import torchaudio

try:
    import torchcodec  # noqa: F401
except (ImportError, OSError, RuntimeError):  # the last two: torchcodec without FFmpeg
    print("torchcodec, or FFmpeg, is not installed: nothing to be seen here")
    sys.exit(0)

AUDIO = torch.tensor([[0.0, float("nan"), float("inf"), float("-inf")]])

with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder, "clip.wav"))
    try:
        torchaudio.save(path, AUDIO, 44100)
        got = str([round(value, 4) for value in torchaudio.load(path)[0][0].tolist()])
    except (ValueError, RuntimeError) as error:
        got = f"{type(error).__name__}: {error}"
print(f"torchaudio {torchaudio.__version__}: {AUDIO[0].tolist()} saved as WAV, and loaded")
print("got ", got)
print("want an error")
sys.exit(0 if got == "[0.0, 0.0, 0.0, 0.0]" else 1)
