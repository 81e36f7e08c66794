"""Batches as they were put together wrong: where a clip ends, and what counts behind it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from refaudio.codeclm.delay import delay

from ..adapters import toy_trainer as right
from . import mutant

Made = tuple[Tensor, Tensor, Tensor]


@mutant("pads-then-ends", "D1 #17")
def pads_then_ends_of_collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> Made:
    """clips are padded to the window before BOS, EOS and lengths are added: PAD counts, and EOS comes behind it"""
    filled = [
        torch.cat([clip, clip.new_full((max(0, window - len(clip)), clip.shape[1]), pad)]) for clip in clips
    ]
    inputs, targets, _ = right.collate(filled, window, delays, bos, pad, eos)
    rows = torch.arange(targets.shape[1])[:, None]
    mask = (rows >= torch.tensor(list(delays))) & (rows <= window + torch.tensor(list(delays)))
    return inputs, targets, mask.expand_as(targets)


@mutant("pad-inside-the-mask", "D1 #17", "codeclm:59")
def pad_inside_the_mask_of_collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> Made:
    """EOS is where it belongs, and the mask goes on over the PAD behind it, to the end of the row"""
    inputs, targets, _ = right.collate(clips, window, delays, bos, pad, eos)
    return inputs, targets, targets != bos


@mutant("ends-nowhere", "codeclm:59")
def ends_nowhere_of_collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> Made:
    """EOS is put behind a clip, and not counted"""
    inputs, targets, mask = right.collate(clips, window, delays, bos, pad, eos)
    return inputs, targets, mask & (targets != eos)


@mutant("ends-on-the-last-code", "D1 #17")
def ends_on_the_last_code_of_collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> Made:
    """a clip that fills the window loses its last frame to EOS"""
    return right.collate([clip[: max(1, window - 1)] for clip in clips], window, delays, bos, pad, eos)


@mutant("inputs-are-the-targets", "codeclm:59")
def inputs_are_the_targets_of_collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> Made:
    """nothing is shifted: the network is shown what it has to predict"""
    _, targets, mask = right.collate(clips, window, delays, bos, pad, eos)
    return targets.clone(), targets, mask


@mutant("mask-from-before-the-crop", "D0 #9", "codeclm:62")
def mask_from_before_the_crop_of_collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> Made:
    """lengths are taken from the whole clips: the mask of a cropped one goes on over the PAD behind the window"""
    inputs, targets, mask = right.collate(clips, window, delays, bos, pad, eos)
    ends = torch.tensor([len(clip) for clip in clips])[:, None, None] + torch.tensor(list(delays))
    rows = torch.arange(targets.shape[1])[:, None]
    return inputs, targets, mask | ((targets == pad) & (rows <= ends))


@mutant("mask-of-the-longest", "codeclm:62")
def mask_of_the_longest_of_collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> Made:
    """one mask, that of the longest clip, serves the whole batch"""
    inputs, targets, mask = right.collate(clips, window, delays, bos, pad, eos)
    return inputs, targets, mask.any(0, keepdim=True).expand_as(mask)


@mutant("window-less-one", "D0 #9")
def window_less_one_of_collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> Made:
    """a cropped clip is one frame short of the window: EOS took its place"""
    cut = [clip[: window - 1] if len(clip) > window else clip for clip in clips]
    return right.collate(cut, window, delays, bos, pad, eos)


@mutant("crops-each-channel", "codeclm:62")
def crops_each_channel_of_collate(
    clips: Sequence[Tensor], window: int, delays: Sequence[int], bos: int, pad: int, eos: int
) -> Made:
    """the crop is made in the delayed rows: a late channel's window starts later in the clip"""
    moved = []
    for clip in clips:
        if len(clip) > window:
            delayed = delay(clip[None], delays, bos=bos, pad=pad)[0]
            late = min(max(delays) - min(delays), len(clip) - window)
            clip = torch.stack(
                [clip[min(late, max(delays) - d) :, k][:window] for k, d in enumerate(delays)], dim=1
            )
            del delayed
        moved.append(clip)
    return right.collate(moved, window, delays, bos, pad, eos)
