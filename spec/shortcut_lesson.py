"""One batch through shortcut_loss with the kit's network: what the branches came to, and who was asked what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from .budget import EPS, FACTOR, Budget, error
from .draw_dynamics import Batch
from .law import Implementation, expect
from .oracles_dynamics import equation_seven, ramp
from .scripts_dynamics import Listener, Predict, Units, over
from .seed import global_generators_kept

EXACT = 1e-10  # what float64 is held to; other dtypes earn what plain arithmetic in them makes
NEAR = 1e-6  # labels that are this near are the same: they are fractions with few bits


@dataclass(frozen=True)
class Row:
    """One row of one call: z (T, ...), its labels (T,) or None, the answer as data, and the gradient that came back."""

    z: Tensor
    tau: Tensor | None
    d: Tensor | None
    data: Tensor
    gradient: Tensor
    training: bool

    def bears(self, tau: Tensor, d: Tensor, where: Tensor) -> bool:
        """Whether its labels are these, on the frames `where`."""
        if self.tau is None or self.d is None:
            return False
        off = torch.maximum((self.tau - tau).abs(), (self.d - d).abs())[where]
        return bool((off < NEAR).all())

    @property
    def learns(self) -> bool:
        """Whether a gradient came back."""
        return bool(self.gradient.any())

    def labels(self) -> list[float | None]:
        """tau of every frame, then d of every frame."""
        return [*_plain(self.tau), *_plain(self.d)]


def _plain(label: Tensor | None) -> list[float | None]:
    return [None] if label is None else label.tolist()


@dataclass(frozen=True)
class Lesson:
    """The two branches as float64 numbers, and every row of every call, in order."""

    batch: Batch
    units: Units
    flow: Tensor
    bootstrap: Tensor
    dtype: torch.dtype
    rows: Sequence[Row]

    @cached_property
    def students(self) -> list[Row | None]:
        """The row that was asked for each row of the batch under its own labels: one that a gradient came back to, if there are so many."""
        left = [row for row in self.rows if row.learns]
        if len(left) < len(self.batch.d):
            left += [row for row in self.rows if not row.learns]
        whole = torch.ones_like(self.batch.tau[0], dtype=torch.bool)
        return [_taken(left, tau, d, whole) for tau, d in zip(self.batch.tau, self.batch.d, strict=True)]

    @cached_property
    def others(self) -> list[Row]:
        """The rows that are no student's: the teacher's."""
        known = {id(row) for row in self.students}
        return [row for row in self.rows if id(row) not in known]

    @cached_property
    def first(self) -> list[Row | None]:
        """The teacher's first half step of each row of the batch with a frame of a coarser step: of several, the nearest to the student's."""
        return self._asked(self.batch.tau, [row.z if row else None for row in self.students])

    @cached_property
    def second(self) -> list[Row | None]:
        """The teacher's second half step of each of these rows: of several, the nearest to where the first one ends."""
        ends = [
            row.z + over(part[None], row.z[None])[0] * (row.data - row.z) if row else None
            for row, part in zip(self.first, self.batch.d / 2 / (1 - self.batch.tau), strict=True)
        ]
        return self._asked(self.batch.tau + self.batch.d / 2, ends)

    def _asked(self, tau: Tensor, near: Sequence[Tensor | None]) -> list[Row | None]:
        left, flow = list(self.others), self.batch.flow
        rows = zip(tau, self.batch.d / 2, ~flow, near, strict=True)
        return [_taken(left, *labels, where, z) if where.any() else None for *labels, where, z in rows]


def _taken(left: list[Row], tau: Tensor, d: Tensor, where: Tensor, near: Tensor | None = None) -> Row | None:
    """Of these rows one that bears these labels, the nearest or the first, taken from them."""
    found = [place for place, row in enumerate(left) if row.bears(tau, d, where)]
    if near is not None:
        found.sort(key=lambda place: float((left[place].z - near)[where].abs().sum()))
    return left.pop(found[0]) if found else None


