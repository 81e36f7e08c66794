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
