"""LOSS: what a loss counts, channel by channel, and what it leaves out.

The loss is sum_k w_k l_k / sum_k w_k, where l_k is the mean cross-entropy of the labels of channel k. Where somebody
takes the mean over all labels alike, they declare LOSS = "mean of tokens"; undeclared, a result may be either.
"""

from __future__ import annotations

import torch

from . import draw
from .law import Implementation, decline, expect, expect_refusal, expect_that, law
from .learning import Ids, Leaves, batch_of, train
from .lesson import all_shares, closest, exact, expect_gradient, expect_lesson, lesson, taught, widest

CASE = {
    "vocabulary": draw.vocabulary(),
    "seed": draw.seed(),
    "clips": draw.clips(),
    "weights": draw.weights(1, 2, 3, 4, 5),
}
REGIONS = {
    "items == rows": lambda case: len(case["clips"]) == max(case["clips"]),
    "items == channels": lambda case: len(case["clips"]) == len(case["weights"]),
    "rows == channels": lambda case: max(case["clips"]) == len(case["weights"]),
    "items == rows == channels": lambda case: (
        len(case["clips"]) == max(case["clips"]) == len(case["weights"])
    ),
    "one channel": lambda case: len(case["weights"]) == 1,
    "one label a channel": lambda case: sum(case["clips"]) == 1,
    "clips of different lengths": lambda case: len(set(case["clips"])) > 1,
    "weights that differ": lambda case: len(set(case["weights"])) > 1,
}


@law(
    "LOSS-001",
    needs="token_loss | step",
    effect="short clips are learnt harder than long ones, or some channels hardly at all; at one batch size the loss is of other labels",
    origin={
        "codeclm:63": "a mean of the items' means weighs a token by how short its clip is; padding was counted as labels",
        "dynamics:25": "weights that are one a channel land on another axis of the same size",
    },
    witnesses=[
        "closed form: shares of the labels times their cross-entropies, and softmax - one_hot for the gradient",
        "audiocraft's trainer: a masked mean for each codebook, then the mean over codebooks",
    ],
    since="2026.1",
    mutants=[
        "mean-of-items",
        "counts-the-padding",
        "weights-on-the-items",
        "mask-turned-when-square",
        "sums-the-channels",
        "step-mean-of-items",
        "step-counts-the-padding",
        "step-weights-forgotten",
        "step-backward-of-the-sum",
        "step-reports-the-sum",
        "item-in-the-sum",
        "predicts-its-own-row",
    ],
    draws=CASE,
    regions=REGIONS,
)
def is_the_mean(
    impl: Implementation, clips: list[int], weights: list[float], vocabulary: int, seed: int
) -> None:
    """The loss of logits (B, R, K, V) is sum_k w_k l_k / sum_k w_k, l_k the mean over all labels of channel k, and so is its gradient."""
    learnt = lesson(impl, clips, weights, vocabulary, seed)
    expect_lesson(learnt, all_shares(impl, learnt.mask, weights))


@law(
    "LOSS-002",
    needs="token_loss | step",
    effect="some channels are never trained: they stay noise, and the loss that one sees says nothing of it",
    origin={
        "D0 #8": "channels are weighed in groups of nine, so that those beyond a multiple of nine get no loss and no gradient"
    },
    witnesses=[
        "a channel with labels and a weight above 0 has a gradient: softmax - one_hot is never zero",
        "ten, twelve and twenty channels, beside nine and eighteen, at which the groups come out even",
    ],
    since="2026.1",
    mutants=["groups-of-nine", "step-groups-of-nine", "zero-weight-is-one"],
    draws={
        "vocabulary": draw.vocabulary(),
        "seed": draw.seed(),
        "clips": draw.clips(1, 3),
        "weights": draw.weights(1, 2, 9, 10, 12, 18, 20, values=(1.0, 4.0, 0.0)),
    },
    regions={
        "no multiple of nine": lambda case: len(case["weights"]) % 9 > 0,
        "more than nine, no multiple": lambda case: len(case["weights"]) > 9 and len(case["weights"]) % 9 > 0,
        "a weight of zero": lambda case: 0.0 in case["weights"],
    },
)
def teaches_each_channel(
    impl: Implementation, clips: list[int], weights: list[float], vocabulary: int, seed: int
) -> None:
    """Each channel with labels and a weight above 0 has a gradient, whatever their number; with a weight of 0 it has none."""
    try:
        learnt = lesson(impl, clips, weights, vocabulary, seed)
    except ValueError as refusal:
        if any(word in str(refusal).lower() for word in ("channel", "codebook")) and "weight" not in str(
            refusal
        ):
            decline("a number of channels that is refused by name")
        raise
    taught = [bool(learnt.gradient[:, :, k].any()) for k in range(len(weights))]
    expect(taught, [weight > 0 for weight in weights], "which channels have a gradient")


