"""GRID: the times that a sampler visits. n steps have n + 1, from the noise to the data.

Laws read them as noise levels (1 is noise, 0 the data), whichever way the declared TIME runs.
"""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from torch import Tensor

from . import draw, draw_flow
from .budget import Budget, budget
from .law import Implementation, expect, expect_refusal, expect_that, law
from .oracles_path import at_level

DAMAGES = ("empty", "one", "repeated", "swapped", "nan", "above", "below")
ROUNDING = Budget(4 * 2.0**-24)  # 1 - level, in float32
STEPS = {"steps": draw_flow.steps(), "start": draw_flow.start()}
REGIONS = {
    "one step": lambda case: case["steps"] == 1,
    "plain generation": lambda case: case["start"] == 1,
    "a variation": lambda case: case["start"] < 1,
    "starts below 0.119": lambda case: case["start"] < 0.119,
}


def levels_of(impl: Implementation, points: object) -> Tensor:
    """Times as float64 noise levels (n + 1,)."""
    return at_level(impl, torch.as_tensor(points).detach().cpu().to(torch.float64))


@law(
    "GRID-001",
    needs="grid",
    effect="the last or the first step is missing: residual noise in every song, or a variation that is noisier than it was asked to be",
    origin={
        "flow:9": "in one project 32 steps are 31: the points are counted for the steps; n steps have n + 1 strictly monotone points with exact ends",
        "D2 #8": "a schedule that starts at a low noise level first rises: .1, .1022, ... and then falls",
        "flow:23": "a variation of any strength needs monotone times",
    },
    witnesses=[
        "n intervals have n + 1 ends",
        "F5-TTS takes linspace(0, 1, steps + 1), and diffusers' schedulers append the last level",
    ],
    since="2026.1",
    mutants=[
        "climbs-at-first",
        "points-for-steps",
        "one-step-too-many",
        "stops-short-of-the-data",
        "starts-at-full-noise",
        "grid-upside-down",
        "grid-in-half-precision",
    ],
    draws={**STEPS, "steps": draw_flow.steps(400)},
    regions={**REGIONS, "many steps": lambda case: case["steps"] > 200},
)
def has_one_point_more_than_steps(impl: Implementation, steps: int, start: float) -> None:
    """grid(n, start): n + 1 times that fall strictly in noise, from the level `start` (1 is pure noise) to exactly the data."""
    levels = levels_of(impl, impl.grid(steps, start))
    expect(tuple(levels.shape), (steps + 1,), "how many points")
    expect(float(levels[-1]), 0.0, "the last point")
    expect(levels[0], torch.tensor(start, dtype=torch.float64), "the first point", within=ROUNDING)
    expect_that(
        bool((levels.diff() < 0).all()),
        "the order",
        got=levels.tolist(),
        want="noise levels that fall strictly",
    )


@law(
    "GRID-002",
    needs="grid",
    effect="a request for 0 steps comes back as a success: the file is pure noise",
    origin={
        "flow:11": "0 steps return the noise, below 0 an index error, and one library decodes pure noise without a word"
    },
    witnesses=[
        "a run of no steps visits nothing: there is no such grid",
        "a fraction of a step has no meaning; torch.linspace refuses it too",
    ],
    since="2026.1",
    mutants=["no-steps-are-fine", "steps-cut-down", "at-least-one-step", "points-for-steps"],
    draws={
        "steps": draw.choice(0, -1, 0.5, 2.5, "nan", "inf", -7, "-inf", 1.5, -3),
        "start": draw_flow.start(),
    },
    regions={
        "no steps": lambda case: case["steps"] == 0,
        "negative": lambda case: case["steps"] in (-1, -7, -3),
        "a fraction": lambda case: case["steps"] in (0.5, 1.5, 2.5),
        "not finite": lambda case: isinstance(case["steps"], str),
    },
)
def refuses_impossible_steps(impl: Implementation, steps: float | str, start: float) -> None:
    """grid(n, start) refuses n that is not a whole number above 0 (an error about its arguments), and takes 1."""
    impossible = float(steps) if isinstance(steps, str) else steps
    expect_refusal(lambda: impl.grid(impossible, start), "an impossible number of steps")
    expect(len(impl.grid(1, start)), 2, "the points of one step")


