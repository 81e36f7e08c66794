"""LM: a language model over delayed rows (B, R, K), held to itself: whole or in steps, alone or in a batch.

Its weights are its own: whatever they are, these laws hold. Rows start with BOS, ids are those of Dia.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import draw, draw_lm
from .budget import error, itself
from .delay import BOS, SIZE
from .law import Implementation, expect, expect_that, law

COUNTS = (1, 2, 3)
MOVES = 1e-3  # what counts as another result: far above any budget, far below what a text or a row does


def make_text(seed: int, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Texts of so many random bytes (B, S), S at least 1, padded with 0 at the end, and their mask."""
    generator = torch.Generator().manual_seed(seed)
    longest = max([1, *lengths])
    mask = torch.arange(longest) < torch.tensor(list(lengths))[:, None]
    text = torch.randint(3, 256, mask.shape, generator=generator)
    return text * mask, mask


def make_rows(seed: int, batch: int, count: int, codebooks: int) -> Tensor:
    """Random rows (B, R, K) that start with BOS."""
    generator = torch.Generator().manual_seed(seed + 1)
    rows = torch.randint(SIZE, (batch, count, codebooks), generator=generator)
    rows[:, :1] = BOS
    return rows


def moved(a: Tensor, b: Tensor) -> bool:
    """Whether two results differ by more than any rounding."""
    return error(a, b) > MOVES


BATCH = {
    "lengths": draw_lm.lengths(),
    "count": draw.integer(1, 7),
    "codebooks": draw_lm.codebooks(*COUNTS),
    "seed": draw.seed(),
}
REGIONS = {
    "one row": lambda case: case["count"] == 1,
    "batch == rows": lambda case: case["count"] == len(case["lengths"]),
    "batch == text": lambda case: max(case["lengths"]) == len(case["lengths"]),
    "unequal texts": lambda case: len(set(case["lengths"])) > 1,
    "one codebook": lambda case: case["codebooks"] == 1,
}


@law(
    "LM-001",
    needs="logits",
    effect="the training loss falls to nothing, and what is generated is noise: the model has learnt to copy the row that it should predict",
    origin={"codeclm:9": "no logit may depend on a code that stands in the same or a later row"},
    witnesses=[
        "definition: a row is generated before the next one exists",
        "transformers' Dia under the same perturbation",
    ],
    since="2026.1",
    cost="model",
    mutants=["sees-the-next-row", "blind-to-its-own-row"],
    draws={**BATCH, "count": draw.integer(2, 7), "at": draw.integer(0, 6)},
    regions={
        "the last row": lambda case: case["at"] % case["count"] == case["count"] - 1,
        "an inner row": lambda case: 0 < case["at"] % case["count"] < case["count"] - 1,
        **{name: REGIONS[name] for name in ("unequal texts", "one codebook", "batch == rows")},
    },
)
def rows_look_back(
    impl: Implementation, lengths: list[int], count: int, codebooks: int, seed: int, at: int
) -> None:
    """Another row r changes the logits (B, R, K, V) of row r, and of no row before it."""
    at %= count
    text, mask = make_text(seed, lengths)
    rows = make_rows(seed, len(lengths), count, codebooks)
    other = rows.clone()
    other[:, at] = (other[:, at] + 500) % SIZE
    before, after = impl.logits(text, mask, rows), impl.logits(text, mask, other)
    expect(after[:, :at], before[:, :at], "the logits of earlier rows", within=itself(before))
    expect_that(
        moved(after[:, at], before[:, at]),
        "the logits of that row",
        got=after[:, at],
        want="other logits than before",
    )


@law(
    "LM-002",
    needs="logits",
    effect="the same text is spoken differently, and worse, the more padding its batch gives it: attention is thinned by keys of nothing",
    origin={
        "codeclm:18": "for a month Dia set padded keys to zero in place of masking them: a logit of 0 each, up to 1024 of them",
    },
    witnesses=[
        "algebra: a weight of exactly zero adds nothing",
        "transformers' Dia pads to the longest of a batch, nari's to 1024, on the same weights",
    ],
    since="2026.1",
    cost="model",
    mutants=["zeroed-keys", "padding-is-read", "text-is-ignored"],
    draws={**BATCH, "more": draw.integer(1, 20)},
    regions={**REGIONS, "much padding": lambda case: case["more"] > 8},
)
def padding_changes_nothing(
    impl: Implementation, lengths: list[int], count: int, codebooks: int, seed: int, more: int
) -> None:
    """Padding text (B, S) with n more ids 0 under a mask of False changes no logit; a byte more does."""
    text, mask = make_text(seed, lengths)
    rows = make_rows(seed, len(lengths), count, codebooks)
    wide = torch.nn.functional.pad(text, (0, more))
    hidden = torch.nn.functional.pad(mask, (0, more), value=False)
    want = impl.logits(text, mask, rows)
    expect(impl.logits(wide, hidden, rows), want, "the logits with more padding", within=itself(want))
    wide[:, -1], hidden[:, -1] = 77, True
    got = impl.logits(wide, hidden, rows)
    expect_that(
        moved(got, want), "the logits with one byte more", got=got, want="other logits than without it"
    )


def _in_steps(impl: Implementation, text: Tensor, mask: Tensor, rows: Tensor, prefill: int) -> Tensor:
    """The logits of a prefill and of single steps after it, joined."""
    state: Any = impl.begin(text, mask)
    cuts = [prefill] * (prefill > 0) + [1] * (rows.shape[1] - prefill)
    made = []
    for part in torch.split(rows, cuts, dim=1):
        logits, state = impl.advance(state, part)
        made.append(logits)
    return torch.cat(made, dim=1)


