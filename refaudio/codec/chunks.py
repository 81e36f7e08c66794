"""Long clips in pieces: every piece is handed to the codec with its neighbours, and only its own frames are kept.

A codec that looks `context` frames to either side gives the same frames for a piece as for the whole clip, when it is
shown that many on both sides: one frame fewer and each seam is heard. DAC at 44.1 kHz looks 10 frames around a frame
when it decodes, and 9 when it encodes.

>>> list(pieces(frames=7, chunk=3, context=2))
[Piece(start=0, stop=3, first=0, last=5), Piece(start=3, stop=6, first=1, last=7), Piece(start=6, stop=7, first=4, last=7)]
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from ..errors import integer


class Piece(NamedTuple):
    """Frames start..stop are wanted, and first..last are shown."""

    start: int
    stop: int
    first: int
    last: int


def pieces(frames: int, chunk: int, context: int) -> Iterator[Piece]:
    """The pieces of a clip, in order, `chunk` frames each and the rest: at least one, which may be empty."""
    for start in range(0, max(frames, 1), chunk):
        stop = min(start + chunk, frames)
        yield Piece(start, stop, max(0, start - context), min(frames, stop + context))


def decode_chunked(
    decode: Callable[[Tensor], Tensor], codes: Integer[Tensor, "C T K"], *, hop: int, context: int, chunk: int
) -> Float[Tensor, "C N"]:
    """decode(codes), `chunk` frames at a time: codes (C, T, K) -> (C, T * hop)."""
    hop, context, chunk = _checked(hop, context, chunk)
    heard = []
    for start, stop, first, last in pieces(codes.shape[1], chunk, context):
        shown = decode(codes[:, first:last])
        heard.append(shown[:, (start - first) * hop : (stop - first) * hop])
    return torch.cat(heard, dim=1)


def encode_chunked(
    encode: Callable[[Tensor], Tensor], audio: Float[Tensor, "C N"], *, hop: int, context: int, chunk: int
) -> Integer[Tensor, "C T K"]:
    """encode(audio), `chunk` frames at a time: audio (C, N) -> (C, ceil(N / hop), K)."""
    hop, context, chunk = _checked(hop, context, chunk)
    coded = []
    for start, stop, first, last in pieces(-(-audio.shape[1] // hop), chunk, context):
        shown = encode(audio[:, first * hop : last * hop])
        coded.append(shown[:, start - first : stop - first])
    return torch.cat(coded, dim=1)


def _checked(hop: int, context: int, chunk: int) -> tuple[int, int, int]:
    return (
        integer("hop", hop, least=1),
        integer("context", context, least=0),
        integer("chunk", chunk, least=1),
    )
