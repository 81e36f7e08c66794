"""Training steps as they were got wrong: the labels, the counts, the scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from refaudio.losses import label_counts, token_loss

from ..adapters import toy_trainer as right
from . import loss as fine
from . import mutant

Batches = Sequence[right.Batch]
Network = Callable[..., Tensor]
Reduce = Callable[[Tensor], Tensor]
Labels = Callable[[Tensor, Tensor, right.Ids], tuple[Tensor, Tensor]]


def scaled(network: Network, scale: float) -> Network:
    """The same logits with their gradient scaled: what backward on a scaled loss leaves in them."""

    def scaling(rows: Tensor, text: Tensor) -> Tensor:
        logits = network(rows, text)
        return logits * scale + (logits * (1 - scale)).detach()

    return scaling


def relabelled(network: Network, batches: Batches, weights: Sequence[float], ids: right.Ids, unconditional: float,
                reduce: Reduce, labels: Labels) -> float:  # fmt: skip
    """The right step with other labels."""
    return lossy(network, batches, weights, ids, unconditional, reduce, token_loss, labels)


def lossy(network: Network, batches: Batches, weights: Sequence[float], ids: right.Ids, unconditional: float,
           reduce: Reduce, loss_of: Callable[..., Tensor], labels: Labels = right.labels) -> float:  # fmt: skip
    """The right step with another loss function, which is given the counts if it takes them."""
    known = [labels(rows, lengths, ids) for _, rows, lengths in batches]
    counts = reduce(torch.stack([label_counts(mask) for _, mask in known]).sum(0))
    world = reduce(torch.ones(()))
    extra = {"counts": counts} if loss_of is token_loss else {}
    total = torch.zeros(())
    for (text, rows, _), (targets, mask) in zip(batches, known, strict=True):
        logits = network(rows[:, :-1], right.without_text(text, unconditional))
        loss = loss_of(logits, targets, mask, weights, **extra)
        if loss.requires_grad:
            torch.autograd.backward(loss * (world if extra else 1 / len(batches)))
        total = total + loss.detach() / (1 if extra else len(batches))
    return float(reduce(total) if extra else total)


def _per_batch(loss_of: Callable[..., Tensor]) -> Callable[..., float]:
    """A step of one batch whose loss is another function; of several, each by the right one."""

    def step(network: Network, batches: Batches, accumulation: int, weights: Sequence[float], ids: right.Ids,
             unconditional: float, reduce: Reduce) -> float:  # fmt: skip
        if len(batches) > 1 or float(reduce(torch.ones(()))) > 1:
            return right.step(network, batches, accumulation, weights, ids, unconditional, reduce)
        return lossy(network, batches, weights, ids, unconditional, reduce, loss_of)

    return step


@mutant("step-mean-of-items", "codeclm:63")
def mean_of_items_of_step(*args: Any) -> float:
    """within a batch, the step's loss is the mean of the items' losses: a label counts more, the shorter its clip is"""
    return _per_batch(fine.mean_of_items_of_token_loss)(*args)


@mutant("step-counts-the-padding", "codeclm:63")
def counts_the_padding_of_step(*args: Any) -> float:
    """within a batch, the step divides by how many cells there are, padding included"""
    return _per_batch(fine.counts_the_padding_of_token_loss)(*args)


@mutant("step-groups-of-nine", "D0 #8")
def groups_of_nine_of_step(*args: Any) -> float:
    """the step deals weights out in whole groups of nine channels: those beyond get no loss and no gradient"""
    return _per_batch(fine.groups_of_nine_of_token_loss)(*args)


@mutant("step-mean-of-nothing", "codeclm:64")
def mean_of_nothing_of_step(*args: Any) -> float:
    """in the step a channel without labels is a mean over an empty selection: NaN, and so is the loss"""
    return _per_batch(fine.mean_of_nothing_of_token_loss)(*args)


@mutant("step-zips-the-weights", "codeclm:64")
def zips_the_weights_of_step(*args: Any) -> float:
    """the step zips weights and channels: of a list that is too short the last channels get no loss, and nothing is said"""
    return _per_batch(fine.zips_the_weights_of_token_loss)(*args)


@mutant("step-weights-forgotten", "codeclm:64")
def weights_forgotten_of_step(network: Network, batches: Batches, accumulation: int, weights: Sequence[float],
                              *rest: Any) -> float:  # fmt: skip
    """the configured weights are checked, and every channel counts alike"""
    token_loss(torch.zeros(1, 1, batches[0][1].shape[2], 1), batches[0][1][:1, :1] * 0,
               torch.ones_like(batches[0][1][:1, :1], dtype=torch.bool), weights)  # fmt: skip
    return right.step(network, batches, accumulation, [1.0] * len(weights), *rest)


@mutant("step-backward-of-the-sum", "codeclm:63")
def backward_of_the_sum_of_step(network: Network, batches: Batches, *rest: Any) -> float:
    """the mean is reported, and backward runs on the sum over the labels of each batch"""
    ids = rest[2]
    _, targets, lengths = batches[0]
    count = int(right.labels(targets, lengths, ids)[1].sum())
    return right.step(scaled(network, count), batches, *rest)


@mutant("step-reports-the-sum", "codeclm:63")
def reports_the_sum_of_step(network: Network, batches: Batches, accumulation: int, weights: Sequence[float],
                            *rest: Any) -> float:  # fmt: skip
    """backward runs on the mean over the channels, and their weighted sum is reported"""
    return right.step(network, batches, accumulation, weights, *rest) * sum(weights)


@mutant("predicts-its-own-row", "codeclm:59")
def predicts_its_own_row_of_step(network: Network, batches: Batches, accumulation: int, weights: Sequence[float],
                                 ids: right.Ids, unconditional: float, reduce: Reduce) -> float:  # fmt: skip
    """the network is fed the row that it has to predict: labels are not shifted, and the loss falls to zero"""

    def fed(rows: Tensor, text: Tensor) -> Tensor:
        return network(
            next(whole[:, 1:] for _, whole, _ in batches if torch.equal(whole[:, :-1], rows)), text
        )

    return right.step(fed, batches, accumulation, weights, ids, unconditional, reduce)


@mutant("reports-the-scaled-loss", "D0 #3")
def reports_thescaled_loss_of_step(
    network: Network, batches: Batches, accumulation: int, *rest: Any
) -> float:
    """the loss is reported as it went into backward, divided by the accumulation count"""
    return right.step(network, batches, accumulation, *rest) / accumulation


@mutant("scales-back-twice", "D0 #3")
def scales_back_twice_of_step(network: Network, batches: Batches, accumulation: int, *rest: Any) -> float:
    """the loss is kept as it was before the division, as the report asks, and multiplied back all the same"""
    return right.step(network, batches, accumulation, *rest) * accumulation


@mutant("partial-group-over-accumulation", "codeclm:70")
def partial_group_over_accumulation_of_step(network: Network, batches: Batches, accumulation: int,
                                            *rest: Any) -> float:  # fmt: skip
    """the last group of an epoch is divided by the accumulation count, although it has fewer micro-batches"""
    return right.step(scaled(network, len(batches) / accumulation), batches, accumulation, *rest)


@mutant("sums-the-micro-batches", "codeclm:70")
def sums_the_micro_batches_of_step(network: Network, batches: Batches, *rest: Any) -> float:
    """the micro-batches' gradients are added up and divided by nothing: the learning rate grows with their number"""
    return right.step(scaled(network, len(batches)), batches, *rest)


