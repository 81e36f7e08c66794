"""The reference losses beside the laws: precision end to end, counts over parts, refusals that say what to do."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from refaudio.losses import label_counts, should_stop, token_loss, weighted_mean

B, R, K, V = 3, 4, 2, 7
TARGETS = torch.randint(V, (B, R, K), generator=torch.Generator().manual_seed(1))
LOGITS = torch.randn(B, R, K, V, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
MASK = torch.rand(B, R, K, generator=torch.Generator().manual_seed(2)) > 0.4
WEIGHTS = [4.0, 1.0]


def by_hand(logits: Tensor) -> Tensor:
    channels = [
        functional.cross_entropy(logits[:, :, k][MASK[:, :, k]], TARGETS[:, :, k][MASK[:, :, k]])
        for k in range(K)
    ]
    return sum(w * c for w, c in zip(WEIGHTS, channels, strict=True)) / sum(WEIGHTS)


def test_float64_stays_float64_to_its_last_digits() -> None:
    loss = token_loss(LOGITS, TARGETS, MASK, WEIGHTS)
    assert loss.dtype == torch.float64
    torch.testing.assert_close(loss, by_hand(LOGITS), rtol=1e-14, atol=0)
    mean = weighted_mean(LOGITS[..., 0, 0], torch.ones(B), MASK[..., 0])
    torch.testing.assert_close(mean, LOGITS[..., 0, 0][MASK[..., 0]].mean(), rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_added_up_in_float32(dtype: torch.dtype) -> None:
    logits = LOGITS.to(dtype)
    loss = token_loss(logits, TARGETS, MASK, WEIGHTS)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, by_hand(logits.float()), rtol=1e-6, atol=0)


def test_parts_with_common_counts_add_up_to_the_whole() -> None:
    counts = label_counts(MASK)
    parts = [
        token_loss(LOGITS[i : i + 1], TARGETS[i : i + 1], MASK[i : i + 1], WEIGHTS, counts=counts)
        for i in range(B)
    ]
    torch.testing.assert_close(sum(parts), token_loss(LOGITS, TARGETS, MASK, WEIGHTS), rtol=1e-14, atol=0)


def test_gradients_are_those_of_the_formula() -> None:
    small = LOGITS[:2, :2].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: token_loss(x, TARGETS[:2, :2], MASK[:2, :2], WEIGHTS), (small,))


@pytest.mark.parametrize("shape", [(0, R, K), (B, 0, K)])
def test_an_empty_batch_is_no_nan(shape: tuple[int, ...]) -> None:
    loss = token_loss(
        torch.zeros(*shape, V), torch.zeros(shape, dtype=torch.int64), torch.ones(shape) > 0, WEIGHTS
    )
    assert float(loss) == 0.0


def test_a_loss_that_is_not_finite_is_not_hidden() -> None:
    assert math.isnan(float(token_loss(LOGITS * float("nan"), TARGETS, MASK | True, WEIGHTS)))


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "logits of three axes": ({"logits": LOGITS[0]}, r"logits=float64\[4, 2, 7\] must be floating-point"),
    "logits of integers": ({"logits": TARGETS[..., None]}, r"logits=int64\[3, 4, 2, 1\] must"),
    "targets turned": ({"targets": TARGETS.transpose(0, 1)}, r"targets=int64\[4, 3, 2\] must be int64 \(3, 4, 2\)"),
    "targets of int32": ({"targets": TARGETS.int()}, r"targets=int32\[3, 4, 2\] must be int64"),
    "targets beyond the vocabulary": ({"targets": TARGETS * 0 + V}, r"targets=7 must be in 0\.\.6 wherever mask"),
    "mask of numbers": ({"mask": MASK.float()}, r"mask=float32\[3, 4, 2\] must be bool"),
    "mask without channels": ({"mask": MASK[..., 0]}, r"mask=bool\[3, 4\] must be bool \(3, 4, 2\)"),
    "weights too few": ({"weights": [1.0]}, r"weights=\[1\.0\] must be one a channel: got 1 for 2"),
    "weights of zero": ({"weights": [0.0, 0.0]}, "with a sum above 0"),
    "weights below zero": ({"weights": [2.0, -1.0]}, "must be finite and at least 0"),
    "weights of NaN": ({"weights": [1.0, float("nan")]}, "must be finite and at least 0"),
    "counts below zero": ({"counts": torch.tensor([-1, 3])}, r"counts=int64\[2\] must be at least 0"),
    "counts too few": ({"counts": torch.tensor([3])}, r"one a channel \(2\)"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "says"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_by_name(change: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {"logits": LOGITS, "targets": TARGETS, "mask": MASK, "weights": WEIGHTS}
    with pytest.raises(ValueError, match=says):
        token_loss(**{**good, **change})


VALUES = torch.arange(12.0).reshape(3, 4)
ALL = torch.ones(3, 4, dtype=torch.bool)


@pytest.mark.parametrize(
    ("values", "weights", "mask", "says"),
    [
        (VALUES, torch.ones(4), ALL, r"weights=float32\[4\] must match \(3, 4\) from the left"),
        (VALUES, torch.ones(3, 4, 1), ALL, r"must match \(3, 4\) from the left"),
        (VALUES, torch.zeros(3), ALL, "must not all be 0 inside the mask"),
        (VALUES, -torch.ones(3), ALL, "must be finite and at least 0"),
        (VALUES, torch.full((3,), float("nan")), ALL, "must be finite and at least 0"),
        (VALUES, torch.ones(3), ALL.float(), r"mask=float32\[3, 4\] must be bool"),
        (VALUES, ALL[:, 0], ALL, r"weights=bool\[3\] must be real numbers"),
        (VALUES.long(), torch.ones(3), ALL, r"values=int64\[3, 4\] must be floating-point"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    values: Tensor, weights: Tensor, mask: Tensor, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        weighted_mean(values, weights, mask)


def test_weights_of_items_reach_items_in_more_axes() -> None:
    values, weights = torch.rand(3, 3, 3), torch.tensor([1.0, 0.0, 0.0])
    got = weighted_mean(values, weights, torch.ones(3, dtype=torch.bool))
    torch.testing.assert_close(got, values[0].mean())


def test_no_losses_stop_nothing() -> None:
    with pytest.raises(ValueError, match="must hold the loss of at least one"):
        should_stop([], 1.0)
