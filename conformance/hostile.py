"""Values that a function did not expect: numbers, tensors, and whatever else is at hand."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

SIZES = [
    (),
    (0,),
    (3,),
    (0, 4),
    (2, 0),
    (1, 1),
    (2, 1),
    (1, 2),
    (2, 2),
    (9, 3),
    (2, 40),
    (1, 2, 3),
    (2, 4, 3),
]


class _Strange:
    """An object of no use."""

    def __repr__(self) -> str:
        return "Strange()"


def numbers(dice: random.Random) -> Any:
    """A number: of another kind, far out of range, or none at all."""
    return dice.choice(
        [
            0, -1, 1, 2, 3, 1.5, -0.5, 0.0, -0.0, 1e-300, 1e300, math.nan, math.inf, -math.inf, 2**64, 2**70,
            -(2**70), 10**400, True, False, 0.1 + 0.2, Fraction(1, 3), 1j, np.float32(0.5), np.float64(math.nan),
            np.int64(3), np.bool_(True), dice.uniform(-2, 2), dice.randrange(-5, 100), dice.uniform(0, 1e6),
        ]
    )  # fmt: skip


def others(dice: random.Random) -> Any:
    """Neither a number nor a tensor."""
    return dice.choice(
        [
            None, "", "dia", "nan", "CN", "\0", "x" * 300, b"clip.wav", [], [[]], [0, 0, 0], [0, -1, 2], [0.5, 1], ["a"], (1,),
            {}, set(), _Strange(), range(3), ..., int, np.zeros((2, 3)), np.zeros(0), np.array("a"), [math.nan],
            [0, 1, 2**70], [True, False, True], Path("nowhere/clip.wav"), Path("clip.mp3"), Path(), "PCM_24", [1, 2, 3],
        ]
    )  # fmt: skip


def tensors(dice: random.Random) -> Tensor:
    """A tensor: of another shape, dtype, level or layout, with or without what is not finite."""
    size = dice.choice(SIZES)
    made = torch.rand(size, generator=torch.Generator().manual_seed(dice.randrange(2**32))) * 2 - 1
    made = made * dice.choice([0.0, 1e-45, 1e-30, 1e-9, 1e-5, 1e-3, 1.0, 1.0, 1.0, 3.0, 1e5, 1e38])
    if made.numel() and dice.random() < 0.3:
        made.view(-1)[dice.randrange(made.numel())] = dice.choice([math.nan, math.inf, -math.inf, 3.4e38])
    dtype = dice.choice(
        [
            torch.float32, torch.float32, torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int16,
            torch.int64, torch.uint8, torch.bool, torch.complex64,
        ]
    )  # fmt: skip
    made = made.nan_to_num(0, 0, 0).clamp(-99, 99).to(dtype) if dtype in _NO_NAN else made.to(dtype)
    if dice.random() < 0.2 and made.ndim > 1:
        made = made.transpose(0, 1)
    if dice.random() < 0.1 and made.is_floating_point():
        made.requires_grad_()
    return made


_NO_NAN = (torch.int16, torch.int64, torch.uint8, torch.bool, torch.complex64)
