"""A Dia checkpoint that lacks a tensor, or whose names have torch.compile's prefix, loads with random numbers instead.

transformers, from_pretrained: what is missing is drawn anew, what has no place is passed over, and a report in the log is all that says
so. Of a checkpoint saved from a compiled model no tensor is used at all. Model tiny and random; the calls are the documented ones.
"""

import sys
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import DiaConfig, DiaForConditionalGeneration

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
small = {"num_hidden_layers": 1, "hidden_size": 16, "intermediate_size": 16, "head_dim": 8}
small |= {"num_attention_heads": 2, "num_key_value_heads": 2}
cross = {
    "cross_num_attention_heads": 2,
    "cross_num_key_value_heads": 2,
    "cross_head_dim": 8,
    "cross_hidden_size": 16,
}
decoder = {**small, **cross, "num_channels": 1}
model = DiaForConditionalGeneration(
    DiaConfig(encoder_config=small, decoder_config=decoder, delay_pattern=[0])
)
HEAD = "logits_dense.weight"

random = []
for change in ("without its head", "named by torch.compile"):
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        file = Path(folder, "model.safetensors")
        state = load_file(file)
        if change == "without its head":
            del state[HEAD]
        else:
            state = {f"_orig_mod.{name}": tensor for name, tensor in state.items()}
        save_file(state, file, metadata={"format": "pt"})
        again = DiaForConditionalGeneration.from_pretrained(folder)
        random.append(not torch.equal(again.get_parameter(HEAD), model.get_parameter(HEAD)))
        print(f"transformers {transformers.__version__}: a checkpoint {change}")
        print("got  a model whose head is", "random" if random[-1] else "the one that was saved")
print("want a refusal that lists what is missing; of the second, the weights")
sys.exit(0 if all(random) else 1)
