"""AudioSignal.write takes NaN for audio, and after a write that failed half a file lies there: both are soundfile's.

descript-audiotools warns of peaks above 1 before it writes, by a comparison that is false for NaN.
"""

import resource
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from unittest.mock import MagicMock

import soundfile
import torch

# The package imports more than is needed here; what is not installed may be anything.
for name in "ffmpy", "flatten_dict", "randomname", "torch.utils.tensorboard":
    sys.modules.setdefault(name, MagicMock())

try:
    from audiotools import AudioSignal
except ImportError:
    print("descript-audiotools is not installed: nothing to be seen here")
    sys.exit(0)

LIMIT = 4096  # bytes: a limit of file sizes stands in for a full disk

room = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, room[1]))
warnings.simplefilter("error")
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "clip.wav")
    try:
        AudioSignal(torch.tensor([0.0, float("nan"), 0.0]), 44100).write(path)
        got = [f"NaN written as {soundfile.read(path, dtype='int16')[0][1]}"]
        path.unlink()
    except (ValueError, RuntimeError, Warning) as error:
        got = [f"{type(error).__name__}: {error}"]
    try:
        AudioSignal(torch.zeros(10_000), 44100).write(path)
        said = "no error"
    except (soundfile.LibsndfileError, OSError, AssertionError) as error:
        said = type(error).__name__
    got.append(f"{said}, and {f'a file of {path.stat().st_size} bytes' if path.exists() else 'no file'}")
resource.setrlimit(resource.RLIMIT_FSIZE, room)  # what is printed may go to a file
print(f"descript-audiotools {version('descript-audiotools')}: NaN; then 20044 bytes, room for {LIMIT}")
print("got ", got)
print("want", ["an error", f"{said}, and no file"])
sys.exit(0 if got[0] == "NaN written as -32768" and "a file of" in got[1] and said != "no error" else 1)
