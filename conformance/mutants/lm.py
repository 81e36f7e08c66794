"""A language model as it was got wrong: the plain model of the spec, on the reference's weights, with one line changed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from refaudio.conformance.adapters import reference_lm as right
from refaudio.spec.oracles_lm import Plain, attended

from . import mutant


def _run(kind: type[Plain], text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """The logits of a wrong model that has the reference's weights."""
    return _made(kind, rows.shape[2])(text, mask, rows)


_models: dict[tuple[str, int], Plain] = {}


def _made(kind: type[Plain], codebooks: int) -> Plain:
    key = kind.__name__, codebooks
    if key not in _models:
        weights = right.plain(codebooks)
        _models[key] = kind(weights.state, weights.shape, torch.float32)
    return _models[key]


class _NextRow(Plain):
    def before(self, count: int) -> Tensor:
        return torch.ones(count, count, dtype=torch.bool).tril(1)


@mutant("sees-the-next-row", "codeclm:9")
def sees_the_next_row_of_logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """the causal mask begins one diagonal too late: a row is shown what it should predict"""
    return _run(_NextRow, text, mask, rows)


class _Late(Plain):
    def decode(self, memory: Tensor, mask: Tensor, rows: Tensor, places: Tensor | None = None) -> Tensor:
        late = torch.cat([rows[:, :1], rows[:, :-1]], dim=1)
        return super().decode(memory, mask, late, places)


@mutant("blind-to-its-own-row", "codeclm:9", "codeclm:20")
def blind_to_its_own_row_of_logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """rows are shifted inside the model as well as by the caller: each is predicted from two rows before"""
    return _run(_Late, text, mask, rows)


class _ZeroedKeys(Plain):
    def decode(self, memory: Tensor, mask: Tensor, rows: Tensor, places: Tensor | None = None) -> Tensor:
        memory = memory * self.seen(mask)[..., None]
        return super().decode(memory, torch.ones_like(mask), rows, places)


@mutant("zeroed-keys", "codeclm:18")
def zeroed_keys_of_logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """the text's padding is set to zero vectors and not masked: each still takes a share of the attention"""
    return _run(_ZeroedKeys, text, mask, rows)


class _ReadsPadding(Plain):
    def encode(self, text: Tensor, mask: Tensor) -> Tensor:
        return super().encode(text, torch.ones_like(mask))


@mutant("padding-is-read", "codeclm:18", "codeclm:21")
def padding_is_read_of_logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """the text encoder has no mask: real bytes attend to the padding beside them"""
    return _run(_ReadsPadding, text, mask, rows)


@mutant("mask-of-the-first-item", "codeclm:21")
def mask_of_the_first_item_of_logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """the mask is made for the first item and broadcast over the batch"""
    return _run(Plain, text, mask[:1].expand_as(mask), rows)


class _Neighbours(Plain):
    def decode(self, memory: Tensor, mask: Tensor, rows: Tensor, places: Tensor | None = None) -> Tensor:
        pairs = (
            torch.arange(len(memory)).reshape(-1, 2).t().flatten() if len(memory) % 2 == 0 else slice(None)
        )
        return super().decode(memory[pairs], mask[pairs], rows, places)


@mutant("neighbours-text", "codeclm:21")
def neighbours_text_of_logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """pairs of a guided batch are interleaved on one side and stacked on the other: items get their neighbour's text"""
    return _run(_Neighbours, text, mask, rows)


@mutant("text-is-ignored", "codeclm:28", "codeclm:18")
def text_is_ignored_of_logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """the conditional branch is fed the null text as well: guidance has nothing to pull apart"""
    return _run(Plain, torch.zeros_like(text), torch.zeros_like(mask), rows)


class _NoNull(Plain):
    def seen(self, mask: Tensor) -> Tensor:
        return mask


