"""LOSS, in the step: which labels are learnt, PAD never and EOS always, and evaluation by the same rule.

`evaluate(network, batches, weights, ids, unconditional)` is the loss of a step without its backward (`loss_step`).
"""

from __future__ import annotations

import torch

from . import draw
from .law import Implementation, decline, expect, expect_that, law
from .learning import Batch, Ids, Leaves, random_codes, text_of, train
from .loss_step import ROUNDING
from .oracles import delayed

ENDED = {
    "vocabulary": draw.vocabulary(),
    "seed": draw.seed(),
    "clips": draw.clips(),
    "delays": draw.few_delays(),
}
ENDED_REGIONS = {
    "no delay": lambda case: not any(case["delays"]),
    "delays that differ": lambda case: len(set(case["delays"])) > 1,
    "clips of different lengths": lambda case: len(set(case["clips"])) > 1,
    "items == codebooks": lambda case: len(case["clips"]) == len(case["delays"]),
}


def _ended(impl: Implementation, clips: list[int], delays: list[int], ids: Ids, seed: int) -> Batch:
    """A batch of delayed rows which end in EOS by the declared convention."""
    convention = impl.convention("EOS") or "staggered"
    if convention == "none":
        decline("EOS = 'none': nothing ends these rows")
    made = []
    for codes in random_codes(seed, clips, len(delays), ids.codes):
        if convention == "one row":
            rows = delayed(codes[None], delays, ids.bos, ids.pad)
            rows = torch.cat([rows, torch.full_like(rows[:, :1], ids.eos)], dim=1)
        else:
            rows = delayed(codes[None], delays, ids.bos, ids.pad, ids.eos)
        made.append(rows[0])
    longest = max(map(len, made))
    filled = [torch.nn.functional.pad(rows, (0, 0, 0, longest - len(rows)), value=ids.pad) for rows in made]
    return text_of(seed, len(clips)), torch.stack(filled), torch.tensor([len(rows) for rows in made])


@law(
    "LOSS-013",
    needs="step",
    effect="the model learns to say PAD: clips go silent early, or generation runs on in ids that are no codes",
    origin={
        "codeclm:59": "labels are the rows after, PAD is ignored wherever it stands, inside the length of an item too",
        "D1 #17": "PAD was inside the supervised span of every clip that is shorter than the window",
    },
    witnesses=[
        "the labels that transformers' Dia processor makes: PAD is -100, codes are not",
        "the gradient of cross-entropy is never zero at a label that counts",
    ],
    since="2026.1",
    mutants=["learns-the-padding", "learns-pad-between", "forgets-the-tail"],
    draws=ENDED,
    regions=ENDED_REGIONS,
)
def never_learns_pad(
    impl: Implementation, clips: list[int], delays: list[int], vocabulary: int, seed: int
) -> None:
    """No gradient reaches logits whose label is PAD, inside an item's length or after it; those whose label is a code have one."""
    ids = Ids(vocabulary)
    batch = _ended(impl, clips, delays, ids, seed)
    network, _ = train(impl, ids.size, [batch], 1, [1.0] * len(delays), ids)
    labels = batch[1][:, 1:]
    taught = network.gradient(batch[1][:, :-1], batch[0]).ne(0).any(-1)
    padding = labels == ids.pad
    expect(int(taught[padding].sum()), 0, "how many PAD labels are learnt")
    codes = labels < ids.codes
    expect(int(taught[codes].sum()), int(codes.sum()), "how many codes are learnt")


