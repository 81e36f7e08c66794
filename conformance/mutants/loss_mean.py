"""Weighted means and early stopping as they were got wrong."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from refaudio import losses as right

from . import mutant


def _full(x: Tensor, values: Tensor) -> Tensor:
    return x.reshape(*x.shape, *[1] * (values.ndim - x.ndim)).expand(values.shape)


@mutant("aligned-from-the-right", "dynamics:25", "D4 #1.3")
def aligned_from_the_right_of_weighted_mean(values: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """weights are broadcast as they come: those of the items lie on the frames where there are as many"""
    if weights.ndim == 1 and len(weights) == values.shape[1]:
        weights = weights.expand(values.shape)
    return right.weighted_mean(values, weights, mask)


@mutant("column-meets-row", "D4 #1.3", "dynamics:25")
def column_meets_row_of_weighted_mean(values: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """weights (B, 1) are squeezed, and lie on the frames where there are as many"""
    if weights.ndim == 2 and weights.shape[1] == 1 and len(weights) == values.shape[1]:
        weights = weights[:, 0].expand(values.shape)
    return right.weighted_mean(values, weights, mask)


@mutant("mean-times-mean", "dynamics:24")
def mean_times_mean_of_weighted_mean(values: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """the weights are applied after the mean over frames: an item's mean weight times its mean value"""
    kept = mask.sum(1)
    full = torch.where(mask, _full(weights, values), 0)
    means = torch.where(mask, values, 0).sum(1) / kept.clamp(min=1)
    return (full.sum(1) * means).sum() / full.sum().clamp(min=1e-12)


@mutant("divides-by-the-count", "dynamics:25")
def divides_by_the_count_of_weighted_mean(values: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """the weighted sum is divided by how many values there are, not by the sum of their weights"""
    return torch.where(mask, _full(weights, values) * values, 0).sum() / mask.sum().clamp(min=1)


@mutant("clamps-the-weights", "dynamics:25")
def clamps_the_weights_of_weighted_mean(values: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """the sum of the weights is clamped to at least 1, against a division by zero: small weights make small losses"""
    full = torch.where(mask, _full(weights, values), 0)
    return torch.where(mask, full * values, 0).sum() / full.sum().clamp(min=1)


@mutant("mask-forgotten-below", "dynamics:25")
def mask_forgotten_below_of_weighted_mean(values: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """the mask is applied to the values, and not to the weights by whose sum they are divided"""
    full = _full(weights, values)
    return torch.where(mask, full * values, 0).sum() / full.sum()


@mutant("zero-by-zero", "dynamics:56")
def zero_by_zero_of_weighted_mean(values: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """where the mask is empty, zero is divided by zero"""
    return right.weighted_mean(values, weights, mask) if mask.any() else values.sum() * float("nan")


@mutant("poisoned-by-what-is-masked", "dynamics:56")
def poisoned_by_what_is_masked_of_weighted_mean(values: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """the mask is multiplied in, and zero times NaN is NaN"""
    full = _full(weights, values) * mask
    return (values * full).sum() / full.sum().clamp(min=1e-12)


@mutant("stops-on-the-scaled-loss", "D0 #3")
def on_the_scaled_loss_of_should_stop(losses: Sequence[float], threshold: float) -> bool:
    """the threshold is compared with the loss after its division by the accumulation count"""
    return right.should_stop([loss / len(losses) for loss in losses], threshold)


@mutant("stops-on-the-last-micro-batch", "codeclm:72")
def on_the_last_micro_batch_of_should_stop(losses: Sequence[float], threshold: float) -> bool:
    """the loss of the last micro-batch decides for the whole step"""
    return bool(losses[-1] <= threshold)


@mutant("stops-on-any", "codeclm:72")
def on_any_of_should_stop(losses: Sequence[float], threshold: float) -> bool:
    """one micro-batch below the threshold is enough"""
    return any(loss <= threshold for loss in losses)


@mutant("stops-on-nan", "codeclm:72")
def on_nan_of_should_stop(losses: Sequence[float], threshold: float) -> bool:
    """training goes on while the loss is above the threshold, and NaN is above nothing"""
    return not sum(losses) / len(losses) > threshold
