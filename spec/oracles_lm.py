"""A codec language model as its published code defines it, in einsums over the published kernels: slow, and plain.

State: {"decoder.layers.0.self_attention.q_proj.weight": (in, heads, features), ...}, the layout of the first release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Stack:
    """Sizes of the encoder or the decoder."""

    layers: int
    width: int
    hidden: int
    heads: int
    groups: int
    features: int


@dataclass(frozen=True)
class Shape:
    """Sizes and conventions of a whole model; no two sizes that could be mistaken for each other are equal."""

    codebooks: int
    encoder: Stack = Stack(1, 10, 14, 3, 3, 4)
    decoder: Stack = Stack(2, 18, 22, 4, 2, 6)
    cross_heads: int = 5
    cross_features: int = 8
    vocabulary: int = 12
    texts: int = 256
    cross_rotary: bool = False
    scale: float = 1.0
    eps: float = 1e-5


def make_state(seed: int, shape: Shape) -> dict[str, Tensor]:
    """Random weights of gain 1, queries smaller by the root of their features, as the scale of 1 wants it."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*sizes: int, fan: int = 1) -> Tensor:
        drawn: Tensor = torch.randn(sizes, generator=generator) * fan**-0.5
        return drawn

    state = {"encoder.embedding.weight": normal(shape.texts, shape.encoder.width)}
    for k in range(shape.codebooks):
        state[f"decoder.embeddings.{k}.weight"] = normal(shape.vocabulary, shape.decoder.width)
    for side, stack in ("encoder", shape.encoder), ("decoder", shape.decoder):
        for i in range(stack.layers):
            at = f"{side}.layers.{i}"
            _attention(state, f"{at}.self_attention", stack, stack.width, normal)
            if side == "decoder":
                cross = Stack(0, stack.width, 0, shape.cross_heads, shape.cross_heads, shape.cross_features)
                _attention(state, f"{at}.cross_attention", cross, shape.encoder.width, normal)
            state[f"{at}.mlp.wi_fused.weight"] = normal(stack.width, 2, stack.hidden, fan=stack.width)
            state[f"{at}.mlp.wo.weight"] = normal(stack.hidden, stack.width, fan=stack.hidden)
            for norm in ("sa", "mlp", "ca") if side == "decoder" else ("sa",):
                state[f"{at}.pre_{norm}_norm.weight"] = 1 + 0.2 * normal(stack.width)
            if side == "encoder":
                state[f"{at}.post_sa_norm.weight"] = 1 + 0.2 * normal(stack.width)
        state[f"{side}.norm.weight"] = 1 + 0.2 * normal(stack.width)
    width = shape.decoder.width
    state["decoder.logits_dense.weight"] = normal(width, shape.codebooks, shape.vocabulary, fan=width)
    return state


def _attention(state: dict[str, Tensor], at: str, stack: Stack, source: int, normal: object) -> None:
    made = normal(stack.width, stack.heads, stack.features, fan=stack.width * stack.features)  # type: ignore[operator]
    state[f"{at}.q_proj.weight"] = made
    for name in "kv":
        made = normal(source, stack.groups, stack.features, fan=source)  # type: ignore[operator]
        state[f"{at}.{name}_proj.weight"] = made
    inner = stack.heads * stack.features
    state[f"{at}.o_proj.weight"] = normal(stack.heads, stack.features, stack.width, fan=inner)  # type: ignore[operator]


