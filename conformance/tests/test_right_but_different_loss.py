"""Losses and training steps that differ and are right are green: the spec must not reject them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.report import failure_text

TOKENS = "LOSS-001 LOSS-002 LOSS-003 LOSS-004 LOSS-005 LOSS-006"
STEPS = "LOSS-001 LOSS-002 LOSS-003 LOSS-004 LOSS-010 LOSS-011 LOSS-012 LOSS-013 LOSS-014 LOSS-016"


def checked(weights: Sequence[float], channels: int) -> float:
    assert len(weights) == channels, f"{len(weights)} weights for {channels} channels"
    assert sum(weights) > 0, "channel weights sum to zero"
    return sum(weights)


def ignores(logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]) -> Tensor:
    """A loop over channels; PAD is left out through ignore_index, and empty channels through a count."""
    total = checked(weights, logits.shape[2])
    loss = logits.float().sum() * 0
    for k, weight in enumerate(weights):
        labels = torch.where(mask[:, :, k], targets[:, :, k], -100)
        if bool((labels >= 0).any()):
            channel = logits[:, :, k].float().flatten(0, 1)
            loss = loss + weight * functional.cross_entropy(channel, labels.flatten(), ignore_index=-100)
    return loss / total


def flat(logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]) -> Tensor:
    """One mean over all labels, whatever their channel, as transformers' Dia takes it; weights weigh labels."""
    checked(weights, logits.shape[2])
    each = functional.cross_entropy(logits.double().movedim(-1, 1), targets.clamp(min=0), reduction="none")
    share = mask * torch.tensor(list(weights), dtype=torch.float64)
    return (share * each).sum() / share.sum().clamp(min=1e-9)


def present(logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]) -> Tensor:
    """Channels without labels are left out of the sum of weights too; a batch without labels is refused."""
    checked(weights, logits.shape[2])
    kept = [k for k in range(len(weights)) if mask[:, :, k].any() and weights[k]]
    if not mask.any():
        raise ValueError("mask must keep a label: there is nothing to learn")
    if not kept:
        return logits.sum() * 0
    return ignores(logits[:, :, kept], targets[:, :, kept], mask[:, :, kept], [weights[k] for k in kept])


def nine_or_eighteen(logits: Tensor, targets: Tensor, mask: Tensor, weights: Sequence[float]) -> Tensor:
    """A trainer of one codec, which refuses other numbers of channels by name."""
    if logits.shape[2] not in (9, 18):
        raise ValueError(f"channels={logits.shape[2]} must be 9 or 18")
    return ignores(logits, targets, mask, weights)


def labels_of(rows: Tensor, ids: Sequence[int], bos: bool = False) -> Tensor:
    """The rows after, with -100 for what does not count."""
    targets = rows[:, 1:].clone()
    targets[targets == ids[1]] = -100
    if not bos:
        targets[targets == ids[0]] = -100
    return targets


def micro_batches(loss_of: Callable[..., Tensor], bos: bool = False) -> Callable[..., float]:
    """The common loop: every micro-batch is a mean of its own, divided by how many there are, DDP averages the ranks."""

    def step(network: Any, batches: Any, accumulation: int, weights: Any, ids: Any, unconditional: float,
             reduce: Any) -> float:  # fmt: skip
        losses = []
        for text, rows, _ in batches:
            logits = network(rows, None if unconditional == 1 else text)[:, :-1]  # it is fed the last row too
            targets = labels_of(rows, ids, bos)
            loss = loss_of(logits, targets, targets >= 0, weights)
            (loss / len(batches)).backward()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    return step


def heavy_end(network: Any, batches: Any, accumulation: int, weights: Any, ids: Any, unconditional: float,
              reduce: Any) -> float:  # fmt: skip
    """EOS weighs ten times as much as a code: so seldom is it seen."""
    total = 0.0
    for text, rows, _ in batches:
        targets = labels_of(rows, ids)
        each = functional.cross_entropy(
            network(rows[:, :-1], text).movedim(-1, 1), targets, ignore_index=-100, reduction="none"
        )
        share = torch.where(targets == ids[2], 10.0, 1.0) * (targets >= 0)
        loss = (share * each).sum() / share.sum()
        (loss / len(batches)).backward()
        total += loss.item() / len(batches)
    return total


def evaluates(network: Any, batches: Any, weights: Any, ids: Any, unconditional: float) -> float:
    with torch.no_grad():
        text, rows, _ = batches[0]
        targets = labels_of(rows, ids)
        return float(ignores(network(rows, text)[:, :-1], targets, targets >= 0, weights))


