"""generate(pad_token_id=...) with any id but the published one, a habit from text models, ruins the codes of a MusicGen.

transformers, `generate`: delays are reverted by removing every element equal to the pad id, wherever it stands. With
the tokenizer's pad id (0) the special ids stay among the codes, for the codec to trip over, and every code 0 vanishes;
one vanished code makes the reshape fail. (The published pad id, 2048, is no code: with it this cannot happen.)
"""

import sys

import torch
import transformers
from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

transformers.logging.set_verbosity_error()
CODEBOOKS, SPECIAL = 4, 2048
SMALL = {"hidden_size": 8, "ffn_dim": 8, "num_hidden_layers": 1, "num_attention_heads": 1}


def generate(pad: int) -> torch.Tensor:
    torch.manual_seed(0)
    model = MusicgenForCausalLM(MusicgenDecoderConfig(num_codebooks=CODEBOOKS, **SMALL)).eval()
    start = torch.full((CODEBOOKS, 1), SPECIAL)
    options = {"do_sample": True, "num_return_sequences": 1, "decoder_start_token_id": SPECIAL}
    codes: torch.Tensor = model.generate(start, max_new_tokens=32, pad_token_id=pad, **options)
    return codes


def said(pad: int) -> str:
    try:
        codes = generate(pad)
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    return f"{codes.shape[-1]} frames with {int((codes == SPECIAL).sum())} special ids among the codes"


pads = [0, int(generate(SPECIAL)[0, 0, 0])]  # one that this model does not sample, and one that it does
got, want = [said(pad) for pad in pads], said(SPECIAL)
print(
    f"transformers {transformers.__version__}: MusicGen, 32 tokens, generate(pad_token_id={pads[0]}), then {pads[1]}"
)
print("got ", got)
print("want", want)
sys.exit(0 if want not in got and got[1].startswith("RuntimeError") else 1)
