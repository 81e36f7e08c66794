"""Stereo codes: two planes of a codec, or one row of 2K codebooks, left then right or interleaved.

A codec codes each channel by itself: (2, T, K). A language model has 2K codebooks a frame, in one of two orders.

>>> import torch
>>> left_right = torch.tensor([[[10, 11, 12, 20, 21, 22]]])  # K = 3: left 10, 11, 12 and right 20, 21, 22
>>> interleave(left_right).tolist()
[[[10, 20, 11, 21, 12, 22]]]
>>> split_planes(left_right).tolist()
[[[10, 11, 12]], [[20, 21, 22]]]
"""

from jaxtyping import Integer
from torch import Tensor


def interleave(codes: Integer[Tensor, "B T twoK"]) -> Integer[Tensor, "B T twoK"]:
    """Left then right (as Dia's stereo forks have it) to L0 R0 L1 R1 .. (MusicGen's): (B, T, 2K) -> (B, T, 2K)."""
    return codes.reshape(*codes.shape[:2], 2, _half(codes)).transpose(2, 3).flatten(2)


def planes(codes: Integer[Tensor, "B T twoK"]) -> Integer[Tensor, "B T twoK"]:
    """L0 R0 L1 R1 .. to left then right, the inverse of `interleave`: (B, T, 2K) -> (B, T, 2K)."""
    return codes.reshape(*codes.shape[:2], _half(codes), 2).transpose(2, 3).flatten(2)


def join_planes(codes: Integer[Tensor, "C T K"]) -> Integer[Tensor, "1 T twoK"]:
    """The planes of one stereo clip beside each other, left then right: (2, T, K) -> (1, T, 2K)."""
    if codes.ndim != 3 or len(codes) != 2:
        raise ValueError(f"codes.shape={tuple(codes.shape)} must be (2, T, K): left and right")
    return codes.transpose(0, 1).flatten(1)[None]


def split_planes(codes: Integer[Tensor, "1 T twoK"]) -> Integer[Tensor, "2 T K"]:
    """The planes of one stereo clip, for its codec: (1, T, 2K), left then right -> (2, T, K)."""
    if codes.ndim != 3 or len(codes) != 1:
        raise ValueError(f"codes.shape={tuple(codes.shape)} must be (1, T, 2K): one clip at a time")
    return codes.reshape(-1, 2, _half(codes)).transpose(0, 1).contiguous()


def _half(codes: Tensor) -> int:
    if codes.ndim != 3 or codes.shape[2] % 2 or not codes.shape[2]:
        raise ValueError(f"codes.shape={tuple(codes.shape)} must be (B, T, 2K), an even number of codebooks")
    return codes.shape[2] // 2