def attended(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor, scale: float) -> Tensor:
    """softmax(scale q k) v over the allowed keys: q (B, H, T, D), k, v (B, G, S, D), allowed (B, T, S); no key, zero.

    Query head h reads key head h // (H / G).
    """
    reads = [head * k.shape[1] // q.shape[1] for head in range(q.shape[1])]
    logits = torch.einsum("bhtd,bhsd->bhts", q, k[:, reads]) * scale
    weights = logits.masked_fill(~allowed[:, None], float("-inf")).softmax(-1).nan_to_num(0.0)
    return torch.einsum("bhts,bhsd->bhtd", weights, v[:, reads])


def normed(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) * weight, over the last axis."""
    return x / torch.sqrt(x.square().mean(-1, keepdim=True) + eps) * weight


class Plain:
    """The model in one dtype: `plain(text (B, S), mask (B, S), rows (B, R, K))` -> logits (B, R, K, V)."""

    def __init__(self, state: State, shape: Shape, dtype: torch.dtype = torch.float64) -> None:
        self.state = {name: tensor.to(dtype) for name, tensor in state.items()}
        self.shape, self.dtype = shape, dtype

    def __call__(self, text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
        return self.decode(self.encode(text, mask), mask, rows)

    def seen(self, mask: Tensor) -> Tensor:
        """Which text positions (B, S) are read: an item without text reads one padding id."""
        first = torch.arange(mask.shape[1]) == 0
        return mask | (first & ~mask.any(1, keepdim=True))

    def before(self, count: int) -> Tensor:
        """Which rows a row sees (R, R): itself and those before it."""
        return torch.ones(count, count, dtype=torch.bool).tril()

    def rotated(self, x: Tensor, places: Tensor) -> Tensor:
        """x (B, H, T, D) turned by its places (T,): feature i with feature i + D / 2."""
        half = x.shape[-1] // 2
        angles = places.to(self.dtype)[:, None] * 10000.0 ** (-torch.arange(half, dtype=self.dtype) / half)
        a, b = x[..., :half], x[..., half:]
        return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], dim=-1)

    def attend(
        self,
        at: str,
        x: Tensor,
        source: Tensor,
        allowed: Tensor,
        places: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        """One attention, from its projections to its output."""
        q, k, v = (
            torch.einsum("bti,ihd->bhtd", y, self.state[f"{at}.{name}_proj.weight"])
            for name, y in (("q", x), ("k", source), ("v", source))
        )
        if places is not None:
            q, k = self.rotated(q, places[0]), self.rotated(k, places[1])
        made = attended(q, k, v, allowed, self.shape.scale)
        return torch.einsum("bhtd,hdo->bto", made, self.state[f"{at}.o_proj.weight"])

    def mlp(self, at: str, x: Tensor) -> Tensor:
        """wo(silu(gate) * up): the gate is slot 0 of the fused kernel."""
        gate, up = torch.einsum("bti,ijh->jbth", x, self.state[f"{at}.mlp.wi_fused.weight"]).unbind()
        return (torch.nn.functional.silu(gate) * up) @ self.state[f"{at}.mlp.wo.weight"]

    def norm(self, at: str, x: Tensor) -> Tensor:
        """One norm by its name."""
        return normed(x, self.state[f"{at}.weight"], self.shape.eps)

    def encode(self, text: Tensor, mask: Tensor) -> Tensor:
        """The memory (B, S, E) of a text."""
        x = self.state["encoder.embedding.weight"][text]
        seen = self.seen(mask)[:, None].expand(-1, text.shape[1], -1)
        places = torch.arange(text.shape[1])
        for i in range(self.shape.encoder.layers):
            at = f"encoder.layers.{i}"
            y = self.norm(f"{at}.pre_sa_norm", x)
            x = x + self.attend(f"{at}.self_attention", y, y, seen, (places, places))
            x = x + self.mlp(at, self.norm(f"{at}.post_sa_norm", x))
        return self.norm("encoder.norm", x)

    def decode(self, memory: Tensor, mask: Tensor, rows: Tensor, places: Tensor | None = None) -> Tensor:
        """The logits (B, R, K, V) of rows, given a memory."""
        tables = [self.state[f"decoder.embeddings.{k}.weight"] for k in range(self.shape.codebooks)]
        x = torch.stack([table[rows[..., k]] for k, table in enumerate(tables)]).sum(0)
        batch, count = rows.shape[:2]
        places = torch.arange(count) if places is None else places
        seen = self.seen(mask)[:, None].expand(-1, count, -1)
        before = self.before(count).expand(batch, -1, -1)
        text = (places, torch.arange(memory.shape[1])) if self.shape.cross_rotary else None
        for i in range(self.shape.decoder.layers):
            at = f"decoder.layers.{i}"
            y = self.norm(f"{at}.pre_sa_norm", x)
            x = x + self.attend(f"{at}.self_attention", y, y, before, (places, places))
            y = self.norm(f"{at}.pre_ca_norm", x)
            x = x + self.attend(f"{at}.cross_attention", y, memory, seen, text)
            x = x + self.mlp(at, self.norm(f"{at}.pre_mlp_norm", x))
        x = self.norm("decoder.norm", x)
        return torch.einsum("bti,ikv->btkv", x, self.state["decoder.logits_dense.weight"])
