"""Time grids: n steps visit n + 1 noise levels, strictly falling from where a run starts to 0, the data.

A grid knows no solver, and a solver no grid. Levels are counted as times that run from the data: `times` turns them
into an objective's own. They are float64 on the CPU: a loop reads its times from them without waiting for a device.

>>> uniform(4)
tensor([1.0000, 0.7500, 0.5000, 0.2500, 0.0000], dtype=torch.float64)
>>> log_snr(4)
tensor([1.0000, 0.9820, 0.8808, 0.5000, 0.0000], dtype=torch.float64)

On a grid with a fixed tail the last step (of log_snr: 0.119 wide) stays as wide with any number of steps, and the error
of a solver stays with it. `GRIDS` says which have one.
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ..errors import integer, listed, positive, real
from .path import RECTIFIED_FLOW, Objective, V
from .training import shifted

Levels = Float64[Tensor, "N"]

LOWEST_LOG_SNR, HIGHEST_LOG_SNR = -6.0, 2.0  # stable-audio-tools: sigmoid(6) = 0.9975 counts as 1
MOST, LEAST = 2**20, 1e-6  # steps, and the start of a run: what float64 levels can tell apart
SWAY = (-1.0, 2 / (math.pi - 2))  # beyond, times leave [0, 1] or run back


def times(levels: Levels, objective: Objective) -> Levels:
    """Noise levels as times of an objective: themselves where the data are at 0, 1 - level where they are at 1."""
    return objective.noise_level(levels)


def uniform(steps: int, start: float = 1.0) -> Levels:
    """n equal steps from `start` to 0: (n + 1,). DiffRhythm's, whose 32 are the points: it takes 31 steps."""
    start = _start(start)
    return _falling(start * torch.linspace(1, 0, _count(steps) + 1, dtype=torch.float64), start)


def log_snr(steps: int, start: float = 1.0) -> Levels:
    """n steps equal in log((1 - t) / t), from -6 (or that of `start`) to 2, both ends then moved to start and 0.

    stable-audio-tools' for flows, with a fixed tail. Below a start of 0.12 it would end where it had not begun:
    its times rise there first. Here the ratio rises by at least 1, so that they fall for every start.
    """
    start = _start(start)
    first = LOWEST_LOG_SNR if start == 1 else math.log1p(-start) - math.log(start)
    ratios = torch.linspace(first, max(HIGHEST_LOG_SNR, first + 1), _count(steps) + 1, dtype=torch.float64)
    return _falling(torch.sigmoid(-ratios), start)


def sway(steps: int, coefficient: float = -1.0) -> Levels:
    """n steps of t + s (cos(pi t / 2) - 1 + t), t from the noise: s < 0 dwells there, as in F5 with -1.

    A coefficient under which times would run back is refused.
    """
    s = real("coefficient", coefficient, least=SWAY[0], most=SWAY[1])
    t = torch.linspace(0, 1, _count(steps) + 1, dtype=torch.float64)
    return _falling(1 - (t + s * (torch.cos(math.pi / 2 * t) - 1 + t)), 1.0)


def polyexponential(
    steps: int, low: float = 0.3, high: float = 500.0, rho: float = 1.0, objective: Objective = V
) -> Levels:
    """The levels of `polyexponential_sigmas`: (n + 1,), with a fixed tail. At rho 1 diffusers' CosineDPM."""
    return _strictly(levels_of(polyexponential_sigmas(steps, low, high, rho), objective))


def karras(
    steps: int, low: float = 0.3, high: float = 500.0, rho: float = 7.0, objective: Objective = V
) -> Levels:
    """The levels of `karras_sigmas`: (n + 1,), with a fixed tail."""
    return _strictly(levels_of(karras_sigmas(steps, low, high, rho), objective))


def flow_match_euler(steps: int, shift: float = 1.0) -> Levels:
    """diffusers' FlowMatchEuler: n levels, equal from 1 to 1/1000, and 0: a fixed tail, if a small one.

    With a shift, both ends of the training levels are shifted before the levels lie between them, and those again:
    so they are in diffusers, and checkpoints are used with them.
    """
    s = positive("shift", shift)
    lowest = shifted(torch.tensor(1 / 1000, dtype=torch.float64), s)
    levels = 1 + (lowest - 1) * _ramp(steps)
    return _falling(torch.cat([shifted(levels, s), levels.new_zeros(1)]), 1.0)


