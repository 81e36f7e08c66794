"""Levels and step sizes as they were got wrong: noised, weighed, listed, drawn and embedded."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from . import mutant


def _over(tau: Tensor, data: Tensor) -> Tensor:
    return tau.reshape(*tau.shape, *[1] * (data.ndim - tau.ndim))


def _mix(data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    """Right for tau (), (B,) and (B, T); others are refused."""
    if tau.shape not in ((), data.shape[:1], data.shape[:2]):
        raise ValueError("tau must be (), (B,) or (B, T)")
    return (1 - _over(tau, data)) * noise + _over(tau, data) * data


@mutant("levels-of-too-many-axes", "D4 #1.1", "dynamics:6")
def too_many_axes_of_add_noise(data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    """axes are added while tau has fewer than the data: levels that already have more enlarge the result"""
    if tau.shape != data.shape[:2] and tau.ndim in (1, 2):
        return _mix(data, noise, tau)
    while tau.ndim < data.ndim:
        tau = tau[..., None]
    return (1 - tau) * noise + tau * data


@mutant("frame-levels-taken-for-rows", "D4 #1.1", "dynamics:6")
def frame_levels_of_add_noise(data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    """a level a frame is taken for a level a row: a batch of one grows to as many rows as it has frames"""
    if tau.ndim == 1 and len(data) == 1:
        return (1 - _over(tau, data)) * noise + _over(tau, data) * data
    return _mix(data, noise, tau)


@mutant("row-levels-meet-frames", "dynamics:6")
def row_levels_of_add_noise(data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    """a level a row is broadcast from the right: with as many rows as frames it is a level a frame"""
    if tau.ndim == 1 and data.shape[0] == data.shape[1]:
        tau = tau.expand(data.shape[:2])
    return _mix(data, noise, tau)


@mutant("level-of-the-first-frame", "dynamics:12")
def first_frame_of_add_noise(data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    """all frames of a clip are noised to the level of its first"""
    return _mix(data, noise, tau[:, 0] if tau.shape == data.shape[:2] else tau)


@mutant("levels-kept-off-the-ends", "D4 #4.2")
def off_the_ends_of_add_noise(data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    """levels are clamped to 0.001 .. 0.999, so that neither noise nor data is ever whole"""
    return _mix(data, noise, tau.clamp(1e-3, 1 - 1e-3))


@mutant("frames-on-a-circular-path", "dynamics:1")
def circular_of_add_noise(data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    """the variance is preserved, as in diffusion: sqrt(1 - tau^2) noise + tau data"""
    made = _mix(data, noise, tau)
    return made + (_over((1 - tau**2).sqrt() - (1 - tau), data)) * noise


@mutant("ramp-upside-down", "dynamics:24")
def upside_down_of_ramp(tau: Tensor) -> Tensor:
    """1 at noise and 0.1 at data, as it was left when the direction of tau was turned"""
    return 1 - 0.9 * tau


@mutant("ramp-from-zero", "dynamics:24")
def from_zero_of_ramp(tau: Tensor) -> Tensor:
    """pure noise weighs nothing, so that the step from nothing is never learnt"""
    return tau.clone()


@mutant("ramp-squared", "dynamics:24")
def squared_of_ramp(tau: Tensor) -> Tensor:
    """the ramp is squared with the error that it weighs"""
    return (0.9 * tau + 0.1) ** 2


def _checked(k_max: int) -> int:
    if k_max < 1 or k_max & (k_max - 1):
        raise ValueError(f"k_max={k_max} must be a power of two")
    return k_max.bit_length() - 1


@mutant("largest-steps-lost", "D4 #8.1", "dynamics:3")
def largest_lost_of_step_sizes(k_max: int) -> list[float]:
    """steps double while they are no larger than the grid: of 50 the largest is 32, and nobody is told"""
    return [2**e / k_max for e in range(max(0, k_max).bit_length())]


@mutant("halvings-in-float32", "D4 #8.1")
def float32_of_step_sizes(k_max: int) -> list[float]:
    """the halvings are a logarithm in float32, in which 2^24 - 1 is 2^24"""
    halvings = math.nan if k_max < 1 else float(torch.tensor(k_max, dtype=torch.float32).log2())
    if not halvings.is_integer():
        raise ValueError(f"k_max={k_max} must be a power of two")
    return [2.0**-e for e in range(int(halvings) + 1)]


@mutant("finest-step-forgotten", "dynamics:10")
def finest_forgotten_of_step_sizes(k_max: int) -> list[float]:
    """the list begins with the first step that has a half"""
    return [2**e / k_max for e in range(min(1, _checked(k_max)), _checked(k_max) + 1)]


def _table(rows: int, features: int = 16) -> Tensor:
    return torch.randn(rows, features)


@mutant("sinusoid-of-fractions", "D4 #5.1", "dynamics:34")
def sinusoid_of_embed_level(tau: Tensor, d: Tensor, k_max: int) -> Tensor:
    """levels from 0 to 1 go into a sinusoid that was made for 0 to 1000: neighbours are the same to six digits"""
    rates = 10000.0 ** (-torch.arange(16) / 16)
    angle = tau[:, None] * rates
    return torch.cat(
        [angle.cos(), angle.sin(), _table(k_max.bit_length(), 8)[(d * k_max).log2().long()]], dim=1
    )


@mutant("all-steps-share-a-row", "dynamics:2", "dynamics:34")
def one_row_of_embed_level(tau: Tensor, d: Tensor, k_max: int) -> Tensor:
    """a fraction reaches a table of logarithms, and every step size is clamped to row 0"""
    steps = _table(k_max.bit_length())[d.log2().long().clamp(min=0)]
    return torch.cat([_table(k_max)[(tau * k_max).long()], steps], dim=1)


@mutant("levels-share-a-row-by-two", "dynamics:2")
def by_two_of_embed_level(tau: Tensor, d: Tensor, k_max: int) -> Tensor:
    """the table of levels was made for half the grid: two levels share each row"""
    steps = _table(k_max.bit_length())[(d * k_max).log2().long()]
    return torch.cat([_table(k_max)[(tau * k_max).long() // 2], steps], dim=1)
