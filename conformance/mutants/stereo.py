"""Mono to stereo as it was got wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from refaudio.codeclm.stereo import expand_to_stereo as right

from . import mutant

State = dict[str, Tensor]
HEAD = "decoder.logits_dense.weight"


def _tables(state: State) -> list[str]:
    return [name for name in state if name.startswith("decoder.embeddings.")]


def _doubled(state: State, codebooks: int, size: float = 0.5) -> State:
    """The expansion without its checks."""
    made = dict(state)
    for k in range(codebooks):
        table = state[f"decoder.embeddings.{k}.weight"]
        made[f"decoder.embeddings.{k}.weight"] = table * size
        made[f"decoder.embeddings.{k + codebooks}.weight"] = table * size
    made[HEAD] = torch.cat([state[HEAD], state[HEAD]], dim=1)
    return made


@mutant("nine-or-nothing", "D0 #17", "codeclm:86")
def nine_or_nothing_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """the warm start asks for 9 codebooks to become 18, and leaves every other model as it is"""
    made = right(state, codebooks)
    return made if codebooks == 9 else dict(state)


@mutant("embeddings-not-halved", "codeclm:86")
def embeddings_not_halved_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """embeddings are doubled as they are: twice as many of the same size add up to twice the input"""
    made = right(state, codebooks)
    if len(_tables(state)) == codebooks:
        for name in _tables(made):
            made[name] = made[name] * 2
    return made


@mutant("right-side-silent", "codeclm:86")
def right_side_silent_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """the right side's half of the head is zeros, to be learnt"""
    made = right(state, codebooks)
    if len(_tables(state)) == codebooks:
        made[HEAD] = torch.cat([state[HEAD], torch.zeros_like(state[HEAD])], dim=1)
    return made


@mutant("sides-interleaved", "codeclm:86")
def sides_interleaved_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """left and right alternate, MusicGen's order, where the left block and then the right one is meant"""
    made = right(state, codebooks)
    if len(_tables(state)) == codebooks:
        for k in range(2 * codebooks):
            made[f"decoder.embeddings.{k}.weight"] = state[f"decoder.embeddings.{k // 2}.weight"] / 2
        made[HEAD] = state[HEAD].repeat_interleave(2, dim=1)
    return made


@mutant("halves-in-place", "codeclm:86")
def halves_in_place_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """embeddings are halved where they lie, and those of the mono model with them"""
    made = right(state, codebooks)
    if len(_tables(state)) == codebooks:
        for name in _tables(state):
            state[name].div_(2)
    return made


@mutant("halves-all-that-is-the-decoders", "codeclm:86")
def halves_all_that_is_the_decoders_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """every vector and table whose name begins with decoder. is halved, the gain of its norm among them"""
    made = right(state, codebooks)
    if len(_tables(state)) == codebooks:
        for name in made.keys() - set(_tables(made)) - {HEAD}:
            made[name] = made[name] / 2
    return made


@mutant("keeps-the-mono-head-too", "codeclm:86")
def keeps_the_mono_head_too_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """the mono head stays beside the new one, under a name that no strict loader takes"""
    made = right(state, codebooks)
    if len(_tables(state)) == codebooks:
        made["decoder.logits_dense_mono.weight"] = state[HEAD]
    return made


@mutant("expands-again", "codeclm:87")
def expands_again_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """a stereo state is expanded like a mono one: halved once more, and twice as wide"""
    found = len(_tables(state))
    return _doubled(state, found) if found == 2 * codebooks and HEAD in state else right(state, codebooks)


@mutant("expands-what-it-finds", "codeclm:86")
def expands_what_it_finds_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """whatever tables there are become the left side, and are repeated as the right one"""
    if len(_tables(state)) == 2 * codebooks:
        return dict(state)
    made = dict(state)
    found = _tables(state)
    for number, name in enumerate(found):
        made[name] = state[name] / 2
        made[f"decoder.embeddings.{len(found) + number}.weight"] = state[name] / 2
    made[HEAD] = torch.cat([state[HEAD], state[HEAD]], dim=1)
    return made


@mutant("trusts-the-head", "codeclm:87")
def trusts_the_head_of_expand_to_stereo(state: State, codebooks: int) -> State:
    """whether a state is stereo is asked of its head alone: tables that do not fit it are let through"""
    return dict(state) if state[HEAD].shape[1] == 2 * codebooks else right(state, codebooks)
