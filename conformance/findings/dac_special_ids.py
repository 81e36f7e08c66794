"""An id that is no code ends DAC's decode in "index out of range in self": neither the id nor its place is named.

transformers, DacModel.decode, and descript-audio-codec, ResidualVectorQuantize.from_codes: codes go into an embedding
unchecked. Dia's special ids are 1024 to 1026, one above the last code: a decode that keeps one frame too many meets them.
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
codes = torch.zeros(1, 9, 20, dtype=torch.int64)
codes[0, 3, 17] = 1024
print(f"transformers {transformers.__version__}: DacModel.decode of 20 frames with a 1024 among them")
try:
    model.decode(audio_codes=codes)
    got = "audio"
except (IndexError, ValueError) as error:
    got = f"{type(error).__name__}: {error}"
print("got ", got)
print("want", "ValueError that names 1024")
sys.exit(1 if got.startswith("ValueError") and "1024" in got else 0)
