"""Time grids as they were got wrong; the right one has n equal steps from `start` to 0."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..adapters import reference_flow as right
from ..adapters import reference_solve as solvers
from . import mutant


def _line(start: float, end: float, points: int) -> Tensor:
    return torch.linspace(start, end, points, dtype=torch.float64)


@mutant("points-for-steps", "flow:9")
def points_for_steps_of_grid(steps: int, start: float) -> Tensor:
    """linspace(1, 0, steps): so many points are one step fewer"""
    right.grid(steps, start)
    return _line(start, 0, steps)


@mutant("one-step-too-many", "flow:9")
def one_too_many_of_grid(steps: int, start: float) -> Tensor:
    """steps + 1 intervals: a network call more than asked for"""
    right.grid(steps, start)
    return _line(start, 0, steps + 2)


@mutant("climbs-at-first", "D2 #8", "flow:23")
def climbs_at_first_of_grid(steps: int, start: float) -> Tensor:
    """levels equal in log-SNR end at 0.119, so that from a lower start they rise at first; both ends are pinned"""
    right.grid(steps, start)
    first = -6.0 if start == 1 else math.log((1 - start) / start + 1e-6)
    levels = torch.sigmoid(-_line(first, 2, steps + 1))
    levels[0], levels[-1] = start, 0
    return levels


@mutant("stops-short-of-the-data", "flow:9")
def stops_short_of_grid(steps: int, start: float) -> Tensor:
    """the last level is the smallest that was trained, and the 0 after it is forgotten"""
    right.grid(steps, start)
    return _line(start, 1e-3, steps + 1)


@mutant("starts-at-full-noise", "flow:23")
def starts_at_full_noise_of_grid(steps: int, start: float) -> Tensor:
    """a variation runs the whole grid: the network is told 1 and handed less noise"""
    return right.grid(steps, 1.0)


@mutant("grid-upside-down", "flow:9")
def upside_down_of_grid(steps: int, start: float) -> Tensor:
    """times run from the data to the noise, as in the other convention"""
    return right.grid(steps, start).flip(0)


@mutant("grid-in-half-precision", "flow:9")
def in_half_precision_of_grid(steps: int, start: float) -> Tensor:
    """times in the network's half precision: two of many steps are one"""
    return right.grid(steps, start).to(torch.bfloat16)


@mutant("no-steps-are-fine", "flow:11")
def no_steps_of_grid(steps: int, start: float) -> Tensor:
    """0 steps are let through: one point, no call, and the noise comes back as a song"""
    if steps < 0 or steps != int(steps):
        raise ValueError(f"steps={steps} must not be negative")
    return _line(start, 0, int(steps) + 1)


@mutant("steps-cut-down", "flow:11")
def cut_down_of_grid(steps: int, start: float) -> Tensor:
    """int(steps): two and a half steps are two"""
    return right.grid(int(steps), start)


@mutant("at-least-one-step", "flow:11")
def at_least_one_of_grid(steps: int, start: float) -> Tensor:
    """max(1, int(steps)): what cannot be is mended without a word"""
    return right.grid(max(1, int(steps)), start)


@mutant("tail-of-fixed-width", "flow:15")
def fixed_tail_of_grid(steps: int, start: float) -> Tensor:
    """the last step spans an eighth of the way, however many there are: levels end there, and are pinned to 0"""
    levels = right.grid(steps, start)
    levels[:-1] = _line(start, start / 8, steps) if steps > 1 else start
    return levels


@mutant("head-of-fixed-width", "flow:15")
def fixed_head_of_grid(steps: int, start: float) -> Tensor:
    """the first step spans a quarter of the way, however many there are"""
    levels = right.grid(steps, start)
    levels[1:] = _line(start * 3 / 4, 0, steps) if steps > 1 else 0
    return levels


def _checked(times: list[float], *, strict: bool = True, bounded: bool = True, least: int = 2) -> Tensor:
    if len(times) < least:
        raise ValueError(f"times={times} must be {least} or more")
    if bounded and any(not 0 <= t <= 1 for t in times):
        raise ValueError(f"times={times} must lie between 0 and 1")
    if any(not (b < a if strict else b <= a) for a, b in itertools.pairwise(times)):
        raise ValueError(f"times={times} must fall")
    return torch.tensor(times, dtype=torch.float64)


