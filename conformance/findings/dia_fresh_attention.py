"""A Dia trained from scratch at its own size begins with attention that is all but an argmax.

transformers, DiaConfig: initializer_range is 0.02 for every projection and the attention scale is 1. At width 2048 with heads
of 128 features the logits of attention then deviate by about 9, where 1 is wanted: the softmax takes one key, and gradients explode.
"""

import sys

import torch
import transformers
from transformers import DiaConfig, DiaDecoderConfig, DiaForConditionalGeneration
from transformers.models.dia.modeling_dia import DiaDecoderLayer

torch.manual_seed(0)
config = DiaDecoderConfig()
one = DiaDecoderConfig(num_hidden_layers=1, intermediate_size=8)
encoder = {"num_hidden_layers": 1, "hidden_size": 1024, "intermediate_size": 8}
model = DiaForConditionalGeneration(DiaConfig(encoder_config=encoder, decoder_config=one))
layer = model.model.decoder.layers[0]
assert isinstance(layer, DiaDecoderLayer)
attention = layer.self_attention
x = torch.randn(64, config.hidden_size)  # what an RMSNorm gives
with torch.no_grad():
    q, k = (linear(x)[:, : config.head_dim] for linear in (attention.q_proj, attention.k_proj))
deviation = float((q @ k.T * attention.scaling).std())
print(
    f"transformers {transformers.__version__}: a fresh decoder layer of Dia's own size, unit inputs, one head"
)
print(f"got  attention logits of standard deviation {deviation:.1f}")
print("want about 1")
sys.exit(0 if deviation > 3 else 1)