@law(
    "LOSS-003",
    needs="token_loss | step",
    effect="the loss is NaN from one step to the next, and with it every weight of the model: a batch had a channel without labels",
    origin={
        "codeclm:64": "a channel without labels is a mean of nothing, NaN, and poisons the whole loss",
    },
    witnesses=[
        "a sum over no labels is 0",
        "the other channels' labels are as they were: so are their gradients",
    ],
    since="2026.1",
    mutants=["mean-of-nothing", "step-mean-of-nothing", "stops-at-the-empty-channel", "empty-batch-is-nan"],
    draws={"absent": draw.integer(0, 31), **CASE},
    regions={
        "no label at all": lambda case: (
            _absent(case["absent"], case["weights"]) == list(range(len(case["weights"])))
        ),
        "some channels without": lambda case: (
            0 < len(_absent(case["absent"], case["weights"])) < len(case["weights"])
        ),
        "the last channel without": lambda case: (
            len(case["weights"]) > 1 and len(case["weights"]) - 1 in _absent(case["absent"], case["weights"])
        ),
    },
)
def survives_empty_channels(
    impl: Implementation, clips: list[int], weights: list[float], vocabulary: int, seed: int, absent: int
) -> None:
    """A channel without labels adds 0 to loss and gradient; where nothing has labels, the loss is 0 or refused, never NaN."""
    without = _absent(absent, weights)
    if len(without) == len(weights):
        lesson(impl, clips, weights, vocabulary, seed)  # what refuses this one too, refuses everything
        try:
            learnt = lesson(impl, clips, weights, vocabulary, seed, without)
        except ValueError:
            return
        expect(learnt.loss, 0.0, "the loss of nothing")
        return
    learnt = lesson(impl, clips, weights, vocabulary, seed, without)
    expect_lesson(learnt, all_shares(impl, learnt.mask, weights), " without some channels")


def _absent(bits: int, weights: list[float]) -> list[int]:
    return [k for k in range(len(weights)) if bits >> k & 1]


@law(
    "LOSS-004",
    needs="token_loss | step",
    effect="a list of weights that is one short leaves the last channel untrained; weights of zero train nothing, or give NaN",
    origin={
        "codeclm:64": "weights and channels are zipped, and the shorter list wins",
        "D0 #8": "the report asks for a guard against a sum of weights that is 0",
    },
    witnesses=["0 / 0 has no value", "one weight a channel is what the formula reads"],
    since="2026.1",
    mutants=["zips-the-weights", "sums-to-nan", "step-zips-the-weights", "repeats-the-weights"],
    draws={"cut": draw.choice("short", "long", "zero", "one"), **CASE},
    regions={
        "none left": lambda case: case["cut"] == "short" and len(case["weights"]) == 1,
        "one for all": lambda case: case["cut"] == "one" and len(case["weights"]) > 1,
        "a sum of zero": lambda case: case["cut"] == "zero",
    },
)
def refuses_bad_weights(
    impl: Implementation, clips: list[int], weights: list[float], vocabulary: int, seed: int, cut: str
) -> None:
    """Weights are one a channel with a sum above 0: shorter, longer or all-zero lists are refused, and these are not."""
    wrong = {
        "short": weights[:-1],
        "long": [*weights, 1.0],
        "zero": [0.0] * len(weights),
        "one": weights[:1] if len(weights) > 1 else [1.0, 1.0],
    }[cut]
    ids = Ids(vocabulary)
    batch = batch_of(seed, clips, len(weights), ids)

    def loss(given: list[float]) -> float:
        if impl.has("step"):
            return train(impl, ids.size, [batch], 1, given, ids)[1]
        rows = batch[1]
        logits = Leaves(ids.size).logits(rows[:, :-1], batch[0])
        return taught(impl, logits, rows[:, 1:], rows[:, 1:] != ids.pad, given).loss

    expect_that(loss(weights) > 0, "the loss of weights that fit", got=weights, want="a loss")
    expect_refusal(lambda: loss(wrong), "weights that do not fit")


