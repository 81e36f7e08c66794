"""One NaN in a clip is coded as sound: DAC gives code 0 in every codebook for all frames around it, and says nothing.

transformers, DacFeatureExtractor and DacModel.encode, and descript-audio-codec likewise: the nearest entry to what is
no number is the first one. The codes decode to a burst that a language model learns as music.
"""

import sys

import torch

try:
    import transformers
    from transformers import DacConfig, DacFeatureExtractor, DacModel
except ImportError:
    print("transformers is not installed: nothing to be seen here")
    sys.exit(0)

transformers.logging.set_verbosity_error()
torch.manual_seed(0)
model = DacModel(DacConfig(encoder_hidden_size=4, decoder_hidden_size=48, sampling_rate=44100)).eval()
extractor = DacFeatureExtractor(sampling_rate=44100, hop_length=512)
clip = torch.rand(40 * 512) - 0.5
clip[20 * 512] = float("nan")

print(f"transformers {transformers.__version__}: 40 frames with NaN in the first sample of frame 20")
try:
    inputs = extractor(raw_audio=clip.numpy(), sampling_rate=44100, return_tensors="pt")
    with torch.no_grad():
        codes = model.encode(inputs["input_values"]).audio_codes[0]
    zeros = (codes == 0).all(0).nonzero().flatten().tolist()
    got = f"codes, all of them 0 in frames {zeros}"
except ValueError as error:
    got = f"ValueError: {error}"
print("got ", got)
print("want", "ValueError")
sys.exit(1 if got.startswith("ValueError") else 0)
