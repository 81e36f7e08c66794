"""Dia's checkpoints in and out: a folder, a safetensors file, a weights-only .pth, or a name on the Hub.

Loading is strict: every tensor is there, none is left over, each has its shape, and the config agrees with them.
"""

import json
import os
from pathlib import Path

import torch
from torch import Tensor

from ..errors import unknown
from ..weights.files import State, read
from ..weights.load import export, load, plain_names
from .config import CodecLMConfig
from .config_files import read_config, write_config
from .layouts import LAYOUTS, Layout, sniff, table
from .model import CodecLM

WEIGHTS = ("model.safetensors", "pytorch_model.bin", "dia-v0_1.pth")
INDEX = "model.safetensors.index.json"


def load_model(
    source: str | os.PathLike[str],
    *,
    config: CodecLMConfig | None = None,
    dtype: torch.dtype | None = None,
    revision: str | None = None,
) -> CodecLM:
    """The model of a checkpoint, ready for inference; ValueError that lists what does not fit, and nothing unpickled.

    source: a folder with config.json and weights; a file of weights, with config.json beside it or config given; or,
    where no such path exists, a name on the Hub ("nari-labs/Dia-1.6B-0626": pip install "refaudio[models]").
    dtype: what the matrices are cast to; norms keep float32 (or the wider dtype they came in).
    """
    path = Path(source)
    if not path.exists():
        path = _from_hub(str(source), revision)
    folder = path if path.is_dir() else path.parent
    state = read_weights(path)
    if config is None:
        config = read_config(folder / "config.json")
    model = from_state(state, config)
    return model if dtype is None else cast(model, dtype)


def from_state(state: State, config: CodecLMConfig) -> CodecLM:
    """The model of these tensors, in either published layout, told by their names."""
    state, _ = plain_names(state)
    layout = sniff(state)
    _check_codebooks(state, layout, config)
    with torch.device("meta"):
        model = CodecLM(config)
    fused = any(".qkv.linear.weight" in key for key in state)
    load(model, state, table(config, layout, fused=fused), cast=True)
    return model.eval().requires_grad_(False)


def save_model(model: CodecLM, folder: str | os.PathLike[str], *, layout: Layout = "transformers") -> None:
    """Write config.json and model.safetensors into a folder, in a published layout: what load_model reads."""
    if layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    export(model, path / "model.safetensors", table(model.config, layout))
    write_config(model.config, path / "config.json")


def cast(model: CodecLM, dtype: torch.dtype) -> CodecLM:
    """The model with its matrices in a dtype; the gains of norms stay as they are: they cost nothing and are summed in float32."""
    if not dtype.is_floating_point:
        raise ValueError(f"dtype={dtype} must be a floating type")
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data = parameter.data.to(dtype)
    return model


def read_weights(path: Path) -> State:
    """The tensors of a file, or of the weights in a folder, which may be cut into several files."""
    if path.is_file():
        return read(path)
    if (path / INDEX).is_file():
        return _read_shards(path)
    found = [name for name in WEIGHTS if (path / name).is_file()]
    if not found:
        raise ValueError(f"path={str(path)!r} must hold weights: one of {', '.join((*WEIGHTS, INDEX))}")
    return read(path / found[0])


def _read_shards(folder: Path) -> State:
    try:
        places = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"]
        shards = sorted(set(places.values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"path={str(folder / INDEX)!r} must map names to files under weight_map") from error
    state: dict[str, Tensor] = {}
    for shard in shards:
        if Path(shard).name != shard:
            raise ValueError(f"path={str(folder / INDEX)!r} must name files beside it: it names {shard!r}")
        part = read(folder / shard)
        if twice := sorted(part.keys() & state.keys()):
            raise ValueError(f"path={str(folder / shard)!r} must not repeat {twice[0]}: another shard has it")
        state |= part
    return state


def _check_codebooks(state: State, layout: Layout, config: CodecLMConfig) -> None:
    """The delays of the config against the tables of the weights: a model run with another pattern makes noise."""
    if layout == "nari":
        count: float = sum(key.startswith("decoder.embeddings.") for key in state)
    else:
        embedding = state.get("model.decoder.embeddings.embed.weight")
        count = config.codebooks if embedding is None else embedding.shape[0] / config.vocabulary
    if count != config.codebooks:
        raise ValueError(
            f"delays={list(config.delays)} must have one entry per codebook: the weights have {count:g} codebooks of"
            f" {config.vocabulary} ids, the config has {config.codebooks}"
        )


def _from_hub(name: str, revision: str | None) -> Path:
    if name.count("/") != 1 or name.startswith((".", "/", "~")) or name.endswith("/"):
        raise ValueError(f"source={name!r} must be a folder, a file of weights, or owner/name on the Hub")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ValueError(
            f'source={name!r} must exist, or be fetched from the Hub: pip install "refaudio[models]"'
        ) from error
    patterns = ["config.json", INDEX, "*.safetensors", "*.pth"]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except (
        Exception
    ) as error:  # offline, unknown, gated, ...: the caller needs one line that says which name it was
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"source={name!r} must be a path or a name that the Hub knows ({reason})") from error
