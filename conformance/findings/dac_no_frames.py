"""A generation that ends at once crashes in DAC: codes without frames are a RuntimeError of a convolution.

transformers, DacModel.decode, and descript-audio-codec, DAC.decode: the first convolution is larger than nothing. A
waveform without samples would do: whoever joins clips has to catch the case by hand.
"""

import sys

import torch

try:
    import transformers
    from transformers import DacConfig, DacModel
except ImportError:
    print("transformers is not installed: nothing to be seen here")
    sys.exit(0)

transformers.logging.set_verbosity_error()
model = DacModel(DacConfig(encoder_hidden_size=4, decoder_hidden_size=48, sampling_rate=44100)).eval()
print(f"transformers {transformers.__version__}: DacModel.decode of 9 codebooks, 0 frames")
try:
    got = str(tuple(model.decode(audio_codes=torch.zeros(1, 9, 0, dtype=torch.int64)).audio_values.shape))
except RuntimeError as error:
    got = f"RuntimeError: {error}"
print("got ", got)
print("want", "(1, 0)")
sys.exit(1 if got == "(1, 0)" else 0)
