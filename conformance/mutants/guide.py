"""Guidance as it was got wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..adapters import reference_solve as right
from . import mutant

Network = Callable[..., Tensor]


@mutant("guidance-skipped-below-one", "D2 #4")
def skipped_below_one_of_guide_velocity(cond: Tensor, uncond: Tensor, scale: float) -> Tensor:
    """guidance takes place if the scale is above 1, else the conditional answer is returned"""
    return uncond + scale * (cond - uncond) if scale > 1 else cond


@mutant("zero-is-off", "flow:25")
def zero_is_off_of_guide_velocity(cond: Tensor, uncond: Tensor, scale: float) -> Tensor:
    """a scale of 0 is taken for no scale: `if not scale` returns the conditional answer"""
    return uncond + scale * (cond - uncond) if scale else cond


@mutant("unconditional-forgotten", "flow:25")
def unconditional_forgotten_of_guide_velocity(cond: Tensor, uncond: Tensor, scale: float) -> Tensor:
    """the difference is scaled, and the unconditional answer is not added back"""
    return scale * (cond - uncond)


@mutant("halves-exchanged", "flow:29")
def halves_exchanged_of_guide_velocity(cond: Tensor, uncond: Tensor, scale: float) -> Tensor:
    """the two answers are taken for each other: guidance leads away from the prompt"""
    return cond + scale * (uncond - cond)


@mutant("guides-in-place", "flow:38")
def guides_in_place_of_guide_velocity(cond: Tensor, uncond: Tensor, scale: float) -> Tensor:
    """the guided answer is written over the conditional one"""
    return cond.sub_(uncond).mul_(scale).add_(uncond)


def both(
    network: Network, x: Tensor, t: Tensor, cond: Tensor, scale: float, null: Tensor | None = None
) -> Tensor:
    """One guided evaluation, both halves in one batch, with another null."""
    halves = torch.cat([cond, torch.zeros_like(cond) if null is None else null])
    c, u = network(torch.cat([x, x]), torch.cat([t, t]), halves).chunk(2)
    return u + scale * (c - u)


@mutant("pair-halves-exchanged", "flow:29")
def pair_halves_exchanged_of_guided(
    network: Network, x: Tensor, t: Tensor, cond: Tensor, scale: float
) -> Tensor:
    """the halves go in as (conditional, null) and are read as (null, conditional)"""
    u, c = network(torch.cat([x, x]), torch.cat([t, t]), torch.cat([cond, torch.zeros_like(cond)])).chunk(2)
    return u + scale * (c - u)


@mutant("null-keeps-a-token", "flow:27")
def null_keeps_a_token_of_guided(
    network: Network, x: Tensor, t: Tensor, cond: Tensor, scale: float
) -> Tensor:
    """the null is the empty prompt, and the token that says how long the clip is"""
    null = torch.zeros_like(cond)
    null[:, -1] = cond[:, -1]
    return both(network, x, t, cond, scale, null)


@mutant("pair-repeats-interleaved", "flow:29")
def pair_repeats_interleaved_of_guided(
    network: Network, x: Tensor, t: Tensor, cond: Tensor, scale: float
) -> Tensor:
    """states are repeated item by item, conditions half by half: items are paired with each other's prompts"""
    halves = torch.cat([cond, torch.zeros_like(cond)])
    c, u = network(x.repeat_interleave(2, 0), t.repeat_interleave(2, 0), halves).chunk(2)
    return u + scale * (c - u)


@mutant("times-of-the-first-item", "flow:31")
def times_of_the_first_item_of_guided(
    network: Network, x: Tensor, t: Tensor, cond: Tensor, scale: float
) -> Tensor:
    """the doubled batch is told the time of its first item throughout"""
    return both(network, x, t[:1].expand_as(t).clone(), cond, scale)


@mutant("pair-guidance-skipped-below-one", "D2 #4")
def pair_skipped_below_one_of_guided(
    network: Network, x: Tensor, t: Tensor, cond: Tensor, scale: float
) -> Tensor:
    """the second half is made if the scale is above 1, else the network is asked once"""
    return both(network, x, t, cond, scale) if scale > 1 else network(x, t, cond)


