"""The reference library's codec: the weight-free one, which needs no download."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from refaudio import codec as codecs

CODEC = codecs.MDCTCodec()

interleave = codecs.interleave
planes = codecs.planes
join_planes = codecs.join_planes
split_planes = codecs.split_planes
decode = CODEC.decode
frames = CODEC.frames
encode_at = CODEC.encode


def encode(audio: Tensor) -> Tensor:
    return CODEC.encode(audio, CODEC.rate)


def encode_batch(clips: Sequence[Tensor]) -> list[Tensor]:
    return CODEC.encode_batch(clips, CODEC.rate)


def encode_long(audio: Tensor) -> Tensor:
    return CODEC.encode(audio, CODEC.rate, chunk=64)


def decode_chunked(codec: Any, codes: Tensor, chunk: int) -> Tensor:
    return codecs.decode_chunked(codec.decode, codes, hop=codec.hop, context=codec.context, chunk=chunk)


def encode_chunked(codec: Any, audio: Tensor, chunk: int) -> Tensor:
    return codecs.encode_chunked(codec.encode, audio, hop=codec.hop, context=codec.context, chunk=chunk)
