"""Noise-to-data ratios and published grids as they were got wrong."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..adapters import reference_flow as right
from . import mutant


def _logs(low: float, high: float, points: int) -> Tensor:
    return torch.linspace(math.log(high), math.log(low), points, dtype=torch.float64).exp()


def _ended(sigmas: Tensor, end: float = 0.0) -> Tensor:
    return torch.cat([sigmas, torch.tensor([end], dtype=torch.float64)])


@mutant("one-step-from-the-lowest", "flow:21")
def from_the_lowest_of_sigmas(steps: int, low: float, high: float) -> Tensor:
    """the ramp is made upwards and turned round: of one step it holds the lowest ratio"""
    rising = torch.linspace(math.log(low), math.log(high), steps, dtype=torch.float64)
    return _ended(rising.flip(0).exp())


@mutant("sigmas-one-too-many", "flow:9")
def one_too_many_of_sigmas(steps: int, low: float, high: float) -> Tensor:
    """steps + 1 ratios and the 0: a network call more than asked for"""
    return _ended(_logs(low, high, steps + 1))


@mutant("sigmas-without-the-data", "flow:9")
def without_the_data_of_sigmas(steps: int, low: float, high: float) -> Tensor:
    """the 0 is not appended: the last noise stays in"""
    return _logs(low, high, steps)


@mutant("sigmas-end-above-0", "flow:9")
def end_above_0_of_sigmas(steps: int, low: float, high: float) -> Tensor:
    """the last ratio is kept from 0, so that nothing is divided by it"""
    return _ended(_logs(low, high, steps), 1e-3)


@mutant("sigmas-miss-the-lowest", "flow:9")
def miss_the_lowest_of_sigmas(steps: int, low: float, high: float) -> Tensor:
    """a ramp of steps + 1 points without its last one: the lowest ratio is never visited"""
    return _ended(_logs(low, high, steps + 1)[:-1])


@mutant("sigmas-from-a-table", "flow:9")
def from_a_table_of_sigmas(steps: int, low: float, high: float) -> Tensor:
    """ratios are looked up among those of training, so that of many steps two are one"""
    table, places = _logs(low, high, 33), torch.linspace(0, 32, steps).round().long()
    return _ended(table[places])


@mutant("sigma-by-the-other-path", "flow:21")
def other_path_of_sigma_to_time(sigma: Tensor) -> Tensor:
    """2 atan(sigma) / pi, the time of the quarter circle, on a straight path"""
    return torch.atan(sigma) * 2 / math.pi


@mutant("sigma-as-a-power", "flow:21")
def as_a_power_of_sigma_to_time(sigma: Tensor) -> Tensor:
    """the ratio is taken for one of powers, and squared"""
    return right.sigma_to_time(sigma**2)


@mutant("sigma-cut-at-one", "flow:21")
def cut_at_one_of_sigma_to_time(sigma: Tensor) -> Tensor:
    """the ratio is taken for the noise level itself, and cut off at 1"""
    return sigma.clamp(max=0.9999)


@mutant("published-grid-is-uniform", "flow:14")
def is_uniform_of_published_grid(grid: str, steps: int) -> Tensor:
    """another solver was chosen, and with it uniform times: the published ones are not passed to it"""
    if grid == "stable-audio-flow":
        return torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    return right.published_grid(grid, steps)


@mutant("published-ends-not-pinned", "flow:14")
def ends_not_pinned_of_published_grid(grid: str, steps: int) -> Tensor:
    """the ends of the log-SNR range are left where the sigmoid puts them: 0.9975 and 0.119"""
    if grid == "stable-audio-flow":
        return torch.sigmoid(torch.linspace(6, -2, steps + 1, dtype=torch.float64))
    return right.published_grid(grid, steps)


@mutant("f5-without-sway", "flow:14")
def without_sway_of_published_grid(grid: str, steps: int) -> Tensor:
    """F5's times, equally spaced"""
    return right.published_grid("diffrhythm" if grid == "f5" else grid, steps)


@mutant("cosine-as-a-flow", "flow:14", "flow:21")
def cosine_as_a_flow_of_published_grid(grid: str, steps: int) -> Tensor:
    """the ratios of the v grid are turned into times as if its path were straight"""
    if grid == "stable-audio-v":
        sigmas = _ended(_logs(0.3, 500.0, steps))
        return sigmas / (1 + sigmas)
    return right.published_grid(grid, steps)


@mutant("small-tail-forgotten", "flow:14")
def small_tail_of_published_grid(grid: str, steps: int) -> Tensor:
    """equal steps all the way down, without the lowest trained level"""
    return right.published_grid("diffrhythm" if grid == "flow-match-euler" else grid, steps)


@mutant("diffrhythm-by-points", "flow:9")
def by_points_of_published_grid(grid: str, steps: int) -> Tensor:
    """so many points as steps: 32 make 31"""
    if grid == "diffrhythm" and steps > 1:
        return torch.linspace(1, 0, steps, dtype=torch.float64)
    return right.published_grid(grid, steps)
