"""The delay pattern as it was used wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from refaudio.codeclm import delay as right

from . import mutant


def _delay(codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None = None) -> Tensor:
    return right.delay(codes, delays, bos=bos, pad=pad, eos=eos)


@mutant("any-pattern-fits", "D0 #5", "codeclm:1")
def any_pattern_fits_of_make_config(codebooks: int, delays: Sequence[int]) -> list[int]:
    """a pattern of any length is accepted, and breaks in the first batch"""
    return list(delays)


@mutant("cuts-the-pattern", "D0 #5")
def cuts_the_pattern_of_make_config(codebooks: int, delays: Sequence[int]) -> list[int]:
    """a pattern that is too long is cut, one that is too short is filled with zeros, and nothing is said"""
    return [*delays, *[0] * codebooks][:codebooks]


@mutant("wants-sorted-delays", "codeclm:3")
def wants_sorted_delays_of_make_config(codebooks: int, delays: Sequence[int]) -> list[int]:
    """only sorted patterns are accepted, although nothing in a delay needs them sorted"""
    if list(delays) != sorted(delays):
        raise AssertionError("delays must be sorted")
    return list(right.check_delays(delays, codebooks))


@mutant("default-pattern-wins", "D1 #2")
def default_pattern_wins_of_make_config(codebooks: int, delays: Sequence[int]) -> list[int]:
    """with nine codebooks the pattern of the code is used, whatever the config says: two lists that have to agree"""
    kept = list(right.check_delays(delays, codebooks))
    return list(right.pattern("dia")) if codebooks == 9 else kept


@mutant("trims-thirty", "D0 #25", "codeclm:2")
def trims_thirty_of_rows_to_audio(codec: Any, rows: Tensor, delays: Sequence[int]) -> Tensor:
    """thirty rows are trimmed, whatever the pattern: the length of the tail was once thirty"""
    known = right.undelay(rows, delays)
    return codec.decode(known[:, : max(0, known.shape[1] + max(delays) - 30)])


@mutant("first-frame-lost", "D0 #25")
def first_frame_lost_of_rows_to_audio(codec: Any, rows: Tensor, delays: Sequence[int]) -> Tensor:
    """BOS is stripped a second time, before the codec, and the first frame with it"""
    return codec.decode(right.undelay(rows, delays)[:, 1:])


@mutant("feeds-special-ids", "codeclm:54")
def feeds_special_ids_of_rows_to_audio(codec: Any, rows: Tensor, delays: Sequence[int]) -> Tensor:
    """the tail is not trimmed: the codec is fed BOS and PAD ids, which are no codes"""
    filled = torch.nn.functional.pad(rows, (0, 0, 0, max(delays)), value=1025)
    return codec.decode(right.undelay(filled, delays))


@mutant("drops-the-last-hop", "codeclm:90")
def drops_the_last_hop_of_rows_to_audio(codec: Any, rows: Tensor, delays: Sequence[int]) -> Tensor:
    """one hop of the decoded waveform is cut off, as if a special frame were still in it"""
    audio = codec.decode(right.undelay(rows, delays))
    return audio[:, : max(0, audio.shape[1] - codec.hop)]


@mutant("sees-its-own-row", "codeclm:9")
def sees_its_own_row_of_visible(delays: Sequence[int], frames: int) -> Tensor:
    """codes of the same row are visible: the mask compares with <= where < belongs"""
    row = torch.arange(frames)[:, None] + torch.tensor(list(delays))
    return row <= row[:, :, None, None]


@mutant("frames-in-order", "codeclm:9")
def frames_in_order_of_visible(delays: Sequence[int], frames: int) -> Tensor:
    """the mask is causal in frames, and does not know the delays"""
    return right.visible([0] * len(delays), frames)


@mutant("delays-the-other-way", "codeclm:10")
def delays_the_other_way_of_visible(delays: Sequence[int], frames: int) -> Tensor:
    """delays are subtracted: late codebooks are taken to run ahead"""
    row = torch.arange(frames)[:, None] - torch.tensor(list(delays))
    return row < row[:, :, None, None]


def _by_frame(codec: Any, frames: Iterable[Tensor]) -> Iterator[Tensor]:
    return (codec.decode(frame[:, None]) for frame in frames)


@mutant("ring-one-short", "codeclm:12")
def ring_one_short_of_stream(codec: Any, rows: Iterable[Tensor], delays: Sequence[int]) -> Iterator[Tensor]:
    """the ring holds max(delays) rows, one too few: the row of the earliest codebook is already overwritten"""
    last = max(delays)
    held: list[Tensor] = []
    for r, row in enumerate(rows):
        held.append(row)
        if r >= 1 + last:
            oldest = r - max(1, last) + 1
            yield codec.decode(
                torch.stack([held[max(oldest, r - last + d)][:, k] for k, d in enumerate(delays)], -1)[
                    :, None
                ]
            )


@mutant("emits-incomplete-frames", "codeclm:12")
def emits_incomplete_frames_of_stream(
    codec: Any, rows: Iterable[Tensor], delays: Sequence[int]
) -> Iterator[Tensor]:
    """a frame is emitted one row early, with what the late codebooks held before"""
    known = list(rows)
    for t in range(len(known) - 1 - max(delays)):
        newest = t + max(delays)
        columns = [known[min(1 + t + d, max(newest, 0))][:, k] for k, d in enumerate(delays)]
        yield codec.decode(torch.stack(columns, -1)[:, None])


@mutant("holds-back-the-last", "codeclm:12")
def holds_back_the_last_of_stream(
    codec: Any, rows: Iterable[Tensor], delays: Sequence[int]
) -> Iterator[Tensor]:
    """the last frame waits for a row that never comes"""
    return _by_frame(codec, list(right.undelay_stream(rows, delays))[:-1])


@mutant("crops-delayed-rows", "codeclm:13")
def crops_delayed_rows_of_delay_window(
    codes: Tensor, start: int, frames: int, delays: Sequence[int], bos: int, pad: int
) -> Tensor:
    """the window is cut out of the delayed rows: codebook k starts delays[k] frames early"""
    rows = _delay(codes, delays, bos, pad)[:, start : start + frames + 1 + max(delays)].clone()
    rows[:, 0] = bos
    return rows


@mutant("window-to-the-end", "codeclm:13")
def window_to_the_end_of_delay_window(
    codes: Tensor, start: int, frames: int, delays: Sequence[int], bos: int, pad: int
) -> Tensor:
    """late codebooks go on past the end of the window: the tail that should be PAD holds the codes that follow"""
    whole = _delay(codes[:, start:], delays, bos, pad)
    return whole[:, : frames + 1 + max(delays)]


@mutant("dia-in-stairs", "D1 #2")
def dia_in_stairs_of_pattern(name: str) -> list[int]:
    """Dia is given the stairs 0..8 of a later fork: old checkpoints no longer decode"""
    return list(range(9)) if name == "dia" else list(right.pattern(name))


@mutant("stereo-in-blocks", "codeclm:95")
def stereo_in_blocks_of_pattern(name: str) -> list[int]:
    """MusicGen's stereo pattern is laid out as a left block and a right block; its channels are interleaved"""
    return [0, 1, 2, 3] * 2 if name == "musicgen-stereo" else list(right.pattern(name))