@mutant("run-guidance-skipped-below-one", "D2 #4")
def run_skipped_below_one_of_solve(
    network: Network, x: Tensor, steps: int, scale: float | None, *rest: Any
) -> Tensor:
    """in the run guidance takes place if the scale is above 1"""
    return right.solve(network, x, steps, scale if scale is None or scale > 1 else 1.0, *rest)


@mutant("guides-the-first-step-alone", "flow:25")
def guides_the_first_step_alone_of_solve(network: Network, x: Tensor, steps: int, scale: float | None,
                                         *rest: Any) -> Tensor:  # fmt: skip
    """the null is dropped after the first step, as an interval's end that was meant in steps and read in time"""
    if scale is None:
        return right.solve(network, x, steps, scale, *rest)

    def later(fed: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        first = (t > 1 - 0.5 / steps).reshape(-1, *[1] * (cond.ndim - 1))
        return network(fed, t, torch.where(first, cond, torch.ones_like(cond)))

    return right.solve(later, x, steps, scale, *rest)


@mutant("guides-the-state", "flow:25")
def guides_the_state_of_solve(
    network: Network, x: Tensor, steps: int, scale: float | None, *rest: Any
) -> Tensor:
    """two runs are made, and their ends combined without the unconditional one being added back"""
    if scale is None:
        return right.solve(network, x, steps, scale, *rest)
    return right.solve(network, x, steps, 1.0, *rest) * scale


@mutant("spread-over-the-batch", "flow:30")
def spread_over_the_batch_of_rescale(guided: Tensor, cond: Tensor, phi: float) -> Tensor:
    """spreads are taken over the whole batch: one item turns its neighbours down"""
    spread = guided.std()
    return guided * (1 + phi * (cond.std() / spread - 1)) if spread > 0 else guided


@mutant("phi-upside-down", "flow:30")
def phi_upside_down_of_rescale(guided: Tensor, cond: Tensor, phi: float) -> Tensor:
    """0 rescales in full, and 1 not at all"""
    return right.rescale(guided, cond, 1 - phi)


@mutant("divides-by-no-spread", "flow:30")
def divides_by_no_spread_of_rescale(guided: Tensor, cond: Tensor, phi: float) -> Tensor:
    """a frame without spread is divided by it: NaN"""
    return guided * (1 + phi * (cond.std(1, keepdim=True) / guided.std(1, keepdim=True) - 1))


@mutant("rescales-all-or-nothing", "flow:30")
def rescales_all_or_nothing_of_rescale(guided: Tensor, cond: Tensor, phi: float) -> Tensor:
    """phi is a switch: anything above 0 rescales in full"""
    return right.rescale(guided, cond, float(phi > 0))


@mutant("first-level-decides", "flow:31")
def first_level_decides_of_guide_interval(cond: Tensor, uncond: Tensor, scale: float, levels: Tensor, low: float,
                                          high: float) -> Tensor:  # fmt: skip
    """whether the batch is guided is read off its first item"""
    return uncond + scale * (cond - uncond) if low <= float(levels[0]) <= high else cond


@mutant("unconditional-outside", "flow:31")
def unconditional_outside_of_guide_interval(cond: Tensor, uncond: Tensor, scale: float, levels: Tensor, low: float,
                                            high: float) -> Tensor:  # fmt: skip
    """outside of the interval the prompt is dropped, in place of the guidance"""
    return torch.where(
        ((levels >= low) & (levels <= high)).reshape(-1, 1, 1), uncond + scale * (cond - uncond), uncond
    )


@mutant("guided-outside", "flow:31")
def guided_outside_of_guide_interval(cond: Tensor, uncond: Tensor, scale: float, levels: Tensor, low: float,
                                     high: float) -> Tensor:  # fmt: skip
    """the comparison is the wrong way round: guided everywhere but inside"""
    return torch.where(
        ((levels >= low) & (levels <= high)).reshape(-1, 1, 1), cond, uncond + scale * (cond - uncond)
    )