def lesson(
    impl: Implementation, batch: Batch, predict: Predict, *, seed: int = 0, dtype: torch.dtype = torch.float64,
    network: Any = None,
) -> Lesson:  # fmt: skip
    """shortcut_loss of a batch, and the backward of its sum."""
    units = Units.of(impl, batch.k_max)
    listener = Listener(units, predict)
    labels = torch.float64 if dtype == torch.float64 else torch.float32
    tau, d = units.level(batch.tau).to(labels), units.write(batch.steps)
    d = d.to(labels) if d.is_floating_point() else d
    with global_generators_kept(), torch.enable_grad():
        torch.manual_seed(seed)
        handed = listener if network is None else network(listener)
        branches = impl.shortcut_loss(handed, batch.data.to(dtype), tau, d, batch.k_max)
        losses = [torch.as_tensor(0.0 if branch is None else branch) for branch in branches]
        for loss in losses:
            if loss.requires_grad:
                loss.backward(retain_graph=True)
    flow, bootstrap = (loss.detach().cpu().to(torch.float64) for loss in losses)
    made = next((loss.dtype for loss in losses if loss.requires_grad), losses[0].dtype)
    rows = [row for asked in listener.asked for row in _rows(asked)]
    return Lesson(batch, units, flow, bootstrap, made, rows)


def _rows(asked: Any) -> list[Row]:
    grad = torch.zeros_like(asked.leaf) if asked.leaf.grad is None else asked.leaf.grad
    return [
        Row(
            asked.z[i], None if asked.tau is None else asked.tau[i], None if asked.d is None else asked.d[i],
            asked.data[i], grad[i], asked.training,
        )
        for i in range(len(asked.z))
    ]  # fmt: skip


# What laws that need the students' rows say about the comparison that finds them.
SPARE = {
    "the labels of what is learnt": "without the rows nothing can be compared; SHORTCUT-012 is the law of their labels"
}


def expect_students(learnt: Lesson) -> list[Row]:
    """Each row of the batch was asked under its own labels."""
    found = [row for row in learnt.students if row]
    given = [[*tau.tolist(), *d.tolist()] for tau, d in zip(learnt.batch.tau, learnt.batch.d, strict=True)]
    got = given if len(found) == len(given) else [row.labels() for row in learnt.rows if row.learns]
    expect(got, given, "the labels of what is learnt")
    return found


def frames(
    learnt: Lesson, students: Sequence[Row], predict: Predict, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """The loss of every frame (B, T), ramp and all, were it a flow frame, and were it a bootstrap frame."""
    batch = learnt.batch
    z = torch.stack([row.z for row in students]).to(torch.float64)
    answers = predict(z, batch.tau, batch.d).to(dtype)
    weight = ramp(batch.tau).to(dtype)
    flow = weight * (answers - batch.data.to(dtype)).square().flatten(2).mean(2)
    return flow, weight * equation_seven(predict, z, batch.tau, batch.d, dtype)


def expect_branch(
    impl: Implementation, learnt: Lesson, got: Tensor, each: Tensor, plain: Tensor, kind: str
) -> None:
    """A branch is the mean of its frames' losses over all frames or over its own, within what its dtype makes."""
    chosen = learnt.batch.flow if kind == "flow" else ~learnt.batch.flow
    counts = {"all frames": chosen.numel(), "own frames": max(1, int(chosen.sum()))}
    declared = impl.convention("BRANCHES")
    features = learnt.batch.data[0, 0].numel()
    scale = impl.number("BOOTSTRAP") if kind == "bootstrap" else None
    total = torch.where(chosen, each, 0).sum() * (1.0 if scale is None else scale)
    ways = [
        total * size / counts[way] for way in ([declared] if declared else counts) for size in (1, features)
    ]
    want = min(ways, key=lambda way: abs(float(got - way)))
    expect(got, want, f"the {kind} loss", within=earned(learnt.dtype, each, plain))


def earned(dtype: torch.dtype, exact: Tensor, plain: Tensor) -> Budget:
    """float64 is held to EXACT, any other dtype to a few times what plain arithmetic in it makes."""
    if dtype == torch.float64:
        return Budget(EXACT)
    return Budget(FACTOR["network"] * max(error(plain, exact), EPS.get(dtype, EPS[torch.float32])))
