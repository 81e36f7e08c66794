"""The smallest trainer that obeys the laws: what a step is, until the library's own loop binds here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from refaudio.codeclm.delay import delay
from refaudio.losses import label_counts, token_loss

Batch = tuple[Tensor, Tensor, Tensor]
Ids = tuple[int, int, int]


def labels(rows: Tensor, lengths: Tensor, ids: Ids) -> tuple[Tensor, Tensor]:
    """The rows after (B, R - 1, K), and which of them count: all but BOS, PAD and what lies behind an item's length."""
    bos, pad, _ = ids
    targets = rows[:, 1:]
    inside = torch.arange(1, rows.shape[1], device=rows.device) < lengths[:, None]
    return targets, inside[..., None] & (targets != bos) & (targets != pad)


def step(
    network: Callable[..., Tensor], batches: Sequence[Batch], accumulation: int, weights: Sequence[float],
    ids: Ids, unconditional: float, reduce: Callable[[Tensor], Tensor],
) -> float:  # fmt: skip
    """One optimizer step's backward over micro-batches and ranks, as of the one big batch; the loss, summed up likewise."""
    if not 0 < len(batches) <= accumulation:
        raise ValueError(f"batches={len(batches)} must be 1..{accumulation}, the accumulation count")
    known = [labels(rows, lengths, ids) for _, rows, lengths in batches]
    counts = reduce(torch.stack([label_counts(mask) for _, mask in known]).sum(0))
    world = reduce(torch.ones((), device=counts.device))  # DDP averages the gradients over as many
    total = torch.zeros((), device=counts.device)
    for (text, rows, _), (targets, mask) in zip(batches, known, strict=True):
        logits = network(rows[:, :-1], without_text(text, unconditional))
        loss = token_loss(logits, targets, mask, weights, counts=counts)
        if loss.requires_grad:
            torch.autograd.backward(loss * world)
        total = total + loss.detach()
    return float(reduce(total))


def evaluate(
    network: Callable[..., Tensor],
    batches: Sequence[Batch],
    weights: Sequence[float],
    ids: Ids,
    unconditional: float,
) -> float:
    """The loss of a step without its backward."""
    with torch.no_grad():
        return step(network, batches, len(batches), weights, ids, unconditional, torch.clone)


def without_text(text: Tensor, unconditional: float) -> Tensor:
    """All texts dropped, or none: a text of zeros is no text."""
    if unconditional not in (0, 1):
        raise NotImplementedError("the toy drops all texts or none")
    return text * (1 - int(unconditional))


def collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Clips (T, K), cropped to their first frames -> inputs, targets and mask, (B, window + 1 + max(delays), K) each."""
    made = [delay(clip[None, :window], delays, bos=bos, pad=pad, eos=eos)[0] for clip in clips]
    rows = torch.full((len(made), window + 2 + max(delays), len(delays)), pad)
    for item, clip in enumerate(made):
        rows[item, : len(clip)] = clip
    return rows[:, :-1], *labels(rows, torch.tensor([len(clip) for clip in made]), (bos, pad, eos))
