"""Solvers and guidance of the reference: a straight flow, a distilled one for ping-pong, and v where a method is made for it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from refaudio import flow
from refaudio.flow import grid

Generators = Sequence[torch.Generator]


def objective_of(method: str) -> flow.Objective:
    """What a network is sampled as by this method."""
    if method in ("ddim", "dpmpp-3m-sde"):
        return flow.V
    return flow.RF_DENOISER if method == "pingpong" else flow.RECTIFIED_FLOW


def with_scale(
    network: Callable[..., Tensor], x: Tensor, scale: float | None, objective: flow.Objective
) -> Any:
    """The network as a network(x, t): as it is, or guided, its condition a token of ones."""
    if scale is None:
        return network
    strongly = flow.Guidance(w=scale)
    with_guidance = flow.V if objective.name == "v" else flow.RECTIFIED_FLOW  # a law guides ping-pong too
    return flow.guided(network, torch.ones(len(x), 1, 1), strongly, with_guidance)


def solve(
    network: Callable[..., Tensor],
    x: Tensor,
    steps: int,
    scale: float | None,
    generator: Generators,
    method: str,
) -> Tensor:
    spoken = objective_of(method)
    asked = with_scale(network, x, scale, spoken)
    return flow.solve(asked, x, grid.times(grid.uniform(steps), spoken), spoken, method, generator=generator)


def integrate(
    network: Callable[..., Tensor], x: Tensor, times: Tensor, generator: Generators, method: str
) -> Tensor:
    return flow.solve(network, x, times, objective_of(method), method, generator=generator)


def watch(
    network: Callable[..., Tensor], x: Tensor, steps: int, callback: Callable[..., Any], method: str
) -> Tensor:
    times = grid.uniform(steps)
    return flow.solve(network, x, times, objective_of(method), method, generator=0, callback=callback)


def vary(
    network: Callable[..., Tensor], data: Tensor, noise: Tensor, steps: int, strength: float, generator: Generators,
    method: str,
) -> Tensor:  # fmt: skip
    spoken = objective_of(method)
    return flow.vary(network, data, noise, strength, steps, spoken, method, generator=generator)


def inpaint(
    network: Callable[..., Tensor], data: Tensor, noise: Tensor, keep: Tensor, steps: int, generator: Generators,
    method: str,
) -> Tensor:  # fmt: skip
    spoken, times = objective_of(method), grid.uniform(steps)
    return flow.inpaint(network, data, noise, keep, times, spoken, method, generator=generator)


def admit(objective: str | None, method: str, scale: float) -> None:
    flow.admit(objective, method, scale)


def guide_velocity(cond: Tensor, uncond: Tensor, scale: float) -> Tensor:
    return flow.guide(cond, uncond, w=scale)


def guided(network: Callable[..., Tensor], x: Tensor, t: Tensor, cond: Tensor, scale: float) -> Tensor:
    asked: Tensor = flow.guided(network, cond, flow.Guidance(w=scale), flow.RECTIFIED_FLOW)(x, t)
    return asked


def rescale(guided: Tensor, cond: Tensor, phi: float) -> Tensor:
    return flow.rescale(guided, cond, phi)


def guide_interval(
    cond: Tensor, uncond: Tensor, scale: float, levels: Tensor, low: float, high: float
) -> Tensor:
    return flow.within(levels, low, high, flow.guide(cond, uncond, w=scale), cond)