@mutant("any-points-are-fine", "flow:11")
def any_points_of_check_grid(times: list[float]) -> Tensor:
    """whatever is handed in is sampled with"""
    return torch.tensor(times, dtype=torch.float64)


@mutant("sorts-the-points", "flow:11")
def sorts_of_check_grid(times: list[float]) -> Tensor:
    """points out of order are put in order without a word"""
    return _checked(sorted(times, reverse=True))


@mutant("stands-still", "flow:11")
def stands_still_of_check_grid(times: list[float]) -> Tensor:
    """a point may come twice: a network call that moves nothing, and a division by 0 in some solvers"""
    return _checked(times, strict=False)


@mutant("nan-is-no-rise", "flow:11")
def nan_is_no_rise_of_check_grid(times: list[float]) -> Tensor:
    """points are refused where one rises or lies outside; NaN does neither"""
    kept = [t for t in times if not math.isnan(t)]
    _checked(kept, least=min(2, len(times)))
    return torch.tensor(times, dtype=torch.float64)


@mutant("out-of-range", "flow:11")
def out_of_range_of_check_grid(times: list[float]) -> Tensor:
    """only the order is looked at: levels above 1 or below 0 pass"""
    return _checked(times, bounded=False)


@mutant("data-twice", "flow:11")
def data_twice_of_check_grid(times: list[float]) -> Tensor:
    """the level of the data is appended, although the caller's points end with it"""
    return torch.cat([_checked(times), torch.zeros(1, dtype=torch.float64)])


def _swayed(steps: int, s: float) -> Tensor:
    t = _line(0, 1, steps + 1)
    return 1 - (t + s * (torch.cos(math.pi / 2 * t) - 1 + t))


@mutant("sways-as-told", "flow:16")
def as_told_of_sway(steps: int, coefficient: float) -> Tensor:
    """any coefficient is taken: beyond the bounds times run back, or leave 0..1"""
    return _swayed(steps, coefficient)


@mutant("sway-clamped", "flow:16")
def clamped_of_sway(steps: int, coefficient: float) -> Tensor:
    """any coefficient is taken, and what leaves 0..1 is clamped: several times are one"""
    return _swayed(steps, coefficient).clamp(0, 1)


@mutant("sways-the-other-way", "flow:16")
def other_way_of_sway(steps: int, coefficient: float) -> Tensor:
    """the sign of the coefficient is lost: the data get the steps that the noise should have"""
    right.sway(steps, coefficient)
    return _swayed(steps, -coefficient)


@mutant("sways-the-wrong-end", "flow:16")
def wrong_end_of_sway(steps: int, coefficient: float) -> Tensor:
    """the formula of the other direction of time, on these times as they are"""
    right.sway(steps, coefficient)
    return 1 - _swayed(steps, coefficient).flip(0)


@mutant("a-method-with-its-own-times", "flow:14")
def own_times_of_solve(
    network: Callable[..., Tensor],
    x: Tensor,
    steps: int,
    scale: float | None,
    generator: Sequence[torch.Generator],
    method: str,
) -> Tensor:
    """midpoint and rk4 are not handed the grid of the others, and make one of their own, denser near the data"""
    if method not in ("midpoint", "rk4") or type(steps) is not int or steps < 1:
        return solvers.solve(network, x, steps, scale, generator, method)
    asked = solvers.with_scale(network, x, scale, solvers.objective_of(method))
    return solvers.integrate(asked, x, _line(1, 0, steps + 1) ** 1.5, generator, method)


@mutant("one-step-spared", "flow:14", "flow:9")
def one_step_spared_of_solve(
    network: Callable[..., Tensor],
    x: Tensor,
    steps: int,
    scale: float | None,
    generator: Sequence[torch.Generator],
    method: str,
) -> Tensor:
    """a multistep method counts its first, plain step apart, and makes one fewer of the others"""
    spared = method == "dpmpp-2m" and type(steps) is int and steps > 1
    return solvers.solve(network, x, steps - spared, scale, generator, method)
