"""scipy.io.wavfile writes NaN and infinities into a WAV file of floats, and reports success.

What plays such a file is left to find out what they sound like: silence, a click, or the end of playback.
"""

import io
import sys

import numpy as np
import scipy
from scipy.io import wavfile

AUDIO = np.array([0.0, np.nan, np.inf, -np.inf], np.float32)

file = io.BytesIO()
try:
    wavfile.write(file, 44100, AUDIO)
    got = str(wavfile.read(file)[1].tolist())
except ValueError as error:
    got = f"ValueError: {error}"
print(f"scipy {scipy.__version__}: {AUDIO.tolist()} written as WAV, and read")
print("got ", got)
print("want an error")
sys.exit(0 if got == str(AUDIO.tolist()) else 1)