def polyexponential_sigmas(steps: int, low: float, high: float, rho: float = 1.0) -> Levels:
    """n noise-to-data ratios from exactly `high`, also for one step, to `low`, then 0: (n + 1,), equal in log at rho 1."""
    low, high = _range(low, high)
    ramp = 1 - (1 - _ramp(steps)) ** real("rho", rho, least=0.1, most=100.0)
    return _falling_sigmas(torch.exp(math.log(high) + (math.log(low) - math.log(high)) * ramp), low, high)


def karras_sigmas(steps: int, low: float, high: float, rho: float = 7.0) -> Levels:
    """n noise-to-data ratios from exactly `high` to `low`, equal in sigma ** (1 / rho), then 0: (n + 1,) (EDM, eq. 5)."""
    low, high = _range(low, high)
    rho = real("rho", rho, least=0.1, most=100.0)
    root = 1 / rho
    return _falling_sigmas((high**root + (low**root - high**root) * _ramp(steps)) ** rho, low, high)


def levels_of(sigmas: Float[Tensor, "N"], objective: Objective = V) -> Levels:
    """The levels at which noise stands to data as sigma to 1: (N,) -> (N,). For v 2 atan(sigma) / pi."""
    if not isinstance(sigmas, Tensor) or not sigmas.is_floating_point() or not bool((sigmas >= 0).all()):
        raise ValueError(f"sigmas={sigmas!r} must be a float tensor, 0 or above")
    return objective.noise_level(objective.time_of_log_snr(-sigmas.double().log()))


def custom(points: object, objective: Objective = RECTIFIED_FLOW) -> Levels:
    """Somebody's own times, checked: two or more of 0..1 that run strictly from the noise to the data -> (n + 1,)."""
    own = [
        real(f"points[{i}]", point, least=0.0, most=1.0) for i, point in enumerate(listed("points", points))
    ]
    if len(own) < 2:
        raise ValueError(f"points={own} must be two or more: n steps have n + 1 points")
    falls = objective.time == "data at 0"
    for i, (point, after) in enumerate(itertools.pairwise(own)):
        if not (after < point if falls else after > point):
            raise ValueError(
                f"points[{i + 1}]={after} must be {'below' if falls else 'above'} points[{i}]={point}:"
                f" times run strictly from the noise to the {objective.time}"
            )
    return torch.tensor(own, dtype=torch.float64)


class Grid(NamedTuple):
    """A grid by name: steps -> levels (n + 1,), whether its last step is as wide for any n, and whose it is."""

    levels: Callable[[int], Levels]
    fixed_tail: bool
    of: str


GRIDS = {
    "uniform": Grid(uniform, False, "every flow"),
    "f5": Grid(sway, False, "F5-TTS"),
    "diffrhythm": Grid(uniform, False, "DiffRhythm, whose `steps` counts the points"),
    "log-snr": Grid(log_snr, True, "stable-audio-tools, for rectified_flow and rf_denoiser"),
    "polyexponential": Grid(polyexponential, True, "stable-audio-tools, for v; diffusers' CosineDPM"),
    "karras": Grid(karras, True, "EDM"),
    "flow-match-euler": Grid(flow_match_euler, True, "diffusers' FlowMatchEuler"),
}


def _count(steps: int) -> int:
    return integer("steps", steps, least=1, most=MOST)


def _start(start: float) -> float:
    return real("start", start, least=LEAST, most=1.0)


def _range(low: float, high: float) -> tuple[float, float]:
    low, high = positive("low", low), positive("high", high)
    if not low < high:
        raise ValueError(f"low={low} must be below high={high}: levels fall")
    return low, high


def _ramp(steps: int) -> Tensor:
    """n numbers from 0 to 1; for one step only the 0, so that a run starts at its highest level."""
    return torch.linspace(0, 1, _count(steps), dtype=torch.float64)


def _falling(levels: Tensor, start: float) -> Tensor:
    """The levels with exact ends, whatever rounding made of them; ValueError where rounding made two of them one."""
    levels[0], levels[-1] = start, 0
    return _strictly(levels)


def _falling_sigmas(sigmas: Tensor, low: float, high: float) -> Tensor:
    """The ratios with exact ends, and the 0 of the data behind them."""
    sigmas[-1], sigmas[0] = low, high
    return _strictly(torch.cat([sigmas, sigmas.new_zeros(1)]))


def _strictly(levels: Tensor) -> Tensor:
    if not bool((levels.diff() < 0).all()):
        raise ValueError(
            f"steps={len(levels) - 1} must be fewer, or the range wider: float64 cannot tell its levels apart"
        )
    return levels
