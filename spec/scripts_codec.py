"""A scripted codec with a view: what it gives for one frame depends on its neighbours, as with every real codec."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class WideCodec:
    """Codes (B, T, K) <-> waveform (B, T * hop), each frame from `context` frames to either side; all exact integers.

    What lies beyond the clip counts as 0, where code 0 and a frame of silence count as 1: to fill a piece up is heard.
    """

    codebooks: int
    hop: int
    context: int
    size: int = 64
    rate: int = 44100

    _SCALE = 2.0**23  # every sum stays below it: exact in float32, and within [-1, 1]

    def frames(self, samples: int) -> int:
        """How many frames `samples` samples make."""
        return -(-samples // self.hop)

    def decode(self, codes: Tensor) -> Tensor:
        """codes (B, T, K) -> waveform (B, T * hop)."""
        if codes.ndim != 3 or codes.shape[-1] != self.codebooks:
            raise ValueError(f"codes.shape={tuple(codes.shape)} must be (B, T, {self.codebooks})")
        own = ((codes.to(torch.int64) + 1) * torch.arange(1, self.codebooks + 1)).sum(-1)
        ahead = torch.arange(self.hop)  # a sample of a frame differs from the next one
        audio = self._seen(own)[..., None] + ahead * own[..., None]
        return (audio.flatten(1) / self._SCALE).to(torch.float32)

    def encode(self, audio: Tensor) -> Tensor:
        """waveform (B, N) -> codes (B, ceil(N / hop), K), the last frame filled with silence."""
        filled = torch.nn.functional.pad(audio, (0, -audio.shape[-1] % self.hop))
        whole = (filled.to(torch.float64) * 2**15).round().to(torch.int64).reshape(len(audio), -1, self.hop)
        own = (whole * torch.arange(1, self.hop + 1)).sum(-1) + 1
        return (self._seen(own)[..., None] * torch.arange(1, self.codebooks + 1)) % self.size

    def _seen(self, own: Tensor) -> Tensor:
        """A sum over the frames around each, every distance with a weight of its own: (B, T) -> (B, T)."""
        seen = torch.zeros_like(own)
        frames = own.shape[1]
        for away in range(-min(self.context, frames), min(self.context, frames) + 1):
            first, last = max(0, -away), min(frames, frames - away)
            seen[:, first:last] += (3 + away + self.context) * own[:, first + away : last + away]
        return seen
