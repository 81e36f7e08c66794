"""The codes of DAC.compress are no codes for a language model: beyond a second, there are a third too many.

descript-audio-codec, CodecMixin.compress: windows of 87 frames give 72 frames each, and lie 56 apart. That is right for
decompress, and for nothing else: encode gives the same clip 86 frames a second (upstream issue 45: 862 against 1152).
"""

import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import torch

# The packages import more than is needed here; what is not installed may be anything.
for name in "argbind", "ffmpy", "flatten_dict", "randomname", "torch.utils.tensorboard":
    sys.modules.setdefault(name, MagicMock())

try:
    from audiotools import AudioSignal
    from dac.model import DAC
except ImportError:
    print("descript-audio-codec is not installed: nothing to be seen here")
    sys.exit(0)

RATE, SECONDS = 44100, 10
torch.manual_seed(0)
model = DAC(encoder_dim=4, decoder_dim=48, sample_rate=RATE).eval()
clip = 0.1 * torch.randn(1, SECONDS * RATE)
with torch.no_grad():
    whole = model.encode(model.preprocess(clip[None], RATE))[1].shape[-1]
    compressed = model.compress(AudioSignal(clip, RATE)).codes.shape[-1]
print(f"descript-audio-codec {version('descript-audio-codec')}: frames of {SECONDS} s, by compress()")
print("got ", compressed)
print("want", whole)
sys.exit(1 if compressed == whole else 0)
