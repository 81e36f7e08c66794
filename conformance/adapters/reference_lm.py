"""The reference's codec language model: its functions in the shapes that the laws ask for."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from refaudio.codeclm import checkpoint, initialise, stereo, text
from refaudio.codeclm.cache import Cache
from refaudio.codeclm.config import CodecLMConfig, Stack
from refaudio.codeclm.model import CodecLM
from refaudio.nn import attention, norm
from refaudio.spec.oracles_lm import Plain, Shape, make_state

encode_text = train_text = text.encode_text
expand_to_stereo = stereo.expand_to_stereo
TEXT_LIMIT = text.LIMIT
ROWS = 64


@lru_cache(maxsize=8)
def plain(codebooks: int) -> Plain:
    """The weights of the tiny model that the laws ask for, and what they mean."""
    shape = Shape(codebooks, vocabulary=1028)
    return Plain(make_state(codebooks, shape), shape, torch.float32)


@lru_cache(maxsize=8)
def model(codebooks: int) -> CodecLM:
    """The tiny model: random weights of gain 1, loaded from the published layout."""
    weights = plain(codebooks)
    shape = weights.shape
    config = CodecLMConfig(
        encoder=_stack(shape.encoder),
        decoder=_stack(shape.decoder),
        cross_heads=shape.cross_heads,
        cross_kv_heads=shape.cross_heads,
        cross_head_dim=shape.cross_features,
        delays=tuple(range(codebooks)),
        max_rows=ROWS,
    )
    return checkpoint.from_state(weights.state, config)


def _stack(sizes: Any) -> Stack:
    return Stack(sizes.layers, sizes.width, sizes.hidden, sizes.heads, sizes.groups, sizes.features)


def logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    made: Tensor = model(rows.shape[2])(text, mask, rows)
    return made


@dataclass
class Generation:
    """A generation: its text, and its cache once the first rows tell how many codebooks there are."""

    text: Tensor
    mask: Tensor
    cache: Cache | None = None


def begin(text: Tensor, mask: Tensor) -> Generation:
    return Generation(text, mask)


def advance(state: Generation, rows: Tensor) -> tuple[Tensor, Generation]:
    network = model(rows.shape[2])
    if state.cache is None:
        state.cache = network.begin(state.text, state.mask, ROWS)
    return network.advance(state.cache, rows), state


def null_text(ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    return text.null_text(len(ids), ids.device)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
    return attention.attention(q, k, v, scale=scale, mask=mask[:, None])


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return norm.rms_norm(x, weight, eps=eps)


def published(name: str) -> dict[str, Any]:
    made = {"dia-1.6b": CodecLMConfig.dia_1_6b, "dia-1.6b-0626": CodecLMConfig.dia_1_6b_0626}[name]()
    return {
        "delays": list(made.delays),
        "vocabulary": made.vocabulary,
        "special": {"eos": made.eos, "pad": made.pad, "bos": made.bos},
        "text": {"vocabulary": made.text_vocabulary, "positions": made.max_text},
        "rows": made.max_rows,
        "encoder": asdict(made.encoder),
        "decoder": asdict(made.decoder),
        "cross": {
            "heads": made.cross_heads,
            "kv_heads": made.cross_kv_heads,
            "head_dim": made.cross_head_dim,
        },
        "scale": made.scale,
        "eps": made.eps,
        "rope": made.base,
        "cross_rotary": made.cross_rotary,
    }


def init_projection(inputs: Sequence[int], outputs: Sequence[int], seed: int) -> Tensor:
    return initialise.projection(inputs, outputs, torch.Generator().manual_seed(seed))


def init_attention(width: int, heads: int, features: int, seed: int) -> tuple[Tensor, Tensor, float]:
    """The queries and keys of a fresh text encoder of one layer, as its module holds them."""
    tiny = CodecLMConfig.tiny()
    sizes = replace(tiny.encoder, width=width, heads=heads, kv_heads=heads, head_dim=features, hidden=2)
    fresh = _fresh(replace(tiny, encoder=sizes), seed)
    qkv = fresh.get_parameter("encoder.layers.0.attention.qkv.weight").detach()
    q, k, _ = (part.t().reshape(width, heads, features) for part in qkv.chunk(3))
    return q, k, fresh.config.scale


def init(codebooks: int, seed: int) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return _fresh(CodecLMConfig.tiny(tuple(range(codebooks))), seed)


def _fresh(config: CodecLMConfig, seed: int) -> CodecLM:
    fresh = CodecLM(config)
    initialise.initialise(fresh, torch.Generator().manual_seed(seed))
    return fresh


def load_model(folder: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return checkpoint.load_model(folder)
