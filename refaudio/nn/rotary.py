"""Rotary positions, half-split: feature i turns with feature i + R by the angle position * base ** (-i / R).

Dia, Stable Audio, DiffRhythm and Dreamer all pair the two halves (NeoX), never neighbours (GPT-J); Stable Audio turns
the first half of the features only. A table is made once and serves every layer; its rows are indexed for one step:

>>> turns = rotary_table(torch.arange(4), dims=2)
>>> rotate(torch.tensor([[1.0, 0.0, 7.0]]).expand(4, 3), turns)[1]
tensor([0.5403, 0.8415, 7.0000])
"""

import torch
from jaxtyping import Float, Real
from torch import Tensor

from ..errors import integer, positive


def rotary_table(
    positions: Real[Tensor, "*P T"], dims: int, *, base: float = 10_000.0, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "2 *P T R"]:
    """Cosines, then sines, of positions * base ** (-2i / dims): positions (*P, T) -> (2, *P, T, R), R = dims / 2.

    In promote_types(dtype, float32): in bfloat16 the positions 257 and 258 would be one. Tables of two axes of an
    image, joined along the last dimension, turn by row and by column.
    """
    if integer("dims", dims, least=2) % 2:
        raise ValueError(f"dims={dims} must be even: features turn in pairs")
    wide = torch.promote_types(dtype, torch.float32)
    exponents = torch.arange(0, dims, 2, device=positions.device, dtype=wide) / dims
    angles = positions.to(wide)[..., None] * positive("base", base) ** -exponents
    return torch.stack((angles.cos(), angles.sin()))


def rotate(x: Float[Tensor, "*B T D"], table: Float[Tensor, "2 *P T R"]) -> Float[Tensor, "*B T D"]:
    """Turn the first 2R features of x (*B, T, D) by the table (2, *P, T, R); the others pass as they are.

    The turn is made in the wider of both dtypes and cast once, at the end.
    """
    half = table.shape[-1]
    _check(x, table)
    cos, sin = table
    first, second, rest = torch.split(x, [half, half, x.shape[-1] - 2 * half], dim=-1)
    turned = torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).to(x.dtype)
    return torch.cat((turned, rest), dim=-1) if rest.shape[-1] else turned


def _check(x: Tensor, table: Tensor) -> None:
    """The table has x's positions, no more angles than half its features, and broadcasts into it, never past it."""
    rows, sizes = (*table.shape[1:-1],), (*x.shape[:-1],)
    fits = len(rows) <= len(sizes) and rows[-1:] == sizes[-1:]
    fits &= all(row in (1, size) for row, size in zip(rows[::-1], sizes[::-1], strict=False))
    if table.shape[0] != 2 or not fits or 2 * table.shape[-1] > x.shape[-1]:
        raise ValueError(
            f"table.shape={tuple(table.shape)} must be (2, ..., {x.shape[-2]}, R) with 2R <= {x.shape[-1]} and"
            f" broadcast into x, {tuple(x.shape)}"
        )
