"""LOSS, before the step: which labels a batch of clips is given.

`collate(clips, window, delays, bos, pad, eos)` makes of codes (T, K), one tensor a clip, the network's inputs (B, R, K),
its targets (B, R, K), which stand one row later, and a mask (B, R, K) of the labels that count; a negative target is
ignored, as in cross_entropy. A clip that is longer than the window of frames is cropped, anywhere.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import draw
from .law import Implementation, expect, law

CODES = 1024
EOS, PAD, BOS = 1024, 1025, 1026
DRAWS = {"seed": draw.seed(), "window": draw.integer(3, 8, "window"), "delays": draw.few_delays()}


def _clips(lengths: list[int], codebooks: int, seed: int) -> list[Tensor]:
    """Clips (T, K) in which no code occurs twice."""
    cells = torch.arange(max(lengths) * codebooks).reshape(-1, codebooks)
    return [(cells[:length] + seed + 211 * item) % CODES for item, length in enumerate(lengths)]


def _labels(targets: Tensor, mask: Tensor, item: int, k: int) -> list[tuple[int, int]]:
    """(row, label) of everything that is learnt in channel k of an item, but BOS."""
    column, counts = targets[item, :, k].tolist(), mask[item, :, k].tolist()
    found = zip(range(len(column)), column, counts, strict=True)
    return [(row, label) for row, label, counted in found if counted and label >= 0 and label != BOS]


def _end(impl: Implementation, frames: int, delays: list[int], k: int) -> list[tuple[int, int]]:
    convention = impl.convention("EOS") or "staggered"
    if convention == "none":
        return []
    return [(frames + (max(delays) if convention == "one row" else delays[k]), EOS)]


@law(
    "LOSS-017",
    needs="collate",
    effect="the model learns 78 PAD and then to stop: every clip that is shorter than the window ends in silence, or never",
    origin={
        "D1 #17": "padded to the window before lengths were taken, a clip of 50 frames has EOS in row 129, behind 78 PAD that count",
        "codeclm:59": "labels are the inputs one row later, with EOS in every channel at its own delay",
    },
    witnesses=[
        "closed form: code (t, k) is the label of row t + delays[k], EOS that of row T + delays[k]",
        "transformers' Dia processor makes the same labels",
    ],
    since="2026.1",
    mutants=[
        "pads-then-ends",
        "pad-inside-the-mask",
        "ends-nowhere",
        "inputs-are-the-targets",
        "ends-on-the-last-code",
    ],
    draws={"lengths": draw.clips(1, 8), **DRAWS},
    regions={
        "shorter than the window": lambda case: max(case["lengths"]) < case["window"],
        "as long as the window": lambda case: max(case["lengths"]) >= case["window"],
        "clips of different lengths": lambda case: len(set(case["lengths"])) > 1,
        "delays that differ": lambda case: len(set(case["delays"])) > 1,
    },
)
def ends_after_the_last_frame(
    impl: Implementation, lengths: list[int], window: int, delays: list[int], seed: int
) -> None:
    """Of a clip (T, K) no longer than the window every code is a label once, EOS follows the last one, and PAD never counts."""
    lengths = [min(length, window) for length in lengths]
    clips = _clips(lengths, len(delays), seed)
    inputs, targets, mask = impl.collate([clip.clone() for clip in clips], window, delays, BOS, PAD, EOS)
    for item, clip in enumerate(clips):
        for k, delay in enumerate(delays):
            want = [(t + delay, code) for t, code in enumerate(clip[:, k].tolist())]
            want += _end(impl, len(clip), delays, k)
            expect(_labels(targets, mask, item, k), want, "the rows and labels of a channel")
    later = (targets[:, :-1] >= 0) & mask[:, :-1]
    expect(inputs[:, 1:][later], targets[:, :-1][later], "the inputs one row later")


@law(
    "LOSS-018",
    needs="collate",
    effect="long clips are supervised on PAD behind the window, or lose their last frames: the mask was measured before the crop",
    origin={
        "D0 #9": "the report suspects lengths from before the crop; they are min(T, window) + 2, as they should be",
        "codeclm:62": "masks and lengths are computed after cropping and before padding",
    },
    witnesses=[
        "a window of W frames has W labels a channel",
        "executed: a window of 128 over 300 and 50 frames gives 130 and 52 rows",
    ],
    since="2026.1",
    mutants=["mask-from-before-the-crop", "mask-of-the-longest", "window-less-one", "crops-each-channel"],
    draws={"more": draw.clips(), "short": draw.integer(1, 3), **DRAWS},
    regions={
        "a short clip beside": lambda case: len(case["more"]) > 1,
        "delays that differ": lambda case: len(set(case["delays"])) > 1,
    },
)
def measures_after_the_crop(
    impl: Implementation, more: list[int], window: int, delays: list[int], seed: int, short: int
) -> None:
    """Of a clip longer than the window that many frames in a row are labels, the same in each channel, and no PAD."""
    lengths = [window + more[0], *[min(short, window)] * (len(more) - 1)]
    clips = _clips(lengths, len(delays), seed)
    _, targets, mask = impl.collate([clip.clone() for clip in clips], window, delays, BOS, PAD, EOS)
    starts = set()
    for item, clip in enumerate(clips):
        for k in range(len(delays)):
            labels = [label for _, label in _labels(targets, mask, item, k) if label != EOS]
            frames = min(window, lengths[item])
            column = clip[:, k].tolist()
            start = column.index(labels[0]) if labels and labels[0] in column else 0
            starts.add((item, start))
            expect(labels, column[start : start + frames], "the labels of a channel")
    expect(len(starts), len(clips), "how many windows there are")
