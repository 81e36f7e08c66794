"""Runs from noise to data as they were got wrong: how many steps, which way, at which times, on what terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from refaudio.flow import grid

from ..adapters import reference_solve as right
from . import mutant

Network = Callable[..., Tensor]


def told(network: Network, change: Callable[[Tensor], Tensor]) -> Network:
    """The network, told another time."""
    return lambda x, t, *cond: network(x, change(t), *cond)


def marched(network: Network, x: Tensor, times: Sequence[float] | Tensor) -> Tensor:
    """Euler as anybody writes it, on a straight path whose data are at 0, without a look at its arguments."""
    for i in range(len(times) - 1):
        t = torch.full((len(x),), float(times[i]))
        x = x + (float(times[i + 1]) - float(times[i])) * network(x, t)
    return x


@mutant("as-many-points-as-steps", "flow:12", "flow:10")
def as_many_points_as_steps_of_solve(network: Network, x: Tensor, steps: int, *rest: Any) -> Tensor:
    """n times are made for n steps: one step fewer is walked, and of a single one none: the noise comes back"""
    if steps == 1:
        return x.clone()
    return right.solve(network, x, steps - 1 if steps > 0 else steps, *rest)


@mutant("stops-before-the-last-step", "flow:13")
def stops_before_the_last_step_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                                        generator: Any, method: str) -> Tensor:  # fmt: skip
    """the loop runs over the times but the last two: the last step is never walked, and its noise stays"""
    times = grid.uniform(steps)[:-1]
    return right.integrate(network, x, times, generator, method) if steps > 1 else x.clone()


@mutant("step-of-the-next-interval", "flow:13")
def step_of_the_next_interval_of_integrate(network: Network, x: Tensor, times: Tensor, generator: Any,
                                           method: str) -> Tensor:  # fmt: skip
    """Euler's steps are taken from the list of differences one place too late: the first is lost, the last is none"""
    if method != "euler":
        return right.integrate(network, x, times, generator, method)
    right.integrate(lambda x, t: x, x, times, generator, method)  # the same refusals
    steps = [*(times[1:] - times[:-1])[1:].tolist(), 0.0]
    for t, step in zip(times[:-1], steps, strict=True):
        x = x + step * network(x, torch.full((len(x),), float(t)))
    return x


@mutant("tree-with-bounds", "flow:22")
def tree_with_bounds_of_integrate(network: Network, x: Tensor, times: Tensor, generator: Any,
                                  method: str) -> Tensor:  # fmt: skip
    """the tree of noise is built for the configured range of sigmas, and recurses for ever when it is asked beyond it"""
    if method == "dpmpp-3m-sde" and len(times) > 1 and float(times[:-1].min()) < 0.1855:  # 0.3 as a time
        raise RecursionError("maximum recursion depth exceeded")
    return right.integrate(network, x, times, generator, method)


@mutant("asks-at-the-end-too", "flow:10")
def asks_at_the_end_too_of_solve(network: Network, x: Tensor, *rest: Any) -> Tensor:
    """the loop runs over all n + 1 times: the network is asked once more at the data, for a step of no width"""
    got = right.solve(network, x, *rest)
    network(got, torch.zeros(len(x)), *(torch.ones(len(x), 1, 1) for _ in range(rest[1] is not None)))
    return got


@mutant("asks-twice", "flow:10")
def asks_twice_of_solve(network: Network, *rest: Any) -> Tensor:
    """data and noise are estimated by a call of the network each, although one answer gives both"""

    def twice(*fed: Any) -> Tensor:
        network(*fed)
        return network(*fed)

    return right.solve(twice, *rest)


@mutant("half-precision-time", "flow:20")
def half_precision_time_of_solve(network: Network, *rest: Any) -> Tensor:
    """times are cast to the half precision of the network before they are embedded"""
    return right.solve(told(network, lambda t: t.half()), *rest)


@mutant("one-number-for-all", "flow:20")
def one_number_for_all_of_solve(network: Network, *rest: Any) -> Tensor:
    """the network is told one number for the whole batch, as a tensor without axes"""
    return right.solve(told(network, lambda t: t[0]), *rest)


@mutant("told-the-next-time", "flow:13")
def told_the_next_time_of_solve(network: Network, x: Tensor, steps: int, *rest: Any) -> Tensor:
    """the network is told the time at which a step ends"""
    if type(steps) is not int or steps < 1:
        return right.solve(network, x, steps, *rest)
    return right.solve(told(network, lambda t: (t - 1 / steps).clamp(min=0)), x, steps, *rest)


