"""SHORTCUT: the shortcut-forcing objective, its flow branch, its bootstrap branch, and what they are made from.

Labels are handed over, and heard, in the declared units; what is left to chance inside the loss, the noise, is read
from the first call.
"""

from __future__ import annotations

from typing import Any

import torch

from . import draw
from .draw_dynamics import REGIONS, batch_case, k_max, make_batch, mixing, whole_grid
from .law import Implementation, expect_that, law
from .oracles_dynamics import Arbitrary, Gaussian
from .shortcut_lesson import EXACT, SPARE, expect_branch, expect_students, frames, lesson

ENDS = {
    **REGIONS,
    "one step is all": lambda case: case["k_max"] == 1,
}


@law(
    "SHORTCUT-009",
    needs="shortcut_loss",
    effect="samples are blurred, or the ends of the range are never learnt: the flow loss compares, or weighs, something else than it should",
    origin={
        "dynamics:17": "the flow loss of x-prediction once carried (1 - tau)^2, so that near data no gradient was left",
        "dynamics:24": "the ramp was applied upside down, to the mean level of a clip, or not at all",
        "dynamics:27": "coarse rows were given the flow loss on top of the bootstrap",
        "dynamics:7": "model, loss and sampler each had a grid size of their own by default",
        "dynamics:30": "what a branch is divided by is declared: all frames, or its own",
    },
    witnesses=[
        "closed form: the ramp times the mean squared error against data, frame by frame",
        "Dreamer 4, section 3: the x-space loss and the ramp weight",
    ],
    since="2026.1",
    mutants=[
        "flow-loss-fades-near-data",
        "flow-loss-in-velocities",
        "flow-target-is-the-noisy-input",
        "flow-loss-on-every-row",
        "loss-ramp-upside-down",
        "mean-loss-times-mean-ramp",
        "grid-of-sixty-four",
        "ramp-forgotten-on-data",
        "levels-of-rows-on-frames",
    ],
    draws=batch_case(1, 2, 8, 64, 64, kinds=["flow"]),
    regions=ENDS,
    cost="model",
    spare=SPARE,
)
def flow_is_in_data_space(impl: Implementation, **case: Any) -> None:
    """The flow loss of x (B, T, ...) is the mean over frames with d = 1/K of (0.9 tau + 0.1) |f(z, tau, d) - x|^2, mean over features."""
    predict = Arbitrary(case["seed"], mixing(case))
    learnt = lesson(impl, make_batch(**case), predict, seed=case["seed"])
    students = expect_students(learnt)
    exact, plain = (frames(learnt, students, predict, kind)[0] for kind in (torch.float64, torch.float32))
    expect_branch(impl, learnt, learnt.flow, exact, plain, "flow")


@law(
    "SHORTCUT-010",
    needs="shortcut_loss",
    effect="few-step samples drift away from many-step ones, or the loss is dominated by levels that carry nothing",
    origin={
        "dynamics:18": "one trainer took the second half step's prediction alone for the target; others lost a factor of 1 - tau",
        "dynamics:24": "the ramp weighs the bootstrap too, frame by frame inside the mean",
        "dynamics:13": "a step for each example and the same for each of its frames is one and the same loss",
    },
    witnesses=[
        "Dreamer 4, equation 7, in numpy and as printed",
        "algebra: a convex combination of the two half steps' predictions, equal to 4e-16",
    ],
    since="2026.1",
    mutants=[
        "second-half-is-the-target",
        "loss-without-the-square-of-what-is-left",
        "what-is-left-not-squared",
        "what-is-left-averaged-over-frames",
        "bootstrap-ramp-upside-down",
        "bootstrap-without-ramp",
        "mean-bootstrap-times-mean-ramp",
        "an-epsilon-in-the-denominator",
        "second-half-divided-by-the-first",
        "grid-of-sixty-four",
        "bootstrap-left-out",
    ],
    draws=batch_case(2, 8, 64, 64),
    regions=REGIONS,
    cost="model",
    spare=SPARE,
)
def bootstrap_is_equation_seven(impl: Implementation, **case: Any) -> None:
    """The bootstrap loss is the mean over frames with d > 1/K of (0.9 tau + 0.1) (1 - tau)^2 |(f(z, tau, d) - z) / (1 - tau) - v|^2,
    v the mean velocity of two half steps, for any network that heeds its labels."""
    predict = Arbitrary(case["seed"], mixing(case))
    learnt = lesson(impl, make_batch(**case), predict, seed=case["seed"])
    students = expect_students(learnt)
    exact, plain = (frames(learnt, students, predict, kind)[1] for kind in (torch.float64, torch.float32))
    expect_branch(impl, learnt, learnt.bootstrap, exact, plain, "bootstrap")


