"""A checkpoint on disk, as each release wrote it: config.json and weights, from a state in the first layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from .oracles_lm import Shape, Stack, State


def write_checkpoint(
    folder: Path,
    state: State,
    shape: Shape,
    layout: str,
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]] = dict,
    config: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> None:
    """config.json and the weights of a layout, each as `config` and `change` alter it.

    transformers and nari: model.safetensors; nari-first, the release of April 2025: a .pth, and a config of its own.
    """
    written = change(as_transformers(state) if layout == "transformers" else dict(state))
    told = config(first_config(shape) if layout == "nari-first" else later_config(shape))
    (folder / "config.json").write_text(json.dumps(told))
    if layout == "nari-first":
        torch.save(written, folder / "dia-v0_1.pth")
    else:
        save_file(written, folder / "model.safetensors")


def as_transformers(state: State) -> dict[str, Tensor]:
    """Kernels (in, ...) as matrices (out, in), tables in one, and other names."""
    made: dict[str, Tensor] = {}
    tables = []
    for name, tensor in state.items():
        if ".embeddings." in name:
            tables.append((int(name.split(".")[2]), tensor))
        elif name == "decoder.logits_dense.weight":
            made["logits_dense.weight"] = tensor.flatten(1).t().contiguous()
        elif ".o_proj." in name:
            made[f"model.{name}"] = tensor.flatten(0, 1).t().contiguous()
        elif tensor.ndim > 1 and "embedding" not in name:
            plain = name.replace("wi_fused", "gate_up_proj").replace(".wo.", ".down_proj.")
            made[f"model.{plain}"] = tensor.flatten(1).t().contiguous()
        else:
            made[f"model.{name}"] = tensor
    made["model.decoder.embeddings.embed.weight"] = torch.cat([table for _, table in sorted(tables)])
    return made


def later_config(shape: Shape) -> dict[str, Any]:
    """The config of transformers, and of nari's code since June 2025."""

    def side(stack: Stack, vocabulary: int, positions: int) -> dict[str, Any]:
        return {
            "num_hidden_layers": stack.layers,
            "hidden_size": stack.width,
            "intermediate_size": stack.hidden,
            "num_attention_heads": stack.heads,
            "num_key_value_heads": stack.groups,
            "head_dim": stack.features,
            "vocab_size": vocabulary,
            "max_position_embeddings": positions,
            "norm_eps": shape.eps,
            "hidden_act": "silu",
        }

    cross = {
        "cross_num_attention_heads": shape.cross_heads,
        "cross_num_key_value_heads": shape.cross_heads,
        "cross_head_dim": shape.cross_features,
        "cross_hidden_size": shape.encoder.width,
    }
    ids = {"eos_token_id": 8, "pad_token_id": 9, "bos_token_id": 10}
    return {
        "architectures": ["DiaForConditionalGeneration"],
        "model_type": "dia",
        "is_encoder_decoder": True,
        "norm_eps": shape.eps,
        "delay_pattern": list(range(shape.codebooks)),
        "encoder_config": side(shape.encoder, shape.texts, 128),
        "decoder_config": {
            **side(shape.decoder, shape.vocabulary, 128),
            **cross,
            **ids,
            "num_channels": shape.codebooks,
        },
    }


def first_config(shape: Shape) -> dict[str, Any]:
    """The config of the first release, which forks still write."""
    encoder, decoder = shape.encoder, shape.decoder
    return {
        "version": "0.1",
        "model": {
            "encoder": {
                "n_layer": encoder.layers,
                "n_embd": encoder.width,
                "n_hidden": encoder.hidden,
                "n_head": encoder.heads,
                "head_dim": encoder.features,
            },
            "decoder": {
                "n_layer": decoder.layers,
                "n_embd": decoder.width,
                "n_hidden": decoder.hidden,
                "gqa_query_heads": decoder.heads,
                "kv_heads": decoder.groups,
                "gqa_head_dim": decoder.features,
                "cross_query_heads": shape.cross_heads,
                "cross_head_dim": shape.cross_features,
            },
            "src_vocab_size": shape.texts,
            "tgt_vocab_size": shape.vocabulary,
            "dropout": 0.0,
            "normalization_layer_epsilon": shape.eps,
            "rope_min_timescale": 1,
            "rope_max_timescale": 10000,
        },
        "training": {"dtype": "float32"},
        "data": {
            "text_length": 128,
            "audio_length": 128,
            "channels": shape.codebooks,
            "text_pad_value": 0,
            "audio_eos_value": 8,
            "audio_pad_value": 9,
            "audio_bos_value": 10,
            "delay_pattern": list(range(shape.codebooks)),
        },
    }
