"""SHORTCUT, what the network is asked: under which labels, from where, and whose gradient comes back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import draw
from .draw_dynamics import REGIONS, batch_case, make_batch, mixing
from .law import Implementation, expect, expect_that, law
from .oracles_dynamics import Arbitrary
from .shortcut_lesson import SPARE, Lesson, earned, expect_students, lesson

CASE = batch_case(2, 8, 64)


def _asked(impl: Implementation, case: dict[str, Any]) -> tuple[Lesson, Arbitrary]:
    predict = Arbitrary(case["seed"], mixing(case))
    return lesson(impl, make_batch(**case), predict, seed=case["seed"]), predict


@law(
    "SHORTCUT-012",
    needs="shortcut_loss",
    effect="the network learns what a step of another size or level does: fewer steps than in training look worse for no visible reason",
    origin={
        "D4 #8.2": "a step a sample met levels a frame: with batch == frames, sample i's step was applied to frame i of all",
        "dynamics:21": "half steps were labelled as whole ones, or the second one with the level of the first",
        "D4 #2.4": "half steps were cut short at the end of the range, and still labelled as halves",
    },
    witnesses=[
        "Dreamer 4, equation 7: (tau, d) for the student, (tau, d/2) and (tau + d/2, d/2) for the teacher",
        "each example alone gives what it gives in its batch",
    ],
    since="2026.1",
    mutants=[
        "steps-of-rows-on-frames",
        "second-half-labelled-as-the-first",
        "halves-labelled-whole",
        "student-labelled-half",
        "half-step-is-the-finest",
        "levels-of-rows-on-frames",
        "no-step-is-told",
        "bootstrap-left-out",
    ],
    draws=CASE,
    regions=REGIONS,
)
def labels_are_those_given(impl: Implementation, **case: Any) -> None:
    """Each example is learnt from under its own (tau, d), and its teacher is asked at (tau, d/2) and (tau + d/2, d/2), on frames with d > 1/K."""
    learnt, _ = _asked(impl, case)
    expect_students(learnt)
    batch = learnt.batch
    missing = [
        [*(tau + part * d / 2).tolist(), *(d / 2).tolist()]
        for part, rows in enumerate((learnt.first, learnt.second))
        for tau, d, flow, row in zip(batch.tau, batch.d, batch.flow, rows, strict=True)
        if row is None and not bool(flow.all())
    ]
    heard = [row.labels() for row in learnt.others]
    expect_that(not missing, "the labels of the half steps", got=heard, want=missing)


@law(
    "SHORTCUT-013",
    needs="shortcut_loss",
    effect="the target of a long step is where no two half steps lead: few-step samples blur, or drift with the batch size",
    origin={
        "dynamics:20": "between the half steps noise was drawn afresh, or the true noise put back",
        "dynamics:25": "a half step (B, 1, 1, 1) met frames (B, T, ...): a crash, or with batch == frames the wrong half",
    },
    witnesses=[
        "Dreamer 4, equation 7: z' = z + b' d/2",
        "a loop over single frames",
    ],
    since="2026.1",
    mutants=[
        "fresh-noise-between-the-halves",
        "true-noise-between-the-halves",
        "whole-step-in-the-first-half",
        "first-half-not-divided",
        "halves-of-rows-on-frames",
        "an-epsilon-in-the-denominator",
        "teacher-sees-other-noise",
    ],
    draws=CASE,
    regions=REGIONS,
    spare={
        **SPARE,
        "that there are two half steps": "without them nothing can be compared; SHORTCUT-012 asks for them",
    },
)
def second_half_starts_where_the_first_ends(impl: Implementation, **case: Any) -> None:
    """The teacher's half steps start at the student's z and at z + d/2 (f(z, tau, d/2) - z) / (1 - tau), frame by frame, all frames at once."""
    learnt, _ = _asked(impl, case)
    starts = [
        [row.z for row in rows if row] for rows in (expect_students(learnt), learnt.first, learnt.second)
    ]
    batch, coarse = learnt.batch, (~learnt.batch.flow).any(1)
    complete = [len(rows) for rows in starts] == [len(batch.d), int(coarse.sum()), int(coarse.sum())]
    expect_that(
        complete, "that there are two half steps", got=[len(rows) for rows in starts], want=int(coarse.sum())
    )
    if not bool(coarse.any()):
        return
    chosen = ~batch.flow[coarse]
    begun, first, second = (torch.stack(rows).to(torch.float64) for rows in (starts[0], *starts[1:]))
    begun, answers = begun[coarse], torch.stack([row.data for row in learnt.first if row])
    step = (batch.d / 2 / (1 - batch.tau))[coarse].reshape(*chosen.shape, *[1] * (begun.ndim - 2))
    want, plain = (first + (step * (answers - first)).to(kind) for kind in (torch.float64, torch.float32))
    expect(first[chosen], begun[chosen], "where the first half step starts")
    within = earned(starts[0][0].dtype, want[chosen], plain[chosen])
    expect(second[chosen], want[chosen], "where the second half step starts", within=within)


@law(
    "SHORTCUT-014",
    needs="shortcut_loss",
    effect="the target runs towards the prediction: both collapse while the loss goes down; or coarse steps are not trained at all",
    origin={
        "D4 #3.1": "a doubly detached teacher was flagged as critical; harmless, and taking both away is not",
        "dynamics:26": "a loss clamped at 100 is a constant: its gradient is zero just where it is needed most",
    },
    witnesses=[
        "Dreamer 4, equation 7: the target is under a stop-gradient",
        "calculus: a squared error that is not zero has a gradient that is not zero",
    ],
    since="2026.1",
    mutants=[
        "teacher-learns-too",
        "first-half-learns-too",
        "bootstrap-without-gradient",
        "clamps-at-a-hundred",
    ],
    draws={**CASE, "size": draw.choice(1, 1000)},
    regions={**REGIONS, "an outlier": lambda case: case["size"] > 1},
    cost="model",
    spare=SPARE,
)
def student_alone_learns(impl: Implementation, size: int, **case: Any) -> None:
    """Both losses have a gradient at every frame of the student, however large its error, and none at the teacher."""
    arbitrary = Arbitrary(case["seed"], mixing=False)

    def predict(z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        return size * arbitrary(z / size, tau, d)

    learnt = lesson(impl, make_batch(**case), predict, seed=case["seed"])
    students = expect_students(learnt)
    others = [row.labels() for row in learnt.others if row.learns]
    expect(others, [], "what else a gradient reaches")
    reached = torch.stack([row.gradient.flatten(1).any(1) for row in students])
    expect(reached, torch.ones_like(reached), "which frames of the student a gradient reaches")
