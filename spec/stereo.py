"""STEREO: a mono checkpoint made stereo: codebooks left, then right; embeddings and head are all that grows.

State: the published layout, decoder.embeddings.k.weight (V, D) for each codebook and decoder.logits_dense.weight (D, K, V).
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import draw, draw_lm
from .budget import budget
from .law import REFUSALS, Implementation, expect, expect_refusal, law

HEAD = "decoder.logits_dense.weight"
NORM = "decoder.norm.weight"


def make_part(seed: int, codebooks: int, width: int, vocabulary: int) -> dict[str, Tensor]:
    """The tensors of a decoder that stereo touches, and one that it does not."""
    generator = torch.Generator().manual_seed(seed)
    state = {
        f"decoder.embeddings.{k}.weight": torch.randn(vocabulary, width, generator=generator)
        for k in range(codebooks)
    }
    state[HEAD] = torch.randn(width, codebooks, vocabulary, generator=generator)
    return state | {NORM: torch.rand(width, generator=generator)}


def embedded(state: dict[str, Tensor], rows: Tensor) -> Tensor:
    """The sum of the embeddings of rows (R, K): (R, D)."""
    tables = [state[f"decoder.embeddings.{k}.weight"] for k in range(rows.shape[1])]
    return torch.stack([table[rows[:, k]] for k, table in enumerate(tables)]).sum(0)


PART = {
    "codebooks": draw_lm.codebooks(1, 2, 3, 9, 12),
    "width": draw.integer(1, 6),
    "vocabulary": draw.integer(1, 6),
    "seed": draw.seed(),
}
REGIONS = {
    "nine": lambda case: case["codebooks"] == 9,
    "not nine": lambda case: case["codebooks"] != 9,
    "more than ten tables": lambda case: 2 * case["codebooks"] > 10,
    "width == vocabulary": lambda case: case["width"] == case["vocabulary"],
}


def _copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in state.items()}


@law(
    "STEREO-001",
    needs="expand_to_stereo",
    effect="fine-tuning starts from a model that was shifted or that is silent on one side: what was learnt in mono is lost at the first step",
    origin={
        "D0 #17": "the warm start speaks of 9 and 18 channels alone, and is skipped silently for any other count",
        "codeclm:86": "embeddings that are doubled without being halved move the logits by a quarter of their range",
    },
    witnesses=[
        "algebra: the input is a sum over codebooks, so twice as many of half the size add up to the same",
        "the logits of a tiny model before and after, with both sides equal",
    ],
    since="2026.1",
    mutants=[
        "nine-or-nothing",
        "embeddings-not-halved",
        "right-side-silent",
        "sides-interleaved",
        "halves-in-place",
        "halves-all-that-is-the-decoders",
        "keeps-the-mono-head-too",
    ],
    draws=PART,
    regions=REGIONS,
)
def stereo_keeps_the_function(
    impl: Implementation, codebooks: int, width: int, vocabulary: int, seed: int
) -> None:
    """expand_to_stereo(state, K): 2K tables and a head (D, 2K, V); equal sides embed as mono did, and each side's logits are mono's."""
    mono = make_part(seed, codebooks, width, vocabulary)
    handed = _copied(mono)
    stereo = dict(impl.expand_to_stereo(handed, codebooks))
    expect(handed, mono, "the state handed in")
    names = {f"decoder.embeddings.{k}.weight" for k in range(2 * codebooks)} | {HEAD, NORM}
    expect(sorted(stereo), sorted(names), "the names of the tensors")
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(vocabulary, (5, codebooks), generator=generator)
    exact = embedded({name: tensor.double() for name, tensor in mono.items()}, rows)
    within = budget(exact, embedded(mono, rows), "reduction")
    got = embedded(stereo, torch.cat([rows, rows], dim=1))
    expect(got, exact, "the embedding of equal sides", within=within)
    head = torch.cat([mono[HEAD], mono[HEAD]], dim=1)
    expect(stereo[HEAD], head, "the head: left, then right")
    expect(stereo.get(NORM), mono[NORM], "what stereo does not touch")


@law(
    "STEREO-002",
    needs="expand_to_stereo",
    effect="resuming a stereo run halves its embeddings once more, or doubles its channels",
    origin={"codeclm:87": "the warm start was triggered again by checkpoints that were stereo already"},
    witnesses=[
        "definition: a state with 2K tables has nothing left to expand",
        "algebra: a projection done twice is the projection",
    ],
    since="2026.1",
    mutants=["expands-again", "nine-or-nothing"],
    draws=PART,
    regions=REGIONS,
)
def stereo_is_made_once(impl: Implementation, codebooks: int, width: int, vocabulary: int, seed: int) -> None:
    """Of K codebooks mono, a state with 2K comes back as it was, or is refused; one with K has 2K afterwards."""
    made = impl.expand_to_stereo(make_part(seed, codebooks, width, vocabulary), codebooks)
    expect(made[HEAD].shape[1], 2 * codebooks, "how many codebooks mono becomes")
    stereo = make_part(seed, 2 * codebooks, width, vocabulary)
    try:
        again = dict(impl.expand_to_stereo(_copied(stereo), codebooks))
    except REFUSALS:
        return
    expect(again, stereo, "what is stereo already")


@law(
    "STEREO-003",
    needs="expand_to_stereo",
    effect="a wrong or damaged file is taken for a mono one, and trains for days",
    origin={"codeclm:86": "unclear shapes are to be refused"},
    witnesses=[
        "counting: tables and head have to agree, and to be K or 2K",
        "a strict loader refuses what comes of it",
    ],
    since="2026.1",
    mutants=["expands-what-it-finds", "trusts-the-head", "nine-or-nothing"],
    draws={**PART, "other": draw.choice("one table missing", "one too many", "head of another count")},
    regions=draw_lm.regions("other", "one table missing", "one too many", "head of another count"),
)
def unclear_states_are_refused(
    impl: Implementation, codebooks: int, width: int, vocabulary: int, seed: int, other: str
) -> None:
    """A state whose tables and head are neither K nor 2K codebooks is refused; one of K is expanded."""
    mono = make_part(seed, codebooks, width, vocabulary)
    made = impl.expand_to_stereo(_copied(mono), codebooks)
    expect(made[HEAD].shape[1], 2 * codebooks, "how many codebooks mono becomes")
    unclear = make_part(seed, 2 * codebooks + 1, width, vocabulary)
    if other == "one table missing":
        unclear = {name: tensor for name, tensor in mono.items() if name != "decoder.embeddings.0.weight"}
    elif other == "head of another count":
        unclear = mono | {HEAD: torch.cat([mono[HEAD], mono[HEAD]], dim=1)}
    expect_refusal(lambda: impl.expand_to_stereo(_copied(unclear), codebooks), "what is neither")
