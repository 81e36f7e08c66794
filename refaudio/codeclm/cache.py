"""What a generation keeps between rows: keys and values of rows in buffers of fixed size, and those of the text.

A buffer is allocated once, written in place, and read under a mask that hides every slot past the current row: what an
earlier generation left there weighs nothing.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ..errors import integer


@dataclass(frozen=True)
class LayerCache:
    """The buffers of one layer as a step sees them: where its rows go, and how many slots it reads."""

    k: Float[Tensor, "B G M F"]
    v: Float[Tensor, "B G M F"]
    places: Int64[Tensor, " n"]
    slots: int

    def extended(self, k: Tensor, v: Tensor) -> tuple[Float[Tensor, "B G S F"], Float[Tensor, "B G S F"]]:
        """Write the keys and values of new rows (B, G, n, F), and give the first `slots` slots."""
        self.k.index_copy_(2, self.places, k)
        self.v.index_copy_(2, self.places, v)
        return self.k[:, :, : self.slots], self.v[:, :, : self.slots]


@dataclass
class Cache:
    """The state of one generation (a batch of them): `length` rows are known of at most `capacity`.

    `position` is the same number on the device, so that no step waits for the host.
    """

    rows: list[tuple[Tensor, Tensor]]
    text: list[tuple[Tensor, Tensor]]
    text_mask: Bool[Tensor, "B 1 1 S"]
    turns: Float[Tensor, "2 M F"]
    cross_turns: Float[Tensor, "2 M G"] | None
    position: Int64[Tensor, ""]
    length: int = 0

    # Attention reads whole buckets: few shapes to compile or capture, and never the whole buffer for a short clip.
    BUCKET = 256

    @property
    def capacity(self) -> int:
        """How many rows fit."""
        return self.turns.shape[1]

    def slots(self, count: int) -> int:
        """How many slots a step of `count` rows reads; ValueError where they do not fit."""
        end = self.length + integer("rows.shape[1]", count, least=1)
        if end > self.capacity:
            raise ValueError(
                f"rows.shape[1]={count} must leave room: {self.length} of capacity={self.capacity} rows are taken;"
                " begin with a larger capacity"
            )
        return min(self.capacity, -(-end // self.BUCKET) * self.BUCKET)

    def rewind(self) -> None:
        """Forget the rows and keep the text: the buffers may stay as they are."""
        self.length = 0
        self.position.zero_()

    def layer(self, number: int, places: Tensor, slots: int) -> LayerCache:
        """One layer's buffers for a step that writes its rows at `places`."""
        return LayerCache(*self.rows[number], places, slots)


def buffers(
    layers: int, batch: int, kv_heads: int, capacity: int, head_dim: int, like: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Keys and values of every layer, (B, G, capacity, head_dim) each.

    Zeros, not uninitialised memory: a masked slot is multiplied by zero, and zero times NaN is NaN.
    """
    shape = (batch, kv_heads, capacity, head_dim)
    return [
        (
            torch.zeros(shape, dtype=like.dtype, device=like.device),
            torch.zeros(shape, dtype=like.dtype, device=like.device),
        )
        for _ in range(layers)
    ]
