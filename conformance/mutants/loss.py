"""Losses as they were got wrong: what was counted, what was weighed, what a mean of nothing is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from refaudio import losses as right

from . import mutant


def _each(logits: Tensor, targets: Tensor) -> Tensor:
    """The cross-entropy of every label, (B, R, K); ignored ids count as 0."""
    return functional.cross_entropy(logits.movedim(-1, 1).float(), targets.clamp(min=0), reduction="none")


def _mean(channels: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    return torch.stack([w * loss for w, loss in zip(weights, channels, strict=True)]).sum() / sum(weights)


def _checked(logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]) -> None:
    right.token_loss(logits.detach(), targets, mask, weights)


@mutant("mean-of-items", "codeclm:63")
def mean_of_items_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the loss is the mean of the items' losses: a label counts more, the shorter its clip is"""
    _checked(logits, targets, mask, weights)
    known = [i for i in range(len(mask)) if mask[i].any()]
    items = [right.token_loss(logits[i : i + 1], targets[i : i + 1], mask[i : i + 1], weights) for i in known]
    return torch.stack(items).mean() if items else logits.sum() * 0


@mutant("counts-the-padding", "codeclm:63")
def counts_the_padding_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the sum of the labels' losses is divided by how many cells there are, padding included"""
    counts = torch.full((mask.shape[2],), mask.shape[0] * mask.shape[1])
    return right.token_loss(logits, targets, mask, weights, counts=counts)


@mutant("weights-on-the-items", "codeclm:63", "dynamics:25")
def weights_on_the_items_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the channels' weights are laid on the first axis that they fit, which is the items' where there are as many"""
    if mask.shape[0] != mask.shape[2]:
        return right.token_loss(logits, targets, mask, weights)
    _checked(logits, targets, mask, weights)
    turned = torch.tensor(list(weights)).reshape(-1, 1, 1) * torch.where(mask, _each(logits, targets), 0)
    return (turned.sum((0, 1)) / mask.sum((0, 1)).clamp(min=1)).sum() / sum(weights)


@mutant("mask-turned-when-square", "dynamics:25")
def mask_turned_when_square_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the mask is transposed to (R, B, K), and fits only where there are as many items as rows"""
    turned = mask.transpose(0, 1) if mask.shape[0] == mask.shape[1] else mask
    return right.token_loss(logits, targets.clamp(min=0), turned, weights)


@mutant("sums-the-channels", "codeclm:64")
def sums_the_channels_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the weighted losses of the channels are added up, and never divided by the sum of the weights"""
    return right.token_loss(logits, targets, mask, weights) * sum(weights)


@mutant("item-in-the-sum", "codeclm:63")
def item_in_the_sum_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the channels' losses are added up as numbers, for the log, and only the last one keeps its gradient"""
    kept = torch.cat([logits[:, :, :-1].detach(), logits[:, :, -1:]], dim=2)
    return right.token_loss(kept, targets, mask, weights)


@mutant("groups-of-nine", "D0 #8")
def groups_of_nine_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """weights are dealt out in whole groups of nine channels: those beyond get no loss and no gradient"""
    _checked(logits, targets, mask, weights)
    used = len(weights) // 9 * 9 or len(weights)
    if not sum(weights[:used]):
        return logits.sum() * 0
    return right.token_loss(logits[:, :, :used], targets[:, :, :used], mask[:, :, :used], weights[:used])


@mutant("zero-weight-is-one", "D0 #8")
def zero_weight_is_one_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """a weight of 0 is taken for one that was not given, `weight or 1.0`, and the channel is trained after all"""
    _checked(logits, targets, mask, weights)
    return right.token_loss(logits, targets, mask, [weight or 1.0 for weight in weights])


