"""Methods as they were got wrong: stages, history, the width of the state, the noise of ping-pong."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from math import expm1, inf, log
from typing import Any

import torch
from torch import Tensor

from refaudio.flow import grid

from ..adapters import reference_solve as right
from . import mutant

Network = Callable[..., Tensor]
Step = Callable[[Network, Tensor, float, float], Tensor]


def at(x: Tensor, time: float) -> Tensor:
    return torch.full((len(x),), time, dtype=x.dtype)


def stepped(only: str, step: Step, network: Network, x: Tensor, times: Tensor, rest: Sequence[Any]) -> Tensor:
    """This step for the method called `only`, and the right one for the others."""
    if rest[1] != only or len(times) < 2 or not bool((times.diff() < 0).all()):
        return right.integrate(network, x, times, *rest)
    for t, after in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        x = step(network, x, t, after)
    return x


@mutant("stages-swapped", "flow:13")
def stages_swapped_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """RK4's stages are exchanged: the end is estimated from k2, and k3 only joins the mean"""

    def step(v: Network, x: Tensor, t: float, after: float) -> Tensor:
        h = after - t
        k1 = v(x, at(x, t))
        k2 = v(x + h / 2 * k1, at(x, t + h / 2))
        k3 = v(x + h / 2 * k2, at(x, t + h / 2))
        k4 = v(x + h * k2, at(x, after))
        return x + h / 6 * (k1 + 2 * k3 + 2 * k2 + k4)

    return stepped("rk4", step, network, x, times, rest)


@mutant("slope-of-the-step-alone", "flow:13")
def slope_of_the_step_alone_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """midpoint asks halfway, and steps along the slope at the beginning"""

    def step(v: Network, x: Tensor, t: float, after: float) -> Tensor:
        slope = v(x, at(x, t))
        v(x + (after - t) / 2 * slope, at(x, (t + after) / 2))
        return x + (after - t) * slope

    return stepped("midpoint", step, network, x, times, rest)


@mutant("corrector-at-the-old-time", "flow:13")
def corrector_at_the_old_time_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """Heun's second slope is asked at the predicted state and the time before it"""

    def step(v: Network, x: Tensor, t: float, after: float) -> Tensor:
        slope = v(x, at(x, t))
        return x + (after - t) / 2 * (slope + v(x + (after - t) * slope, at(x, t)))

    return stepped("heun", step, network, x, times, rest)


def multistep(
    network: Network, x: Tensor, times: Tensor, rest: Sequence[Any], share: Callable[[float], float]
) -> Tensor:
    """DPM-Solver++ 2M on a straight path, the older estimate weighted with share(h / h of the step before) / 2."""
    if rest[1] != "dpmpp-2m" or len(times) < 2 or not bool((times.diff() < 0).all()):
        return right.integrate(network, x, times, *rest)
    before, h_before = x, inf
    for t, after in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        data = x - t * network(x, at(x, t))
        h = (log((1 - after) / after) if after else inf) - (log((1 - t) / t) if t < 1 else -inf)
        bent = data if max(h, h_before) == inf else data + share(h / h_before) / 2 * (data - before)
        x = after / t * x - (1 - after) * expm1(-h) * bent
        before, h_before = data, h
    return x


@mutant("history-forgotten", "flow:13")
def history_forgotten_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """DPM-Solver++ 2M never keeps its last estimate: each step is its first"""
    return multistep(network, x, times, rest, lambda ratio: 0.0)


@mutant("history-subtracted", "flow:13")
def history_subtracted_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """DPM-Solver++ 2M subtracts the newer estimate from the older: it leans back where it should lean ahead"""
    return multistep(network, x, times, rest, lambda ratio: -ratio)