@mutant("last-micro-batch-only", "codeclm:70")
def last_micro_batch_only_of_step(network: Network, batches: Batches, *rest: Any) -> float:
    """gradients are cleared before every backward: of each step the last micro-batch alone is learnt"""
    last = batches[-1][1]

    def fed(rows: Tensor, text: Tensor) -> Tensor:
        logits = network(rows, text)
        return logits if rows.data_ptr() == last.data_ptr() else logits.detach()

    return right.step(fed, batches, *rest)


@mutant("counts-the-first-micro-batch", "codeclm:70")
def counts_the_first_micro_batch_of_step(network: Network, batches: Batches, accumulation: int,
                                         weights: Sequence[float], ids: right.Ids, unconditional: float,
                                         reduce: Reduce) -> float:  # fmt: skip
    """the labels of the first micro-batch are counted for all of them"""
    first = label_counts(right.labels(batches[0][1], batches[0][2], ids)[1]) * len(batches)

    def loss_of(logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]) -> Tensor:
        return (
            token_loss(logits, targets, mask, weights, counts=reduce(first))
            * len(batches)
            * reduce(torch.ones(()))
        )

    return lossy(network, batches, weights, ids, unconditional, reduce, loss_of)


@mutant("leftovers-dropped", "codeclm:70")
def leftovers_dropped_of_step(network: Network, batches: Batches, accumulation: int, *rest: Any) -> float:
    """a group that is not full has no backward: the last clips of every epoch are never learnt"""
    return right.step(scaled(network, float(len(batches) == accumulation)), batches, accumulation, *rest)


@mutant("counts-of-this-rank", "codeclm:71")
def counts_of_this_rank_of_step(network: Network, batches: Batches, accumulation: int, weights: Sequence[float],
                                ids: right.Ids, unconditional: float, reduce: Reduce) -> float:  # fmt: skip
    """labels are counted over the micro-batches of this rank alone, and the means of the ranks are averaged"""
    reduce(torch.ones(()))
    return right.step(network, batches, accumulation, weights, ids, unconditional, torch.clone)


@mutant("shrinks-with-the-ranks", "codeclm:71")
def shrinks_with_the_ranks_of_step(network: Network, batches: Batches, accumulation: int, weights: Sequence[float],
                                   ids: right.Ids, unconditional: float, reduce: Reduce) -> float:  # fmt: skip
    """labels are counted over all ranks, and nobody undoes the averaging over ranks that follows"""
    world = float(reduce(torch.ones(())))
    return right.step(scaled(network, 1 / world), batches, accumulation, weights, ids, unconditional, reduce)


@mutant("counts-as-if-alone", "codeclm:71")
def counts_as_if_alone_of_step(network: Network, batches: Batches, accumulation: int, weights: Sequence[float],
                               ids: right.Ids, unconditional: float, reduce: Reduce) -> float:  # fmt: skip
    """each rank counts its own labels, and multiplies by the number of ranks as if it had counted all of them"""
    world = float(reduce(torch.ones(())))
    return right.step(scaled(network, world), batches, accumulation, weights, ids, unconditional, torch.clone)
