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
    frames = audio.shape[1] // hop
    wide = torch.promote_types(audio.dtype, torch.float32)
    shown = torch.nn.functional.pad(audio.to(wide), (hop // 2, hop // 2)).unfold(1, 2 * hop, hop)
    return (shown * _windows(frames, hop, shown)) @ _basis(hop, hop, wide, str(audio.device))


def imdct(coefficients: Float[Tensor, "C T F"], hop: int = HOP) -> Float[Tensor, "C N"]:
    """The inverse of `mdct`: coefficients (C, T, F), F at most hop, the others 0 -> audio (C, T * hop)."""
    channels, frames, bins = coefficients.shape
    wide = torch.promote_types(coefficients.dtype, torch.float32)
    basis = _basis(hop, bins, wide, str(coefficients.device))
    heard = (coefficients.to(wide) @ basis.T) * _windows(frames, hop, coefficients.to(wide))
    # Each window is two halves, and the second adds to the first one of the next.
    halves = heard.reshape(channels, frames, 2, hop)
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
        codes, scale = [], rest.new_ones(*rest.shape[:2], 1)
        for k in range(self.codebooks):
            levels, nothing = _codebook(k == 0, str(rest.device))
            # At any level the largest coefficient is the one whose atom helps most: by |r|^2 - (|r| - size)^2.
            peak, bin_ = rest[..., : FIRST if k == 0 else BINS].abs().max(-1, keepdim=True)
            sizes = scale * levels
            best, level = ((2 * peak - sizes) * sizes).max(-1, keepdim=True)
            peak, size = rest.gather(-1, bin_), sizes.gather(-1, level) * (best > 0)
            rest.scatter_add_(-1, bin_, -torch.copysign(size, peak))
            code = (2 * bin_ + (peak < 0)) * len(levels) + level
            codes.append(torch.where(best > 0, code, nothing))
            scale = size if k == 0 else scale
        return torch.cat(codes, dim=-1)

    def _decode(self, codes: Tensor) -> Tensor:
        codes = codes.to(torch.int64)
        (first, _), (others, _) = (_codebook(absolute, str(codes.device)) for absolute in (True, False))
        scale = first[codes[..., :1] % len(first)]
        sizes = torch.cat([scale, scale * others[codes[..., 1:] % len(others)]], dim=-1)
        signed = codes // torch.tensor(
            [len(first)] + [len(others)] * (self.codebooks - 1), device=codes.device
        )
        spectrum = sizes.new_zeros(*codes.shape[:2], BINS + 1)  # what adds nothing lands beyond the last bin
        spectrum.scatter_add_(-1, signed // 2, sizes * (1 - 2 * (signed % 2)))
        return imdct(spectrum[..., :BINS]).to(torch.float32)


@lru_cache(maxsize=4)
def _codebook(first: bool, device: str) -> tuple[Tensor, int]:
    """The levels of the first codebook or of any other, powers of two, and a code that adds nothing.

    Those of the first are absolute, and end in 0; the others' are shares of its level, and end beyond the last bin.
    """
    if first:
        octaves = [TOP * 2.0**-i for i in range(OCTAVES)]
        return torch.tensor([*octaves, 0.0], dtype=torch.float64, device=device), OCTAVES
    shares = [2.0**-i for i in range(STEPS)]
    return torch.tensor(shares, dtype=torch.float64, device=device), BINS * 2 * STEPS


def _windows(frames: int, hop: int, like: Tensor) -> Tensor:
    """The window of each frame (T, 2 * hop): a sine, and a step where the clip begins and ends."""
    slope = torch.sin(math.pi / (2 * hop) * (torch.arange(2 * hop, dtype=torch.float64) + 0.5)).to(like)
    windows = slope.repeat(frames, 1)
    windows[0, : hop // 2], windows[0, hop // 2 : hop] = 0, 1
    windows[-1, hop : 3 * hop // 2], windows[-1, 3 * hop // 2 :] = 1, 0
    return windows


@lru_cache(maxsize=8)
def _basis(hop: int, bins: int, dtype: torch.dtype, device: str) -> Tensor:
    """The cosines (2 * hop, bins) of the first bins, scaled so that the transform is orthonormal."""
    n = torch.arange(2 * hop, dtype=torch.float64)[:, None]
    f = torch.arange(bins, dtype=torch.float64)
    basis = math.sqrt(2 / hop) * torch.cos(math.pi / hop * (n + 0.5 + hop / 2) * (f + 0.5))
    return basis.to(dtype=dtype, device=device)
