"""A MusicGen asked for fewer than 2 * codebooks - 2 tokens samples without its delays: more frames, and wrong ones.

transformers, build_delay_pattern_mask: below max_length = 2 * codebooks - 1 it hands the ids back as they are, without
a word. All codebooks of a frame are then sampled at once, which no checkpoint was trained for.
"""

import sys

import torch
import transformers
from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

transformers.logging.set_verbosity_error()
torch.manual_seed(0)
CODEBOOKS, SPECIAL = 4, 2048
SMALL = {"hidden_size": 8, "ffn_dim": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
model = MusicgenForCausalLM(MusicgenDecoderConfig(num_codebooks=CODEBOOKS, **SMALL)).eval()


def frames(tokens: int) -> int:
    start = torch.full((CODEBOOKS, 1), SPECIAL)
    options = {"do_sample": True, "num_return_sequences": 1, "decoder_start_token_id": SPECIAL}
    return int(model.generate(start, max_new_tokens=tokens, **options).shape[-1])


asked = [4, 5, 6, 7]
got = [frames(tokens) for tokens in asked]
want = [tokens - (CODEBOOKS - 1) for tokens in asked]  # the last tokens only complete the late codebooks
print(f"transformers {transformers.__version__}: MusicGen with {CODEBOOKS} codebooks, max_new_tokens {asked}")
print("got ", got, "frames: the first two requests were sampled without delays")
print("want", want, "frames")
sys.exit(0 if got == [4, 5, 3, 4] else 1)
