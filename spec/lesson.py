"""One batch of clips through a loss, fine or fused, and the right answers to what it should have taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .budget import Budget, budget, error
from .conventions import CONVENTIONS
from .law import Implementation, expect
from .learning import Ids, Leaves, arrived, batch_of, train
from .oracles import cross_entropy, cross_entropy_slope, label_shares


@dataclass(frozen=True)
class Lesson:
    """Logits (B, R, K, V), labels and which of them count, and what an implementation made of them."""

    logits: Tensor
    targets: Tensor
    mask: Tensor
    loss: float
    gradient: Tensor


def taught(
    impl: Implementation, logits: Tensor, targets: Tensor, mask: Tensor, weights: list[float]
) -> Lesson:
    """token_loss and its gradient."""
    with torch.enable_grad():
        leaf = logits.clone().requires_grad_()
        loss = impl.token_loss(leaf.clone(), targets.clone(), mask.clone(), list(weights))
        if loss.requires_grad:
            loss.backward()
    gradient = torch.zeros_like(logits) if leaf.grad is None else leaf.grad
    return Lesson(logits, targets, mask, float(loss.detach()), gradient)


def lesson(
    impl: Implementation, clips: Sequence[int], weights: list[float], vocabulary: int, seed: int,
    absent: Sequence[int] = (),
) -> Lesson:  # fmt: skip
    """One batch of clips of codes, through token_loss or through a whole step; `absent` channels hold PAD alone."""
    ids = Ids(vocabulary)
    text, rows, lengths = batch_of(seed, clips, len(weights), ids, extra=1)
    rows[:, 1:, list(absent)] = ids.pad
    targets, mask = rows[:, 1:], rows[:, 1:] != ids.pad
    if impl.has("token_loss"):
        return taught(impl, Leaves(ids.size).logits(rows[:, :-1], text), targets, mask, weights)
    batch = (text, rows, lengths)
    network, loss = train(impl, ids.size, [batch], 1, weights, ids)
    logits = network.logits(rows[:, :-1], text)
    return Lesson(logits, targets, mask, loss, arrived(network, [batch]).reshape(logits.shape))


def all_shares(impl: Implementation, mask: Tensor, weights: Sequence[float]) -> list[Tensor]:
    """Every right answer to what each label counts for: by the declared convention, else by any of them."""
    declared = impl.convention("LOSS")
    kinds = [declared] if declared else CONVENTIONS["LOSS"]
    shares = [label_shares(mask, weights, per_token=kind == "mean of tokens") for kind in kinds]
    if "mean of channels" in kinds:
        shares.append(label_shares(mask, weights, absent_channels=False))
    return shares


def closest(got: Tensor, wanted: Sequence[Tensor]) -> Tensor:
    """The right answer that is nearest."""
    return min(wanted, key=lambda want: error(got, want))


def exact(logits: Tensor, targets: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and its gradient at the logits, in the dtype of the logits."""
    shares = shares.to(logits.dtype)
    slope = shares[..., None] * cross_entropy_slope(logits, targets)
    return (shares * cross_entropy(logits, targets)).sum(), slope


def expect_lesson(learnt: Lesson, shares: Sequence[Tensor], where: str = "") -> None:
    """The loss is one of the right answers, within what float32 makes of them, and so is its gradient."""
    expect_gradient(learnt, shares, where)
    truths = [exact(learnt.logits.to(torch.float64), learnt.targets, each)[0] for each in shares]
    plain = [exact(learnt.logits, learnt.targets, each)[0] for each in shares]
    got = torch.tensor(learnt.loss, dtype=torch.float64)
    expect(got, closest(got, truths), f"the loss{where}", within=widest(truths, plain))


def expect_gradient(learnt: Lesson, shares: Sequence[Tensor], where: str = "") -> None:
    """The gradient is one of the right answers, within what float32 makes of them."""
    truths = [exact(learnt.logits.to(torch.float64), learnt.targets, each)[1] for each in shares]
    plain = [exact(learnt.logits, learnt.targets, each)[1] for each in shares]
    want = closest(learnt.gradient, truths)
    expect(learnt.gradient, want, f"the gradient{where}", within=widest(truths, plain))


def widest(truths: Sequence[Tensor], plain: Sequence[Tensor]) -> Budget:
    """What plain arithmetic earns, at the answer at which it is worst."""
    return Budget(max(budget(a, b, "reduction").allowed for a, b in zip(truths, plain, strict=True)))
