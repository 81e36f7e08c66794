"""How far a result may be from the truth: k times the error of plain arithmetic on that very case.

A numeric law computes its reference in float64, once more in plain arithmetic of the dtype under test, and allows a
small multiple of the distance between the two. A flat 1e-5 is wrong in both directions: it fails honest code at full
size, and hides a swapped projection under small weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# k by kind of computation: how much worse than plain arithmetic another right order of operations may be.
FACTOR = {
    "elementwise": 4.0,  # one rounding more or less per operation
    "reduction": 8.0,  # another order of summation
    "network": 16.0,  # other fusions, kernels and orders through many layers
}
# Where an implementation is held to itself (a batch to its items, steps to the whole) nobody knows the truth: what its
# dtype earns is counted in eps. Measured on 102 M parameters in float32: 7 eps; one visible padding key moves 1e5 eps.
ITSELF = 256.0
# The error that is always allowed: half a unit in the last place of the dtype, relative to the norm.
EPS = {
    torch.float64: 2.0**-53,
    torch.float32: 2.0**-24,
    torch.bfloat16: 2.0**-9,
    torch.float16: 2.0**-11,
}


@dataclass(frozen=True)
class Budget:
    """The largest error(got, want) that a comparison allows."""

    allowed: float


def error(got: object, want: object) -> float:
    """norm(got - want) / norm(want), in float64; infinite where shapes differ or anything is not finite."""
    a, b = (torch.as_tensor(value).detach().cpu().to(torch.float64) for value in (got, want))
    if a.shape != b.shape or not bool(torch.isfinite(a).all() and torch.isfinite(b).all()):
        return float("inf")
    distance, size = float((a - b).norm()), float(b.norm())
    return distance / size if size else distance


def budget(exact: Tensor, plain: Tensor, kind: str) -> Budget:
    """What the dtype of `plain` earns on this case: k * max(error(plain, exact), eps)."""
    if kind not in FACTOR:
        raise ValueError(f"kind={kind!r} must be one of {', '.join(FACTOR)}")
    if exact.dtype != torch.float64:
        raise ValueError(f"exact.dtype={exact.dtype} must be float64: the reference is computed in it")
    arithmetic = error(plain, exact)
    if arithmetic == float("inf"):
        raise ValueError(
            f"plain={tuple(plain.shape)} must be finite and of the shape of exact: {tuple(exact.shape)}"
        )
    return Budget(FACTOR[kind] * max(arithmetic, EPS[plain.dtype]))


def itself(result: Tensor) -> Budget:
    """What two ways of one implementation to the same result may differ by, in the dtype of that result."""
    return Budget(ITSELF * EPS[result.dtype])
