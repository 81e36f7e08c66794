"""A MusicGen generation stopped by max_time or a stopping criterion ends in RuntimeError, or in scrambled codebooks.

transformers, `generate`: delays are reverted by removing every element equal to the pad id and reshaping what is left.
A generation that was cut has fewer codes in its late codebooks. The reshape fails after all the work; or, where the
count happens to be a multiple of the number of codebooks (9, as of DAC), codes of one codebook end up in the next.
"""

import sys
from typing import Any

import torch
import transformers
from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

transformers.logging.set_verbosity_error()
ROWS, SPECIAL = 12, 2048
SMALL = {"hidden_size": 8, "ffn_dim": 8, "num_hidden_layers": 1, "num_attention_heads": 1}


def after_twelve_rows(ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
    """Stands in for max_time, which would depend on this machine."""
    return torch.full((len(ids),), ids.shape[1] >= ROWS)


def generate(codebooks: int) -> str:
    torch.manual_seed(0)
    model = MusicgenForCausalLM(MusicgenDecoderConfig(num_codebooks=codebooks, **SMALL)).eval()
    start = torch.full((codebooks, 1), SPECIAL)
    options = {"do_sample": True, "num_return_sequences": 1, "decoder_start_token_id": SPECIAL}
    try:
        codes = model.generate(start, max_new_tokens=30, stopping_criteria=[after_twelve_rows], **options)
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    return f"{codes.shape[-1]} frames"


got = [generate(4), generate(9)]
want = [f"{ROWS - 4} frames", f"{ROWS - 9} frames"]  # row 0 is special, and so are codebook k's first k rows
print(f"transformers {transformers.__version__}: MusicGen, 4 and 9 codebooks, stopped after {ROWS} rows")
print("got ", got)
print("want", want, "the complete ones")
sys.exit(0 if got[0].startswith("RuntimeError") and got[1] == "7 frames" else 1)
