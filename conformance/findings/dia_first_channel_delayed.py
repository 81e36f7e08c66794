"""A Dia delay pattern whose first channel is delayed too decodes shifted: first frames lost, special ids in the codec.

transformers, DiaProcessor.batch_decode: where the audio starts and ends is counted from the special ids of channel 0,
as if its delay were 0. DiaConfig and the processor take any pattern; the published one starts with 0 and is right.
"""

import sys
import warnings
from types import SimpleNamespace

import numpy as np
import torch
import transformers
from transformers import DiaFeatureExtractor, DiaProcessor, DiaTokenizer

transformers.logging.set_verbosity_error()
warnings.simplefilter("ignore")
DELAYS, FRAMES = [2, 0, 1], 5
codes = torch.arange(len(DELAYS) * FRAMES).reshape(1, len(DELAYS), FRAMES)
decoded = []


def decode(audio_codes: torch.Tensor) -> SimpleNamespace:
    decoded.extend(audio_codes.tolist())
    return SimpleNamespace(audio_values=torch.zeros(1, audio_codes.shape[-1]))


processor = DiaProcessor(DiaFeatureExtractor(sampling_rate=44100, hop_length=1), DiaTokenizer(), None)
processor.audio_tokenizer = (
    SimpleNamespace(  # a codec that hands out these codes, and keeps what it is to decode
        config=SimpleNamespace(downsampling_ratios=[1]),
        device="cpu",
        encode=lambda audio: SimpleNamespace(audio_codes=codes),
        decode=decode,
    )
)
audio_kwargs = {"delay_pattern": DELAYS, "generation": False}
inputs = processor(text=["a"], audio=[np.zeros(FRAMES, np.float32)], audio_kwargs=audio_kwargs)
processor.batch_decode(inputs["decoder_input_ids"], audio_kwargs=audio_kwargs)

got, want = decoded[0], codes[0].tolist()
print(
    f"transformers {transformers.__version__}: {FRAMES} frames with delays {DELAYS}, through the processor and back"
)
print("got ", got)
print("want", want)
lost = DELAYS[0]
sys.exit(0 if [channel[: FRAMES - lost] for channel in got] == [channel[lost:] for channel in want] else 1)
