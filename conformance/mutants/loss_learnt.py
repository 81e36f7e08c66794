"""Training steps and evaluations as they were got wrong: which labels they learn, and of what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..adapters import toy_trainer as right
from . import mutant
from .loss_step import Batches, Labels, Network, Reduce, relabelled


def _with(change: Callable[[Tensor, Tensor, Tensor, right.Ids], Tensor]) -> Labels:
    """The right labels with another mask: change(mask, rows, lengths, ids)."""

    def labels(rows: Tensor, lengths: Tensor, ids: right.Ids) -> tuple[Tensor, Tensor]:
        targets, mask = right.labels(rows, lengths, ids)
        return targets, change(mask, rows, lengths, ids)

    return labels


def _masked(change: Callable[[Tensor, Tensor, Tensor, right.Ids], Tensor], *args: Any) -> float:
    network, batches, _, weights, ids, unconditional, reduce = args
    return relabelled(network, batches, weights, ids, unconditional, reduce, _with(change))


def _within(rows: Tensor, lengths: Tensor) -> Tensor:
    return (torch.arange(1, rows.shape[1]) < lengths[:, None])[..., None]


@mutant("learns-the-padding", "codeclm:59", "D1 #17")
def learns_the_padding_of_step(*args: Any) -> float:
    """every row counts: PAD is a label like any other"""
    return _masked(lambda mask, rows, lengths, ids: rows[:, 1:] != ids[0], *args)


@mutant("learns-pad-between", "codeclm:59", "D1 #17")
def learns_pad_between_of_step(*args: Any) -> float:
    """the mask is made of lengths alone: PAD counts where early channels have ended and late ones have not"""
    return _masked(lambda mask, rows, lengths, ids: _within(rows, lengths) & (rows[:, 1:] != ids[0]), *args)


@mutant("forgets-the-tail", "codeclm:61")
def forgets_the_tail_of_step(*args: Any) -> float:
    """the mask ends where the first channel ends: the tails of the late ones are never learnt"""
    return _masked(lambda mask, rows, lengths, ids: mask & _first_goes_on(rows, ids), *args)


def _first_goes_on(rows: Tensor, ids: right.Ids) -> Tensor:
    first = rows[:, 1:, :1]
    return ((first == ids[0]) | (first == ids[1])).cumsum(1) == 0


@mutant("codes-only", "D1 #18")
def codes_only_of_step(*args: Any) -> float:
    """special tokens are taken out of the loss, EOS among them: the model cannot learn to stop"""
    return _masked(lambda mask, rows, lengths, ids: mask & (rows[:, 1:] != ids[2]), *args)


@mutant("eos-in-the-first-channel", "D1 #18", "codeclm:59")
def eos_in_the_first_channel_of_step(*args: Any) -> float:
    """EOS is a label in the first channel alone"""
    return _masked(lambda mask, rows, lengths, ids: mask & ((rows[:, 1:] != ids[2]) | _first(rows)), *args)


def _first(rows: Tensor) -> Tensor:
    return torch.arange(rows.shape[2]) == 0


@mutant("eos-cut-off", "D1 #18")
def eos_cut_off_of_step(*args: Any) -> float:
    """the mask ends one row early, as if the lengths counted no EOS row: the last channel to end never learns to"""
    return _masked(lambda mask, rows, lengths, ids: mask & _within(rows, lengths - 1), *args)


@mutant("eos-becomes-a-code", "D1 #18")
def eos_becomes_a_code_of_step(*args: Any) -> float:
    """labels are clamped into the codebook: EOS is learnt as the last code"""
    network, batches, _, weights, ids, unconditional, reduce = args
    last_code = ids[2] - 1

    def labels(rows: Tensor, lengths: Tensor, known: right.Ids) -> tuple[Tensor, Tensor]:
        targets, mask = right.labels(rows, lengths, known)
        return targets.clamp(max=last_code), mask

    return relabelled(network, batches, weights, ids, unconditional, reduce, labels)


def _eval(labels: Labels, network: Network, batches: Batches, weights: Sequence[float], ids: right.Ids,
          unconditional: float) -> float:  # fmt: skip
    with torch.no_grad():
        return relabelled(network, batches, weights, ids, unconditional, torch.clone, labels)


@mutant("eval-counts-the-padding", "D1 #14", "codeclm:65")
def counts_the_padding_of_evaluate(*args: Any) -> float:
    """evaluation has a mask of its own, in which PAD counts"""
    return _eval(_with(lambda mask, rows, lengths, ids: torch.ones_like(mask)), *args)


@mutant("eval-skips-eos", "codeclm:65")
def skips_eos_of_evaluate(*args: Any) -> float:
    """evaluation leaves EOS out, which training counts"""
    return _eval(_with(lambda mask, rows, lengths, ids: mask & (rows[:, 1:] != ids[2])), *args)


@mutant("eval-without-weights", "codeclm:65")
def without_weights_of_evaluate(
    network: Network, batches: Batches, weights: Sequence[float], *rest: Any
) -> float:
    """evaluation weighs all channels alike, and training does not"""
    return right.evaluate(network, batches, [1.0] * len(weights), *rest)


@mutant("eval-always-conditional", "D1 #11")
def always_conditional_of_evaluate(network: Network, batches: Batches, weights: Sequence[float], ids: right.Ids,
                                   unconditional: float) -> float:  # fmt: skip
    """evaluation keeps every text, whatever share of them training drops"""
    return right.evaluate(network, batches, weights, ids, 0.0)


@mutant("eval-never-conditional", "D1 #11")
def never_conditional_of_evaluate(network: Network, batches: Batches, weights: Sequence[float], ids: right.Ids,
                                  unconditional: float) -> float:  # fmt: skip
    """evaluation drops every text: the branch that listeners hear is never measured"""
    return right.evaluate(network, batches, weights, ids, 1.0)


@mutant("train-always-conditional", "D1 #6")
def always_conditional_of_step(network: Network, batches: Batches, accumulation: int, weights: Sequence[float],
                               ids: right.Ids, unconditional: float, reduce: Reduce) -> float:  # fmt: skip
    """training drops no text, whatever the configured share: guidance then leads away from a branch of noise"""
    return right.step(network, batches, accumulation, weights, ids, 0.0, reduce)


@mutant("train-never-conditional", "D1 #6")
def never_conditional_of_step(network: Network, batches: Batches, accumulation: int, weights: Sequence[float],
                              ids: right.Ids, unconditional: float, reduce: Reduce) -> float:  # fmt: skip
    """training drops every text: prompts have no effect"""
    return right.step(network, batches, accumulation, weights, ids, 1.0, reduce)
