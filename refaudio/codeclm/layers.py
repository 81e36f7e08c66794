"""The blocks of the codec language model: projections that are fused, two-dimensional and contiguous.

Rows of a fused weight stand in the order of its name: queries, keys, values; gate, then up. Heads stay together.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..nn.attention import attention
from ..nn.norm import RMSNorm
from ..nn.rotary import rotate
from .cache import LayerCache
from .config import CodecLMConfig, Stack


class Linear(nn.Module):
    """x W^T, without a bias: weight (out, in), filled by `initialise` and by loaders, and not before."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x: Float[Tensor, "*B I"]) -> Float[Tensor, "*B O"]:
        """x (*B, in) -> (*B, out)."""
        return F.linear(x, self.weight)


class SelfAttention(nn.Module):
    """Attention of rows or bytes among themselves, rotated by their positions."""

    def __init__(self, stack: Stack, scale: float) -> None:
        super().__init__()
        self.sizes = [stack.heads, stack.kv_heads, stack.kv_heads]
        self.head_dim, self.scale = stack.head_dim, scale
        self.qkv = Linear(stack.width, sum(self.sizes) * stack.head_dim)
        self.out = Linear(stack.heads * stack.head_dim, stack.width)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        turns: Float[Tensor, "2 T F"],
        mask: Bool[Tensor, "#B #H #T S"] | None,
        *,
        causal: bool = False,
        cache: LayerCache | None = None,
    ) -> Float[Tensor, "B T D"]:
        """x (B, T, D) -> (B, T, D); with a cache, over everything that it holds up to the mask."""
        q, k, v = torch.split(heads(self.qkv(x), self.head_dim), self.sizes, dim=1)
        q, k = rotate(q, turns), rotate(k, turns)
        if cache is not None:
            k, v = cache.extended(k, v)
        read: Tensor = self.out(joined(attention(q, k, v, scale=self.scale, mask=mask, causal=causal)))
        return read


class CrossAttention(nn.Module):
    """Attention of rows to the text; its keys and values are made once a text."""

    def __init__(self, config: CodecLMConfig) -> None:
        super().__init__()
        self.head_dim, self.scale, self.rotary = config.cross_head_dim, config.scale, config.cross_rotary
        inner = config.cross_kv_heads * self.head_dim
        self.q = Linear(config.decoder.width, config.cross_heads * self.head_dim)
        self.kv = Linear(config.encoder.width, 2 * inner)
        self.out = Linear(config.cross_heads * self.head_dim, config.decoder.width)

    def keys(
        self, memory: Float[Tensor, "B S E"], turns: Float[Tensor, "2 S F"] | None
    ) -> tuple[Float[Tensor, "B G S F"], Float[Tensor, "B G S F"]]:
        """Keys and values of a text: memory (B, S, E) -> two of (B, G, S, head_dim)."""
        k, v = heads(self.kv(memory), self.head_dim).chunk(2, dim=1)
        return (k if turns is None else rotate(k, turns)), v

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        keys: tuple[Tensor, Tensor],
        turns: Float[Tensor, "2 T F"] | None,
        mask: Bool[Tensor, "#B 1 1 S"],
    ) -> Float[Tensor, "B T D"]:
        """x (B, T, D) -> (B, T, D), reading keys and values of the text under its mask."""
        q = heads(self.q(x), self.head_dim)
        q = q if turns is None else rotate(q, turns)
        read: Tensor = self.out(joined(attention(q, *keys, scale=self.scale, mask=mask)))
        return read


class MLP(nn.Module):
    """down(silu(gate) * up), gate before up in one weight."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.gate_up = Linear(stack.width, 2 * stack.hidden)
        self.down = Linear(stack.hidden, stack.width)

    def forward(self, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        """x (B, T, D) -> (B, T, D)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        made: Tensor = self.down(F.silu(gate) * up)
        return made


class EncoderLayer(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: CodecLMConfig) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.encoder.width, eps=config.eps)
        self.attention = SelfAttention(config.encoder, config.scale)
        self.mlp_norm = RMSNorm(config.encoder.width, eps=config.eps)
        self.mlp = MLP(config.encoder)

    def forward(
        self, x: Float[Tensor, "B S E"], turns: Float[Tensor, "2 S F"], mask: Bool[Tensor, "B 1 1 S"]
    ) -> Float[Tensor, "B S E"]:
        """x (B, S, E) -> (B, S, E)."""
        x = x + self.attention(self.attention_norm(x), turns, mask)
        made: Tensor = self.mlp(self.mlp_norm(x))
        return x + made


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention and MLP, each added to what its norm read."""

    def __init__(self, config: CodecLMConfig) -> None:
        super().__init__()
        width = config.decoder.width
        self.self_norm = RMSNorm(width, eps=config.eps)
        self.self_attention = SelfAttention(config.decoder, config.scale)
        self.cross_norm = RMSNorm(width, eps=config.eps)
        self.cross_attention = CrossAttention(config)
        self.mlp_norm = RMSNorm(width, eps=config.eps)
        self.mlp = MLP(config.decoder)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        turns: Float[Tensor, "2 T F"],
        mask: Bool[Tensor, "#B #H T S"] | None,
        text: tuple[Tensor, Tensor],
        text_turns: Float[Tensor, "2 T G"] | None,
        text_mask: Bool[Tensor, "B 1 1 L"],
        *,
        causal: bool = False,
        cache: LayerCache | None = None,
    ) -> Float[Tensor, "B T D"]:
        """x (B, T, D) -> (B, T, D)."""
        x = x + self.self_attention(self.self_norm(x), turns, mask, causal=causal, cache=cache)
        x = x + self.cross_attention(self.cross_norm(x), text, text_turns, text_mask)
        made: Tensor = self.mlp(self.mlp_norm(x))
        return x + made


def heads(x: Float[Tensor, "B T I"], head_dim: int) -> Float[Tensor, "B H T F"]:
    """(B, T, H * head_dim) -> (B, H, T, head_dim), head-major."""
    return torch.unflatten(x, -1, (-1, head_dim)).transpose(1, 2)


def joined(x: Float[Tensor, "B H T F"]) -> Float[Tensor, "B T I"]:
    """The inverse of `heads`."""
    return x.transpose(1, 2).flatten(-2)
