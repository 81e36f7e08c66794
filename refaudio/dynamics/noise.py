"""The straight path between noise and data."""

import torch
from jaxtyping import Float
from torch import Tensor

from .grid import aligned


def add_noise(
    data: Float[Tensor, "B T *axes"], noise: Float[Tensor, "B T *axes"], tau: Float[Tensor, "..."]
) -> Float[Tensor, "B T *axes"]:
    """(1 - tau) * noise + tau * data, tau (), (B,) or (B, T) aligned with frames (B, T, ...) from the left.

    tau is in [0, 1], 0 is noise and 1 is data; both ends are exact. On the grid or off it, as it comes.
    """
    if data.shape != noise.shape:
        raise ValueError(f"noise.shape={tuple(noise.shape)} must be that of data: {tuple(data.shape)}")
    level = aligned(tau, data)
    if not bool(((level >= 0) & (level <= 1)).all()):
        raise ValueError(
            f"tau={tau.min().item():g}..{tau.max().item():g} must lie in [0, 1]: 0 is noise, 1 is data"
        )
    return _blend(data, noise, level)


def _blend(data: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """add_noise without the questions, level (B, T, 1, .., 1)."""
    level = level.to(torch.promote_types(data.dtype, torch.float32))
    return ((1 - level) * noise + level * data).to(data.dtype)
