"""Clips of several lengths encoded together by DAC have other codes at their ends than each alone.

transformers, DacFeatureExtractor(padding=True) and DacModel.encode: no layer is told the padding mask, and the encoder
sees eight frames ahead. Cut to length, the codes still heard silence beyond the end of the clip.
"""

import sys

import numpy as np
import torch

try:
    import transformers
    from transformers import DacConfig, DacFeatureExtractor, DacModel
except ImportError:
    print("transformers is not installed: nothing to be seen here")
    sys.exit(0)

transformers.logging.set_verbosity_error()
HOP, SHORT, LONG = 512, 20, 40
torch.manual_seed(0)
model = DacModel(DacConfig(encoder_hidden_size=4, decoder_hidden_size=48, sampling_rate=44100))
for module in model.modules():  # kernels of some gain: under the default ones everything is near silence
    if hasattr(module, "reset_parameters"):
        module.reset_parameters()
model.eval()
extractor = DacFeatureExtractor(sampling_rate=44100, hop_length=HOP)
clips = [(torch.rand(frames * HOP) - 0.5).numpy() for frames in (SHORT, LONG)]


def encode(clips: list[np.ndarray]) -> torch.Tensor:
    inputs = extractor(raw_audio=clips, sampling_rate=44100, return_tensors="pt")
    with torch.no_grad():
        codes: torch.Tensor = model.encode(inputs["input_values"]).audio_codes
    return codes


alone, together = encode(clips[:1])[0], encode(clips)[0, :, :SHORT]
wrong = (alone != together).any(0).nonzero().flatten().tolist()
print(f"transformers {transformers.__version__}: the codes of {SHORT} frames, alone and beside {LONG} frames")
print("got ", f"frames that differ: {wrong}")
print("want", "frames that differ: []")
sys.exit(0 if wrong else 1)