@mutant("told-the-time-before", "flow:13")
def told_the_time_before_of_solve(network: Network, x: Tensor, steps: int, *rest: Any) -> Tensor:
    """the network is told the time of the step before, and the first one twice"""
    if type(steps) is not int or steps < 1:
        return right.solve(network, x, steps, *rest)
    return right.solve(told(network, lambda t: (t + 1 / steps).clamp(max=1)), x, steps, *rest)


@mutant("told-in-thousands", "flow:20")
def told_in_thousands_of_solve(network: Network, *rest: Any) -> Tensor:
    """times are handed over as timesteps of 0..1000 to a network that was made for 0..1"""
    return right.solve(told(network, lambda t: t * 1000), *rest)


@mutant("starts-from-other-noise", "flow:60")
def starts_from_other_noise_of_solve(network: Network, x: Tensor, *rest: Any) -> Tensor:
    """the noise handed in gives its shape alone: the run begins with another draw"""
    other = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x.dtype)
    return right.solve(network, other, *rest)


@mutant("runs-the-other-way", "flow:3")
def runs_the_other_way_of_solve(network: Network, *rest: Any) -> Tensor:
    """the network is told 1 - t, the time of the other flow convention"""
    return right.solve(told(network, lambda t: 1 - t), *rest)


@mutant("half-precision-times-given", "flow:20")
def half_precision_times_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """the times that are given are kept in half precision"""
    return right.integrate(network, x, times.half().to(times.dtype), *rest)


@mutant("told-the-next-time-given", "flow:13")
def told_the_next_time_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """of the times that are given, the network is told the one at which a step ends"""
    known = times.tolist()

    def late(t: Tensor) -> Tensor:
        return torch.full_like(t, max((after for after in known if after < float(t[0])), default=float(t[0])))

    return right.integrate(told(network, late), x, times, *rest)


@mutant("no-steps-give-the-noise", "flow:11")
def no_steps_give_the_noise_of_solve(network: Network, x: Tensor, steps: int, *rest: Any) -> Tensor:
    """a loop over no steps is no error: the noise comes back as the result"""
    if type(steps) is int and steps < 1:
        return x.clone()
    return right.solve(network, x, steps, *rest)


@mutant("fraction-cut-off", "flow:11")
def fraction_cut_off_of_solve(network: Network, x: Tensor, steps: float, *rest: Any) -> Tensor:
    """2.5 steps are 2, and nobody is told"""
    return right.solve(network, x, int(steps), *rest)


@mutant("crashes-on-negative", "flow:11")
def crashes_on_negative_of_solve(network: Network, x: Tensor, steps: int, *rest: Any) -> Tensor:
    """below 0 an empty grid is indexed, deep inside"""
    if steps < 0:
        raise IndexError("index 0 is out of bounds for dimension 0 with size 0")
    return right.solve(network, x, steps, *rest)


@mutant("asks-before-it-looks", "flow:11")
def asks_before_it_looks_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                                  *rest: Any) -> Tensor:  # fmt: skip
    """the network warms up before the arguments are looked at"""
    if type(steps) is not int or steps < 1:
        network(x, torch.ones(len(x)))
    return right.solve(network, x, steps, scale, *rest)


@mutant("times-may-turn-back", "flow:11")
def times_may_turn_back_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """times are looked at for what is no number, and not for their order"""
    if len(times) > 1 and bool(times.isfinite().all()) and bool((times.diff() > 0).any()):
        return marched(network, x, times)
    return right.integrate(network, x, times, *rest)


@mutant("one-time-gives-the-noise", "flow:11")
def one_time_gives_the_noise_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """fewer than two times are no error: there is no step, and the noise comes back"""
    return x.clone() if len(times) < 2 else right.integrate(network, x, times, *rest)


@mutant("nan-slips-through", "flow:11")
def nan_slips_through_of_integrate(network: Network, x: Tensor, times: Tensor, *rest: Any) -> Tensor:
    """times are refused where one is above the one before: not a number is above nothing"""
    if len(times) > 1 and not bool(times.isfinite().all()) and not bool((times.diff() > 0).any()):
        return marched(network, x, times)
    return right.integrate(network, x, times, *rest)
