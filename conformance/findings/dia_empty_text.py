"""In a batch, a clip with an empty text is guided away from something else than nothing.

transformers, Dia: the unconditional half of guidance is zeros under the text's own attention mask. For an empty text that
mask is all 0, and cross-attention adds nothing; for its neighbours it reads a constant: two different unconditional branches in
one batch. Model tiny and random, weights of gain 1; the calls are those of its generation.
"""

import sys

import torch
import transformers
from transformers import DiaConfig, DiaForConditionalGeneration, DiaTokenizer

transformers.logging.set_verbosity_error()
torch.manual_seed(0)
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
).eval()
for weight in model.parameters():
    if weight.ndim > 1:
        torch.nn.init.normal_(weight, std=weight.shape[1] ** -0.5)

text = DiaTokenizer()(["[S1] hello", ""], padding=True, return_tensors="pt")
rows = torch.full((2, 1, 1), 1026)
with torch.no_grad():
    logits = model(
        input_ids=torch.zeros_like(text["input_ids"]),  # what generation feeds the unconditional half
        attention_mask=text["attention_mask"],
        decoder_input_ids=rows,
    ).logits
far = float((logits[0] - logits[1]).abs().max())
print(
    f"transformers {transformers.__version__}: the unconditional logits of two items of a batch, same rows, one text empty"
)
print(f"got  {far:.3f} apart at most")
print("want 0: without a text they are asked the same")
sys.exit(0 if far > 1e-3 else 1)