@mutant("empty-text-attends-nothing", "codeclm:19")
def empty_text_attends_nothing_of_logits(text: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    """an empty text is masked as a whole and adds nothing, where the unconditional branch reads its padding"""
    return _run(_NoNull, text, mask, rows)


@mutant("null-keeps-the-first-byte", "codeclm:19", "codeclm:28")
def null_keeps_the_first_byte_of_null_text(text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """the text is zeroed after its first byte, which is taken for a start token and is a speaker or a letter"""
    null = torch.zeros_like(text)
    null[:, 0] = text[:, 0]
    return null, mask


def _whole(state: Any, rows: Tensor, kind: type[Plain] = Plain) -> tuple[Tensor, Any]:
    """A step without a cache: the logits of all rows so far, cut to the new ones."""
    earlier = getattr(state, "rows", rows[:, :0])
    state.rows = torch.cat([earlier, rows], dim=1)
    made = _run(kind, state.text, state.mask, state.rows)
    return made[:, earlier.shape[1] :], state


@mutant("positions-restart", "codeclm:20")
def positions_restart_of_advance(state: Any, rows: Tensor) -> tuple[Tensor, Any]:
    """positions are counted within a call: the first step after a prefill stands at row 0 again"""
    earlier = getattr(state, "rows", rows[:, :0])
    places = getattr(state, "places", torch.arange(0))
    state.rows = torch.cat([earlier, rows], dim=1)
    state.places = torch.cat([places, torch.arange(rows.shape[1])])
    plain = _made(Plain, rows.shape[2])
    memory = plain.encode(state.text, state.mask)
    made = plain.decode(memory, state.mask, state.rows, state.places)
    return made[:, earlier.shape[1] :], state


@mutant("prefill-loses-its-last-row", "codeclm:20")
def prefill_loses_its_last_row_of_advance(state: Any, rows: Tensor) -> tuple[Tensor, Any]:
    """the row that the next step writes is the last one of the prefill, counted from 1 on one side"""
    made, state = _whole(state, rows)
    if rows.shape[1] > 1:
        state.rows = state.rows[:, :-1]
    return made, state


@mutant("steps-forget-rows", "codeclm:20")
def steps_forget_rows_of_advance(state: Any, rows: Tensor) -> tuple[Tensor, Any]:
    """a buffer of four slots is written round and round: older rows are overwritten"""
    made, state = _whole(state, rows)
    state.rows = state.rows if state.rows.shape[1] <= 4 else state.rows.clone()
    if state.rows.shape[1] > 4:
        state.rows[:, 0] = state.rows[:, 4]
    return made, state


@mutant("steps-drop-the-text-mask", "codeclm:18", "codeclm:20")
def steps_drop_the_text_mask_of_advance(state: Any, rows: Tensor) -> tuple[Tensor, Any]:
    """the cached keys of the text are read without their mask, in steps alone"""
    made, state = _whole(state, rows)
    if rows.shape[1] == 1:
        made = _run(_CrossUnmasked, state.text, state.mask, state.rows)[:, -1:]
    return made, state


class _CrossUnmasked(Plain):
    def decode(self, memory: Tensor, mask: Tensor, rows: Tensor, places: Tensor | None = None) -> Tensor:
        return super().decode(memory, torch.ones_like(mask), rows, places)


_left_behind: dict[int, Tensor] = {}


@mutant("cache-not-reset", "codeclm:31")
def cache_not_reset_of_advance(state: Any, rows: Tensor) -> tuple[Tensor, Any]:
    """the buffer is kept between generations, and a new one reads on where the last one ended"""
    batch, _, codebooks = rows.shape
    if not hasattr(state, "rows"):
        state.rows = _left_behind.get(codebooks, torch.zeros_like(rows[:1, :1])).expand(batch, -1, -1)
    made, state = _whole(state, rows)
    _left_behind[codebooks] = torch.cat([torch.zeros_like(rows[:1, :1]), state.rows[:1, -1:]], dim=1)
    return made, state


def _attended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
    return attended(q, k, v, mask, scale)


@mutant("scale-of-the-textbook", "codeclm:22")
def scale_of_the_textbook_of_attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
    """a fallback path does not hand the scale on: torch takes 1 / sqrt(head_dim)"""
    return _attended(q, k, v, mask, q.shape[-1] ** -0.5)


@mutant("groups-interleaved", "codeclm:22")
def groups_interleaved_of_attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
    """key heads are tiled over the query heads, where each serves neighbours: query h reads key h modulo G"""
    shared = q.shape[1] // k.shape[1]
    return _attended(q, k.repeat(1, shared, 1, 1), v.repeat(1, shared, 1, 1), mask, scale)


@mutant("nothing-is-nan", "codeclm:24")
def nothing_is_nan_of_attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
    """written out with minus infinity: a query without keys is NaN, and so is all that it meets"""
    made = _attended(q, k, v, mask, scale)
    return made.masked_fill(~mask.any(-1)[:, None, :, None], float("nan"))


@mutant("mask-is-added", "codeclm:22")
def mask_is_added_of_attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
    """a mask of zeros and ones is added to the logits, as one of minus infinities would be"""
    shared = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
    return (q @ k.mT * scale + mask[:, None].float()).softmax(-1) @ v
