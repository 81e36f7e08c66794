"""LOSS, in the step that owns it: shift, mask, condition dropout, loss and backward in one function.

`step(network, batches, accumulation, weights, ids, unconditional, reduce)` is one step of the optimizer, on one rank:
at most `accumulation` batches of text (B, S), delayed rows (B, R, K) and how many rows of each item are real (B,);
ids are (bos, pad, eos); `unconditional` is the share of items that lose their text; `reduce` sums a tensor over all
ranks. It returns the loss that is logged; the gradient is read at the network's output, ranks are averaged, as in DDP.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from . import draw
from .budget import EPS, FACTOR, Budget, budget
from .conventions import CONVENTIONS
from .law import Implementation, decline, expect, expect_that, law
from .learning import Batch, Ids, Leaves, arrived, batch_of, on_ranks, train
from .lesson import closest
from .oracles import cross_entropy_slope, label_shares

ROUNDING = Budget(FACTOR["reduction"] * EPS[torch.float32])
GROUPS = {
    "vocabulary": draw.vocabulary(),
    "seed": draw.seed(),
    "groups": draw.groups(),
    "weights": draw.weights(1, 2, 3),
}


def _batches(groups: Sequence[Sequence[int]], codebooks: int, ids: Ids, seed: int) -> list[Batch]:
    return [batch_of(seed, frames, codebooks, ids, first=3 * i) for i, frames in enumerate(groups)]


def _slopes(batches: Sequence[Batch], shares: Sequence[Tensor], ids: Ids) -> tuple[Tensor, Tensor]:
    """The gradient of all items at the logits when their labels have these shares, in float64 and in float32."""
    network = Leaves(ids.size)
    parts: dict[torch.dtype, list[Tensor]] = {torch.float64: [], torch.float32: []}
    for (text, rows, _), share in zip(batches, shares, strict=True):
        logits = network.logits(rows[:, :-1], text)
        for dtype, made in parts.items():
            slope = cross_entropy_slope(logits.to(dtype), rows[:, 1:])
            made.append((share.to(dtype)[..., None] * slope).flatten())
    exact, plain = map(torch.cat, parts.values())
    return exact, plain


def _joint(batches: Sequence[Batch], weights: list[float], ids: Ids, per_token: bool) -> list[Tensor]:
    """The shares of all labels as if all batches were one."""
    masks = [rows[:, 1:] != ids.pad for _, rows, _ in batches]
    longest = max(mask.shape[1] for mask in masks)
    padded = [torch.nn.functional.pad(mask, (0, 0, 0, longest - mask.shape[1])) for mask in masks]
    whole, shares, start = label_shares(torch.cat(padded), weights, per_token=per_token), [], 0
    for mask in masks:
        shares.append(whole[start : start + len(mask), : mask.shape[1]])
        start += len(mask)
    return shares


def _apart(batches: Sequence[Batch], weights: list[float], ids: Ids, per_token: bool) -> list[Tensor]:
    """The shares of all labels when each batch is a mean of its own, and the mean of those is taken."""
    masks = [rows[:, 1:] != ids.pad for _, rows, _ in batches]
    return [label_shares(mask, weights, per_token=per_token) / len(masks) for mask in masks]


def expect_gradient(
    impl: Implementation, got: Tensor, batches: Sequence[Batch], weights: list[float], ids: Ids, what: str
) -> None:
    """The gradient at the logits of all batches is that of the declared conventions."""
    kinds = [impl.convention("LOSS")] if impl.convention("LOSS") else CONVENTIONS["LOSS"]
    declared = impl.convention("ACCUMULATION")
    wanted, allowed = [], 0.0
    for kind in kinds:
        joint = _joint(batches, weights, ids, kind == "mean of tokens")
        apart = _apart(batches, weights, ids, kind == "mean of tokens")
        if declared is None and not all(map(torch.allclose, joint, apart)):
            decline("ACCUMULATION is not declared, and micro-batches of unequal size tell its values apart")
        shares = apart if declared == "mean of means" else joint
        exact, plain = _slopes(batches, shares, ids)
        wanted.append(exact)
        allowed = max(allowed, budget(exact, plain, "reduction").allowed)
    expect(got, closest(got, wanted), what, within=Budget(allowed))


@law(
    "LOSS-010",
    needs="step",
    effect="the plotted loss is divided by the accumulation count, or multiplied by it: runs cannot be compared, and early stopping fires at once",
    origin={
        "D0 #3": "the loss is divided for the backward pass; it has to be multiplied back before anybody reads it"
    },
    witnesses=[
        "the same clips, once with and once without accumulation",
        "measured on the shipped code: ln 1028 both times",
    ],
    since="2026.1",
    mutants=["reports-the-scaled-loss", "scales-back-twice"],
    draws={"accumulation": draw.integer(2, 4), **GROUPS, "groups": draw.groups(1)},
    regions={"weights that differ": lambda case: len(set(case["weights"])) > 1},
)
def reports_the_loss(
    impl: Implementation,
    groups: list[list[int]],
    weights: list[float],
    vocabulary: int,
    seed: int,
    accumulation: int,
) -> None:
    """The reported loss does not depend on the accumulation count: n times the same micro-batch report what one of them does."""
    ids = Ids(vocabulary)
    batches = _batches(groups, len(weights), ids, seed)
    _, once = train(impl, ids.size, batches, 1, weights, ids)
    _, again = train(impl, ids.size, batches * accumulation, accumulation, weights, ids)
    expect_that(once > 0, "the loss of one micro-batch", got=once, want="above 0")
    expect(
        torch.tensor(again, dtype=torch.float64),
        torch.tensor(once, dtype=torch.float64),
        "the loss of the same, accumulated",
        within=ROUNDING,
    )


@law(
    "LOSS-011",
    needs="step",
    effect="with accumulation the same settings train another model: a larger learning rate, or short clips that count more",
    origin={
        "codeclm:70": "each micro-batch divides by its own count, or by the accumulation count in the last partial group of an epoch",
    },
    witnesses=[
        "the gradient of a sum is the sum of the gradients: one big batch, in closed form",
        "transformers' Trainer counts the labels of all micro-batches of a step since 4.46",
    ],
    since="2026.1",
    mutants=[
        "partial-group-over-accumulation",
        "sums-the-micro-batches",
        "last-micro-batch-only",
        "counts-the-first-micro-batch",
        "leftovers-dropped",
    ],
    draws={"spare": draw.integer(0, 2), **GROUPS},
    regions={
        "several micro-batches": lambda case: len(case["groups"]) > 1,
        "of unequal size": lambda case: len({sum(frames) for frames in case["groups"]}) > 1,
        "a partial group": lambda case: case["spare"] > 0,
        "items == micro-batches": lambda case: len(case["groups"][0]) == len(case["groups"]) > 1,
    },
)
def accumulates(
    impl: Implementation,
    groups: list[list[int]],
    weights: list[float],
    vocabulary: int,
    seed: int,
    spare: int,
) -> None:
    """The micro-batches of one step, a last partial group too, give the gradient of the one big batch, or the declared mean of means."""
    ids = Ids(vocabulary)
    batches = _batches(groups, len(weights), ids, seed)
    network, _ = train(impl, ids.size, batches, len(batches) + spare, weights, ids)
    expect_gradient(
        impl, arrived(network, batches), batches, weights, ids, "the gradient of all micro-batches"
    )


@law(
    "LOSS-012",
    needs="step",
    effect="eight GPUs train another model than one: clips count more on a rank that has few, or the gradient shrinks with the ranks",
    origin={
        "codeclm:71": "each rank divides by its own count, and averaging over ranks is not averaging over labels",
    },
    witnesses=[
        "the mean over ranks, as DDP takes it, of world * sum / global count is the gradient of the union",
        "torch's DDP documentation: gradients are averaged over processes",
    ],
    since="2026.1",
    mutants=["counts-of-this-rank", "shrinks-with-the-ranks", "counts-as-if-alone"],
    draws={"world": draw.integer(2, 3), **GROUPS, "groups": draw.groups(2)},
    regions={
        "a rank with less": lambda case: len({sum(frames) for frames in case["groups"]}) > 1,
        "two steps a rank": lambda case: len(case["groups"]) > 1,
    },
)
def spans_ranks(
    impl: Implementation,
    groups: list[list[int]],
    weights: list[float],
    vocabulary: int,
    seed: int,
    world: int,
) -> None:
    """Gradients averaged over n ranks equal those of one rank with all their batches, or the declared mean of means."""
    ids = Ids(vocabulary)
    # rank r has clips that are r frames longer: equal counts would hide whose count was taken
    frames = [
        [count + rank * (i + 1) for i, count in enumerate(group)] for rank in range(world) for group in groups
    ]
    batches = _batches(frames, len(weights), ids, seed)
    shares = [batches[rank * len(groups) : (rank + 1) * len(groups)] for rank in range(world)]
    networks = on_ranks(
        world,
        lambda rank, reduce: train(impl, ids.size, shares[rank], len(groups), weights, ids, reduce=reduce)[0],
    )
    got = torch.cat([arrived(*pair) for pair in zip(networks, shares, strict=True)]) / world
    expect_gradient(impl, got, batches, weights, ids, "the gradient of all ranks")
