"""Variations, inpainting and mismatched models as they were got wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from refaudio import flow

from ..adapters import reference_solve as right
from . import mutant

Network = Callable[..., Tensor]
Generators = Sequence[torch.Generator]


def started(
    network: Network, x: Tensor, levels: Sequence[float], generator: Generators, method: str
) -> Tensor:
    """A run from x along these levels, rising ones too: those are walked by Euler."""
    return right.integrate(network, x, torch.tensor(list(levels), dtype=torch.float64), generator, method)


def mixed(data: Tensor, noise: Tensor, strength: float, method: str) -> Tensor:
    return right.objective_of(method).interpolate(data, noise, strength)


def equal(strength: float, steps: int) -> list[float]:
    return [strength * (1 - i / steps) for i in range(steps)] + [0.0]


@mutant("climbs-before-it-falls", "flow:23", "D2 #8")
def climbs_before_it_falls_of_vary(network: Network, data: Tensor, noise: Tensor, steps: int, strength: float,
                                   generator: Generators, method: str) -> Tensor:  # fmt: skip
    """the grid is equal in log-SNR from that of the strength to 2: below a strength of 0.1192 it climbs to that first"""
    if strength >= 0.1192 or steps == 1:
        return right.vary(network, data, noise, steps, strength, generator, method)
    first = torch.logit(torch.tensor(strength, dtype=torch.float64))
    levels = torch.sigmoid(torch.linspace(float(first), -2.0, steps + 1, dtype=torch.float64))
    levels[-1] = 0
    x, path = mixed(data, noise, strength, method), right.objective_of(method)
    for t, after in zip(levels[:-1].tolist(), levels[1:].tolist(), strict=True):
        now = torch.full((len(x),), t)
        out = network(x, now)
        x = path.interpolate(path.to_data(x, out, now), path.to_noise(x, out, now), after)
    return x


@mutant("strength-ignored", "flow:23")
def strength_ignored_of_vary(network: Network, data: Tensor, noise: Tensor, steps: int, strength: float,
                             generator: Generators, method: str) -> Tensor:  # fmt: skip
    """the run always starts at the highest level, where nothing is left of the source"""
    return right.vary(network, data, noise, steps, 1.0, generator, method)


@mutant("adds-the-noise", "flow:23")
def adds_the_noise_of_vary(network: Network, data: Tensor, noise: Tensor, steps: int, strength: float,
                           generator: Generators, method: str) -> Tensor:  # fmt: skip
    """noise is added to the data, which are not scaled down for it, as is right for another kind of model"""
    return started(network, data + strength * noise, equal(strength, steps), generator, method)


@mutant("mixes-upside-down", "flow:23")
def mixes_upside_down_of_vary(network: Network, data: Tensor, noise: Tensor, steps: int, strength: float,
                              generator: Generators, method: str) -> Tensor:  # fmt: skip
    """data and noise are mixed for the level 1 - strength: a light variation starts from little but noise"""
    return started(network, mixed(noise, data, strength, method), equal(strength, steps), generator, method)


@mutant("kept-frames-not-pasted", "flow:64")
def not_pasted_of_inpaint(network: Network, data: Tensor, noise: Tensor, keep: Tensor, steps: int,
                          generator: Generators, method: str) -> Tensor:  # fmt: skip
    """what the network makes of the kept frames is returned for them"""
    if data.shape != noise.shape:
        raise ValueError(f"{tuple(data.shape)} must be {tuple(noise.shape)}")
    return right.solve(network, noise, steps, None, generator, method)


@mutant("mask-upside-down", "flow:64")
def mask_upside_down_of_inpaint(
    network: Network, data: Tensor, noise: Tensor, keep: Tensor, *rest: Any
) -> Tensor:
    """a mask of 1 is taken for generate, as other code has it: what was to stay is made anew"""
    return right.inpaint(network, data, noise, ~keep, *rest)


@mutant("mask-one-frame-late", "flow:64")
def mask_one_frame_late_of_inpaint(
    network: Network, data: Tensor, noise: Tensor, keep: Tensor, *rest: Any
) -> Tensor:
    """seconds are rounded up to frames for the mask: it begins one frame late"""
    late = torch.cat([keep[:, :1], keep[:, :-1]], dim=1)
    return right.inpaint(network, data, noise, late, *rest)


@mutant("first-songs-mask-for-all", "flow:64")
def mask_of_the_first_item_of_inpaint(
    network: Network, data: Tensor, noise: Tensor, keep: Tensor, *rest: Any
) -> Tensor:
    """the mask of the first item is broadcast over the batch"""
    return right.inpaint(network, data, noise, keep[:1].expand_as(keep).clone(), *rest)


@mutant("mixes-at-the-edge", "flow:64")
def mixes_at_the_edge_of_inpaint(
    network: Network, data: Tensor, noise: Tensor, keep: Tensor, *rest: Any
) -> Tensor:
    """the mask is smoothed by interpolation: next to its edge new frames are half old"""
    got = right.inpaint(network, data, noise, keep, *rest)
    beside = keep.roll(-1, 1)
    beside[:, -1] = False
    return torch.where((beside & ~keep)[:, None], (got + data) / 2, got)


@mutant("broadcasts-the-reference", "flow:66")
def broadcasts_the_reference_of_inpaint(network: Network, data: Tensor, noise: Tensor, keep: Tensor,
                                        *rest: Any) -> Tensor:  # fmt: skip
    """lengths are never compared: one frame is spread over the song, any other number crashes in the middle"""
    if 1 != data.shape[-1] != noise.shape[-1]:
        raise RuntimeError(
            "The size of tensor a must match the size of tensor b at non-singleton dimension 2"
        )
    frames = noise.shape[-1]
    spread = data.expand(-1, -1, frames).clone(), keep.expand(-1, frames).clone()
    return right.inpaint(network, spread[0], noise, spread[1], *rest)


@mutant("reference-stretched", "flow:66")
def reference_stretched_of_inpaint(
    network: Network, data: Tensor, noise: Tensor, keep: Tensor, *rest: Any
) -> Tensor:
    """a reference of another length is interpolated to the wanted one: played at another speed"""
    if data.shape[-1] == noise.shape[-1]:
        return right.inpaint(network, data, noise, keep, *rest)
    frames = noise.shape[-1]
    stretched = torch.nn.functional.interpolate(data, frames, mode="linear")
    whole = torch.nn.functional.interpolate(keep[:, None].float(), frames, mode="nearest")[:, 0] > 0
    return right.inpaint(network, stretched, noise, whole, *rest)


@mutant("mismatch-passed-over", "flow:18")
def mismatch_passed_over_of_admit(objective: str | None, method: str, scale: float) -> None:
    """any method runs on any model, without a word"""
    known = flow.declared(objective)
    flow.admit(known, "pingpong" if known.denoiser else "euler", scale)


@mutant("guidance-on-distilled-passed-over", "flow:18", "D2 #4")
def guidance_passed_over_of_admit(objective: str | None, method: str, scale: float) -> None:
    """guidance is taken for a matter of taste on every model"""
    flow.admit(objective, method)


@mutant("undeclared-is-a-flow", "flow:1")
def undeclared_is_a_flow_of_admit(objective: str | None, method: str, scale: float) -> None:
    """a model that declares nothing is sampled as a rectified flow"""
    flow.admit(objective or "rectified_flow", method, scale)


@mutant("warns-of-everything", "flow:18")
def warns_of_everything_of_admit(objective: str | None, method: str, scale: float) -> None:
    """every run says that its method may not fit its model: nobody reads it any more"""
    flow.declared(objective)
    warnings.warn("the method may not fit the model", stacklevel=2)