def averaged(values: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """(B, 1) is refused, an empty selection too."""
    if (weights.ndim == 2 and weights.shape != values.shape) or not mask.any():
        raise ValueError(
            f"weights {tuple(weights.shape)} must be (B,) or {tuple(values.shape)}, the mask not empty"
        )
    weights = weights if weights.ndim == 2 else weights[:, None].expand(values.shape)
    return (values[mask].double() * weights[mask]).sum() / weights[mask].sum()


def last_crop(ignored: bool) -> Callable[..., Any]:
    """A crop from the end; PAD counts in the mask, and is ignored as a label; no EOS where the clip goes on."""

    def collate(clips: Any, window: int, delays: Any, bos: int, pad: int, eos: int) -> Any:
        whole = [len(clip) <= window for clip in clips]
        cut = [clip[-window:] for clip in clips]
        inputs, targets, mask = reference.collate(cut, window + 2, delays, bos, pad, eos)
        gone = (targets == eos) & ~torch.tensor(whole)[:, None, None]
        mask = mask & ~gone
        if ignored:
            return inputs, torch.where(mask, targets, -100), torch.ones_like(mask)
        return inputs, targets, mask

    return collate


CASES = {
    "ignore_index": ({"token_loss": ignores}, TOKENS),
    "a mean of tokens, declared": ({"token_loss": flat, "LOSS": "mean of tokens"}, TOKENS),
    "a mean of tokens, undeclared": ({"token_loss": flat}, TOKENS),
    "channels that are present": ({"token_loss": present}, TOKENS),
    "nine or eighteen, declared": ({"token_loss": nine_or_eighteen, "SIZES": {"codebooks": [9, 18]}}, TOKENS),
    "mean of means": ({"step": micro_batches(ignores), "ACCUMULATION": "mean of means", "EOS": "staggered"}, STEPS),
    "flat mean of means": (
        {"step": micro_batches(flat), "ACCUMULATION": "mean of means", "LOSS": "mean of tokens"}, STEPS,
    ),
    "BOS is a label": (
        {"step": micro_batches(ignores, bos=True), "ACCUMULATION": "mean of means", "EOS": "one row"}, STEPS,
    ),
    "a heavier EOS": ({"step": heavy_end}, "LOSS-013 LOSS-014"),
    "evaluation by hand": (
        {"step": micro_batches(ignores), "evaluate": evaluates, "ACCUMULATION": "mean of means"}, "LOSS-015",
    ),
    "(B, 1) is refused": ({"weighted_mean": averaged}, "LOSS-007 LOSS-008"),
    "strictly below": ({"should_stop": lambda losses, threshold: sum(losses) / len(losses) < threshold}, "LOSS-009"),
    "the last crop": ({"collate": last_crop(False), "EOS": "staggered"}, "LOSS-017 LOSS-018"),
    "PAD by ignore_index": ({"collate": last_crop(True), "EOS": "staggered"}, "LOSS-017 LOSS-018"),
}  # fmt: skip


@pytest.mark.parametrize(("bound", "laws"), CASES.values(), ids=CASES)
def test_right_but_different_is_green(bound: dict[str, Any], laws: str) -> None:
    report = check(SimpleNamespace(**bound), only=laws.split())
    assert report.counts["pass"] == len(laws.split()), "\n".join(map(failure_text, report.results))


def test_other_numbers_of_channels_may_be_refused() -> None:
    result = check(SimpleNamespace(token_loss=nine_or_eighteen), only="LOSS-002")["LOSS-002"]
    assert result.status == "unclaimed", failure_text(result)
    assert 0 < result.accepted < result.cases


def test_a_trainer_without_eos_claims_nothing_about_it() -> None:
    step = micro_batches(ignores)
    report = check(SimpleNamespace(step=step, EOS="none"), only=["LOSS-014"])
    assert report["LOSS-014"].status == "unclaimed"


def test_undeclared_accumulation_is_left_unclaimed_and_a_wrong_declaration_is_asked_about() -> None:
    step = micro_batches(ignores)
    silent = check(SimpleNamespace(step=step), only="LOSS-012")["LOSS-012"]
    assert silent.status == "unclaimed"
    assert "ACCUMULATION is not declared" in silent.reason
    wrong = check(SimpleNamespace(step=step, ACCUMULATION="global"), only="LOSS-011")["LOSS-011"]
    assert wrong.status == "error"
    assert "looks like ACCUMULATION = 'mean of means'" in wrong.reason
    flat_loss = check(SimpleNamespace(token_loss=flat, LOSS="mean of channels"), only="LOSS-001")["LOSS-001"]
    assert "looks like LOSS = 'mean of tokens'" in flat_loss.reason
