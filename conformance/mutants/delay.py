"""The delay pattern as it was got wrong."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from refaudio.codeclm import delay as right

from . import mutant


def _delay(codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None = None) -> Tensor:
    return right.delay(codes, delays, bos=bos, pad=pad, eos=eos)


@mutant("constant-length", "codeclm:6", "codeclm:61")
def constant_length_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """the rows are as many as before, so that codebook k loses its last delays[k] codes"""
    return _delay(codes, delays, bos, pad, eos)[:, : codes.shape[1] + 1]


@mutant("pads-with-bos", "codeclm:7")
def pads_with_bos_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """the cells after the last code are filled with BOS, as with a library that has one special token"""
    return _delay(codes, delays, bos, bos, eos)


@mutant("no-bos-row", "codeclm:7")
def no_bos_row_of_delay(codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None) -> Tensor:
    """there is no BOS row: code (t, k) stands in row t + delays[k]"""
    return _delay(codes, delays, bos, pad, eos)[:, 1:]


@mutant("zero-means-empty", "codeclm:4")
def zero_means_empty_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """a cell that holds code 0 is taken for an empty one, and padded"""
    rows = _delay(codes, delays, bos, pad, eos)
    return torch.where(rows == 0, pad, rows)


@mutant("sorts-the-delays", "codeclm:11")
def sorts_the_delays_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """the pattern is sorted first, so that an unsorted one shifts the wrong codebooks"""
    return _delay(codes, sorted(delays), bos, pad, eos)


@mutant("first-delay-is-smallest", "codeclm:3", "codeclm:11")
def first_delay_is_smallest_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """delays are counted from the first codebook's, as if that were always the smallest"""
    return _delay(codes, [max(0, d - delays[0]) for d in delays], bos, pad, eos)


@mutant("rolls-across-the-batch", "codeclm:8")
def rolls_across_the_batch_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """the shift is a roll over the flattened batch, so that one item's last codes become the next one's first"""
    rows = _delay(codes, delays, bos, pad, eos).clone()
    for k, d in enumerate(delays):
        if d and codes.shape[1]:
            rows[1:, d, k] = codes[:-1, -1, k]
    return rows


@mutant("square-batch-transposed", "codeclm:8")
def square_batch_transposed_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """an index without a batch axis is broadcast over batch and frames: they are exchanged where they are equal"""
    square = codes.shape[0] == codes.shape[1]
    return _delay(codes.transpose(0, 1) if square else codes, delays, bos, pad, eos)


@mutant("eos-over-codes", "codeclm:7", "codeclm:61")
def eos_over_codes_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """EOS is written into one row of all codebooks, right after the undelayed frames, over codes that were still to come"""
    rows = _delay(codes, delays, bos, pad, eos)
    if eos is not None:
        rows[:, codes.shape[1] + 1] = eos
        rows[:, codes.shape[1] + 2 :] = pad
    return rows


@mutant("eos-in-first-codebook", "codeclm:59")
def eos_in_first_codebook_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """only the first codebook gets an EOS: the others never learn to end"""
    rows = _delay(codes, delays, bos, pad, eos)
    if eos is not None:
        ends = rows[..., 1:]
        rows[..., 1:] = torch.where(ends == eos, pad, ends)
    return rows


@mutant("eos-over-the-last-code", "codeclm:7")
def eos_over_the_last_code_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """EOS stands one row early, in the place of each codebook's last code"""
    if eos is None or not codes.shape[1]:
        return _delay(codes, delays, bos, pad, eos)
    rows = _delay(codes[:, :-1], delays, bos, pad, eos)
    return torch.cat([rows, torch.full_like(rows[:, :1], pad)], dim=1)


@mutant("writes-into-input", "codeclm:99")
def writes_into_input_of_delay(
    codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None
) -> Tensor:
    """the codes are shifted where they lie, and the caller's tensor with them"""
    rows = _delay(codes, delays, bos, pad, eos)
    codes.copy_(rows[:, : codes.shape[1]])
    return rows


@mutant("float-fill", "codeclm:99")
def float_fill_of_delay(codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None) -> Tensor:
    """the rows are made in floating point, for the sake of a NaN fill, and are not turned back"""
    return _delay(codes, delays, bos, pad, eos).to(torch.float32)


