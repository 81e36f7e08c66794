"""The reference's paths and grids, bound for any of its objectives; the module itself binds rectified flow."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from refaudio.flow import OBJECTIVES, RECTIFIED_FLOW, Objective, converted
from refaudio.flow import grid as grids
from refaudio.flow.training import SAMPLERS, LengthShift

PUBLISHED = {"stable-audio-flow": "log-snr", "stable-audio-v": "polyexponential"}


class Flow:
    """One objective with one grid and one distribution of training times, as an adapter binds them."""

    def __init__(
        self, objective: Objective, times: str, levels: Callable[..., Tensor], *, fixed_tail: bool = False
    ) -> None:
        self.objective, self.levels = objective, levels
        self.TIME, self.PREDICTS = objective.time, objective.predicts
        self.TIMES, self.GRID = times, "fixed tail" if fixed_tail else "convergent"
        self.interpolate, self.target = objective.interpolate, objective.target
        self.to_data, self.to_noise = objective.to_data, objective.to_noise
        self.sigmas = grids.polyexponential_sigmas

    def adopt(self, network: Any, objective: str) -> Any:
        return converted(network, OBJECTIVES[objective], self.objective)

    def sample_times(self, count: int, generator: torch.Generator) -> Tensor:
        return self.objective.noise_level(SAMPLERS[self.TIMES].draw(count, generator))

    def shift(self, t: Tensor, length: int) -> Tensor:
        return self.objective.noise_level(LengthShift().shift(self.objective.noise_level(t), length))

    def grid(self, steps: int, start: float) -> Tensor:
        return grids.times(self.levels(steps, start), self.objective)

    def check_grid(self, times: Sequence[float]) -> Tensor:
        return grids.custom(times, self.objective)

    def sway(self, steps: int, coefficient: float) -> Tensor:
        return grids.times(grids.sway(steps, coefficient), self.objective)

    def sigma_to_time(self, sigma: Tensor) -> Tensor:
        return grids.times(grids.levels_of(sigma, self.objective), self.objective)

    def published_grid(self, grid: str, steps: int) -> Tensor:
        return grids.times(grids.GRIDS[PUBLISHED.get(grid, grid)].levels(steps), self.objective)


_bound = Flow(RECTIFIED_FLOW, "trunc-logit-normal", grids.uniform)

TIME, PREDICTS, TIMES, GRID = _bound.TIME, _bound.PREDICTS, _bound.TIMES, _bound.GRID
interpolate, target, to_data, to_noise = _bound.interpolate, _bound.target, _bound.to_data, _bound.to_noise
adopt, sample_times, shift = _bound.adopt, _bound.sample_times, _bound.shift
grid, check_grid, sway, sigmas = _bound.grid, _bound.check_grid, _bound.sway, _bound.sigmas
sigma_to_time, published_grid = _bound.sigma_to_time, _bound.published_grid
