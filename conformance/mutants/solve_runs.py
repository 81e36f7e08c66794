"""Runs that meet each other, their neighbours, or the global generators, and runs that end although they broke."""

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
from .solve_order import at

Network = Callable[..., Tensor]
Draws = Callable[[Tensor, Sequence[torch.Generator]], Tensor]


def pingpong(network: Network, x: Tensor, steps: int, scale: float | None, generator: Sequence[torch.Generator],
             method: str, *, fresh: Draws) -> Tensor:  # fmt: skip
    """Ping-pong with noise from somewhere else; every other method as it should be."""
    if method != "pingpong" or type(steps) is not int or steps < 1:
        return right.solve(network, x, steps, scale, generator, method)
    asked = right.with_scale(network, x, scale, right.objective_of(method))
    times = grid.uniform(steps).tolist()
    for t, after in itertools.pairwise(times):
        data = x - t * asked(x, at(x, t))
        x = (1 - after) * data + after * fresh(x, generator) if after else data
    return x


@mutant("fresh-noise-for-the-batch", "flow:61")
def for_the_batch_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                           generator: Sequence[torch.Generator], method: str) -> Tensor:  # fmt: skip
    """ping-pong draws its noise for the whole batch from the first generator"""
    return pingpong(
        network,
        x,
        steps,
        scale,
        generator,
        method,
        fresh=lambda x, each: torch.randn(x.shape, generator=each[0]),
    )


@mutant("fresh-noise-of-the-first-item", "flow:61")
def of_the_first_item_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                               generator: Sequence[torch.Generator], method: str) -> Tensor:  # fmt: skip
    """ping-pong draws noise for one item, and gives it to all"""
    return pingpong(
        network,
        x,
        steps,
        scale,
        generator,
        method,
        fresh=lambda x, each: torch.randn(x.shape[1:], generator=each[0]).expand_as(x),
    )


@mutant("fresh-noise-from-the-global", "flow:60")
def from_the_global_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                             generator: Sequence[torch.Generator], method: str) -> Tensor:  # fmt: skip
    """ping-pong draws its noise with randn_like, from the global generator"""
    return pingpong(network, x, steps, scale, generator, method, fresh=lambda x, each: torch.randn_like(x))


@mutant("fresh-noise-by-seeding-the-global", "flow:62")
def by_seeding_the_global_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                                   generator: Sequence[torch.Generator], method: str) -> Tensor:  # fmt: skip
    """ping-pong seeds the global generator before each draw, item by item: repeatable, and felt by everybody else"""

    def fresh(x: Tensor, each: Sequence[torch.Generator]) -> Tensor:
        rows = []
        for own, item in zip(each, x, strict=True):
            torch.manual_seed(int(torch.randint(2**31, (), generator=own)))
            rows.append(torch.randn(item.shape))
        return torch.stack(rows)

    return pingpong(network, x, steps, scale, generator, method, fresh=fresh)


KEPT: dict[str, Any] = {}


@mutant("history-on-the-module", "flow:60")
def history_on_the_module_of_solve(network: Network, x: Tensor, steps: int, scale: float | None, generator: Any,
                                   method: str) -> Tensor:  # fmt: skip
    """DPM-Solver++ 2M keeps its last estimate on an object that all runs share"""
    if method != "dpmpp-2m" or type(steps) is not int or steps < 1:
        return right.solve(network, x, steps, scale, generator, method)
    asked = right.with_scale(network, x, scale, right.objective_of(method))
    KEPT.update(data=x, h=inf)
    times = grid.uniform(steps).tolist()
    for t, after in itertools.pairwise(times):
        data = x - t * asked(x, at(x, t))
        h = (log((1 - after) / after) if after else inf) - (log((1 - t) / t) if t < 1 else -inf)
        bent = data
        if max(h, KEPT["h"]) < inf:
            older = KEPT["data"] if KEPT["data"].shape == x.shape else KEPT["data"].mean()
            bent = data + h / KEPT["h"] / 2 * (data - older)
        x = after / t * x - (1 - after) * expm1(-h) * bent
        KEPT.update(data=data, h=h)
    return x


@mutant("writes-into-the-noise", "flow:38")
def writes_into_the_noise_of_solve(network: Network, x: Tensor, *rest: Any) -> Tensor:
    """the state is the caller's noise itself, and is added to in place"""
    got = right.solve(network, x, *rest)
    if got.dtype == x.dtype:
        x.copy_(got)
    return got


@mutant("returns-what-it-has", "D3 #4", "flow:24")
def returns_what_it_has_of_solve(network: Network, x: Tensor, *rest: Any) -> Tensor:
    """an exception in the loop is logged, and the state of that moment is returned"""
    last = [x]

    def logged(fed: Tensor, *told: Any) -> Tensor:
        last[0] = fed
        return network(fed, *told)

    try:
        return right.solve(logged, x, *rest)
    except ValueError:
        raise
    except Exception:
        return last[0].clone()


@mutant("skips-the-failed-step", "D3 #4")
def skips_the_failed_step_of_solve(network: Network, x: Tensor, *rest: Any) -> Tensor:
    """a call of the network that fails is taken for an answer of zero, and the run goes on"""

    def patient(fed: Tensor, *told: Any) -> Tensor:
        try:
            return network(fed, *told)
        except Exception:
            return torch.zeros_like(x).expand(len(fed), *x.shape[1:]) if len(fed) == len(x) else fed * 0

    return right.solve(patient, x, *rest)


@mutant("stop-returns-what-it-has", "flow:24")
def stop_returns_what_it_has_of_watch(network: Network, x: Tensor, steps: int, callback: Callable[..., Any],
                                      method: str) -> Tensor:  # fmt: skip
    """a callback that raises ends the loop, and the state of that moment is returned as the result"""
    seen = [x]

    def watched(progress: Any) -> None:
        seen[0] = progress.x
        callback(progress)

    try:
        return right.watch(network, x, steps, watched, method)
    except Exception:
        return seen[0]


@mutant("preview-becomes-the-state", "flow:24")
def preview_becomes_the_state_of_watch(network: Network, x: Tensor, steps: int, callback: Callable[..., Any],
                                       method: str) -> Tensor:  # fmt: skip
    """for the preview the state is brought to a spread of 1, and is not put back"""
    got = right.watch(network, x, steps, callback, method)
    return got / got.std() if got.numel() > 1 else got * 2


@mutant("watched-only-at-the-end", "flow:24")
def watched_only_at_the_end_of_watch(network: Network, x: Tensor, steps: int, callback: Callable[..., Any],
                                     method: str) -> Tensor:  # fmt: skip
    """the callback is called once, when there is nothing left to stop"""
    got = right.watch(network, x, steps, lambda progress: None, method)
    callback(got)
    return got


@mutant("called-for-every-evaluation", "flow:24")
def called_for_every_evaluation_of_watch(network: Network, x: Tensor, steps: int, callback: Callable[..., Any],
                                         method: str) -> Tensor:  # fmt: skip
    """the callback hangs on the network, and is called once more before the first step: a progress bar passes its end"""
    callback(x)
    callback(x)
    return right.watch(network, x, steps, callback, method)
