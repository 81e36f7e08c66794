"""Dia audio whose generation was stopped by max_time or a stopping criterion cannot be decoded at all: IndexError.

transformers, DiaProcessor.batch_decode: without an EOS in channel 0 the end is taken from the number of rows, so frames
whose late channels were never generated go to the codec as -1. (With equal delays the last complete frame is lost.)
Model and codec are tiny and random here; the calls are the documented ones.
"""

import sys
import warnings
from typing import Any

import torch
import transformers
from transformers import (
    DacConfig,
    DacModel,
    DiaConfig,
    DiaDecoderConfig,
    DiaEncoderConfig,
    DiaFeatureExtractor,
    DiaForConditionalGeneration,
    DiaProcessor,
    DiaTokenizer,
)

transformers.logging.set_verbosity_error()
warnings.simplefilter("ignore")
torch.manual_seed(0)
DELAYS, ROWS, HOP = [0, 2, 3], 12, 2
SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1}
SMALL |= {"head_dim": 8, "intermediate_size": 8}
CROSS = {"cross_num_attention_heads": 1, "cross_num_key_value_heads": 1}
CROSS |= {"cross_head_dim": 8, "cross_hidden_size": 8}

decoder = DiaDecoderConfig(num_channels=len(DELAYS), **SMALL, **CROSS)
config = DiaConfig(encoder_config=DiaEncoderConfig(**SMALL), decoder_config=decoder, delay_pattern=DELAYS)
model = DiaForConditionalGeneration(config).eval()
codec = {
    "downsampling_ratios": [HOP],
    "upsampling_ratios": [HOP],
    "n_codebooks": len(DELAYS),
    "codebook_dim": 2,
}
dac = DacModel(DacConfig(encoder_hidden_size=4, decoder_hidden_size=4, **codec)).eval()
processor = DiaProcessor(DiaFeatureExtractor(sampling_rate=44100, hop_length=HOP), DiaTokenizer(), dac)


def after_twelve_rows(ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
    """Stands in for max_time, which would depend on this machine."""
    return torch.full((len(ids),), ids.shape[1] >= ROWS)


inputs = processor(text=["hello"], delay_pattern=DELAYS)
options = {"max_new_tokens": 40, "guidance_scale": 1, "stopping_criteria": [after_twelve_rows]}
rows = model.generate(**inputs, do_sample=True, **options)
try:
    audio = processor.batch_decode(rows, delay_pattern=DELAYS)[0]
    got = f"{audio.numel() // HOP} frames"
except IndexError as error:
    got = f"IndexError: {error}"

print(
    f"transformers {transformers.__version__}: Dia with delays {DELAYS}, stopped after {ROWS} rows, decoded"
)
print("got ", got)
print("want", f"{rows.shape[1] - 1 - max(DELAYS)} frames, the complete ones")
sys.exit(0 if got.startswith("IndexError") else 1)
