"""A write of scipy.io.wavfile that fails leaves a broken file: half of it on a full disk, nothing for a refused dtype.

The file is opened before the data is looked at: a float16 array is refused by name, and the good clip that stood under
that name is gone. A limit of file sizes stands in for the full disk, so that this runs anywhere on Linux and macOS.
"""

import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import scipy
from scipy.io import wavfile

LIMIT = 4096  # bytes

room = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, room[1]))
got = []
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "clip.wav")
    for data in np.zeros(10_000, np.float32), np.zeros(10, np.float16):
        wavfile.write(path, 44100, np.zeros(10, np.int16))  # a good clip: 64 bytes
        try:
            wavfile.write(path, 44100, data)
            said = "no error"
        except (OSError, ValueError) as error:
            said = type(error).__name__
        got.append(f"{said}, and a file of {path.stat().st_size} bytes")
resource.setrlimit(resource.RLIMIT_FSIZE, room)  # what is printed may go to a file
print(
    f"scipy {scipy.__version__}: over a good clip, 40 kB to a disk with room for {LIMIT} bytes; then float16"
)
print("got ", got)
print("want", [f"{each.split(',')[0]}, and no file, or the good clip of 64 bytes" for each in got])
sys.exit(0 if got == ["OSError, and a file of 4096 bytes", "ValueError, and a file of 0 bytes"] else 1)
