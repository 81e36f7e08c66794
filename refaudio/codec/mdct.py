"""A codec without weights: a lapped cosine transform, and nine codebooks made by formula.

For a pipeline that has to train, generate and be heard on a machine without a download. It codes what lies below
5.5 kHz, and is no match for a trained codec: 13 dB of signal-to-noise ratio on chords, 9 on a voice.
"""

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from .base import Codec

HOP = 512
BINS = 127  # that codes can name, of 512: 43 Hz each
FIRST = 32  # bins that the first codebook can name
OCTAVES = 15  # levels of the first codebook: 16, 8, 4, ... 2**-10 (-84 dB), and nothing
TOP = 16.0  # a sine of full scale reaches 22
STEPS = 4  # levels of the others, below the level of the first: 1, 1/2, 1/4, 1/8


def mdct(audio: Float[Tensor, "C N"], hop: int = HOP) -> Float[Tensor, "C T hop"]:
    """audio (C, T * hop) -> coefficients (C, T, hop), orthonormal: energies are kept, and `imdct` inverts it.

    Windows of two hops, a hop apart, reach half a hop beyond their own block. The first and the last end with the
    clip: what is not there is not folded in.
    """
    channels, frames = len(audio), audio.shape[1] // hop
    wide = torch.promote_types(audio.dtype, torch.float32)
    shown = torch.nn.functional.pad(audio.to(wide), (hop // 2, hop // 2)).unfold(1, 2 * hop, hop)
    return (shown * _windows(frames, hop, shown)) @ _basis(hop, hop, wide, str(audio.device))


def imdct(coefficients: Float[Tensor, "C T F"], hop: int = HOP) -> Float[Tensor, "C N"]:
    """The inverse of `mdct`: coefficients (C, T, F), F at most hop, the others 0 -> audio (C, T * hop)."""
    channels, frames, bins = coefficients.shape
    wide = torch.promote_types(coefficients.dtype, torch.float32)
    basis = _basis(hop, bins, wide, str(coefficients.device))
    heard = (coefficients.to(wide) @ basis.T) * _windows(frames, hop, coefficients.to(wide))
    halves = heard.unflatten(
        2, (2, hop)
    )  # each window is two halves, and the second adds to the next one's first
    joined = heard.new_zeros(channels, frames + 1, hop)
    joined[:, :-1] += halves[:, :, 0]
    joined[:, 1:] += halves[:, :, 1]
    return joined.flatten(1)[:, hop // 2 : -(hop // 2)]


class MDCTCodec(Codec):
    """9 codebooks of 1024 at hop 512 and 44.1 kHz, weight-free: codes (C, T, 9) of audio (C, N).

    Codebook 0 names a bin below 1.4 kHz, a sign and a level in octaves; each further one a bin below 5.5 kHz, a sign
    and one of four levels below that of codebook 0. Each in turn takes the atom that leaves the least of what is left.
    """

    rate, hop, codebooks, size, context = 44100, HOP, 9, 1024, 1

    def _encode(self, audio: Tensor) -> Tensor:
        rest = mdct(audio.to(torch.float64))[..., :BINS].contiguous()
        codes, scale = [], rest.new_ones(rest.shape[:2])
        for k in range(self.codebooks):
            levels = _levels(k, rest)
            size = scale[..., None, None] * levels
            reach = FIRST if k == 0 else BINS
            # how much less is left: |r|^2 - (|r| - level)^2
            gain = (2 * rest[..., :reach, None].abs() - size) * size
            best, choice = gain.flatten(-2).max(-1)
            choice = torch.where(best > 0, choice, self._nothing(k))
            bin_, level = choice // len(levels), choice % len(levels)
            sign = (rest.gather(-1, bin_.clamp(max=BINS - 1)[..., None])[..., 0] < 0) & (best > 0)
            code = (bin_ * 2 + sign) * len(levels) + level
            codes.append(code)
            atom, scale = self._atom(k, code, scale)
            rest = rest - atom
        return torch.stack(codes, dim=-1)

    def _decode(self, codes: Tensor) -> Tensor:
        scale = torch.ones(codes.shape[:2], dtype=torch.float64, device=codes.device)
        spectrum = torch.zeros(*codes.shape[:2], BINS, dtype=torch.float64, device=codes.device)
        for k in range(self.codebooks):
            atom, scale = self._atom(k, codes[..., k].to(torch.int64), scale)
            spectrum += atom
        return imdct(spectrum).to(torch.float32)

    def _nothing(self, k: int) -> int:
        """The choice that adds nothing: the level 0 of the first codebook, the bin after the last of the others."""
        return OCTAVES if k == 0 else BINS * STEPS

    def _atom(self, k: int, code: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """What code (C, T) of codebook k adds to the spectrum (C, T, BINS), and the level of codebook 0 (C, T)."""
        levels = _levels(k, scale)
        bin_, sign, level = code // (2 * len(levels)), code // len(levels) % 2, levels[code % len(levels)]
        size = level * scale * (1 - 2 * sign)
        atom = size.new_zeros(*code.shape, BINS + 1).scatter_(-1, bin_[..., None], size[..., None])
        return atom[..., :BINS], level if k == 0 else scale


def _levels(k: int, like: Tensor) -> Tensor:
    """The levels of codebook k, powers of two: absolute for the first, else as shares of its level."""
    if k == 0:
        octaves = [TOP * 2.0**-i for i in range(OCTAVES)]
        return torch.tensor([*octaves, 0.0], dtype=like.dtype, device=like.device)
    return torch.tensor([2.0**-i for i in range(STEPS)], dtype=like.dtype, device=like.device)


def _windows(frames: int, hop: int, like: Tensor) -> Tensor:
    """The window of each frame (T, 2 * hop): a sine, and a step where the clip begins and ends."""
    slope = torch.sin(math.pi / (2 * hop) * (torch.arange(2 * hop, dtype=torch.float64) + 0.5))
    windows = slope.repeat(frames, 1)
    step = (torch.arange(hop) >= hop // 2).to(torch.float64)
    windows[0, :hop] = step
    windows[-1, hop:] = step.flip(0)
    return windows.to(like)


@lru_cache(maxsize=8)
def _basis(hop: int, bins: int, dtype: torch.dtype, device: str) -> Tensor:
    """The cosines (2 * hop, bins) of the first bins, scaled so that the transform is orthonormal."""
    n = torch.arange(2 * hop, dtype=torch.float64)[:, None]
    f = torch.arange(bins, dtype=torch.float64)
    basis = math.sqrt(2 / hop) * torch.cos(math.pi / hop * (n + 0.5 + hop / 2) * (f + 0.5))
    return basis.to(dtype=dtype, device=device)
