"""Long clips in pieces that do not fit, and stereo codes in the wrong order."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from . import mutant
from .codec import HOP, RATE, encoded


@mutant("decodes-without-context", "codeclm:92")
def decodes_without_context_of_decode_chunked(codec: Any, codes: Tensor, chunk: int) -> Tensor:
    """chunks are decoded by themselves and joined: a click at every seam"""
    return torch.cat([codec.decode(part) for part in codes.split(chunk, dim=1)], dim=1)


def _in_pieces(codec: Any, codes: Tensor, chunk: int, before: int, after: int) -> Tensor:
    heard = []
    for start in range(0, codes.shape[1], chunk):
        first, stop = max(0, start - before), min(start + chunk, codes.shape[1])
        audio = codec.decode(codes[:, first : stop + after])
        heard.append(audio[:, (start - first) * codec.hop : (stop - first) * codec.hop])
    return torch.cat(heard, dim=1)


@mutant("half-the-context", "codeclm:92")
def half_the_context_of_decode_chunked(codec: Any, codes: Tensor, chunk: int) -> Tensor:
    """half of the frames that matter are shown on either side: nearly inaudible seams"""
    return _in_pieces(codec, codes, chunk, codec.context // 2, codec.context // 2)


@mutant("context-before-alone", "codeclm:92")
def context_before_alone_of_decode_chunked(codec: Any, codes: Tensor, chunk: int) -> Tensor:
    """a chunk is shown the frames before it, as in a causal stream, and none of those after it"""
    return _in_pieces(codec, codes, chunk, codec.context, 0)


@mutant("fills-the-last-chunk", "codeclm:92")
def fills_the_last_chunk_of_decode_chunked(codec: Any, codes: Tensor, chunk: int) -> Tensor:
    """the last chunk is filled up with code 0 to the length of all others, and its audio cut: the ending has heard the filling"""
    frames = codes.shape[1]
    audio = _in_pieces(codec, pad(codes, (0, 0, 0, -frames % chunk)), chunk, codec.context, codec.context)
    return audio[:, : frames * codec.hop]


@mutant("drops-the-last-chunk", "codeclm:92")
def drops_the_last_chunk_of_decode_chunked(codec: Any, codes: Tensor, chunk: int) -> Tensor:
    """only whole chunks are decoded: the rest of the clip is lost"""
    audio = _in_pieces(codec, codes, chunk, codec.context, codec.context)
    return audio[:, : max(1, codes.shape[1] // chunk) * chunk * codec.hop]


def _pieces_of(codec: Any, audio: Tensor, chunk: int, context: int, offset: int = 0) -> Tensor:
    coded, frames = [], codec.frames(audio.shape[1])
    for start in range(0, frames, chunk):
        first, stop = max(0, start - context), min(start + chunk, frames)
        shown = audio[:, max(0, first * codec.hop - offset) : (stop + context) * codec.hop]
        coded.append(codec.encode(shown)[:, start - first : stop - first])
    return torch.cat(coded, dim=1)


@mutant("windows-overlap", "codeclm:91")
def windows_overlap_of_encode_chunked(codec: Any, audio: Tensor, chunk: int) -> Tensor:
    """windows overlap, and every one keeps all its frames: more frames than the clip has"""
    parts = range(0, codec.frames(audio.shape[1]), chunk)
    windows = [audio[:, part * codec.hop : (part + chunk + codec.context) * codec.hop] for part in parts]
    return torch.cat([codec.encode(window) for window in windows], dim=1)


@mutant("encodes-without-context", "codeclm:91")
def encodes_without_context_of_encode_chunked(codec: Any, audio: Tensor, chunk: int) -> Tensor:
    """chunks are encoded by themselves: the codes at every seam have heard silence on the other side"""
    return _pieces_of(codec, audio, chunk, 0)


@mutant("pieces-off-the-grid", "codeclm:91")
def pieces_off_the_grid_of_encode_chunked(codec: Any, audio: Tensor, chunk: int) -> Tensor:
    """pieces after the first begin a sample early: their frames are not those of the clip"""
    return _pieces_of(codec, audio, chunk, codec.context, offset=1)


@mutant("fills-every-piece", "codeclm:91")
def fills_every_piece_of_encode_chunked(codec: Any, audio: Tensor, chunk: int) -> Tensor:
    """the clip is filled up with silence to whole chunks first: its last frames have heard the filling"""
    whole = pad(audio, (0, -audio.shape[1] % (chunk * codec.hop)))
    return _pieces_of(codec, whole, chunk, codec.context)[:, : codec.frames(audio.shape[1])]


@mutant("compresses", "codeclm:91")
def compresses_of_encode_long(audio: Tensor) -> Tensor:
    """clips beyond a second are coded by windows that overlap, as compress does: a third more frames"""
    window, step = 87, 56
    if audio.shape[1] <= RATE:
        return encoded(audio)
    starts = range(0, audio.shape[1], step * HOP)
    return torch.cat([encoded(audio[:, start : start + window * HOP]) for start in starts], dim=1)


@mutant("levels-each-window", "codeclm:91")
def levels_each_window_of_encode_long(audio: Tensor) -> Tensor:
    """each window of a second is normalised by itself before it is coded: the clip is heard to pump"""
    parts = [part / part.abs().max().clamp(min=1e-8) for part in audio.split(87 * HOP, dim=1)]
    return torch.cat([encoded(part) for part in parts], dim=1)


@mutant("blocks-for-pairs", "codeclm:95")
def blocks_for_pairs_of_interleave(codes: Tensor) -> Tensor:
    """codes that stand left then right are handed on as if they were interleaved"""
    return codes


@mutant("pairs-for-blocks", "codeclm:95")
def pairs_for_blocks_of_planes(codes: Tensor) -> Tensor:
    """interleaved codes are weaved a second time: the view has its two axes the wrong way round"""
    return codes.reshape(*codes.shape[:2], 2, -1).transpose(2, 3).flatten(2)


@mutant("right-side-first", "codeclm:95")
def right_side_first_of_join_planes(codes: Tensor) -> Tensor:
    """the right channel comes first"""
    return codes.flip(0).transpose(0, 1).flatten(1)[None]


@mutant("joins-in-time", "codeclm:95")
def joins_in_time_of_join_planes(codes: Tensor) -> Tensor:
    """a view without a transpose: left's second frame stands where right's first belongs"""
    return codes.reshape(1, codes.shape[1], -1)


@mutant("splits-in-time", "codeclm:95")
def splits_in_time_of_split_planes(codes: Tensor) -> Tensor:
    """a view without a transpose: the first half of the clip becomes left, the second right"""
    return codes.reshape(2, codes.shape[1], -1)