@law(
    "GRID-003",
    needs="check_grid",
    effect="a list of noise levels with a typing error makes a song of noise, or NaN in every sample, after minutes of work",
    origin={"flow:11": "empty, not finite and non-monotone noise levels must be refused before any work"},
    witnesses=[
        "an integral from the noise to the data visits each level once",
        "torchdiffeq refuses times that are not strictly monotone",
    ],
    since="2026.1",
    mutants=[
        "any-points-are-fine",
        "sorts-the-points",
        "stands-still",
        "nan-is-no-rise",
        "out-of-range",
        "data-twice",
    ],
    draws={
        "levels": draw_flow.falling(),
        "damage": draw.choice(*DAMAGES),
        "place": draw.integer(0, 5),
    },
    regions={
        **draw_flow.each("damage", DAMAGES),
        "one step": lambda case: len(case["levels"]) == 2,
    },
)
def refuses_unusable_points(impl: Implementation, levels: list[float], damage: str, place: int) -> None:
    """check_grid(times) gives back times from the noise to the data, and refuses: fewer than two, repeated, out of order, NaN, outside 0..1."""
    good = at_level(impl, torch.tensor(levels, dtype=torch.float64)).tolist()
    kept = torch.as_tensor(impl.check_grid(list(good))).double()
    expect(kept, torch.tensor(good, dtype=torch.float64), "usable points", within=ROUNDING)
    bad, i = list(good), place % (len(good) - 1)
    if damage == "nan":
        bad[i] = math.nan
    elif damage in ("above", "below"):
        inside = (0.0, 1.0) if at_level(impl, torch.tensor(1.0)) == 1 else (1.0, 0.0)
        bad[-1 if damage == "below" else 0] = 2 * inside[damage == "above"] - 0.5
    else:
        swapped = [*good[:i], good[i + 1], good[i], *good[i + 2 :]]
        repeated = [*good[: i + 1], *good[i:]]
        bad = {"empty": [], "one": good[:1], "repeated": repeated, "swapped": swapped}[damage]
    expect_refusal(lambda: impl.check_grid(bad), "unusable points")


@law(
    "GRID-004",
    needs="grid",
    effect="more steps stop helping: hundreds of network calls buy nothing, and a comparison of solvers compares nothing",
    origin={
        "flow:15": "on a grid that claims to converge, more steps mean less error; one with a fixed last step has to say so",
    },
    witnesses=[
        "a solver's error is bounded by its widest step, and by nothing less",
        "measured: Euler's error on stable-audio-tools' grid stays at 0.08 from 256 to 4096 steps",
    ],
    since="2026.1",
    mutants=["tail-of-fixed-width", "head-of-fixed-width"],
    draws={"steps": draw.integer(16, 64), "start": draw_flow.start()},
    regions={name: REGIONS[name] for name in ("plain generation", "a variation")},
)
def refines_with_more_steps(impl: Implementation, steps: int, start: float) -> None:
    """The widest step of grid(16 n) is at most a quarter of that of grid(n), the last step left out where GRID declares a fixed tail."""
    coarse, fine = (levels_of(impl, impl.grid(n, start)) for n in (steps, 16 * steps))
    inner = -1 if impl.convention("GRID") == "fixed tail" else None
    widest = [float(-levels.diff()[:inner].min()) for levels in (coarse, fine)]
    expect_that(
        widest[1] <= widest[0] / 4,
        "the widest step",
        got=widest,
        want=f"at most a quarter, with {16 * steps} steps for {steps}",
    )


@law(
    "GRID-005",
    needs="sway",
    effect="some steps run backwards or out of the trained range: the voice slurs, and nothing says why",
    origin={
        "flow:16": "sway keeps both ends for every coefficient, and is monotone only from -1 to 2 / (pi - 2)"
    },
    witnesses=[
        "calculus: the derivative 1 + s (1 - pi/2 sin(pi t / 2)) has a zero inside 0..1 beyond both bounds",
        "F5-TTS, which uses -1: 1 - cos(pi t / 2)",
    ],
    since="2026.1",
    mutants=["sways-as-told", "sway-clamped", "sways-the-other-way", "sways-the-wrong-end"],
    draws={
        "steps": draw_flow.steps(),
        "hundredths": draw.Draw(st.one_of(st.integers(-100, 175), st.sampled_from([-100, 0]))),
        "beyond": draw.choice(-1.01, -2.0, 1.76, 3.0, -8.0),
    },
    regions={
        "F5's": lambda case: case["hundredths"] == -100,
        "above 0": lambda case: case["hundredths"] > 0,
        "below -1": lambda case: case["beyond"] < 0,
        "above 1.752": lambda case: case["beyond"] > 0,
    },
)
def sways_within_bounds(impl: Implementation, steps: int, hundredths: int, beyond: float) -> None:
    """sway(n, s): the n + 1 times t + s (cos(pi t / 2) - 1 + t), t equally spaced from the noise; s outside -1 .. 2 / (pi - 2) is refused."""
    s = hundredths / 100
    exact, plain = (
        1 - (t + s * (torch.cos(math.pi / 2 * t) - 1 + t))
        for t in (torch.linspace(0, 1, steps + 1, dtype=kind) for kind in (torch.float64, torch.float32))
    )
    got = levels_of(impl, impl.sway(steps, s))
    expect(got, exact, "the swayed times", within=budget(exact, plain, "elementwise"))
    expect_refusal(lambda: impl.sway(steps, beyond), "a coefficient under which times run back")
