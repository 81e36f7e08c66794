"""LOSS, beyond tokens: weighted means of anything, and the loss that ends training."""

from __future__ import annotations

import torch
from torch import Tensor

from . import draw
from .budget import budget
from .law import Implementation, decline, expect, law

VALUES = {"seed": draw.seed(), "batch": draw.integer(1, 5), "frames": draw.integer(1, 5)}
FORMS = draw.choice("item", "frame", "item, 1")
VALUE_REGIONS = {
    "batch == frames": lambda case: case["batch"] == case["frames"] > 1,
    "one item": lambda case: case["batch"] == 1,
    "one frame": lambda case: case["frames"] == 1,
}


def _values(seed: int, batch: int, frames: int, form: str) -> tuple[Tensor, Tensor, Tensor]:
    """Values (B, T), weights of this form, and a mask (B, T) that keeps something."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand((batch, frames), generator=generator) * 4
    shape = {"item": (batch,), "frame": (batch, frames), "item, 1": (batch, 1)}[form]
    weights = torch.tensor([0.125, 0.25, 1.0])[torch.randint(3, shape, generator=generator)]
    mask = torch.rand((batch, frames), generator=generator) > 0.3
    mask[int(torch.randint(batch, (), generator=generator)), 0] = True
    return values, weights, mask


@law(
    "LOSS-007",
    needs="weighted_mean",
    effect="when the batch is as large as the window is long, sample j's weight goes to frame j: no crash, and a loss that is off by a few per cent",
    origin={
        "dynamics:25": "weights of samples met losses of frames: a crash at B != T, an outer product at B == T",
        "D4 #1.3": "the reduction is right for (B,) and (B, T); (B, 1) broadcasts",
    },
    witnesses=["a loop over single values, in Python", "numpy.average of the values that the mask keeps"],
    since="2026.1",
    mutants=[
        "aligned-from-the-right",
        "mean-times-mean",
        "divides-by-the-count",
        "clamps-the-weights",
        "mask-forgotten-below",
        "column-meets-row",
    ],
    draws={**VALUES, "form": FORMS},
    regions={**VALUE_REGIONS, "a weight an item": lambda case: case["form"] == "item"},
)
def weighs_what_it_means(impl: Implementation, batch: int, frames: int, form: str, seed: int) -> None:
    """weighted_mean of values (B, T) is sum(w v) / sum(w) over the mask, weights (B,), (B, 1) or (B, T), also where B == T."""
    values, weights, mask = _values(seed, batch, frames, form)
    each = weights if weights.ndim == 2 else weights[:, None]
    above = below = 0.0
    for b in range(batch):
        for t in range(frames):
            if mask[b, t]:
                weight = float(each[b, t if each.shape[1] > 1 else 0])
                above, below = above + weight * float(values[b, t]), below + weight
    try:
        got = impl.weighted_mean(values.clone(), weights.clone(), mask.clone())
    except ValueError:
        if form == "item, 1":
            decline("weights (B, 1) are refused")
        raise
    want = torch.tensor(above / below, dtype=torch.float64)
    expect(torch.as_tensor(got), want, "the mean", within=budget(want, want.to(torch.float32), "reduction"))


@law(
    "LOSS-008",
    needs="weighted_mean",
    effect="a batch in which nothing is masked, or everything, turns the loss and then the model into NaN",
    origin={
        "dynamics:56": "masking no patch or all of them makes the loss NaN: a division by how many there were",
    },
    witnesses=[
        "a sum over nothing is 0, and a mean of it is refused or 0",
        "the same values with one of them kept",
    ],
    since="2026.1",
    mutants=["zero-by-zero", "poisoned-by-what-is-masked"],
    draws={**VALUES, "form": FORMS},
    regions=VALUE_REGIONS,
)
def mean_of_nothing(impl: Implementation, batch: int, frames: int, form: str, seed: int) -> None:
    """weighted_mean of an empty mask is 0 or refused; what the mask hides never shows, even NaN."""
    values, _, mask = _values(seed, batch, frames, form)
    weights = torch.ones(batch, frames)
    hidden = torch.where(mask, values, float("nan"))
    want = values[mask].to(torch.float64).mean()
    allowed = budget(want, want.to(torch.float32), "reduction")
    got = torch.as_tensor(impl.weighted_mean(hidden, weights, mask))
    expect(got, want, "the mean beside NaN", within=allowed)
    try:
        nothing = impl.weighted_mean(values, weights, torch.zeros_like(mask))
    except ValueError:
        return
    expect(float(nothing), 0.0, "the mean of nothing")


@law(
    "LOSS-009",
    needs="should_stop",
    effect="training ends after minutes, or never: the threshold is compared with another number than the loss that is plotted",
    origin={
        "D0 #3": "the report fears that early stopping compares a loss divided by the accumulation count",
        "codeclm:72": "the shipped code compares the last micro-batch of rank 0 alone",
    },
    witnesses=[
        "the mean over the step's micro-batches is what is logged",
        "a threshold above and below every loss",
    ],
    since="2026.1",
    mutants=["stops-on-the-scaled-loss", "stops-on-the-last-micro-batch", "stops-on-any", "stops-on-nan"],
    draws={
        "step": draw.integer(1, 6),
        "above": draw.choice(True, False),
        "broken": draw.choice(False, True),
        "losses": draw.losses(),
    },
    regions={
        "several micro-batches": lambda case: len(case["losses"]) > 1,
        "NaN among them": lambda case: case["broken"],
    },
)
def stops_on_the_mean(impl: Implementation, losses: list[int], step: int, above: bool, broken: bool) -> None:
    """should_stop(losses of all micro-batches and ranks of a step, threshold) is whether their mean is at most threshold; never for NaN."""
    known = [loss / 8 for loss in losses]
    mean = sum(known) / len(known)
    threshold = mean + step / 16 if above else mean - step / 16
    got = bool(impl.should_stop(list(known), threshold))
    expect(got, above, "whether training stops")
    if broken:
        got = bool(impl.should_stop([*known, float("nan")], mean + 1))
        expect(got, False, "whether training stops at NaN")
