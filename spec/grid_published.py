"""GRID: noise-to-data ratios (EDM's sigma) as times, and the grids that published checkpoints are sampled with."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from hypothesis import strategies as st
from torch import Tensor

from . import draw, draw_flow
from .budget import budget
from .grid import levels_of
from .law import Implementation, expect, expect_that, law

LOWS, HIGHS = (0.01, 0.03, 0.3, 1.0), (1.5, 14.0, 80.0, 500.0)
RANGE = {"low": draw.choice(*LOWS), "high": draw.choice(*HIGHS)}


@law(
    "GRID-006",
    needs="sigmas",
    effect="a run of one step starts at the smallest noise level: the network is shown pure noise and told it is nearly clean",
    origin={
        "flow:21": "with one step a scheduler starts at sigma = 0.3 where it should start at 500",
        "flow:9": "n steps have n + 1 points, the last of them the data",
    },
    witnesses=[
        "k-diffusion's schedules start at sigma_max for every n",
        "noise of spread sigma_max is what the run is handed",
    ],
    since="2026.1",
    mutants=[
        "one-step-from-the-lowest",
        "sigmas-one-too-many",
        "sigmas-without-the-data",
        "sigmas-end-above-0",
        "sigmas-miss-the-lowest",
        "sigmas-from-a-table",
    ],
    draws={"steps": draw_flow.steps(), **RANGE},
    regions={
        "one step": lambda case: case["steps"] == 1,
        "two steps": lambda case: case["steps"] == 2,
    },
)
def starts_at_the_largest_sigma(impl: Implementation, steps: int, low: float, high: float) -> None:
    """sigmas(n, low, high): n + 1 ratios that fall strictly: exactly `high`, also for n = 1, down to `low` for n > 1, then 0."""
    made = torch.as_tensor(impl.sigmas(steps, low, high)).double()
    expect(tuple(made.shape), (steps + 1,), "how many ratios")
    wanted = [("largest", 0, high)] + [("smallest", -2, low)] * (steps > 1)
    for name, place, one in wanted:
        want = torch.tensor(one, dtype=torch.float64)
        expect(made[place], want, f"the {name}", within=budget(want, want.float().log().exp(), "elementwise"))
    expect(float(made[-1]), 0.0, "the last")
    expect_that(bool((made.diff() < 0).all()), "the order", got=made.tolist(), want="ratios that fall")


@law(
    "GRID-007",
    needs="sigma_to_time interpolate",
    effect="the network is told another noise level than the one it hears: a veil of noise, or detail that was never there",
    origin={
        "flow:21": "a ratio sigma has to map to t = 2 atan(sigma) / pi, where noise stands to data as sigma to 1"
    },
    witnesses=[
        "by definition: sigma(t) / alpha(t) of the path at that time is the ratio",
        "k-diffusion's VDenoiser: t = 2 atan(sigma) / pi",
    ],
    since="2026.1",
    mutants=["sigma-by-the-other-path", "sigma-as-a-power", "sigma-cut-at-one"],
    draws={"sigmas": draw.Draw(st.lists(st.sampled_from((*LOWS, *HIGHS)), min_size=1, max_size=4))},
    regions={
        "large": lambda case: max(case["sigmas"]) > 10,
        "small": lambda case: min(case["sigmas"]) < 0.1,
        "one": lambda case: len(case["sigmas"]) == 1,
    },
)
def finds_the_time_of_a_ratio(impl: Implementation, sigmas: list[float]) -> None:
    """sigma_to_time(sigma) (N,) is the time at which interpolate(data, noise, t) holds sigma times as much noise as data."""
    want = torch.tensor(sigmas, dtype=torch.float64)
    t = impl.sigma_to_time(want.clone()).double()
    one = torch.ones(len(sigmas), 1, 1, dtype=torch.float64)
    data = impl.interpolate(one, 0 * one, t.clone()).double().flatten()
    noise = impl.interpolate(0 * one, one, t.clone()).double().flatten()
    level = want.float() / (1 + want.float())
    within = budget(want, level / (1 - level), "reduction")  # near the noise a rounded time costs most
    expect(noise / data, want, "the ratio at that time", within=within)


def _log_snr(n: int, kind: torch.dtype) -> Tensor:
    levels = torch.sigmoid(-torch.linspace(-6, 2, n + 1, dtype=kind))
    levels[0], levels[-1] = 1, 0
    return levels


def _cosine(n: int, kind: torch.dtype) -> Tensor:
    ramp = torch.linspace(1, 0, n, dtype=kind) if n > 1 else torch.ones(1, dtype=kind)
    sigmas = torch.exp(math.log(0.3) + ramp * (math.log(500) - math.log(0.3)))
    return torch.cat([2 / math.pi * torch.atan(sigmas), sigmas.new_zeros(1)])


def _small_tail(n: int, kind: torch.dtype) -> Tensor:
    return torch.cat([torch.linspace(1, 1 / 1000, n, dtype=kind), torch.zeros(1, dtype=kind)])


def _f5(n: int, kind: torch.dtype) -> Tensor:
    levels = torch.cos(math.pi / 2 * torch.linspace(0, 1, n + 1, dtype=kind))
    levels[-1] = 0
    return levels


def _diffrhythm(n: int, kind: torch.dtype) -> Tensor:
    return torch.linspace(1, 0, n + 1, dtype=kind)


PUBLISHED: dict[str, Callable[[int, torch.dtype], Tensor]] = {
    "stable-audio-flow": _log_snr,
    "stable-audio-v": _cosine,
    "flow-match-euler": _small_tail,
    "f5": _f5,
    "diffrhythm": _diffrhythm,
}


@law(
    "GRID-008",
    needs="published_grid",
    effect="a published checkpoint is sampled at other noise levels than its authors': duller or noisier than their demos, with the same weights",
    origin={
        "flow:14": "which times are visited changed silently with the solver: one takes the published grid, another a uniform one",
        "flow:9": "DiffRhythm's 32 points are 31 steps; F5 takes n + 1",
    },
    witnesses=[
        "closed forms, as stable-audio-tools, diffusers, F5-TTS and DiffRhythm compute them",
        "the grids of diffusers' own schedulers, where they are installed",
    ],
    since="2026.1",
    mutants=[
        "published-grid-is-uniform",
        "published-ends-not-pinned",
        "f5-without-sway",
        "cosine-as-a-flow",
        "small-tail-forgotten",
        "diffrhythm-by-points",
    ],
    draws={"steps": draw_flow.steps(), "grid": draw_flow.one_of(list(PUBLISHED), "grid")},
    regions={
        **draw_flow.each("grid", PUBLISHED),
        "one step": lambda case: case["steps"] == 1,
    },
)
def has_the_published_times(impl: Implementation, steps: int, grid: str) -> None:
    """published_grid(name, n) (n + 1,) holds the times of stable-audio-flow, stable-audio-v, flow-match-euler, f5 and diffrhythm in n steps."""
    exact, plain = (PUBLISHED[grid](steps, kind) for kind in (torch.float64, torch.float32))
    got = levels_of(impl, impl.published_grid(grid, steps))
    expect(got, exact, "the times", within=budget(exact, plain, "reduction"))
