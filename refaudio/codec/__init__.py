"""Codecs: a waveform (C, N) to codes (C, T, K) and back, one plane a channel, a frame a hop.

`MDCTCodec` needs no weights and no download; `DAC` reads published weights, and needs `refaudio[models]` or
`refaudio[dac]`, which it loads when it is made.
"""

from .base import Codec
from .chunks import decode_chunked, encode_chunked
from .dac import DAC
from .dac_layout import DACConfig
from .mdct import MDCTCodec
from .stereo import interleave, join_planes, planes, split_planes

__all__ = [
    "DAC",
    "Codec",
    "DACConfig",
    "MDCTCodec",
    "decode_chunked",
    "encode_chunked",
    "interleave",
    "join_planes",
    "planes",
    "split_planes",
]
