"""Norms over the last dimension. eps lies inside the root and has no default: models differ in it (1e-5, 1e-6)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import integer, positive


def rms_norm(
    x: Float[Tensor, "*B D"], weight: Float[Tensor, " D"] | None = None, *, eps: float
) -> Float[Tensor, "*B D"]:
    """x / sqrt(mean(x^2) + eps) * weight over the last dimension: x (*B, D), weight (D) -> (*B, D).

    In promote_types(dtype, float32), weight included, and cast once: a float32 weight keeps its digits in a bfloat16
    model. Without a weight it is the norm of queries and keys.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    y = x.to(wide)
    y = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + eps)
    return (y if weight is None else y * weight).to(x.dtype)


class RMSNorm(nn.Module):
    """rms_norm with a learned weight (D)."""

    def __init__(self, dims: int, *, eps: float) -> None:
        super().__init__()
        self.eps = positive("eps", eps)
        self.weight = nn.Parameter(torch.ones(integer("dims", dims, least=1)))

    def forward(self, x: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """x (*B, D) -> (*B, D)."""
        return rms_norm(x, self.weight, eps=self.eps)


class GainLayerNorm(nn.Module):
    """Layer norm (D) that learns its gain alone: the bias is a buffer, zero at first, and saved.

    Stable Audio's blocks. The bias is part of a checkpoint: to read "without bias" as "has none" drops it
    silently where it is not zero.
    """

    bias: Tensor

    def __init__(self, dims: int, *, eps: float) -> None:
        super().__init__()
        self.eps = positive("eps", eps)
        self.weight = nn.Parameter(torch.ones(integer("dims", dims, least=1)))
        self.register_buffer("bias", torch.zeros(dims))

    def forward(self, x: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """(x - mean) / sqrt(variance + eps) * weight + bias: x (*B, D) -> (*B, D)."""
        wide = torch.promote_types(x.dtype, torch.float32)
        weight, bias = self.weight.to(wide), self.bias.to(wide)
        return F.layer_norm(x.to(wide), weight.shape, weight, bias, self.eps).to(x.dtype)