@mutant("data-clipped-to-one", "flow:13")
def data_clipped_to_one_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """DDIM's estimate of the data is clipped to -1..1, as is done for pictures: latents are larger"""
    if rest[1] != "ddim" or len(times) < 2:
        return right.integrate(network, x, times, *rest)
    path = right.objective_of("ddim")
    for t, after in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        out, now = network(x, at(x, t)), at(x, t)
        data, noise = path.to_data(x, out, now).clamp(-1, 1), path.to_noise(x, out, now)
        x = path.interpolate(data, noise, at(x, after))
    return x


def euler_in(x: Tensor, network: Network, times: Sequence[float]) -> Tensor:
    """Euler in the dtype of the noise."""
    for t, after in itertools.pairwise(times):
        x = x + (after - t) * network(x, torch.full((len(x),), t)).to(x.dtype)
    return x


@mutant("half-precision-state", "flow:19")
def half_precision_state_of_solve(network: Network, x: Tensor, steps: int, *rest: Any) -> Tensor:
    """the noise is made in the network's half precision, and all steps are added up in it"""
    if x.dtype in (torch.float32, torch.float64):
        return right.solve(network, x, steps, *rest)
    return euler_in(x, network, grid.uniform(steps).tolist())


@mutant("half-precision-state-given", "flow:19")
def half_precision_state_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """on given times too, all steps are added up in the network's half precision"""
    if x.dtype in (torch.float32, torch.float64):
        return right.integrate(network, x, times, *rest)
    return euler_in(x, network, times.tolist())


def pingpong(network: Network, x: Tensor, steps: int, scale: float | None, generator: Sequence[torch.Generator],
             method: str, *, bounce: Callable[[Tensor, Tensor, float, float, Tensor], Tensor],
             start: Tensor | None = None) -> Tensor:  # fmt: skip
    """Ping-pong with another way to put noise back; every other method as it should be."""
    if method != "pingpong" or type(steps) is not int or steps < 1:
        return right.solve(network, x, steps, scale, generator, method)
    asked = right.with_scale(network, x, scale, right.objective_of(method))
    times = grid.uniform(steps).tolist()
    for t, after in itertools.pairwise(times):
        data = x - t * asked(x, at(x, t))
        rows = [torch.randn(x.shape[1:], generator=each) for each in generator]
        x = bounce(x, data, t, after, torch.stack(rows) if start is None else start)
    return x


@mutant("pingpong-reuses-its-noise", "flow:17")
def pingpong_reuses_its_noise_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                                       generator: Sequence[torch.Generator], method: str) -> Tensor:  # fmt: skip
    """the noise that is put back is always the one that the run began with"""
    return pingpong(network, x, steps, scale, generator, method, bounce=lambda x, data, t, after, fresh: (1 - after) * data + after * fresh,
                    start=x)  # fmt: skip


@mutant("pingpong-to-the-old-level", "flow:17")
def pingpong_to_the_old_level_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                                       generator: Sequence[torch.Generator], method: str) -> Tensor:  # fmt: skip
    """noise is put back to the level that was just left, all but the last time"""
    return pingpong(
        network,
        x,
        steps,
        scale,
        generator,
        method,
        bounce=lambda x, data, t, after, fresh: (1 - t) * data + t * fresh if after else data,
    )


@mutant("pingpong-adds-to-the-state", "flow:17")
def pingpong_adds_to_the_state_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                                        generator: Sequence[torch.Generator], method: str) -> Tensor:  # fmt: skip
    """noise is added to the estimate of the data, which is not scaled down for it"""
    return pingpong(
        network,
        x,
        steps,
        scale,
        generator,
        method,
        bounce=lambda x, data, t, after, fresh: data + after * fresh,
    )


@mutant("pingpong-ends-with-noise", "flow:17")
def pingpong_ends_with_noise_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                                      generator: Sequence[torch.Generator], method: str) -> Tensor:  # fmt: skip
    """the last step puts noise back too, a tenth of a step's worth: the smallest level of the grid is not 0"""
    return pingpong(network, x, steps, scale, generator, method,
                    bounce=lambda x, data, t, after, fresh: (1 - (after or t / 10)) * data + (after or t / 10) * fresh)  # fmt: skip