@mutant("mean-of-nothing", "codeclm:64")
def mean_of_nothing_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """a channel without labels is a mean over an empty selection: NaN, and so is the loss"""
    _checked(logits, targets, mask, weights)
    means = [
        functional.cross_entropy(logits[:, :, k][mask[:, :, k]].float(), targets[:, :, k][mask[:, :, k]])
        for k in range(len(weights))
    ]
    return _mean(means, weights)


@mutant("empty-batch-is-nan", "codeclm:64", "D0 #8")
def empty_batch_is_nan_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """a channel without labels is passed over, and a batch without any is divided by the zero channels that are left"""
    loss = right.token_loss(logits, targets, mask, weights)
    return loss if mask.any() else loss * float("nan")


@mutant("stops-at-the-empty-channel", "codeclm:64")
def stops_at_the_empty_channel_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the loop over channels ends at the first one without labels: those after it are not trained in this step"""
    empty = [k for k in range(len(weights)) if not mask[:, :, k].any()]
    cut = mask.clone()
    if empty:
        cut[:, :, empty[0] :] = False
    return right.token_loss(logits, targets, cut, weights)


@mutant("zips-the-weights", "codeclm:64")
def zips_the_weights_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """weights and channels are zipped: of a list that is too short the last channels get no loss, and nothing is said"""
    used = min(len(weights), mask.shape[2])
    return right.token_loss(logits[:, :, :used], targets[:, :, :used], mask[:, :, :used], weights[:used])


@mutant("repeats-the-weights", "codeclm:64")
def repeats_the_weights_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """one weight is repeated for all channels, and a missing one is 1"""
    channels = mask.shape[2]
    given = list(weights) * channels if len(weights) == 1 else [*weights, *[1.0] * channels]
    return right.token_loss(logits, targets, mask, given[:channels])


@mutant("sums-to-nan", "codeclm:64", "D0 #8")
def sums_to_nan_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """weights that are all zero are divided by their sum"""
    if sum(weights):
        return right.token_loss(logits, targets, mask, weights)
    _checked(logits, targets, mask, [1.0] * len(weights))
    return logits.float().sum() * 0 / sum(weights) if sum(weights) else logits.float().sum() * float("nan")


@mutant("masks-by-the-pad-id", "D1 #17", "codeclm:63")
def masks_by_the_pad_id_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the mask is not used: what counts is every label that is not the PAD id, so that other filling is learnt"""
    _checked(logits, targets, mask, weights)
    pad = logits.shape[3] - 3
    return right.token_loss(logits, targets, (targets != pad) & (targets >= 0), weights)


@mutant("masks-the-first-channel-for-all", "codeclm:63")
def masks_the_first_channel_for_all_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the mask of the first channel stands for all: the others end where that one ends"""
    _checked(logits, targets, mask, weights)
    return right.token_loss(logits, targets.clamp(min=0), mask[:, :, :1].expand_as(mask), weights)


@mutant("crashes-on-ignored-labels", "codeclm:63")
def crashes_on_ignored_labels_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """every label is looked up before the mask is applied: one that is to be ignored is out of range"""
    if bool((targets < 0).any()):
        raise IndexError("index -100 is out of bounds")
    return right.token_loss(logits, targets, mask, weights)


@mutant("sums-in-bfloat16", "D4 #5.3")
def sums_in_bfloat16_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the loss is computed and added up in the dtype of the logits"""
    if logits.dtype != torch.bfloat16:
        return right.token_loss(logits, targets, mask, weights)
    each = functional.cross_entropy(logits.movedim(-1, 1), targets.clamp(min=0), reduction="none")
    sums = torch.where(mask, each, 0).sum((0, 1)) / mask.sum((0, 1)).clamp(min=1)
    return (sums * torch.tensor(list(weights), dtype=sums.dtype)).sum().float() / sum(weights)


@mutant("rounds-the-loss", "D4 #5.3")
def rounds_the_loss_of_token_loss(
    logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]
) -> Tensor:
    """the loss is turned back into the dtype of the logits"""
    return right.token_loss(logits, targets, mask, weights).to(logits.dtype)