@law(
    "LOSS-005",
    needs="token_loss",
    effect="what fills the batch up is learnt: the loss depends on how long the longest neighbour is, and falls for no reason",
    origin={
        "codeclm:63": "padding has no say in the loss of a batch",
        "D1 #17": "78 PAD stood inside the supervised span of a clip of 50 frames",
    },
    witnesses=[
        "symmetry: nobody can tell what was under the mask",
        "cross-entropy over the masked labels alone",
    ],
    since="2026.1",
    mutants=["masks-by-the-pad-id", "masks-the-first-channel-for-all", "crashes-on-ignored-labels"],
    draws={"holes": draw.integer(1, 3), "filling": draw.choice("code", "pad", "-100"), **CASE},
    regions={**REGIONS, "ignored labels": lambda case: case["filling"] == "-100"},
)
def ignores_padding(
    impl: Implementation,
    clips: list[int],
    weights: list[float],
    vocabulary: int,
    seed: int,
    holes: int,
    filling: str,
) -> None:
    """Labels and logits outside the mask (B, R, K) may be anything, wherever they lie: they change neither loss nor gradient."""
    ids = Ids(vocabulary)
    text, rows, _ = batch_of(seed, [max(clips)] * len(clips), len(weights), ids)
    targets, logits = rows[:, 1:], Leaves(ids.size).logits(rows[:, :-1], text)
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(targets.shape, generator=generator) > holes / 4
    first = torch.randint(len(clips), (len(weights),), generator=generator)
    mask[first, 0, torch.arange(len(weights))] = True
    fill = {"code": 0, "pad": ids.pad, "-100": -100}[filling]
    filled = torch.where(mask, targets, fill)
    moved = torch.where(mask[..., None], logits, 3 - logits)
    learnt = taught(impl, moved, filled, mask, weights)
    expect_gradient(learnt, all_shares(impl, mask, weights), " with holes")


@law(
    "LOSS-006",
    needs="token_loss",
    effect="a loss in bfloat16 moves in steps of half a per cent: small gains are rounded away, and early stopping fires by chance",
    origin={"D4 #5.3": "the loss tensors are float32, as they should be, though the report says otherwise"},
    witnesses=[
        "the float64 loss of the same bfloat16 logits",
        "torch's autocast runs cross_entropy in float32",
    ],
    since="2026.1",
    mutants=["sums-in-bfloat16", "rounds-the-loss"],
    draws=CASE,
    regions=REGIONS,
)
def adds_up_in_float32(
    impl: Implementation, clips: list[int], weights: list[float], vocabulary: int, seed: int
) -> None:
    """The loss of bfloat16 logits is as exact as float32 arithmetic on them."""
    ids = Ids(vocabulary)
    text, rows, _ = batch_of(seed, clips, len(weights), ids)
    targets, mask = rows[:, 1:], rows[:, 1:] != ids.pad
    logits = Leaves(ids.size, torch.bfloat16).logits(rows[:, :-1], text)
    loss = impl.token_loss(logits, targets, mask, list(weights))
    truths, rough = (
        [exact(logits.to(dtype), targets, each)[0] for each in all_shares(impl, mask, weights)]
        for dtype in (torch.float64, torch.float32)
    )
    expect(loss, closest(loss, truths), "the loss of bfloat16 logits", within=widest(truths, rough))
