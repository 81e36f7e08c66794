"""What the smoke stage asks of a language model's binding: shapes, dtypes, and whether the declared limit is met."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..spec.lm import make_rows, make_text
from ..spec.stereo import HEAD, make_part
from .adapter import Adapter

LENGTHS, COUNT = [4, 2, 3], 5


def _codebooks(adapter: Adapter) -> int:
    return int(adapter.sizes.get("codebooks", [2])[0])


def _logits(adapter: Adapter) -> str | None:
    text, mask = make_text(0, LENGTHS)
    rows = make_rows(0, len(LENGTHS), COUNT, _codebooks(adapter))
    return _like_logits(adapter.functions["logits"](text, mask, rows), rows)


def _like_logits(got: object, rows: Tensor) -> str | None:
    batch, count, codebooks = rows.shape
    wanted = f"logits (B, R, K, V) = ({batch}, {count}, {codebooks}, V)"
    if not isinstance(got, Tensor) or not got.is_floating_point():
        return f"must return {wanted}, floating: got {getattr(got, 'dtype', type(got).__name__)}"
    if got.ndim != 4 or got.shape[:3] != rows.shape:
        return f"must return {wanted}: got shape {tuple(got.shape)}"
    return None


def _advance(adapter: Adapter) -> str | None:
    if "begin" not in adapter.functions:
        return None
    rows = make_rows(0, len(LENGTHS), COUNT, _codebooks(adapter))
    got = adapter.functions["advance"](adapter.functions["begin"](*make_text(0, LENGTHS)), rows)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        return f"must return logits and the state: got {type(got).__name__}"
    return _like_logits(got[0], rows)


def _null_text(adapter: Adapter) -> str | None:
    got = adapter.functions["null_text"](*make_text(0, LENGTHS))
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        return f"must return a text and its mask: got {type(got).__name__}"
    text, mask = got
    if text.shape != mask.shape or text.ndim != 2 or len(text) != len(LENGTHS) or mask.dtype != torch.bool:
        return f"must return ids and a bool mask, (3, S) each: got {text.dtype} {tuple(text.shape)}, {mask.dtype} {tuple(mask.shape)}"
    return None


def _ids(name: str) -> Callable[[Adapter], str | None]:
    def probe(adapter: Adapter) -> str | None:
        got = torch.as_tensor(adapter.functions[name]("hi"))
        if got.is_floating_point() or got.numel() < 2:
            return f"must return the ids of a text: got {got.dtype} {tuple(got.shape)} for 'hi'"
        return None

    return probe


def _text_limit(adapter: Adapter) -> str | None:
    """Whether texts of as many bytes as are declared are read: at least half as long, and then the whole is a law's."""
    limit = int(adapter.numbers.get("TEXT_LIMIT", 0))
    said = ""
    for asked in (limit, limit // 2) if limit else ():
        try:
            ids = torch.as_tensor(adapter.functions["encode_text"]("a" * asked)).flatten()
        except (ValueError, TypeError, AssertionError) as refused:
            said = f"refuses a text of {asked} bytes: {' '.join(str(refused).split())[:80]}"
            continue
        read = int((ids == ord("a")).sum())
        said = f"reads {read} bytes of a text of {asked}" if read < asked else ""
        break
    return f"is declared TEXT_LIMIT = {limit}, but {said}" if said else None


def _attend(adapter: Adapter) -> str | None:
    q, k = torch.ones(2, 4, 3, 8), torch.ones(2, 2, 5, 8)
    got = adapter.functions["attend"](q, k, k, torch.ones(2, 3, 5, dtype=torch.bool), 1.0)
    if not isinstance(got, Tensor) or got.shape != q.shape:
        return f"must return (B, H, T, D) = (2, 4, 3, 8): got {_shape(got)}"
    return None


def _rms_norm(adapter: Adapter) -> str | None:
    got = adapter.functions["rms_norm"](torch.ones(2, 3, 4), torch.ones(4), 1e-5)
    if not isinstance(got, Tensor) or got.shape != (2, 3, 4):
        return f"must return (B, T, D) = (2, 3, 4): got {_shape(got)}"
    return None


def _published(adapter: Adapter) -> str | None:
    got = adapter.functions["published"](adapter.sizes.get("checkpoint", ["dia-1.6b"])[0])
    return None if isinstance(got, Mapping) else f"must return a dict: got {type(got).__name__}"


def _init_attention(adapter: Adapter) -> str | None:
    got = adapter.functions["init_attention"](64, 2, 32, 0)
    if not isinstance(got, (tuple, list)) or len(got) != 3 or not isinstance(got[2], (int, float)):
        return f"must return the kernels q and k, and the scale as a number: got {type(got).__name__}"
    shapes = [tuple(kernel.shape) for kernel in got[:2]]
    return (
        None if set(shapes) == {(64, 2, 32)} else f"must return kernels (D, H, F) = (64, 2, 32): got {shapes}"
    )


def _init(adapter: Adapter) -> str | None:
    text, mask = make_text(0, LENGTHS)
    codebooks = _codebooks(adapter)
    rows = make_rows(0, len(LENGTHS), COUNT, codebooks)
    return _like_logits(adapter.functions["init"](codebooks, 0)(text, mask, rows), rows)


def _expand(adapter: Adapter) -> str | None:
    codebooks = int(adapter.sizes.get("codebooks", [2])[0])
    got = adapter.functions["expand_to_stereo"](make_part(0, codebooks, 3, 4), codebooks)
    if not isinstance(got, Mapping) or HEAD not in got:
        return f"must return the tensors by name, {HEAD} among them: got {type(got).__name__}"
    return None


def _shape(got: Any) -> str:
    return str(tuple(got.shape)) if isinstance(got, Tensor) else type(got).__name__


PROBES: Mapping[str, list[Callable[[Adapter], str | None]]] = {
    "encode_text": [_ids("encode_text"), _text_limit],
    "train_text": [_ids("train_text")],
    "logits": [_logits],
    "advance": [_advance],
    "null_text": [_null_text],
    "attend": [_attend],
    "rms_norm": [_rms_norm],
    "published": [_published],
    "init_attention": [_init_attention],
    "init": [_init],
    "expand_to_stereo": [_expand],
}
