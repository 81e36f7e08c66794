"""Losses that are means: of tokens in a channel, of channels, of weighted values.

A mean is a sum over a count, and most of what went wrong was the count: padding in it, a micro-batch's own in place of
all of them, or none at all (a mean of nothing is NaN). Here it is an argument.
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor
from torch.nn import functional

_IGNORED = -100  # any label that is no class will do: cross_entropy skips it, in the gradient as well


def token_loss(
    logits: Float[Tensor, "B R K V"],
    targets: Int[Tensor, "B R K"],
    mask: Bool[Tensor, "B R K"],
    weights: Sequence[float],
    *,
    counts: Num[Tensor, "K"] | None = None,
) -> Float[Tensor, ""]:
    """sum_k w_k l_k / sum_k w_k, with l_k the cross-entropy of channel k summed over mask and divided by counts[k].

    counts defaults to how many labels of each channel are in the mask. Whoever accumulates micro-batches or trains on
    several ranks passes the counts over all of them (`label_counts`, added up): then the losses add up to that of the
    one big batch. A channel without labels adds 0. Labels outside the mask may be anything.
    """
    shares = _channel_weights(weights, logits, targets, mask)
    dtype = torch.promote_types(logits.dtype, torch.float32)
    labels = targets.masked_fill(~mask, _IGNORED)
    # Per channel for the sake of memory: one float32 copy of (B, R, V), not of (B, R, K, V).
    sums = [_summed(logits[:, :, k].to(dtype), labels[:, :, k]) for k in range(len(shares))]
    counted = label_counts(mask) if counts is None else _counts(counts, mask)
    return (torch.stack(sums) / counted.clamp(min=1).to(dtype) * shares.to(logits.device, dtype)).sum()


def label_counts(mask: Bool[Tensor, "B R K"]) -> Int[Tensor, "K"]:
    """How many labels each channel has: mask (B, R, K) -> (K,)."""
    if not isinstance(mask, Tensor) or mask.ndim != 3 or mask.dtype != torch.bool:
        raise ValueError(f"mask={_form(mask)} must be bool (B, R, K)")
    return mask.sum((0, 1))


def weighted_mean(
    values: Float[Tensor, "B ..."], weights: Num[Tensor, "..."], mask: Bool[Tensor, "..."]
) -> Float[Tensor, ""]:
    """sum(w * v) / sum(w) over the mask, weights (B,) or (B, T) and mask alike aligned with values (B, T, ...) from the left.

    Broadcasting aligns from the right: with B == T the weights of items become weights of frames, and nothing says so
    (document D4, item 8.2). The mean of an empty mask is 0.
    """
    if not isinstance(values, Tensor) or not values.is_floating_point():
        raise ValueError(f"values={_form(values)} must be floating-point")
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise ValueError(f"mask={_form(mask)} must be bool")
    if not isinstance(weights, Tensor) or weights.is_complex() or weights.dtype == torch.bool:
        raise ValueError(f"weights={_form(weights)} must be real numbers")
    dtype = torch.promote_types(values.dtype, torch.float32)
    chosen = _aligned("mask", mask, values)
    weighed = torch.where(chosen, _aligned("weights", weights.to(dtype), values), 0)
    total = float(weighed.detach().sum())
    if not (math.isfinite(total) and bool((weighed >= 0).all())):
        raise ValueError(f"weights={_form(weights)} must be finite and at least 0 inside the mask")
    if total == 0 and bool(chosen.any()):
        raise ValueError(
            f"weights={_form(weights)} must not all be 0 inside the mask: nothing would be learnt"
        )
    return (torch.where(chosen, values, 0).to(dtype) * weighed).sum() / (weighed.sum() if total else 1)


def should_stop(losses: Sequence[float], threshold: float) -> bool:
    """Whether the mean of losses, those of every micro-batch and rank of one step, is at most threshold; NaN never is."""
    known = _numbers("losses", losses)
    if not known:
        raise ValueError("losses=[] must hold the loss of at least one micro-batch")
    return sum(known) / len(known) <= _numbers("threshold", [threshold])[0]


def _summed(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy of logits (B, R, V) summed over the labels (B, R) that are not ignored; 0 of none."""
    return functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=_IGNORED, reduction="sum"
    )


def _channel_weights(weights: Sequence[float], logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """The weights as shares of 1, (K,), once everything is known to fit."""
    if not isinstance(logits, Tensor) or logits.ndim != 4 or not logits.is_floating_point():
        raise ValueError(f"logits={_form(logits)} must be floating-point (B, R, K, V)")
    shape = logits.shape[:3]
    if not isinstance(targets, Tensor) or targets.shape != shape or targets.dtype != torch.int64:
        raise ValueError(f"targets={_form(targets)} must be int64 {tuple(shape)}, as logits are")
    if not isinstance(mask, Tensor) or mask.shape != shape or mask.dtype != torch.bool:
        raise ValueError(f"mask={_form(mask)} must be bool {tuple(shape)}, as logits are")
    outside = mask & ((targets < 0) | (targets >= logits.shape[3]))
    if bool(outside.any()):
        wrong = int(targets[outside][0])
        raise ValueError(f"targets={wrong} must be in 0..{logits.shape[3] - 1} wherever mask is True")
    numbers = _numbers("weights", weights)
    if len(numbers) != shape[2]:
        raise ValueError(f"weights={numbers} must be one a channel: got {len(numbers)} for {shape[2]}")
    known = torch.tensor(numbers, dtype=torch.float64)
    if not bool((known >= 0).all()) or not 0 < float(known.sum()) < math.inf:
        raise ValueError(f"weights={numbers} must be finite and at least 0, with a sum above 0")
    return known / known.sum()


def _counts(counts: Tensor, mask: Tensor) -> Tensor:
    if (
        not isinstance(counts, Tensor)
        or counts.shape != mask.shape[2:]
        or counts.is_complex()
        or not bool((counts >= 0).all())
    ):
        raise ValueError(f"counts={_form(counts)} must be at least 0, one a channel ({mask.shape[2]})")
    return counts.to(mask.device)


def _aligned(name: str, x: Tensor, values: Tensor) -> Tensor:
    """x expanded to the shape of values, axis 0 on axis 0."""
    fits = x.ndim <= values.ndim and all(
        size in (1, wanted) for size, wanted in zip(x.shape, values.shape, strict=False)
    )
    if not fits:
        raise ValueError(f"{name}={_form(x)} must match {tuple(values.shape)} from the left, or be 1 there")
    return x.reshape(*x.shape, *[1] * (values.ndim - x.ndim)).to(values.device).expand(values.shape)


def _numbers(name: str, values: Any) -> list[float]:
    """values as Python floats; ValueError for what is no sequence of real numbers."""
    items = values.tolist() if isinstance(values, Tensor) else values
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise ValueError(f"{name}={values!r} must be a list of real numbers")
    for value in items:
        if isinstance(value, Tensor) and value.ndim == 0 and not value.is_complex():
            continue
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError(f"{name}={values!r} must be real numbers: got {value!r}")
    try:
        return [float(value.detach() if isinstance(value, Tensor) else value) for value in items]
    except OverflowError:
        raise ValueError(f"{name}={values!r} must be within the range of float64") from None


def _form(x: object) -> str:
    if not isinstance(x, Tensor):
        return repr(x)
    return f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}"
