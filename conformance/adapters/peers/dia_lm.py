"""transformers' Dia, the language model: tokenizer, forward with and without its cache, and from_pretrained."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import DiaConfig, DiaForConditionalGeneration, DiaTokenizer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.models.dia.modeling_dia import DiaEncoderLayer, DiaRMSNorm

IMPLEMENTATION = {
    "name": "transformers Dia (model)",
    "version": transformers.__version__,
    "issues": "https://github.com/huggingface/transformers/issues",
}
FAMILIES = ["TEXT", "LM", "CKPT"]
SIZES = {"checkpoint": ["dia-1.6b-0626"], "layout": ["transformers"]}
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
_tokenizer = DiaTokenizer(max_length=None)


def encode_text(text: str) -> list[int]:
    ids: list[int] = _tokenizer(text)["input_ids"]
    return ids


train_text = encode_text  # the processor is the same in training


def _config(codebooks: int, **encoder: int) -> Any:
    small = {"num_hidden_layers": 2, "hidden_size": 24, "intermediate_size": 28, "head_dim": 6}
    cross = {"cross_num_attention_heads": 3, "cross_num_key_value_heads": 3, "cross_head_dim": 6}
    sides: dict[str, Any] = {
        "encoder_config": {**small, "num_attention_heads": 3, "num_key_value_heads": 3, **encoder},
        "decoder_config": {
            **small, **cross, "num_attention_heads": 4, "num_key_value_heads": 2,
            "num_channels": codebooks, "cross_hidden_size": 24,
        },
    }  # fmt: skip
    return DiaConfig(**sides, delay_pattern=list(range(codebooks)))


@lru_cache(maxsize=8)
def _model(codebooks: int) -> Any:
    """Random weights of gain 1, queries smaller by sqrt(head_dim) = sqrt(6), for the attention scale of 1."""
    model = DiaForConditionalGeneration(_config(codebooks)).eval()
    generator = torch.Generator().manual_seed(codebooks)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                size = 1.0 if "embed" in name else weight.shape[1] ** -0.5
                drawn = torch.randn(weight.shape, generator=generator) * size
                weight.copy_(drawn / 6**0.5 if "q_proj" in name else drawn)
    return model


def _by_row(logits: Tensor, rows: Tensor) -> Tensor:
    """(B * K, R, V) -> (B, R, K, V)."""
    return logits.reshape(len(rows), -1, *logits.shape[1:]).transpose(1, 2)


def logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    return _forward(_model(rows.shape[2]), text, mask, rows)


def _forward(model: Any, text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    got = model(input_ids=text, attention_mask=mask.long(), decoder_input_ids=rows)
    return _by_row(got.logits, rows)


def begin(text: Tensor, mask: Tensor) -> SimpleNamespace:
    return SimpleNamespace(text=text, mask=mask, cache=None, memory=None)


def advance(state: SimpleNamespace, rows: Tensor) -> tuple[Tensor, SimpleNamespace]:
    inputs = {"input_ids": state.text} if state.memory is None else {"encoder_outputs": state.memory}
    got = _model(rows.shape[2])(
        **inputs,
        attention_mask=state.mask.long(),
        decoder_input_ids=rows,
        past_key_values=state.cache,
        use_cache=True,
    )
    memory = (got.encoder_last_hidden_state,)
    after = SimpleNamespace(text=state.text, mask=state.mask, cache=got.past_key_values, memory=memory)
    return _by_row(got.logits, rows), after


def null_text(text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    return torch.zeros_like(text), mask  # as its generation prepares the unconditional half


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
    module = SimpleNamespace(num_key_value_groups=q.shape[1] // k.shape[1], is_causal=False, training=False)
    made, _ = sdpa_attention_forward(module, q, k, v, mask[:, None], scaling=scale)
    return made.transpose(1, 2)


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    norm = DiaRMSNorm(len(weight), eps)
    norm.weight.copy_(weight)
    made: Tensor = norm(x)
    return made


def published(name: str) -> dict[str, Any]:
    config = {"dia-1.6b-0626": DiaConfig()}[name]
    encoder, decoder = config.encoder_config, config.decoder_config

    def side(of: Any) -> dict[str, int]:
        return {
            "layers": of.num_hidden_layers,
            "width": of.hidden_size,
            "hidden": of.intermediate_size,
            "heads": of.num_attention_heads,
            "kv_heads": of.num_key_value_heads,
            "head_dim": of.head_dim,
        }

    layer = DiaEncoderLayer(_config(1).encoder_config, 0)
    return {
        "delays": list(config.delay_pattern),
        "vocabulary": decoder.vocab_size,
        "special": {
            "eos": decoder.eos_token_id,
            "pad": decoder.pad_token_id,
            "bos": decoder.bos_token_id,
        },
        "text": {"vocabulary": encoder.vocab_size, "positions": encoder.max_position_embeddings},
        "rows": decoder.max_position_embeddings,
        "encoder": side(encoder),
        "decoder": side(decoder),
        "cross": {
            "heads": decoder.cross_num_attention_heads,
            "kv_heads": decoder.cross_num_key_value_heads,
            "head_dim": decoder.cross_head_dim,
        },
        "scale": float(layer.self_attention.scaling),
        "eps": config.norm_eps,
        "rope": float(decoder.rope_parameters["rope_theta"]),
        "cross_rotary": False,  # its cross-attention is handed no positions
    }


def init_projection(inputs: list[int], outputs: list[int], seed: int) -> Tensor:
    torch.manual_seed(seed)
    linear = nn.Linear(math.prod(inputs), math.prod(outputs), bias=False)
    _model(1)._init_weights(linear)
    return linear.weight


def init_attention(width: int, heads: int, features: int, seed: int) -> tuple[Tensor, Tensor, float]:
    torch.manual_seed(seed)
    sizes = {"hidden_size": width, "num_attention_heads": heads, "num_key_value_heads": heads}
    config = _config(1, **sizes, head_dim=features).encoder_config
    attention = DiaEncoderLayer(config, 0).self_attention
    for linear in attention.q_proj, attention.k_proj:
        _model(1)._init_weights(linear)
    q, k = (x.weight.t().unflatten(1, (heads, features)) for x in (attention.q_proj, attention.k_proj))
    return q, k, attention.scaling


Network = Callable[[Tensor, Tensor, Tensor], Tensor]


def init(codebooks: int, seed: int) -> Network:
    torch.manual_seed(seed)
    model = DiaForConditionalGeneration(_config(codebooks)).eval()
    return lambda text, mask, rows: _forward(model, text, mask, rows)


def load_model(folder: str) -> Network:
    try:
        model = DiaForConditionalGeneration.from_pretrained(folder).eval()
    except Exception as refused:
        raise refused.__cause__ or refused from None  # the ValueError of a config's own check comes wrapped
    return lambda text, mask, rows: _forward(model, text, mask, rows)