@law(
    "LM-003",
    needs="logits begin advance",
    effect="what is generated drifts away from what the model learnt: the first second is fine, then it babbles, or repeats an earlier clip",
    origin={
        "codeclm:20": "caches were rewritten for speed several times upstream, and reverted: positions and masks of a step are easily off by one",
        "codeclm:31": "what an earlier generation left in a buffer must not be read",
        "codeclm:18": "the padding mask was dropped from the decoding path alone",
    },
    witnesses=[
        "algebra: causal attention over rows 0..r is what row r sees in the whole",
        "transformers' Dia with its dynamic cache",
    ],
    since="2026.1",
    cost="model",
    mutants=[
        "positions-restart",
        "prefill-loses-its-last-row",
        "cache-not-reset",
        "steps-drop-the-text-mask",
        "steps-forget-rows",
        "sees-the-next-row",
        "blind-to-its-own-row",
        "zeroed-keys",
        "padding-is-read",
        "mask-of-the-first-item",
        "neighbours-text",
        "text-is-ignored",
    ],
    draws={**BATCH, "prefill": draw.integer(0, 7), "earlier": draw.integer(1, 7)},
    regions={
        **REGIONS,
        "no prefill": lambda case: case["prefill"] % (case["count"] + 1) == 0,
        "all prefill": lambda case: case["prefill"] % (case["count"] + 1) == case["count"],
        "split within": lambda case: 0 < case["prefill"] % (case["count"] + 1) < case["count"],
        "a longer clip before": lambda case: case["earlier"] > case["count"],
    },
)
def steps_equal_the_whole(
    impl: Implementation,
    lengths: list[int],
    count: int,
    codebooks: int,
    seed: int,
    prefill: int,
    earlier: int,
) -> None:
    """A prefill of p rows and single steps after it give the logits (B, R, K, V) of one pass, whatever was generated before."""
    text, mask = make_text(seed, lengths)
    _in_steps(impl, text, mask, make_rows(seed + 2, len(lengths), earlier, codebooks), earlier - 1)
    rows = make_rows(seed, len(lengths), count, codebooks)
    got = _in_steps(impl, text, mask, rows, prefill % (count + 1))
    want = impl.logits(text, mask, rows)
    expect(got, want, "the logits of the steps", within=itself(want))


@law(
    "LM-004",
    needs="logits",
    effect="a clip depends on which others are in its batch: it cannot be repeated, and one long neighbour spoils it",
    origin={
        "codeclm:21": "an open to-do upstream, and a bug of the same class in another codec's batches",
    },
    witnesses=[
        "one item at a time: the batched result is the stack of the solo results",
        "transformers' Dia on the same batch",
    ],
    since="2026.1",
    cost="model",
    mutants=["mask-of-the-first-item", "neighbours-text", "padding-is-read", "zeroed-keys"],
    draws={**BATCH, "lengths": draw_lm.lengths()},
    regions={**REGIONS, "one item": lambda case: len(case["lengths"]) == 1},
)
def items_are_alone(impl: Implementation, lengths: list[int], count: int, codebooks: int, seed: int) -> None:
    """The logits of a batch are the stack of its items', each with its own text, unpadded, whoever the neighbours are."""
    text, mask = make_text(seed, lengths)
    rows = make_rows(seed, len(lengths), count, codebooks)
    alone = [
        impl.logits(text[b : b + 1, :n], mask[b : b + 1, :n], rows[b : b + 1]) for b, n in enumerate(lengths)
    ]
    want = torch.cat(alone)
    expect(impl.logits(text, mask, rows), want, "the logits of a batch", within=itself(want))


@law(
    "LM-005",
    needs="logits null_text",
    effect="guidance pulls from another nothing than the trained one: an empty text gives noise, and quality changes with a text's length",
    origin={
        "codeclm:19": "an empty text is masked as a whole, the unconditional branch is not: their logits differ",
        "codeclm:28": "a null text of padding ids has one constant memory, whatever its length",
    },
    witnesses=[
        "algebra: guidance of a text that says nothing is neutral at any scale only if nothing is what it is compared with",
        "the trainers of a fork feed an empty text and a dropped one alike",
    ],
    since="2026.1",
    cost="model",
    mutants=[
        "empty-text-attends-nothing",
        "null-keeps-the-first-byte",
        "text-is-ignored",
        "zeroed-keys",
        "neighbours-text",
    ],
    draws={**BATCH, "lengths": draw_lm.lengths(0)},
    regions={
        "an empty text": lambda case: 0 in case["lengths"],
        "all texts empty": lambda case: not any(case["lengths"]),
        "beside a full one": lambda case: 0 in case["lengths"] and any(case["lengths"]),
    },
)
def nothing_is_one_thing(
    impl: Implementation, lengths: list[int], count: int, codebooks: int, seed: int
) -> None:
    """The unconditional logits are the same for texts of any content and length, and those of an empty text (mask all False)."""
    rows = make_rows(seed, 1, count, codebooks).expand(len(lengths), -1, -1).clone()
    text, mask = make_text(seed, lengths)
    got, conditional = impl.logits(*impl.null_text(text, mask), rows), impl.logits(text, mask, rows)
    empty = ~mask.any(1)
    nothing = torch.cat([got, conditional[empty]])
    want = got[:1].expand_as(nothing)
    expect(nothing, want, "the logits of nothing: unconditional ones, then empty texts'", within=itself(want))
    if not bool(empty.all()):
        told, none = conditional[~empty], got[~empty]
        expect_that(moved(told, none), "the logits of a text", got=told, want="others than those of none")
