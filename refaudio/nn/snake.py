"""Snake, the periodic activation of the audio codecs: x + sin^2(alpha x) / alpha, a frequency per channel."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import integer

TINY = 1e-9  # in the denominator of every published implementation: alpha = 0 is the identity, not a division by zero


def snake(
    x: Float[Tensor, "*B C N"], alpha: Float[Tensor, " C"], beta: Float[Tensor, " C"] | None = None
) -> Float[Tensor, "*B C N"]:
    """x + sin(alpha x)^2 / (beta + 1e-9), per channel: x (*B, C, N), alpha and beta (C) -> (*B, C, N).

    Without beta it is alpha. In promote_types(dtype, float32): alpha x, rounded to bfloat16, has lost its phase.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    y, alpha = x.to(wide), alpha.to(wide)[:, None]
    size = alpha if beta is None else beta.to(wide)[:, None]
    return (y + torch.sin(alpha * y).square() / (size + TINY)).to(x.dtype)


class Snake(nn.Module):
    """snake with alpha (C) learned, 1 at first: DAC."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(integer("channels", channels, least=1)))

    def forward(self, x: Float[Tensor, "*B C N"]) -> Float[Tensor, "*B C N"]:
        """x (*B, C, N) -> (*B, C, N)."""
        return snake(x, self.alpha)


class SnakeBeta(nn.Module):
    """snake with the logarithms of alpha and beta (C) learned, 0 at first: Oobleck."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.zeros(integer("channels", channels, least=1)))
        self.log_beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "*B C N"]) -> Float[Tensor, "*B C N"]:
        """x (*B, C, N) -> (*B, C, N)."""
        wide = torch.promote_types(self.log_alpha.dtype, torch.float32)
        return snake(x, self.log_alpha.to(wide).exp(), self.log_beta.to(wide).exp())
