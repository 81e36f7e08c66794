"""Paths of flow models as they were got wrong: rectified flow, x_t = (1 - t) data + t noise, data at 0."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ..adapters import reference_flow as right
from . import mutant

Network = Callable[[Tensor, Tensor], Tensor]


def _column(t: Tensor, like: Tensor) -> Tensor:
    return t.to(like.dtype).reshape(-1, *[1] * (like.ndim - 1))


def _mixed(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    t = _column(t, data)
    return (1 - t) * data + t * noise


@mutant("reversed-time", "flow:3", "flow:1")
def reversed_time_of_interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """time runs the other way than declared: the data are where the noise should be"""
    return _mixed(noise, data, t)


@mutant("never-quite-noise", "flow:3")
def never_quite_noise_of_interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """times are kept below 0.999: no state is ever pure noise, with which sampling begins"""
    return _mixed(data, noise, t.clamp(max=1 - 1e-3))


@mutant("never-quite-data", "flow:3")
def never_quite_data_of_interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """times are kept above 0.001: the data never lie on the path that leads to them"""
    return _mixed(data, noise, t.clamp(min=1e-3))


@mutant("small-times-are-clean", "flow:3")
def small_times_are_clean_of_interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """what is hardly noised counts as clean: below 0.2 the state stands still"""
    return _mixed(data, noise, torch.where(t < 0.2, 0 * t, t))


@mutant("time-on-the-last-axis", "flow:2", "flow:20")
def time_on_the_last_axis_of_interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """where there are as many items as frames, the times are broadcast along the frames"""
    if len(t) == data.shape[-1]:
        return (1 - t) * data + t * noise
    return _mixed(data, noise, t)


@mutant("one-time-for-all", "flow:2", "flow:20")
def one_time_for_all_of_interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """the first item's time is taken for the whole batch"""
    return _mixed(data, noise, t[:1])


@mutant("noises-in-place", "flow:2")
def noises_in_place_of_interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """the noise is added to the caller's data, where they lie"""
    t = _column(t, data)
    return data.mul_(1 - t).add_(t * noise)


@mutant("velocity-of-the-other-sign", "flow:4", "flow:3")
def other_sign_of_target(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """the target is data - noise, the velocity of the other direction of time"""
    return data - noise


@mutant("target-is-the-noise", "flow:4")
def the_noise_of_target(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """the network is taught the noise, as for a diffusion model, and sampled as a flow"""
    return noise.clone()


@mutant("velocity-per-timestep", "flow:4")
def per_timestep_of_target(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """the velocity is counted for one of a thousand timesteps"""
    return (noise - data) / 1000


@mutant("v-for-a-velocity", "flow:4")
def v_for_a_velocity_of_target(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """v's alpha noise - sigma data, with the coefficients of the straight path"""
    t = _column(t, data)
    return (1 - t) * noise - t * data


@mutant("data-by-the-other-time", "flow:2", "flow:3")
def other_time_of_to_data(x: Tensor, out: Tensor, t: Tensor) -> Tensor:
    """x - (1 - t) v: the step to the data is as long as the one to the noise"""
    return x - (1 - _column(t, x)) * out


@mutant("data-at-full-step", "flow:2")
def full_step_of_to_data(x: Tensor, out: Tensor, t: Tensor) -> Tensor:
    """x - v, whatever the time: right from pure noise alone"""
    return x - out


@mutant("data-clipped", "flow:2")
def clipped_of_to_data(x: Tensor, out: Tensor, t: Tensor) -> Tensor:
    """the data are clipped to -1..1, as for pictures; latents are not bounded"""
    return (x - _column(t, x) * out).clamp(-1, 1)


@mutant("data-by-one-time", "flow:2", "flow:20")
def one_time_of_to_data(x: Tensor, out: Tensor, t: Tensor) -> Tensor:
    """the first item's time is taken for the whole batch"""
    return x - float(t[0]) * out


@mutant("noise-by-the-other-sign", "flow:2")
def other_sign_of_to_noise(x: Tensor, out: Tensor, t: Tensor) -> Tensor:
    """x - (1 - t) v, which leads away from the noise"""
    return x - (1 - _column(t, x)) * out


@mutant("noise-is-the-rest", "flow:2")
def the_rest_of_to_noise(x: Tensor, out: Tensor, t: Tensor) -> Tensor:
    """what is left of the state without the data counts as the noise, and is not scaled back up"""
    t = _column(t, x)
    return x - (1 - t) * (x - t * out)


@mutant("adopts-time-alone", "flow:3")
def time_alone_of_adopt(network: Network, objective: str) -> Network:
    """a network of the other direction is asked at 1 - t, and its velocity taken as it is"""
    if objective == "cfm":
        return lambda x, t: network(x, 1 - t)
    return right.adopt(network, objective)


@mutant("adopts-sign-alone", "flow:3")
def sign_alone_of_adopt(network: Network, objective: str) -> Network:
    """a network of the other direction is negated, and asked at the same t"""
    if objective == "cfm":
        return lambda x, t: -network(x, t)
    return right.adopt(network, objective)


def _flow_of_v(network: Network, t_of: Callable[[Tensor], Tensor], *, scaled: bool) -> Network:
    def velocity(x: Tensor, t: Tensor) -> Tensor:
        at = t_of(t)
        alpha, sigma = (_column(f(math.pi / 2 * at), x) for f in (torch.cos, torch.sin))
        if scaled:
            x = x * (alpha + sigma)  # alpha + sigma of the straight path is 1
        v = network(x, at)
        return (sigma * x + alpha * v) - (alpha * x - sigma * v)

    return velocity


@mutant("adopts-at-the-same-time", "flow:3", "flow:1")
def same_time_of_adopt(network: Network, objective: str) -> Network:
    """a v network is asked at the time of the flow, where its noise level is another"""
    return (
        _flow_of_v(network, lambda t: t, scaled=True) if objective == "v" else right.adopt(network, objective)
    )


@mutant("adopts-unscaled", "flow:3", "flow:1")
def unscaled_of_adopt(network: Network, objective: str) -> Network:
    """a v network is handed the state of the flow, which at equal noise level is smaller"""

    def equal_ratio(t: Tensor) -> Tensor:
        return torch.atan(t / (1 - t)) * 2 / math.pi

    return (
        _flow_of_v(network, equal_ratio, scaled=False)
        if objective == "v"
        else right.adopt(network, objective)
    )
