"""Samplers as they were written wrong: a loop over steps in plain arithmetic, with one thing amiss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from . import mutant

Shape = Sequence[int]
Move = Callable[[Tensor, Tensor, float, float], Tensor]  # z, data, tau, d -> z


def exact(z: Tensor, data: Tensor, tau: float, d: float) -> Tensor:
    """The right step, as the mutants take it where it is not what they get wrong."""
    return z + d * (data - z) / (1 - tau)


def told(network: Any, z: Tensor, tau: float, d: float, **cache: Any) -> Tensor:
    """Ask the network with the same labels for every frame."""
    level = torch.full(z.shape[:2], tau)
    return network(z, level, torch.full_like(level, d), **cache)


def check_steps(steps: int, k_max: int) -> None:
    """What the mutants refuse where refusing is not what they get wrong."""
    if steps < 1 or steps & (steps - 1) or steps > k_max:
        raise ValueError(f"steps={steps} must be a power of two of at most {k_max}")


def _sample(
    network: Any,
    z: Tensor,
    steps: int,
    k_max: int,
    move: Move = exact,
    level: Callable[[int], float] | None = None,
    d: float | None = None,
) -> Tensor:
    check_steps(steps, k_max)
    for s in range(steps):
        tau = s / steps
        data = told(network, z, level(s) if level else tau, d or 1 / steps)
        z = move(z, data, tau, 1 / steps)
    return z


def _noise(shape: Shape, generator: torch.Generator) -> Tensor:
    return torch.randn(tuple(shape), generator=generator)


@mutant("frozen-noise", "dynamics:41", "dynamics:44", "dynamics:51")
def frozen_noise_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """each prediction is noised again with the noise that sampling began with: right in one step or two, worse with each more"""
    first = _noise(shape, generator)

    def renoise(z: Tensor, data: Tensor, tau: float, d: float) -> Tensor:
        return (1 - tau - d) * first + (tau + d) * data

    return _sample(network, first, steps, k_max, renoise)


@mutant("fresh-noise", "dynamics:41", "dynamics:44")
def fresh_noise_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """each prediction is noised again with new noise, as a consistency model is sampled"""

    def renoise(z: Tensor, data: Tensor, tau: float, d: float) -> Tensor:
        return (1 - tau - d) * _noise(shape, generator) + (tau + d) * data

    return _sample(network, _noise(shape, generator), steps, k_max, renoise)


@mutant("not-divided-by-what-is-left", "dynamics:41")
def not_divided_by_what_is_left_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """data - z is taken for the velocity, without 1 / (1 - tau): the sample never arrives"""
    return _sample(
        network, _noise(shape, generator), steps, k_max, lambda z, data, tau, d: z + d * (data - z)
    )


@mutant("left-is-floored", "dynamics:43")
def left_is_floored_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """1 - tau is kept above .3 against blow-ups that cannot happen: the last steps fall short"""

    def move(z: Tensor, data: Tensor, tau: float, d: float) -> Tensor:
        return z + d * (data - z) / max(1 - tau, 0.3)

    return _sample(network, _noise(shape, generator), steps, k_max, move)


@mutant("epsilon-in-the-denominator", "dynamics:43")
def epsilon_in_the_denominator_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """1 - tau + 1e-3 divides: a thousandth of the noise times the number of steps stays in every sample"""

    def move(z: Tensor, data: Tensor, tau: float, d: float) -> Tensor:
        return z + d * (data - z) / (1 - tau + 1e-3)

    return _sample(network, _noise(shape, generator), steps, k_max, move)


@mutant("last-step-left-out", "dynamics:43")
def last_step_left_out_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """the loop ends one step early: the levels are counted, where the steps between them were meant"""
    check_steps(steps, k_max)
    z = _noise(shape, generator)
    for s in range(steps - 1):
        z = exact(z, told(network, z, s / steps, 1 / steps), s / steps, 1 / steps)
    return z


@mutant("label-one-ahead", "dynamics:42")
def label_one_ahead_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """a step is labelled with the level that it leads to: 1..7, 7 where 0..7 was trained"""
    ahead = lambda s: min((s + 1) / steps, (k_max - 1) / k_max)  # noqa: E731
    return _sample(network, _noise(shape, generator), steps, k_max, level=ahead)


@mutant("starts-above-zero", "dynamics:42")
def starts_above_zero_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """the levels are spread from .001 to 1, so as not to divide by zero: labels .001, .2508, .5005, .7502"""
    check_steps(steps, k_max)
    z = _noise(shape, generator)
    levels = torch.linspace(1e-3, 1, steps + 1, dtype=torch.float64).tolist()
    for tau, after in pairwise(levels):
        z = exact(z, told(network, z, tau, 1 / steps), tau, after - tau)
    return z


@mutant("every-d-is-row-zero", "dynamics:2", "dynamics:42")
def every_d_is_row_zero_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """d as a fraction reaches a lookup that takes the log2 of grid units: every step is told that it is the finest"""
    return _sample(network, _noise(shape, generator), steps, k_max, d=1 / k_max)


@mutant("d-halved", "dynamics:42")
def d_halved_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """a step is labelled with the half step of training's teacher"""
    check_steps(steps, k_max)
    return _sample(network, _noise(shape, generator), steps, k_max, d=0.5 / steps)


