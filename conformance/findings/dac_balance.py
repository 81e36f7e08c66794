"""A stereo clip beyond full scale loses its balance before DAC encodes it: each channel gets a gain of its own.

descript-audiotools, AudioSignal.ensure_max_of_audio, which DAC.compress calls: peaks are taken along time alone, so
that a loud left channel comes nearer to a quieter right one. The file that is decompressed has the new balance.
"""

import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import torch

# The package imports more than is needed here; what is not installed may be anything.
for name in "ffmpy", "flatten_dict", "randomname", "torch.utils.tensorboard":
    sys.modules.setdefault(name, MagicMock())

try:
    from audiotools import AudioSignal
except ImportError:
    print("descript-audiotools is not installed: nothing to be seen here")
    sys.exit(0)

LEFT, RIGHT = 2.0, 0.5

tone = torch.sin(torch.arange(44100) / 10)
stereo = torch.stack([LEFT * tone, RIGHT * tone])
made = AudioSignal(stereo, 44100).ensure_max_of_audio().audio_data[0]
left, right = made.abs().amax(1).tolist()
print(
    f"descript-audiotools {version('descript-audiotools')}: stereo, {LEFT} to {RIGHT}, ensure_max_of_audio()"
)
print("got ", f"{left:.2f} to {right:.2f}")
print("want", f"1.00 to {RIGHT / LEFT:.2f}")
sys.exit(0 if abs(left - 1) < 0.01 and abs(right - RIGHT) < 0.01 else 1)
