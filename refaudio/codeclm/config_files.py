"""config.json of a Dia checkpoint, in the three schemas that were published, to a config and back.

transformers and later nari code: encoder_config, decoder_config, delay_pattern. The first checkpoint: model.encoder,
model.decoder, data; its code rotates cross-attention. What neither schema can say and differs from Dia (the attention
scale, cross-RoPE, the guidance convention) is written under a key of our own, which both readers ignore.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .config import CodecLMConfig, Stack

OURS = "refaudio"
_TOLD = ("scale", "cross_rotary", "guidance", "base")


def read_config(path: Path) -> CodecLMConfig:
    """The config of a config.json; ValueError of one line for what is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"path={str(path)!r} must be a readable JSON file ({reason})") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"path={str(path)!r} must hold an object: it holds {type(found).__name__}")
    try:
        if "encoder_config" in found:
            return _later(found)
        if "model" in found:
            return _first(found)
    except (KeyError, TypeError, ValueError) as error:
        said = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"path={str(path)!r} must be a config of Dia: {' '.join(said.split())}") from error
    raise ValueError(
        f"path={str(path)!r} must be a config of Dia, with encoder_config or model: it has {', '.join(found)[:80]}"
    )


def write_config(config: CodecLMConfig, path: Path) -> None:
    """config.json in the schema that transformers and later nari code read."""
    path.write_text(json.dumps(as_transformers(config), indent=2) + "\n", encoding="utf-8")


def as_transformers(config: CodecLMConfig) -> dict[str, Any]:
    """The config as transformers' DiaConfig has it."""
    rope = {"rope_type": "default", "rope_theta": config.base}
    special = {"pad_token_id": config.pad, "eos_token_id": config.eos, "bos_token_id": config.bos}
    made: dict[str, Any] = {
        "architectures": ["DiaForConditionalGeneration"],
        "model_type": "dia",
        "is_encoder_decoder": True,
        "delay_pattern": list(config.delays),
        "norm_eps": config.eps,
        "encoder_config": {
            "model_type": "dia_encoder",
            "vocab_size": config.text_vocabulary,
            "max_position_embeddings": config.max_text,
            **_stack(config.encoder, config.eps),
            "rope_parameters": rope,
        },
        "decoder_config": {
            "model_type": "dia_decoder",
            "vocab_size": config.vocabulary,
            "num_channels": config.codebooks,
            "max_position_embeddings": config.max_rows,
            **_stack(config.decoder, config.eps),
            "cross_num_attention_heads": config.cross_heads,
            "cross_num_key_value_heads": config.cross_kv_heads,
            "cross_head_dim": config.cross_head_dim,
            "cross_hidden_size": config.encoder.width,
            "rope_parameters": rope,
            **special,
        },
    }
    plain = CodecLMConfig.dia_1_6b_0626()
    own = {name: getattr(config, name) for name in _TOLD if getattr(config, name) != getattr(plain, name)}
    return made | ({OURS: own} if own else {})


def _stack(stack: Stack, eps: float) -> dict[str, Any]:
    return {
        "num_hidden_layers": stack.layers,
        "hidden_size": stack.width,
        "intermediate_size": stack.hidden,
        "num_attention_heads": stack.heads,
        "num_key_value_heads": stack.kv_heads,
        "head_dim": stack.head_dim,
        "hidden_act": "silu",
        "norm_eps": eps,
    }


def _later(found: Mapping[str, Any]) -> CodecLMConfig:
    encoder, decoder = found["encoder_config"], found["decoder_config"]
    config = CodecLMConfig(
        encoder=_read_stack(encoder),
        decoder=_read_stack(decoder),
        cross_heads=decoder["cross_num_attention_heads"],
        cross_kv_heads=decoder["cross_num_key_value_heads"],
        cross_head_dim=decoder["cross_head_dim"],
        delays=tuple(found["delay_pattern"]),
        vocabulary=decoder["vocab_size"],
        eos=_special("eos", 1024, decoder, found),
        pad=_special("pad", 1025, decoder, found),
        bos=_special("bos", 1026, decoder, found),
        text_vocabulary=encoder["vocab_size"],
        max_text=encoder["max_position_embeddings"],
        max_rows=decoder["max_position_embeddings"],
        eps=decoder.get("norm_eps", 1e-5),
        base=_theta(decoder),
        **{name: value for name, value in found.get(OURS, {}).items() if name in _TOLD},
    )
    _agree("decoder_config.num_channels", decoder.get("num_channels", config.codebooks), config.codebooks)
    width = decoder.get("cross_hidden_size", config.encoder.width)
    _agree("decoder_config.cross_hidden_size", width, config.encoder.width)
    for side in encoder, decoder:
        if side.get("hidden_act", "silu") != "silu":
            raise ValueError(f"hidden_act={side['hidden_act']!r} must be 'silu'")
        _agree("rope_theta", _theta(side), config.base)
        _agree("norm_eps", side.get("norm_eps", config.eps), config.eps)
    return config


def _special(name: str, default: int, decoder: Mapping[str, Any], whole: Mapping[str, Any]) -> int:
    """A special id, of the decoder or, as it was once written, of the whole."""
    for place in decoder, whole:
        if place.get(f"{name}_token_id") is not None:
            return int(place[f"{name}_token_id"])
    return default


def _theta(side: Mapping[str, Any]) -> float:
    parameters = side.get("rope_parameters") or {}
    return float(parameters.get("rope_theta", side.get("rope_theta", 10_000.0)))


def _read_stack(side: Mapping[str, Any]) -> Stack:
    return Stack(
        layers=side["num_hidden_layers"],
        width=side["hidden_size"],
        hidden=side["intermediate_size"],
        heads=side["num_attention_heads"],
        kv_heads=side.get("num_key_value_heads", side["num_attention_heads"]),
        head_dim=side["head_dim"],
    )


def _first(found: Mapping[str, Any]) -> CodecLMConfig:
    """The schema of the first checkpoint, and of the forks that still use it."""
    model, data = found["model"], found["data"]
    encoder, decoder = model["encoder"], model["decoder"]
    config = CodecLMConfig(
        encoder=Stack(
            encoder["n_layer"],
            encoder["n_embd"],
            encoder["n_hidden"],
            encoder["n_head"],
            encoder["n_head"],
            encoder["head_dim"],
        ),
        decoder=Stack(
            decoder["n_layer"],
            decoder["n_embd"],
            decoder["n_hidden"],
            decoder["gqa_query_heads"],
            decoder["kv_heads"],
            decoder["gqa_head_dim"],
        ),
        cross_heads=decoder["cross_query_heads"],
        cross_kv_heads=decoder["cross_query_heads"],
        cross_head_dim=decoder["cross_head_dim"],
        delays=tuple(data["delay_pattern"]),
        cross_rotary=True,
        vocabulary=model["tgt_vocab_size"],
        eos=data["audio_eos_value"],
        pad=data["audio_pad_value"],
        bos=data["audio_bos_value"],
        text_vocabulary=model["src_vocab_size"],
        max_text=data["text_length"],
        max_rows=data["audio_length"],
        eps=model.get("normalization_layer_epsilon", 1e-5),
        base=float(model.get("rope_max_timescale", 10_000)),
    )
    _agree("data.channels", data["channels"], config.codebooks)
    if data.get("text_pad_value", 0) != 0:
        raise ValueError(f"data.text_pad_value={data['text_pad_value']} must be 0")
    return config


def _agree(name: str, got: object, want: object) -> None:
    if got != want:
        raise ValueError(f"{name}={got} must be {want}, as the rest of the config has it")