@law(
    "SHORTCUT-011",
    needs="shortcut_loss",
    effect="the bootstrap pulls a network that is already right away from what is right, the more the longer it trains",
    origin={
        "dynamics:19": "of nine commits of one trainer three have a bootstrap loss of zero for the exact network",
        "dynamics:20": "noise drawn afresh between the half steps, or the true noise put back, is no step of the network's own",
    },
    witnesses=[
        "two exact half steps are one exact step: the flow map of a Gaussian is a semigroup",
        "a second implementation, in velocities, gives 1.9e-15",
    ],
    since="2026.1",
    mutants=[
        "second-half-is-the-target",
        "fresh-noise-between-the-halves",
        "true-noise-between-the-halves",
        "whole-step-in-the-first-half",
        "first-half-not-divided",
        "second-half-labelled-as-the-first",
        "halves-labelled-whole",
        "student-labelled-half",
        "an-epsilon-in-the-denominator",
        "an-epsilon-of-a-tenth",
        "second-half-divided-by-the-first",
        "half-step-is-the-finest",
        "bootstrap-left-out",
    ],
    draws={
        **batch_case(2, 4, 8, 64, 64),
        "mean": draw.choice(0.3, 0.0, -1.0),
        "deviation": draw.choice(0.5, 1.5),
    },
    regions=REGIONS,
    cost="model",
)
def exact_shortcuts_cost_nothing(impl: Implementation, mean: float, deviation: float, **case: Any) -> None:
    """The bootstrap loss of the network that shortcuts a Gaussian exactly is 0, at every tau and d of every grid."""
    batch = make_batch(**case)
    learnt = lesson(impl, batch, Gaussian(mean, deviation).shortcut, seed=case["seed"])
    coarse = not bool(batch.flow.all())
    asked = len(learnt.others) >= 2 * int((~batch.flow).any(1).sum())
    expect_that(
        asked or not coarse, "that the teacher was asked", got=len(learnt.others), want="two rows for each"
    )
    room = EXACT if learnt.dtype == torch.float64 else 1e-6
    expect_that(
        float(learnt.bootstrap) < room, "the loss of an exact shortcut", got=learnt.bootstrap, want=0.0
    )


@law(
    "SHORTCUT-018",
    needs="shortcut_loss",
    effect="the loss is NaN or a spike of 1e14 now and then, and someone clamps it: the levels nearest to data blow up",
    origin={
        "dynamics:28": "velocities divided by what is left of the way, off the grid, gave losses of 1e14; they were clamped at 1e6 and then at 100"
    },
    witnesses=[
        "on the grid no half step ends beyond 1 - 1/K, so that nothing is divided by less than that",
        "the convex combination of two predictions divides by nothing that can be small",
    ],
    since="2026.1",
    mutants=["divides-past-the-step"],
    draws={"k_max": k_max(4, 8, 64), "seed": draw.seed(), "dtype": draw.choice("float32", "bfloat16")},
    regions={
        "bfloat16": lambda case: case["dtype"] == "bfloat16",
        "a fine grid": lambda case: case["k_max"] == 64,
    },
    cost="model",
)
def whole_grid_is_finite(impl: Implementation, k_max: int, seed: int, dtype: str) -> None:
    """At every (tau, d) of the grid both losses and their gradients are finite and not zero, in float32 and in bfloat16."""
    predict = Arbitrary(seed, mixing=False)
    learnt = lesson(impl, whole_grid(k_max, seed), predict, seed=seed, dtype=getattr(torch, dtype))
    sizes = [learnt.flow, learnt.bootstrap, *(row.gradient.norm() for row in learnt.students if row)]
    finite = all(0 < float(size) < float("inf") for size in sizes) and None not in learnt.students
    expect_that(finite, "losses and gradients on the whole grid", got=sizes, want="finite, above 0")
