"""The one token that tells the network how noisy each frame is and how far it shall step."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..errors import integer
from .grid import Grid


class LevelEmbedding(nn.Module):
    """index (B, T) and exponent (B, T) -> (B, T, D): a table each, half the features from either, side by side.

    Tables and not sinusoids: fractions between 0 and 1 in a sinusoid made for 0 to 1000 are all but one vector (document
    D4, item 5.1), and a step size that reaches a table of logarithms as a fraction always finds row 0.
    """

    def __init__(self, grid: Grid, features: int) -> None:
        super().__init__()
        half = integer("features", features, least=2) // 2
        self.grid = grid
        self.level = nn.Embedding(grid.k_max, features - half)
        self.step = nn.Embedding(grid.coarsest + 1, half)

    def forward(self, index: Int[Tensor, "B T"], exponent: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        return torch.cat([self.level(index), self.step(exponent)], dim=-1)
