"""SHORTCUT, what a loss owes its caller: nothing hidden, an answer to an empty batch, and the network as it was."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from . import draw
from .draw_dynamics import REGIONS, batch_case, k_max, make_batch, mixing
from .law import Implementation, expect, expect_that, law
from .oracles_dynamics import Arbitrary
from .scripts_dynamics import Listener, Units
from .shortcut_lesson import SPARE, Lesson, expect_students, lesson

CASE = batch_case(2, 8, 64)


@law(
    "SHORTCUT-015",
    needs="shortcut_loss",
    effect="training goes on with rows that are NaN, reported as 0, and nobody learns that half of the batch is gone",
    origin={
        "dynamics:26": "rows with NaN were dropped and the bootstrap loss was reported as 0.0; large losses were clamped at 1e6, then at 100"
    },
    witnesses=[
        "the mean of anything and NaN is NaN",
        "closed form: the loss of a network a thousand times as large is about a million times as large",
    ],
    since="2026.1",
    mutants=["drops-rows-that-are-nan", "nan-becomes-zero", "clamps-at-a-hundred"],
    draws={**CASE, "power": draw.integer(1, 4), "row": draw.integer(0, 3)},
    regions={**REGIONS, "large": lambda case: case["power"] > 2},
    cost="model",
)
def hides_nothing(impl: Implementation, power: int, row: int, **case: Any) -> None:
    """Losses of any size come back as they are, and where one answer of the student is NaN its branch is NaN, or the call raises."""
    batch, arbitrary = make_batch(**case), Arbitrary(case["seed"], mixing=False)

    def large(scale: float) -> Lesson:
        def predict(z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
            return scale * arbitrary(torch.zeros_like(z), tau, d)

        return lesson(impl, batch, predict, seed=case["seed"])

    small, big = large(1e3), large(10.0 ** (3 + power))
    for kind in ("flow", "bootstrap"):
        got, base = getattr(big, kind), getattr(small, kind)
        near = 0.5 * 100.0**power * base <= got <= 2 * 100.0**power * base
        expect_that(bool(near), "a loss of any size", got=got, want=100.0**power * base)
    row %= len(batch.d)

    def broken(z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        x = arbitrary(z, tau, d)
        hit = (tau == batch.tau[row]).all(1) & (d == batch.d[row]).all(1)
        return torch.where(hit.reshape(-1, *[1] * (x.ndim - 1)), float("nan"), x)

    try:
        hurt = lesson(impl, batch, broken, seed=case["seed"])
    except Exception:  # whatever it is that was raised, nothing was hidden
        return
    here = batch.flow[row]
    for got, there in ((hurt.flow, here.any()), (hurt.bootstrap, (~here).any())):
        if there:
            expect_that(bool(got.isnan()), "that a loss of NaN is NaN", got=got, want=float("nan"))


@law(
    "SHORTCUT-016",
    needs="shortcut_loss",
    effect="an empty last shard turns the loss into NaN, and with it every weight of the model",
    origin={"D4 #4.4": "the mean over an empty batch is NaN: noising works, the loss does not"},
    witnesses=[
        "a sum over nothing is 0",
        "an error is an answer too; NaN is none",
    ],
    since="2026.1",
    mutants=["no-frames-are-nan"],
    draws={"k_max": k_max(2, 8, 64), "seed": draw.seed(), "axis": draw.choice(0, 1)},
    regions={"no frames": lambda case: case["axis"] == 1, "no rows": lambda case: case["axis"] == 0},
)
def nothing_is_not_nan(impl: Implementation, k_max: int, seed: int, axis: int) -> None:
    """The losses of no rows, or of no frames, are finite or refused; those of one row with one frame are finite."""
    one = make_batch(k_max, 1, 1, seed, "example", "flow", [2])
    units, network = Units.of(impl, k_max), Listener(Units.of(impl, k_max), Arbitrary(seed, mixing=False))
    single = impl.shortcut_loss(network, one.data, units.level(one.tau), units.write(one.steps), k_max)
    finite = bool(torch.as_tensor(single[0]).isfinite().all())
    expect_that(finite, "the loss of one frame", got=single, want="finite")
    none = (one.data.narrow(axis, 0, 0), units.level(one.tau).narrow(axis, 0, 0))
    steps = units.write(one.d if axis else one.steps).narrow(axis, 0, 0)
    try:
        empty = impl.shortcut_loss(network, *none, steps, k_max)
    except Exception:
        return
    total = sum(torch.as_tensor(branch).sum() for branch in empty if branch is not None)
    expect_that(
        bool(torch.as_tensor(total).isfinite()), "the loss of nothing", got=total, want="finite, or refused"
    )


class _Whole(nn.Module):
    """A network of two parts: one in training, one frozen in evaluation."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self.listener, self.moving, self.frozen = listener, nn.Dropout(0.5), nn.Dropout(0.5)
        self.train()
        self.frozen.eval()

    def forward(self, *args: Any, **named: Any) -> Tensor:
        self.listener.training = self.moving.training
        return self.listener(*args, **named)

    def modes(self) -> list[bool]:
        return [part.training for part in self.modules()]


@law(
    "SHORTCUT-019",
    needs="shortcut_loss",
    effect="after the first step dropout is off for good, or a part that was frozen starts to train: the loss curve says nothing of it",
    origin={
        "dynamics:23": "the teacher ran with dropout; switching a module over for it must not leave it switched"
    },
    witnesses=[
        "the caller chose the mode of every part, and a loss is no setter",
        "no other loss of torch changes the mode of a module that it calls",
    ],
    since="2026.1",
    mutants=["leaves-the-network-in-evaluation", "wakes-what-was-frozen", "student-in-evaluation"],
    draws=CASE,
    regions=REGIONS,
    cost="model",
    spare=SPARE,
)
def modes_are_kept(impl: Implementation, **case: Any) -> None:
    """Afterwards each part of the network is in the mode in which it was, and the student was asked in that mode."""
    made: list[_Whole] = []

    def whole(listener: Listener) -> _Whole:
        made.append(_Whole(listener))
        return made[0]

    batch = make_batch(**case)
    learnt = lesson(impl, batch, Arbitrary(case["seed"], mixing(case)), seed=case["seed"], network=whole)
    expect(made[0].modes(), _Whole(Listener(learnt.units, Arbitrary(0))).modes(), "the modes afterwards")
    students = expect_students(learnt)
    expect([row.training for row in students], [True] * len(batch.d), "the mode of the student")