@law(
    "LOSS-014",
    needs="step",
    effect="the model never learns to stop: generation always runs to its limit, and ends in noise",
    origin={
        "D1 #18": "special tokens were taken out of the loss, EOS among them; the log notes no relevant change",
        "codeclm:59": "EOS is learnt in every channel at its own delay",
    },
    witnesses=[
        "one step of gradient descent raises the logit of a label that counts",
        "transformers' Dia processor keeps EOS among its labels",
    ],
    since="2026.1",
    mutants=["codes-only", "eos-in-the-first-channel", "eos-becomes-a-code", "eos-cut-off"],
    draws=ENDED,
    regions=ENDED_REGIONS,
)
def learns_to_stop(
    impl: Implementation, clips: list[int], delays: list[int], vocabulary: int, seed: int
) -> None:
    """One step raises the logit of EOS wherever EOS is the label, in every channel."""
    ids = Ids(vocabulary)
    batch = _ended(impl, clips, delays, ids, seed)
    network, _ = train(impl, ids.size, [batch], 1, [1.0] * len(delays), ids)
    ends = batch[1][:, 1:] == ids.eos
    # +1 where it is raised, 0 where it is left alone, -1 where another label is learnt in its place
    raised = -network.gradient(batch[1][:, :-1], batch[0])[..., ids.eos].sign()
    expect([int(raised[..., k][ends[..., k]].sum()) for k in range(len(delays))], [len(clips)] * len(delays),
           "how many EOS are raised in each channel, less those that are lowered")  # fmt: skip


@law(
    "LOSS-015",
    needs="step evaluate",
    effect="train and eval curves part at once, or meet by chance: they measure different things, and overfitting cannot be seen",
    origin={
        "D1 #14": "eval loss was called irrelevant; it was measured unlike training",
        "codeclm:65": "eval used another mask of labels than training did",
    },
    witnesses=["the same clips, evaluated and trained on", "one function has one value"],
    since="2026.1",
    mutants=["eval-counts-the-padding", "eval-without-weights", "eval-skips-eos"],
    draws={**ENDED, "first": draw.choice(4.0, 1.0, 0.25)},
    regions={
        **ENDED_REGIONS,
        "weights that differ": lambda case: case["first"] != 1 and len(case["delays"]) > 1,
    },
)
def evaluates_alike(
    impl: Implementation, clips: list[int], delays: list[int], vocabulary: int, seed: int, first: float
) -> None:
    """evaluate reports of a batch what step reports of it: one function, one mask, the same weights."""
    ids = Ids(vocabulary)
    batch = _ended(impl, clips, delays, ids, seed)
    weights = [first] + [1.0] * (len(delays) - 1)
    network, loss = train(impl, ids.size, [batch], 1, weights, ids)
    got = float(impl.evaluate(network, [tuple(map(torch.clone, batch))], weights, ids.in_order(), 0.0))
    share = torch.tensor(got / loss if loss else float("nan"), dtype=torch.float64)
    expect(
        share,
        torch.ones_like(share),
        "the loss in evaluation, as a share of that in training",
        within=ROUNDING,
    )


@law(
    "LOSS-016",
    needs="step | evaluate",
    effect="eval loss rises from the first step on and nobody knows why: the branch it measures was never trained",
    origin={
        "D1 #11": "training dropped every condition, and evaluation none",
        "D1 #6": "training that drops every condition must not depend on the prompt",
    },
    witnesses=[
        "a loss that drops every text is a function of the rest",
        "two texts, with and without dropping",
    ],
    since="2026.1",
    mutants=[
        "eval-always-conditional",
        "eval-never-conditional",
        "train-always-conditional",
        "train-never-conditional",
    ],
    draws={**ENDED, "other": draw.integer(1, 40)},
    regions=ENDED_REGIONS,
)
def drops_every_text(
    impl: Implementation, clips: list[int], delays: list[int], vocabulary: int, seed: int, other: int
) -> None:
    """With unconditional = 1 the loss does not depend on the texts, in training and in evaluation; with 0 it does."""
    ids = Ids(vocabulary)
    weights = [1.0] * len(delays)
    text, rows, lengths = _ended(impl, clips, delays, ids, seed)
    moved = text_of(seed + 128 * other, len(clips)), rows, lengths

    def loss(batch: Batch, unconditional: float) -> float:
        if impl.has("step"):
            return train(impl, ids.size, [batch], 1, weights, ids, unconditional)[1]
        handed = [tuple(map(torch.clone, batch))]
        return float(impl.evaluate(Leaves(ids.size), handed, weights, ids.in_order(), unconditional))

    expect(loss((text, rows, lengths), 1.0), loss(moved, 1.0), "the loss of another text, dropped")
    kept = loss((text, rows, lengths), 0.0)
    expect_that(kept != loss(moved, 0.0), "the loss of another text, kept", got=kept, want="another loss")
