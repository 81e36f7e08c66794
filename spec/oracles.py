"""Closed forms, written as the definition reads, one cell at a time: slow, and too simple to be wrong."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def delayed(codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None = None) -> Tensor:
    """Code (t, k) stands in row 1 + t + delays[k]: codes (B, T, K) -> (B, T + 1 + max(delays) [+ 1 with eos], K)."""
    batch, frames, codebooks = codes.shape
    count = frames + 1 + max(delays) + (eos is not None)
    rows = torch.full((batch, count, codebooks), pad, dtype=codes.dtype)
    for k, d in enumerate(delays):
        for r in range(count):
            if r <= d:
                rows[:, r, k] = bos
            elif r <= frames + d:
                rows[:, r, k] = codes[:, r - 1 - d, k]
            elif r == frames + d + 1 and eos is not None:
                rows[:, r, k] = eos
    return rows


def complete(rows: Tensor, delays: Sequence[int]) -> Tensor:
    """The frames of which every codebook has arrived: rows (B, R, K) -> codes (B, max(0, R - 1 - max(delays)), K)."""
    batch, count, codebooks = rows.shape
    frames = max(0, count - 1 - max(delays))
    codes = torch.empty((batch, frames, codebooks), dtype=rows.dtype)
    for t in range(frames):
        for k, d in enumerate(delays):
            codes[:, t, k] = rows[:, 1 + t + d, k]
    return codes


def sees(delays: Sequence[int], frames: int) -> Tensor:
    """[t1, c1, t, c] is True iff code (t, c) stands in an earlier row than code (t1, c1): (T, K, T, K) bool."""
    codebooks = len(delays)
    table = torch.zeros((frames, codebooks, frames, codebooks), dtype=torch.bool)
    for t1 in range(frames):
        for c1 in range(codebooks):
            for t in range(frames):
                for c in range(codebooks):
                    table[t1, c1, t, c] = t + delays[c] < t1 + delays[c1]
    return table


def label_shares(
    mask: Tensor, weights: Sequence[float], *, per_token: bool = False, absent_channels: bool = True
) -> Tensor:
    """What the cross-entropy of each label (b, r, k) counts for in the loss: mask (B, R, K) -> float64 (B, R, K).

    A mean of channels: w_k / (n_k * sum(w)); without `absent_channels`, the sum is over those that have labels. A mean
    of tokens: w_k / sum(w_k * n_k). 0 outside the mask.
    """
    counts = mask.sum((0, 1)).to(torch.float64)
    known = torch.tensor(list(weights), dtype=torch.float64)
    if per_token:
        each = known / max(float((known * counts).sum()), 1e-300)
    else:
        summed = known if absent_channels else known * (counts > 0)
        each = known / counts.clamp(min=1) / max(float(summed.sum()), 1e-300)
    return torch.where(mask, each, 0.0)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """log(sum_v exp(logits_v)) - logits_label: logits (B, R, K, V), labels (B, R, K) -> (B, R, K), in the dtype of logits."""
    return logits.logsumexp(-1) - logits.gather(-1, labels.clamp(min=0)[..., None])[..., 0]


def cross_entropy_slope(logits: Tensor, labels: Tensor) -> Tensor:
    """The gradient of each cross-entropy at its own logits, softmax - one_hot: (B, R, K, V)."""
    hot = torch.nn.functional.one_hot(labels.clamp(min=0), logits.shape[-1])
    return logits.softmax(-1) - hot.to(logits.dtype)
