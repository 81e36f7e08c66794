"""PATH: how a flow model mixes data and noise, what its network learns to answer, and what follows from an answer.

TIME says where the data are and PREDICTS what the network answers; the path between is the implementation's own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import draw, draw_flow
from .budget import EPS, Budget, budget
from .law import Implementation, expect, expect_that, law
from .oracles_path import (
    NETWORKS,
    Form,
    at_level,
    column,
    mixing,
    own_mix,
    pair,
    prediction,
)

BATCH = {"times": draw_flow.times(), "form": draw_flow.form(), "seed": draw.seed()}
WITH_ENDS = {**BATCH, "times": draw_flow.times(0.0, 1.0)}
REGIONS = {
    "one item": lambda case: len(case["times"]) == 1,
    "different times": lambda case: len(set(case["times"])) > 1,
    "items == frames": lambda case: len(case["times"]) == case["form"][1] > 1,
    "items == features": lambda case: len(case["times"]) == case["form"][0] > 1,
}
AT_AN_END = {"at an end": lambda case: bool({0.0, 1.0} & set(case["times"]))}
STEP = 1 / 128  # of the derivative
MIXES = {
    "some noise": "code that hands the data back mixes nothing, and keeps every other promise about mixing"
}


def expect_some_noise(sigma: Tensor, t: Tensor) -> None:
    """Between its ends a path holds noise."""
    inside = (t > 0) & (t < 1)
    expect_that(
        bool((sigma.flatten()[inside] > 0).all()), "some noise", got=sigma.flatten().tolist(), want="above 0"
    )


@law(
    "PATH-001",
    needs="interpolate",
    effect="the model is trained towards noise, or sampling starts at the data: hiss, at any number of steps and with a low loss",
    origin={
        "flow:3": "two directions of time are in use; an interpolation of the other direction has the same shape and spread",
        "flow:1": "the direction has to be declared, because nothing else shows it",
    },
    witnesses=[
        "a path joins the data and the noise, by definition",
        "equations of rectified flow, of conditional flow matching and of v-prediction",
        "Lin et al.: a schedule that never reaches pure noise trains one model and samples another",
    ],
    since="2026.1",
    mutants=["reversed-time", "never-quite-noise", "never-quite-data", "small-times-are-clean"],
    draws=BATCH,
    regions={**REGIONS, "three items or more": lambda case: len(case["times"]) > 2},
)
def joins_data_and_noise(impl: Implementation, times: list[float], form: list[int], seed: int) -> None:
    """interpolate(data, noise, t) is the data at one end of 0..1 and the noise at the other, as TIME declares, and never turns back."""
    data, noise = pair(seed, len(times), form)
    for name, want, level in ("the data", data, 0.0), ("the noise", noise, 1.0):
        t = at_level(impl, torch.full((len(times),), level))
        got = impl.interpolate(data.clone(), noise.clone(), t)
        expect(got, want, f"{name} at their end", within=mixing(want, data, noise))
    levels = torch.tensor(sorted({0.0, *times, 1.0}), dtype=torch.float64)
    alpha, sigma = own_mix(impl, at_level(impl, levels))
    rises = bool((alpha.diff(dim=0) < 0).all() and (sigma.diff(dim=0) > 0).all())
    expect_that(
        rises,
        "between the ends",
        got=[alpha.flatten().tolist(), sigma.flatten().tolist()],
        want="less data and more noise with each time further from the data",
    )


@law(
    "PATH-002",
    needs="interpolate",
    effect="items of a batch are noised by each other's times: the network hears the wrong level, and learns a blur of all of them",
    origin={
        "flow:2": "the state has to be made of each item's data and noise at its own time",
        "flow:20": "the time is one value for each element of the batch",
    },
    witnesses=[
        "one item at a time: a batch is the stack of its items",
        "the same cases at pairwise distinct sizes",
    ],
    since="2026.1",
    mutants=["time-on-the-last-axis", "one-time-for-all", "noises-in-place", "small-times-are-clean"],
    draws=WITH_ENDS,
    regions={**REGIONS, **AT_AN_END},
)
def mixes_each_item_by_its_time(impl: Implementation, times: list[float], form: list[int], seed: int) -> None:
    """interpolate(data, noise, t) (B, D, L) is alpha(t[i]) data[i] + sigma(t[i]) noise[i] for each item i, and writes to none of them."""
    data, noise = pair(seed, len(times), form)
    t = torch.tensor(times)
    alpha, sigma = own_mix(impl, t)
    expect_some_noise(sigma, t)
    exact = alpha * data + sigma * noise
    handed = data.clone(), noise.clone(), t.clone()
    got = impl.interpolate(*handed)
    expect(got, exact, "the state of each item", within=mixing(exact, data, noise))
    expect(list(handed), [data, noise, t], "what was handed in")


def _difference(impl: Implementation, data: Tensor, noise: Tensor, t: Tensor, step: float) -> Tensor:
    """d x / dt by the states at four times around t."""
    around = [
        impl.interpolate(data.clone(), noise.clone(), t + shift * step).to(torch.float64)
        for shift in (-2, -1, 1, 2)
    ]
    slope: Tensor = (around[0] - 8 * around[1] + 8 * around[2] - around[3]) / (12 * step)
    return slope


def _slope(impl: Implementation, data: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Budget]:
    """d x / dt, and how exact it is: off by less than it is from that of twice the step, and by the rounding of x over the step."""
    coarse, slope = (_difference(impl, data, noise, t, step) for step in (2 * STEP, STEP))
    made = impl.interpolate(data.clone(), noise.clone(), t)
    rounding = 1.5 * EPS.get(made.dtype, 1.0) / STEP * float(made.double().norm())
    off = (rounding + float((slope - coarse).norm())) / max(float(slope.norm()), 1e-300)
    return slope, Budget(min(4 * off, 1e-2))


@law(
    "PATH-003",
    needs="interpolate target",
    effect="the loss falls and sampling runs away from the data: a sign or a swapped coefficient is invisible to shapes and spreads",
    origin={
        "flow:4": "targets have to equal the derivative of the interpolation by finite differences",
        "flow:3": "noise - data for data at 0 and data - noise for data at 1: each is the other's wrong sign",
    },
    witnesses=[
        "a velocity is the derivative of the path, here by finite differences",
        "Salimans and Ho: v = alpha noise - sigma data",
    ],
    since="2026.1",
    mutants=[
        "velocity-of-the-other-sign",
        "target-is-the-noise",
        "velocity-per-timestep",
        "v-for-a-velocity",
    ],
    draws=BATCH,
    regions=REGIONS,
)
def learns_what_it_declares(impl: Implementation, times: list[float], form: list[int], seed: int) -> None:
    """target(data, noise, t) (B, D, L) is what PREDICTS says: d x_t / dt for a velocity, alpha noise - sigma data for v, noise, or data."""
    predicts = prediction(impl)
    data, noise = (x.double() for x in pair(seed, len(times), form))
    t = torch.tensor(times, dtype=torch.float64)
    got = impl.target(data.clone(), noise.clone(), t.clone())
    if predicts == "velocity":
        want, within = _slope(impl, data, noise, t)
    else:
        alpha, sigma = own_mix(impl, t)
        want = {"v": alpha * noise - sigma * data, "noise": noise, "data": data}[predicts]
        within = mixing(want, data, noise)
    expect(got, want, "the target", within=within)


@law(
    "PATH-004",
    needs="interpolate target to_data | interpolate target to_noise",
    effect="each step of a sampler that needs the data or the noise (DPM-Solver++, ping-pong, DDIM) starts from a wrong one",
    origin={
        "flow:2": "data and noise computed back from a state and the network's output must be those that were mixed",
        "flow:3": "x - t v for data at 0, x + (1 - t) u for data at 1",
    },
    witnesses=[
        "algebra: two linear equations in two unknowns",
        "flow_matching's velocity_to_target and diffusers' schedulers invert their own paths",
    ],
    since="2026.1",
    mutants=[
        "data-by-the-other-time",
        "data-at-full-step",
        "data-clipped",
        "data-by-one-time",
        "noise-by-the-other-sign",
        "noise-is-the-rest",
    ],
    draws=WITH_ENDS,
    regions={**REGIONS, **AT_AN_END},
)
def finds_data_and_noise(impl: Implementation, times: list[float], form: list[int], seed: int) -> None:
    """to_data(x, out, t) and to_noise(x, out, t) of x = interpolate(data, noise, t) and out = target(data, noise, t) are data and noise (B, D, L)."""
    prediction(impl)
    t = torch.tensor(times)
    told = _determinant(impl, t)
    tells = told.isfinite() & (told >= 1e-3)
    t = torch.where(tells, t, 0.5)  # at an end an answer may say nothing of the data, or be infinite
    least = float(_determinant(impl, t).min().clamp(min=1e-3))
    data, noise = pair(seed, len(times), form)
    x, out = (
        getattr(impl, name)(data.clone(), noise.clone(), t.clone()) for name in ("interpolate", "target")
    )
    for name, want in ("to_data", data), ("to_noise", noise):
        if impl.has(name):
            got = getattr(impl, name)(x.clone(), out.clone(), t.clone())
            within = mixing(want, x, out, data, noise, least=least)
            expect(got, want, f"the {name.removeprefix('to_')}", within=within)


def _determinant(impl: Implementation, t: Tensor) -> Tensor:
    """How well (x, answer) tell data and noise apart at each time (B,): 0 where they do not."""
    (alpha, sigma), (a, b) = own_mix(impl, t), own_mix(impl, t, "target")
    return (alpha * b - sigma * a).abs().flatten()


class Gaussian:
    """The ideal network for data of N(mean, spread**2): it answers what it expects of data and noise, given the state."""

    mean, spread = 1.5, 0.5

    def __init__(self, form: Form) -> None:
        self.form = form

    def guess(self, x: Tensor, alpha: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The expected data and noise of a state."""
        off = (x - alpha * self.mean) / (alpha**2 * self.spread**2 + sigma**2)
        return self.mean + alpha * self.spread**2 * off, sigma * off

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        t = column(t.to(x.dtype).expand(len(x)))
        data, noise = self.guess(x, *self.form.mix(t))
        a, b = self.form.answer(t)
        return a * data + b * noise


