"""After a torchaudio.save that fails, on a full disk, the half of the clip that fitted lies under the clip's name.

The error is raised, and the file stays: whoever lists the folder finds a clip. A limit of file sizes stands in for the
full disk, so that this runs anywhere on Linux and macOS.
"""

import resource
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

LIMIT = 4096  # bytes

room = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, room[1]))
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "clip.wav")
    try:
        torchaudio.save(str(path), torch.zeros(1, 10_000), 44100)
        said = "no error"
    except (OSError, RuntimeError) as error:
        said = type(error).__name__
    left = path.stat().st_size if path.exists() else None
resource.setrlimit(resource.RLIMIT_FSIZE, room)  # what is printed may go to a file
print(f"torchaudio {torchaudio.__version__}: some 20 kB of audio to a disk with room for {LIMIT} bytes")
print("got ", f"{said}, and a file of {left} bytes")
print("want", "an error, and no file")
sys.exit(0 if left else 1)
