"""After a write of soundfile that fails, on a full disk, the half of the clip that fitted lies under the clip's name.

The error is raised, and the file stays: whoever lists the folder finds a clip. A limit of file sizes stands in for the
full disk, so that this runs anywhere on Linux and macOS.
"""

import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

LIMIT = 4096  # bytes

room = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, room[1]))
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "clip.wav")
    try:
        soundfile.write(path, np.zeros(10_000, np.float32), 44100)
        said = "no error"
    except (soundfile.LibsndfileError, OSError, AssertionError) as error:
        said = type(error).__name__
    left = path.stat().st_size if path.exists() else None
resource.setrlimit(resource.RLIMIT_FSIZE, room)  # what is printed may go to a file
print(f"soundfile {soundfile.__version__}: 20044 bytes of audio to a disk with room for {LIMIT}")
print("got ", f"{said}, and a file of {left} bytes")
print("want", f"{said}, and no file")
sys.exit(0 if said != "no error" and left else 1)
