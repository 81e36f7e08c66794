"""Training times and their shift as they were got wrong; the right ones are a truncated logit-normal, data at 0."""

from __future__ import annotations

import torch
from torch import Tensor

from ..adapters import reference_flow as right
from . import mutant

CUT = 0.075


@mutant("times-not-turned", "flow:5")
def not_turned_of_sample_times(count: int, generator: torch.Generator) -> Tensor:
    """z is taken for the time where 1 - z was meant: training dwells near the data"""
    return 1 - right.sample_times(count, generator)


@mutant("times-not-stretched", "flow:5")
def not_stretched_of_sample_times(count: int, generator: torch.Generator) -> Tensor:
    """the distribution is cut off and not stretched again: pure noise is never trained"""
    return (1 - CUT) * right.sample_times(count, generator)


@mutant("times-of-a-plain-normal", "flow:5")
def plain_normal_of_sample_times(count: int, generator: torch.Generator) -> Tensor:
    """a logit-normal that is not cut off"""
    return torch.sigmoid(torch.randn(count, generator=generator))


@mutant("one-time-a-batch", "flow:5")
def one_a_batch_of_sample_times(count: int, generator: torch.Generator) -> Tensor:
    """one time is drawn, for the whole batch"""
    return right.sample_times(1, generator).expand(count).clone()


@mutant("times-past-the-noise", "flow:5")
def past_the_noise_of_sample_times(count: int, generator: torch.Generator) -> Tensor:
    """levels are divided by the last index and not by their number, and so reach beyond 1"""
    return right.sample_times(count, generator) * (250 / 249)


@mutant("times-as-a-column", "flow:5")
def as_a_column_of_sample_times(count: int, generator: torch.Generator) -> Tensor:
    """times come as (B, 1, 1), ready to multiply, and are then embedded so"""
    return right.sample_times(count, generator)[:, None, None]


def _factor(length: int) -> float:
    half = float(right.shift(torch.tensor([0.5], dtype=torch.float64), length))
    return half / (1 - half)


@mutant("shift-moves-the-ends", "flow:6")
def moves_the_ends_of_shift(t: Tensor, length: int) -> Tensor:
    """the ratio is multiplied in logs, with times kept off 0 and 1 so that they exist"""
    safe = t.clamp(1e-3, 1 - 1e-3)
    return torch.sigmoid(torch.logit(safe) + torch.tensor(_factor(length)).log())


@mutant("shift-as-a-power", "flow:6")
def as_a_power_of_shift(t: Tensor, length: int) -> Tensor:
    """t to the power 1 / s: it keeps the ends and the order, and bends otherwise"""
    return t ** (1 / _factor(length))


@mutant("shift-by-the-mean", "flow:6")
def by_the_mean_of_shift(t: Tensor, length: int) -> Tensor:
    """the divisor is that of the mean time, for all"""
    s = _factor(length)
    return s * t / (1 + (s - 1) * t.mean())


@mutant("shift-back", "flow:6")
def back_of_shift(t: Tensor, length: int) -> Tensor:
    """the other direction's formula: longer clips are moved to the data"""
    s = 1 / _factor(length)
    return s * t / (1 - t + s * t)


@mutant("shift-in-half", "flow:6")
def in_half_of_shift(t: Tensor, length: int) -> Tensor:
    """computed in half precision, as the rest of the model"""
    return right.shift(t, length).to(torch.bfloat16).to(t.dtype)


@mutant("shift-falls-with-length", "flow:6")
def falls_with_length_of_shift(t: Tensor, length: int) -> Tensor:
    """the shifts of the shortest and of the longest clip are exchanged"""
    return right.shift(t, 4096 + 256 - min(max(length, 256), 4096))
