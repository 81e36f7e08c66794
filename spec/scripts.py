"""Scripted networks and the echo codec: what a law hands to code that owns a loop, a loss or a codec.

A law judges what came out and what the script was fed: inputs, labels, number and order of calls. A script is called
as `network(x, *labels)` with x (B, ...) and answers with a tensor like x.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

Network = Callable[..., Tensor]


@dataclass(frozen=True)
class Call:
    """One call of a network, copied when it happened."""

    x: Tensor
    labels: tuple[object, ...]
    named: dict[str, object]


def _copied(value: Any) -> Any:
    """A copy that later in-place changes do not reach; tensors leave their graph, and what cannot be copied stays."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value] if isinstance(value, list) else tuple(map(_copied, value))
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value.copy() if isinstance(value, np.ndarray) else value


@dataclass
class Recorder:
    """Answers as `network` does and keeps every call, so that a label which was never given is seen as missing."""

    network: Network
    calls: list[Call] = field(default_factory=list)

    def __call__(self, x: Tensor, *labels: object, **named: object) -> Tensor:
        copies = tuple(map(_copied, labels)), {name: _copied(value) for name, value in named.items()}
        self.calls.append(Call(x.detach().clone(), *copies))
        return self.network(x, *labels, **named)


@dataclass(frozen=True)
class Constant:
    """Answers the same value whatever it is fed."""

    value: float

    def __call__(self, x: Tensor, *labels: object, **named: object) -> Tensor:
        return torch.full_like(x, self.value)


@dataclass(frozen=True)
class Oracle:
    """Answers the closed form of (x, *labels): the network that training would converge to."""

    closed_form: Network

    def __call__(self, x: Tensor, *labels: object, **named: object) -> Tensor:
        return self.closed_form(x, *labels, **named)


@dataclass(frozen=True)
class Table:
    """Answers arbitrary numbers that depend on an item's labels alone: whoever mixes labels up gets other numbers."""

    seed: int = 0

    def __call__(self, x: Tensor, *labels: object, **named: object) -> Tensor:
        everything = [*labels, *(named[name] for name in sorted(named))]
        rows = [self._entry(x[i], [_row(label, i, len(x)) for label in everything]) for i in range(len(x))]
        return torch.stack(rows) if rows else torch.zeros_like(x)

    def _entry(self, like: Tensor, labels: list[object]) -> Tensor:
        digest = hashlib.blake2b(repr((self.seed, labels)).encode(), digest_size=7).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "big"))
        return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)


def _row(label: object, item: int, batch: int) -> object:
    """The label of one item: row i of a tensor with a row an item, else the whole label."""
    if isinstance(label, Tensor):
        label = label[item] if label.ndim and len(label) == batch else label
        return label.detach().cpu().tolist()
    return label


@dataclass
class EchoCodec:
    """A codec whose waveform spells out the codes, one sample each: decode (B, T, K) -> (B, T * K), and back.

    An id outside 0..size-1 is kept in the waveform and in `fed`: a real codec would crash on it, or play noise.
    """

    codebooks: int
    size: int = 1024
    rate: int = 44100
    fed: list[Tensor] = field(default_factory=list)

    # codes / 2**15 is exact in float32 and stays within [-1, 1] for every id below 2**15
    _SCALE = 2.0**15

    @property
    def hop(self) -> int:
        return self.codebooks

    def frames(self, samples: int) -> int:
        """How many frames `samples` samples make."""
        return -(-samples // self.hop)

    def decode(self, codes: Tensor) -> Tensor:
        """codes (B, T, K) -> waveform (B, T * K)."""
        if codes.ndim != 3 or codes.shape[-1] != self.codebooks:
            raise ValueError(f"codes.shape={tuple(codes.shape)} must be (B, T, {self.codebooks})")
        self.fed.append(codes.detach().clone())
        return codes.reshape(len(codes), codes.shape[1] * self.codebooks).to(torch.float32) / self._SCALE

    def encode(self, audio: Tensor) -> Tensor:
        """waveform (B, N) -> codes (B, ceil(N / K), K), the last frame filled with code 0."""
        missing = self.frames(audio.shape[-1]) * self.hop - audio.shape[-1]
        filled = torch.nn.functional.pad(audio, (0, missing))
        return (filled * self._SCALE).round().to(torch.int64).reshape(len(audio), -1, self.codebooks)

    def was_fed(self, batch: int) -> Tensor:
        """Every frame that was decoded, in order: (batch, T, K); code without frames need not call a codec."""
        fed = [codes for codes in self.fed if codes.shape[1]] or self.fed[:1]
        return torch.cat(fed, dim=1) if fed else torch.zeros((batch, 0, self.codebooks), dtype=torch.int64)