@law(
    "PATH-005",
    needs="adopt interpolate to_data",
    effect="a checkpoint of another project makes noise here, or a muffled average: its time runs the other way, or its states are scaled",
    origin={
        "flow:3": "between the two flow conventions t' = 1 - t and u = -v, and samples must be the same",
        "flow:1": "v, rectified flow and conditional flow matching are three conventions of one idea",
    },
    witnesses=[
        "the expected data given a state are one number, whatever network names them (here for a Gaussian, in closed form)",
        "equal signal-to-noise ratio: t_flow = tan(pi t / 2) / (1 + tan(pi t / 2))",
    ],
    since="2026.1",
    mutants=["adopts-time-alone", "adopts-sign-alone", "adopts-at-the-same-time", "adopts-unscaled"],
    draws={**BATCH, "speaks": draw_flow.one_of(list(NETWORKS), "speaks")},
    regions={**REGIONS, **draw_flow.each("speaks", NETWORKS)},
    spare=MIXES,
)
def adopts_other_networks(
    impl: Implementation, times: list[float], form: list[int], seed: int, speaks: str
) -> None:
    """adopt(network, objective), of a network that speaks v, rectified_flow or cfm, answers in the code's own convention: its data are the same."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((len(times), *form), generator=generator, dtype=torch.float64) + 1
    t = torch.tensor(times, dtype=torch.float64)
    ideal = Gaussian(NETWORKS[speaks])
    alpha, sigma = own_mix(impl, t)
    expect_some_noise(sigma, t)
    want, _ = ideal.guess(x, alpha, sigma)
    plain, _ = ideal.guess(x.float(), alpha.float(), sigma.float())
    out = impl.adopt(ideal, speaks)(x.clone(), t.clone())
    got = impl.to_data(x.clone(), out, t.clone())
    expect(got, want, "the data that it expects", within=budget(want, plain, "network"))
