"""soundfile writes NaN as a click at full scale and infinities as full scale, and reports success.

The default subtype of a WAV file is PCM_16, which has no code for either: the file looks and plays like any other.
"""

import io
import sys

import numpy as np
import soundfile

AUDIO = np.array([0.0, np.nan, np.inf, -np.inf], np.float32)

file = io.BytesIO()
try:
    soundfile.write(file, AUDIO, 44100, format="WAV")
    file.seek(0)
    got = str(soundfile.read(file, dtype="int16")[0].tolist())
except (ValueError, RuntimeError) as error:
    got = f"{type(error).__name__}: {error}"
print(
    f"soundfile {soundfile.__version__}: {AUDIO.tolist()} written as WAV, and read as it stands in the file"
)
print("got ", got)
print("want an error")
sys.exit(0 if got == "[0, -32768, 32767, -32768]" else 1)