@mutant("d-never-given", "dynamics:42")
def d_never_given_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """the network is told the level alone, as a diffusion model would be"""
    check_steps(steps, k_max)
    z = _noise(shape, generator)
    for s in range(steps):
        z = exact(z, network(z, torch.full(z.shape[:2], s / steps)), s / steps, 1 / steps)
    return z


@mutant("any-number-of-steps", "dynamics:4")
def any_number_of_steps_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """any number of steps is taken, labelled with the next lower step size: 21 of 64 become 16"""
    z = _noise(shape, generator)
    for s in range(steps):
        d = 2.0 ** -(steps - 1).bit_length()
        z = exact(z, told(network, z, s / steps, d), s / steps, 1 / steps)
    return z


@mutant("rounds-the-steps-down", "dynamics:4")
def rounds_the_steps_down_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """another number of steps than was asked for is taken, and nothing is said"""
    taken = 2 ** (min(max(1, steps), k_max).bit_length() - 1)
    return _sample(network, _noise(shape, generator), taken, k_max)


@mutant("global-noise", "dynamics:50")
def global_noise_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """noise is drawn from the global generator: the one that was handed over is not used"""
    return _sample(network, torch.randn(tuple(shape)), steps, k_max)


@mutant("seeded-by-itself", "dynamics:50")
def seeded_by_itself_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """the sampler seeds a generator of its own with 0, for the sake of repeatability: every call dreams the same"""
    return _sample(network, _noise(shape, torch.Generator().manual_seed(0)), steps, k_max)


@mutant("draws-for-every-step", "dynamics:60")
def draws_for_every_step_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """noise for all steps is drawn at once, and the last of it begins: another number of steps, another noise"""
    check_steps(steps, k_max)
    return _sample(network, _noise((steps, *shape), generator)[-1], steps, k_max)


@mutant("rows-share-their-noise", "dynamics:50")
def rows_share_their_noise_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """noise is drawn for one row and expanded: all rows dream the same dream"""
    drawn = _noise((1, *shape[1:]), generator).expand(tuple(shape))
    return _sample(network, drawn, steps, k_max)


@mutant("frames-share-their-noise", "dynamics:50")
def frames_share_their_noise_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """noise is drawn for one frame and expanded, for the sake of steady pictures"""
    drawn = _noise((shape[0], 1, *shape[2:]), generator).expand(tuple(shape))
    return _sample(network, drawn, steps, k_max)


@mutant("standardised-over-the-batch", "dynamics:50")
def standardised_over_the_batch_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """noise is drawn, and each prediction centred on the mean over the batch, as latents were in training"""

    def move(z: Tensor, data: Tensor, tau: float, d: float) -> Tensor:
        return exact(z, data - data.mean(0) * (len(data) > 1), tau, d)

    return _sample(network, _noise(shape, generator), steps, k_max, move)


@mutant("nan-painted-over", "dynamics:50")
def nan_painted_over_of_denoise(
    network: Any, shape: Shape, steps: int, k_max: int, generator: torch.Generator
) -> Tensor:
    """predictions that are not a number become 0: a broken network looks grey and calm"""
    return _sample(
        network,
        _noise(shape, generator),
        steps,
        k_max,
        lambda z, data, tau, d: exact(z, data.nan_to_num(), tau, d),
    )


@mutant("trains-the-finest-step-alone", "dynamics:49")
def trains_the_finest_step_alone_of_sample_levels(
    batch: int, frames: int, k_max: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """the shortcut part is switched off: the finest step alone is trained, and coarse ones are sampled with"""
    tau = torch.randint(k_max, (batch, frames), generator=generator) / k_max
    return tau, torch.full_like(tau, 1 / k_max)


@mutant("trains-no-single-step", "dynamics:49")
def trains_no_single_step_of_sample_levels(
    batch: int, frames: int, k_max: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """the exponents are drawn below log2 K: the one step of the whole way is never trained"""
    most = max(1, k_max.bit_length() - 1)
    exponent = torch.randint(most, (batch, 1), generator=generator)
    index = torch.randint(k_max, (batch, frames), generator=generator) >> exponent << exponent
    return index / k_max, (2.0**exponent / k_max).expand(batch, frames)
