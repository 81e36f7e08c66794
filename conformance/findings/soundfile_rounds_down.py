"""What soundfile writes as 16 bits is rounded down, not to the nearest: half a step of offset, errors of a whole one.

libsndfile, the clipping conversion that soundfile switches on: floats become 32-bit integers, of which the lower half
is cut off. Without clipping the same library rounds. An integer that is read and written again stays what it is.
"""

import io
import sys

import numpy as np
import soundfile

STEPS = np.array([-1.6, -0.6, -0.4, 0.4, 0.6, 1.6])  # in 16-bit steps

file = io.BytesIO()
soundfile.write(file, (STEPS / 32768).astype(np.float32), 44100, format="WAV", subtype="PCM_16")
file.seek(0)
got = soundfile.read(file, dtype="int16")[0].tolist()
want = np.rint(STEPS).astype(int).tolist()
print(f"soundfile {soundfile.__version__}: {STEPS.tolist()} steps of 1/32768, written as PCM_16")
print("got ", got)
print("want", want)
sys.exit(0 if got == np.floor(STEPS).astype(int).tolist() else 1)