@mutant("undelay-trims-thirty", "D0 #25", "codeclm:2")
def trims_thirty_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """thirty rows are cut from the end, whatever the pattern: right for no published one"""
    kept = right.undelay(rows, delays)
    return kept[:, : max(0, kept.shape[1] + max(delays) - 30)][:, :frames]


@mutant("minus-zero-slice", "codeclm:3")
def minus_zero_slice_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """the tail is cut with [:-max(delays)], which is empty when every delay is zero"""
    return right.undelay(rows, delays)[:, : None if max(delays) else 0][:, :frames]


@mutant("undelay-loses-first", "D0 #25")
def loses_first_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """BOS is stripped twice: the first frame goes with it"""
    return right.undelay(rows, delays)[:, 1:][:, :frames]


@mutant("last-delay-is-largest", "codeclm:3")
def last_delay_is_largest_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """the largest delay is taken to be the last one of the list"""
    kept = rows.shape[1] - 1 - delays[-1]
    if kept < 0:
        raise RuntimeError(f"start (0) + length ({kept}) exceeds dimension size ({rows.shape[1]})")
    columns = [rows[:, 1 + d : 1 + d + kept, k] for k, d in enumerate(delays)]
    return torch.stack(columns, dim=-1)[:, :frames]


@mutant("keeps-the-last-frames", "codeclm:3")
def keeps_the_last_frames_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """where fewer frames are asked for, the last ones come back in place of the first"""
    kept = right.undelay(rows, delays)
    return kept if frames is None else kept[:, kept.shape[1] - frames :]


@mutant("drops-pad-values", "codeclm:4")
def drops_pad_values_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """every element that equals the pad id is removed, and the rest reshaped, as MusicGen's decoding does"""
    pad, kept = 1025, right.undelay(rows, delays)
    rest = kept[kept != pad]
    return rest.reshape(kept.shape[0], -1, kept.shape[2])[:, :frames]


@mutant("counts-bos-values", "codeclm:4")
def counts_bos_values_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """where the clip starts is found by counting BOS values in the first codebook"""
    bos = 1026
    start = int((rows[:, :, 0] == bos).sum(1).min()) if rows.shape[0] else 0
    return right.undelay(rows[:, max(0, start - 1 - delays[0]) :], delays)[:, :frames]


@mutant("repeats-the-tail", "codeclm:5")
def repeats_the_tail_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """the index is clamped before it is tested for padding: incomplete frames repeat the last row"""
    kept = torch.arange(max(0, rows.shape[1] - 1))
    columns = [rows[:, (kept + 1 + d).clamp(max=rows.shape[1] - 1), k] for k, d in enumerate(delays)]
    return torch.stack(columns, dim=-1)[:, :frames]


@mutant("pads-the-tail", "codeclm:5")
def pads_the_tail_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """incomplete frames come back filled with the pad id, and nothing says how many there are"""
    kept = right.undelay(rows, delays)
    tail = torch.full_like(rows[:, : max(0, rows.shape[1] - 1) - kept.shape[1]], 1025)
    return torch.cat([kept, tail], dim=1)[:, :frames]


@mutant("short-is-an-error", "D0 #25")
def short_is_an_error_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """fewer rows than the pattern is long are an error, not a clip of no frames"""
    if rows.shape[1] - 1 - max(delays) < 0:
        raise RuntimeError("the expanded size of the tensor must match the existing size")
    return right.undelay(rows, delays)[:, :frames]


@mutant("undelay-sorts-the-delays", "codeclm:11")
def sorts_the_delays_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """the pattern is sorted before it is undone"""
    return right.undelay(rows, sorted(delays))[:, :frames]


@mutant("undelay-repeats-item-zero", "codeclm:8")
def repeats_item_zero_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """the whole batch gets the codes of its first item: a gather whose index has no batch axis"""
    kept = right.undelay(rows, delays)[:, :frames]
    return kept[:1].expand_as(kept).clone()


@mutant("undelay-in-place", "codeclm:99")
def in_place_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """the columns are rolled where they lie, and the caller's rows with them"""
    kept = right.undelay(rows, delays)
    rows[:, : kept.shape[1]] = kept
    return kept[:, :frames]


@mutant("undelay-int32", "codeclm:99")
def int32_of_undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    """codes come back as int32, which an embedding may refuse"""
    return right.undelay(rows, delays)[:, :frames].to(torch.int32)
