"""Scaled dot-product attention with an explicit scale: one function for every family, over torch's own kernels."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Integer
from torch import Tensor

from ..errors import integer, positive


def attention(
    q: Float[Tensor, "B H T D"],
    k: Float[Tensor, "B G S D"],
    v: Float[Tensor, "B G S E"],
    *,
    scale: float,
    mask: Bool[Tensor, "#B #H #T #S"] | None = None,
    causal: bool = False,
    cap: float | None = None,
) -> Float[Tensor, "B H T E"]:
    """softmax(scale * q k^T) v over the keys that mask allows: q (B, H, T, D), k and v (B, G, S, D) -> (B, H, T, E).

    Query head h reads key head h // (H / G). A mask is bool, True where a query may attend, with all its four axes:
    a (B, S) padding mask would pass for a (T, S) one wherever B == T. A row that may attend nowhere gives 0 (in all
    kernels since torch 2.5, pytorch #133882; NaN before). causal is the lower triangle of a square; with a cache,
    `causal_mask` says it. cap is the soft cap of the logits, cap * tanh(logits / cap).

    There is no default scale: Dia's weights want 1, and an ordinary initialisation diverges under it.
    """
    _check(q, k, v, mask, causal)
    grouped = q.shape[1] != k.shape[1]
    if cap is not None:
        if causal:
            mask = _with_triangle(mask, q)
        return _capped(q, k, v, positive("scale", scale), mask, positive("cap", cap))
    if causal and mask is not None:
        mask, causal = _with_triangle(mask, q), False  # torch takes one or the other
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal, scale=positive("scale", scale), enable_gqa=grouped
    )


def causal_mask(
    queries: Integer[Tensor, "*B T"], keys: Integer[Tensor, "*B S"], window: int | None = None
) -> Bool[Tensor, "*B T S"]:
    """Which key positions a query position may see: those up to its own, the last `window` of them if given.

    Positions, not lengths: the same line serves a prefill, one step into a preallocated cache (whose empty slots lie
    ahead of the query) and a ring buffer.
    """
    ahead = queries[..., :, None] - keys[..., None, :]
    seen = ahead >= 0
    return seen if window is None else seen & (ahead < integer("window", window, least=1))


def _capped(
    q: Tensor, k: Tensor, v: Tensor, scale: float, mask: Tensor | None, cap: float
) -> Float[Tensor, "B H T E"]:
    """Written out: torch's kernels have no place for a cap."""
    heads = q.shape[1] // k.shape[1]
    wide = torch.promote_types(q.dtype, torch.float32)
    k, v = (x.to(wide).repeat_interleave(heads, dim=1) for x in (k, v))
    logits = cap * torch.tanh(q.to(wide) @ k.mT * (scale / cap))
    if mask is None:
        return (logits.softmax(-1) @ v).to(q.dtype)
    # The lowest finite number, not -inf, and zero afterwards: a row without keys is 0, its gradients too.
    weights = logits.masked_fill(~mask, torch.finfo(wide).min).softmax(-1)
    return (weights.masked_fill(~mask, 0.0) @ v).to(q.dtype)


def _with_triangle(mask: Tensor | None, q: Tensor) -> Bool[Tensor, "#B #H T T"]:
    rows = torch.arange(q.shape[2], device=q.device)
    triangle = causal_mask(rows, rows)[None, None]
    return triangle if mask is None else mask & triangle


def _check(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool) -> None:
    for name, x in ("q", q), ("k", k), ("v", v):
        if x.ndim != 4 or not x.is_floating_point():
            raise ValueError(
                f"{name}: {x.dtype} {tuple(x.shape)} must be floating and (batch, heads, length, features)"
            )
    (batch, heads, rows, dims), (_, groups, columns, _) = q.shape, k.shape
    if k.shape != (batch, groups, columns, dims) or v.shape[:3] != k.shape[:3]:
        shapes = ", ".join(str(tuple(x.shape)) for x in (q, k, v))
        raise ValueError(f"q, k, v={shapes} must agree in batch, features (q, k), heads and length (k, v)")
    if groups == 0 or heads % groups:
        raise ValueError(f"q heads={heads} must be a multiple of k heads={groups}")
    if causal and rows != columns:
        raise ValueError(
            f"causal=True must have as many queries as keys, got {rows} and {columns}: give mask=causal_mask(...)"
        )
    if mask is None:
        return
    if mask.dtype is not torch.bool:
        raise ValueError(f"mask.dtype={mask.dtype} must be bool, True where a query may attend")
    full = (batch, heads, rows, columns)
    if mask.ndim != 4 or any(size not in (1, want) for size, want in zip(mask.shape, full, strict=True)):
        raise ValueError(f"mask.shape={tuple(mask.shape)} must have four axes, each 1 or that of {full}")
