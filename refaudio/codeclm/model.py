"""The codec language model: text and delayed rows (B, R, K) to the logits of the next row, whole or row by row.

>>> model = CodecLM(CodecLMConfig.tiny())
>>> text, mask = pad_texts([encode_text("[S1] hello"), encode_text("[S2] hi")])
>>> rows = torch.full((2, 5, 3), 1026)
>>> whole = model(text, mask, rows)
>>> cache = model.begin(text, mask, capacity=5)
>>> steps = [model.advance(cache, rows[:, :3]), model.advance(cache, rows[:, 3:4]), model.advance(cache, rows[:, 4:])]
>>> torch.allclose(torch.cat(steps, dim=1), whole, atol=1e-5)
True
"""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from ..errors import integer
from ..nn.attention import causal_mask
from ..nn.norm import RMSNorm
from ..nn.rotary import rotary_table
from .cache import Cache, buffers
from .config import CodecLMConfig
from .fresh import initialise
from .layers import DecoderLayer, EncoderLayer, Linear
from .text import encode_text, pad_texts

__all__ = ["CodecLM", "CodecLMConfig", "encode_text", "pad_texts"]


class Embedding(nn.Module):
    """Rows of a table (V, D) by their numbers."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, width))

    def forward(self, ids: Int64[Tensor, "*B"]) -> Float[Tensor, "*B D"]:
        """ids (*B) -> (*B, D)."""
        return F.embedding(ids, self.weight)


class Encoder(nn.Module):
    """Text (B, S) to its memory (B, S, E), every byte seeing every other."""

    def __init__(self, config: CodecLMConfig) -> None:
        super().__init__()
        self.embedding = Embedding(config.text_vocabulary, config.encoder.width)
        self.layers = nn.ModuleList([EncoderLayer(config) for _ in range(config.encoder.layers)])
        self.norm = RMSNorm(config.encoder.width, eps=config.eps)


class Decoder(nn.Module):
    """Rows (B, R, K) to features (B, R, D), each row seeing itself, the rows before it, and the text."""

    def __init__(self, config: CodecLMConfig) -> None:
        super().__init__()
        self.embedding = Embedding(config.codebooks * config.vocabulary, config.decoder.width)
        self.layers = nn.ModuleList([DecoderLayer(config) for _ in range(config.decoder.layers)])
        self.norm = RMSNorm(config.decoder.width, eps=config.eps)


class CodecLM(nn.Module):
    """Logits (B, R, K, V) of what follows each of the rows (B, R, K), given text (B, S) under mask (B, S).

    Fresh ones are initialised from seed 0; `initialise` takes another generator, `load_model` a checkpoint. An item
    whose mask is all False has no text, and gets what `null_text` gets. Logits are float32 or wider.
    """

    def __init__(self, config: CodecLMConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.head = Linear(config.decoder.width, config.codebooks * config.vocabulary)
        if not self.head.weight.is_meta:
            initialise(self, torch.Generator().manual_seed(0))

    def forward(
        self, text: Int64[Tensor, "B S"], mask: Bool[Tensor, "B S"], rows: Int64[Tensor, "B R K"]
    ) -> Float[Tensor, "B R K V"]:
        """Teacher-forced logits of all rows at once."""
        self._check_rows(rows, len(text))
        if rows.shape[1] > self.config.max_rows:
            raise ValueError(f"rows.shape[1]={rows.shape[1]} must be at most max_rows={self.config.max_rows}")
        memory, mask = self.encode(text, mask)
        x = self._embedded(rows)
        places = torch.arange(rows.shape[1], device=rows.device)
        turns, cross_turns = self._turns(places, x.dtype)
        for layer, keys in zip(self.decoder.layers, self._text_keys(memory), strict=True):
            x = layer(x, turns, None, keys, cross_turns, mask, causal=True)
        return self._logits(x)

    def encode(
        self, text: Int64[Tensor, "B S"], mask: Bool[Tensor, "B S"]
    ) -> tuple[Float[Tensor, "B S E"], Bool[Tensor, "B 1 1 S"]]:
        """The memory (B, S, E) of a text, and the mask under which it is read; what the mask hides changes nothing."""
        self._check_text(text, mask)
        first = torch.arange(text.shape[1], device=text.device) == 0
        text = text.masked_fill(~mask, 0)
        mask = (mask | (first & ~mask.any(1, keepdim=True)))[:, None, None]
        x = self.encoder.embedding(text)
        places = torch.arange(text.shape[1], device=text.device)
        turns = rotary_table(places, self.config.encoder.head_dim, base=self.config.base, dtype=x.dtype)
        for layer in self.encoder.layers:
            x = layer(x, turns, mask)
        return self.encoder.norm(x), mask

    def begin(self, text: Int64[Tensor, "B S"], mask: Bool[Tensor, "B S"], capacity: int) -> Cache:
        """A cache for `capacity` rows, the text encoded and its keys made."""
        integer("capacity", capacity, least=1, most=self.config.max_rows)
        memory, mask = self.encode(text, mask)
        places = torch.arange(capacity, device=text.device)
        turns, cross_turns = self._turns(places, memory.dtype)
        stack = self.config.decoder
        rows = buffers(stack.layers, len(text), stack.kv_heads, capacity, stack.head_dim, memory)
        return Cache(rows, self._text_keys(memory), mask, turns, cross_turns, places[0].clone())

    def advance(self, cache: Cache, rows: Int64[Tensor, "B n K"]) -> Float[Tensor, "B n K V"]:
        """The logits of the next n rows, which the cache then knows: a prefill, or one step."""
        self._check_rows(rows, len(cache.text_mask))
        slots = cache.slots(rows.shape[1])
        logits = self.advance_unchecked(cache, rows, slots)
        cache.length += rows.shape[1]
        return logits

    def advance_unchecked(
        self, cache: Cache, rows: Int64[Tensor, "B n K"], slots: int
    ) -> Float[Tensor, "B n K V"]:
        """`advance` without its bookkeeping on the host: static shapes for one `slots`, to compile or to capture."""
        places = cache.position + torch.arange(rows.shape[1], device=rows.device)
        mask = causal_mask(places, torch.arange(slots, device=rows.device))[None, None]
        turns = cache.turns.index_select(1, places)
        cross_turns = None if cache.cross_turns is None else cache.cross_turns.index_select(1, places)
        x = self._embedded(rows)
        for i, layer in enumerate(self.decoder.layers):
            held = cache.layer(i, places, slots)
            x = layer(x, turns, mask, cache.text[i], cross_turns, cache.text_mask, cache=held)
        cache.position += rows.shape[1]
        return self._logits(x)

    def _embedded(self, rows: Tensor) -> Float[Tensor, "B R D"]:
        """The sum of a row's codes, each in its codebook's part of one table."""
        offsets = torch.arange(self.config.codebooks, device=rows.device) * self.config.vocabulary
        embedded: Tensor = self.decoder.embedding(rows + offsets)
        return embedded.sum(-2)

    def _logits(self, x: Tensor) -> Float[Tensor, "B R K V"]:
        logits: Tensor = self.head(self.decoder.norm(x))
        wide = torch.promote_types(logits.dtype, torch.float32)
        return torch.unflatten(logits.to(wide), -1, (self.config.codebooks, self.config.vocabulary))

    def _text_keys(self, memory: Tensor) -> list[tuple[Tensor, Tensor]]:
        turns = None
        if self.config.cross_rotary:
            places = torch.arange(memory.shape[1], device=memory.device)
            turns = self._cross_table(places, memory.dtype)
        layers: Iterable[Any] = self.decoder.layers  # a ModuleList does not tell what it holds
        return [layer.cross_attention.keys(memory, turns) for layer in layers]

    def _turns(self, places: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        config = self.config
        turns = rotary_table(places, config.decoder.head_dim, base=config.base, dtype=dtype)
        return turns, self._cross_table(places, dtype) if config.cross_rotary else None

    def _cross_table(self, places: Tensor, dtype: torch.dtype) -> Tensor:
        return rotary_table(places, self.config.cross_head_dim, base=self.config.base, dtype=dtype)

    def _check_text(self, text: Tensor, mask: Tensor) -> None:
        if text.ndim != 2 or text.dtype != torch.int64 or not 1 <= text.shape[1] <= self.config.max_text:
            raise ValueError(
                f"text: {text.dtype} {tuple(text.shape)} must be int64 (B, S), S from 1 to {self.config.max_text}"
            )
        if mask.shape != text.shape or mask.dtype != torch.bool:
            raise ValueError(
                f"mask: {mask.dtype} {tuple(mask.shape)} must be bool and like text: {tuple(text.shape)}"
            )

    def _check_rows(self, rows: Tensor, batch: int) -> None:
        if rows.ndim != 3 or rows.dtype != torch.int64 or rows.shape[::2] != (batch, self.config.codebooks):
            raise ValueError(
                f"rows: {rows.dtype} {tuple(rows.shape)} must be int64 ({batch}, R, {self.config.codebooks})"
            )
