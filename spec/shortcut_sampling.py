"""SHORTCUT, the law by which training draws its levels and step sizes."""

from __future__ import annotations

import torch
from torch import Tensor

from . import draw
from .draw_dynamics import k_max
from .law import Implementation, expect, expect_that, law
from .scripts_dynamics import Units
from .seed import draws, global_generators_kept, stir

SIGMAS = 6.0  # of a right sampler one in a thousand million cases is beyond


def sampled(
    impl: Implementation, batch: int, frames: int, k_max: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """tau and d (B, T), float64, in the spec's own units."""
    units = Units.of(impl, k_max)
    tau, d = impl.sample_levels(batch, frames, k_max, generator)
    known = units.read(d)
    wide = known.reshape(*known.shape, *[1] * (2 - known.ndim)).expand(batch, frames)
    return units.level(tau.to(torch.float64)).reshape(batch, frames), wide


def seeded(seed: int) -> torch.Generator:
    """A generator of one's own."""
    return torch.Generator().manual_seed(seed)


@law(
    "SHORTCUT-004",
    needs="sample_levels",
    effect="half steps run past the data and are cut short under a label that says otherwise: the loss spikes, then someone clamps it",
    origin={
        "D4 #2.4": "levels were drawn apart from the step sizes: 15 % of the frames had no room for their step, and half steps were clamped",
        "dynamics:11": "a grid was then used from the wrong end, so that the longest step started where nothing is left",
    },
    witnesses=[
        "two half steps from tau end at tau + d, which is at most 1",
        "Dreamer 4: tau on {0, d, .., 1 - d}",
    ],
    since="2026.1",
    mutants=["levels-apart-from-their-steps", "counted-from-the-wrong-end", "levels-on-the-finest-grid"],
    draws={
        "k_max": k_max(1, 2, 4, 8, 64),
        "batch": draw.integer(1, 6, "batch"),
        "frames": draw.integer(1, 6, "frames"),
        "seed": draw.seed(),
    },
    regions={
        "batch == frames": lambda case: case["batch"] == case["frames"],
        "one step is all": lambda case: case["k_max"] == 1,
    },
)
def levels_fit_their_steps(impl: Implementation, k_max: int, batch: int, frames: int, seed: int) -> None:
    """Training labels tau (B, T) and d (B,) or (B, T): d = 2^e / K, tau a multiple of d, and tau + d at most 1."""
    tau, d = sampled(impl, batch, frames, k_max, seeded(seed))
    e = (d * k_max).log2()
    off = (e - e.round()).abs() + (tau / d - (tau / d).round()).abs() > 1e-4
    off |= (tau < 0) | (tau + d > 1 + 1e-6) | (d * k_max < 1 - 1e-6)
    expect_that(
        not bool(off.any()),
        "that each level can be stepped from",
        got=torch.stack([tau, d]),
        want="tau / d whole",
    )


@law(
    "SHORTCUT-005",
    needs="sample_levels",
    effect="the large steps with which one samples were hardly trained: few-step samples stay blurred while the loss looks fine",
    origin={
        "dynamics:10": "step sizes were drawn with chances that fall as 1/d: those used in sampling got 1 to 2 % of the data",
        "dynamics:14": "a share of the rows was cut to a whole number, which was none at all in small batches; d = 1 was never drawn",
    },
    witnesses=[
        "Dreamer 4, equation 4: d = 1 / U({1, 2, 4, .., K})",
        "the binomial law of 200 independent batches",
    ],
    since="2026.1",
    mutants=["large-steps-are-rare", "share-rounded-down", "never-in-one-step", "three-quarters-are-flow"],
    draws={"k_max": k_max(2, 8, 64), "batch": draw.integer(1, 5, "batch"), "seed": draw.seed()},
    regions={"one row": lambda case: case["batch"] == 1, "a fine grid": lambda case: case["k_max"] == 64},
    cost="model",
)
def steps_are_equally_likely(impl: Implementation, k_max: int, batch: int, seed: int) -> None:
    """Each d of the log2(K) + 1 is as frequent as the others, in small batches too; where FLOW is declared, d = 1/K has that share."""
    generator, calls = seeded(seed), 200
    steps = torch.stack([sampled(impl, batch, 1, k_max, generator)[1][:, 0] for _ in range(calls)])
    sizes = 2.0 ** torch.arange(k_max.bit_length(), dtype=torch.float64) / k_max
    shares = torch.stack([((steps / size - 1).abs() < 1e-4).double().mean() for size in sizes])
    fine = impl.number("FLOW") or 1 / len(sizes)
    want = torch.full_like(shares, (1 - fine) / max(1, len(sizes) - 1))
    want[0] = fine
    room = SIGMAS * (want * (1 - want) / calls).sqrt() + 1e-9
    expect_that(
        bool(((shares - want).abs() <= room).all()), "the share of each step size", got=shares, want=want
    )


@law(
    "SHORTCUT-006",
    needs="sample_levels",
    effect="the first generated frames are bad: no early frame of a clip was ever trained from pure noise",
    origin={
        "D4 #2.3": "levels were a function of the position: the first target was always nearly clean, and many rows had no noisy frame at all",
        "dynamics:12": "each frame draws its level alone",
        "dynamics:11": "all levels that steps of a size can reach are equally likely",
    },
    witnesses=[
        "Diffusion Forcing: independent levels for each frame",
        "means, shares and correlations of independent uniform draws",
    ],
    since="2026.1",
    mutants=[
        "levels-follow-the-position",
        "one-level-for-a-row",
        "levels-lean-to-noise",
        "never-from-pure-noise",
        "early-frames-are-cleaner",
    ],
    draws={"k_max": k_max(2, 4, 8, 64), "frames": draw.integer(1, 5, "frames"), "seed": draw.seed()},
    regions={"one frame": lambda case: case["frames"] == 1, "a fine grid": lambda case: case["k_max"] == 64},
    cost="model",
)
def levels_are_uniform(impl: Implementation, k_max: int, frames: int, seed: int) -> None:
    """tau (B, T) given d is uniform on {0, d, .., 1 - d}, at every position alike, and independent of the other frames'."""
    tau, d = sampled(impl, 2048, frames, k_max, seeded(seed))
    count = (1 / d).round()
    place = (tau / d).round()
    choice = count > 1
    spread = ((count**2 - 1) / 12).clamp(min=1e-9).sqrt()
    standard = torch.where(choice, (place - (count - 1) / 2) / spread, 0)
    lowest = torch.where(
        choice, ((place == 0).double() - 1 / count) / ((count - 1).clamp(min=1) / count**2).sqrt(), 0
    )
    shape = torch.where(count > 2, standard.square() - 1, 0)
    parts = [part[:, t] for part in (standard, lowest, shape) for t in range(frames)]
    parts += [standard[:, s] * standard[:, t] for t in range(frames) for s in range(t)]
    scores = torch.stack([part.sum() / part.square().sum().clamp(min=1e-9).sqrt() for part in parts])
    what = "means, shares of pure noise and spreads at each position, and correlations"
    expect_that(bool((scores.abs() < SIGMAS).all()), what, got=scores, want="within 6 standard errors of 0")


@law(
    "SHORTCUT-007",
    needs="sample_levels",
    effect="training on single images, a third of the data of a world model, dies at the first batch, or trains one level alone",
    origin={
        "D4 #4.1": "levels of a single frame were drawn from an empty range: RuntimeError",
        "D4 #4.3": "a batch of one behaves as any other",
        "dynamics:8": "T = 1 and B = 1 work",
    },
    witnesses=[
        "Dreamer 4 trains 30 % of its videos as separate images",
        "nothing about a level needs a second frame",
    ],
    since="2026.1",
    mutants=["needs-two-frames", "one-frame-has-one-level", "one-row-has-one-level"],
    draws={
        "k_max": k_max(8, 64),
        "batch": draw.integer(1, 3, "batch"),
        "frames": draw.integer(1, 3, "frames"),
        "seed": draw.seed(),
    },
    regions={"one frame": lambda case: case["frames"] == 1, "one row": lambda case: case["batch"] == 1},
    cost="model",
)
def one_frame_is_enough(impl: Implementation, k_max: int, batch: int, frames: int, seed: int) -> None:
    """For any B and T from 1 labels are (B, T) and take more than one value over 32 draws; a single frame may be refused by name."""
    generator = seeded(seed)
    try:
        tau = torch.stack([sampled(impl, batch, frames, k_max, generator)[0] for _ in range(32)])
    except ValueError:
        if frames == 1:
            return
        raise
    expect_that(len(tau.unique()) > 1, "the levels of any batch", got=tau.unique(), want="more than one")


@law(
    "SHORTCUT-008",
    needs="sample_levels",
    effect="a run cannot be repeated, or every rank trains on the same levels; adding a log line changes the training",
    origin={"dynamics:15": "no trainer but two in JAX could be told where its levels come from"},
    witnesses=[
        "a generator has a state of its own",
        "torch's samplers take one, and leave the global one alone",
    ],
    since="2026.1",
    mutants=[
        "levels-from-the-global-generator",
        "steps-from-the-global-generator",
        "same-levels-for-every-seed",
        "sets-the-global-seed",
        "a-generator-of-its-own",
    ],
    draws={
        "k_max": k_max(8, 64),
        "batch": draw.integer(1, 4, "batch"),
        "frames": draw.integer(1, 4, "frames"),
        "seed": draw.seed(),
    },
    regions={"batch == frames": lambda case: case["batch"] == case["frames"]},
)
def generator_alone_decides(impl: Implementation, k_max: int, batch: int, frames: int, seed: int) -> None:
    """Levels and steps are a function of the generator handed in, and the global generators are left as they were."""
    with global_generators_kept():
        stir(seed + 1)
        once = torch.stack(sampled(impl, 16 * batch, frames, k_max, seeded(seed)))
        stir(seed + 2)
        untouched = draws()
        stir(seed + 2)
        again = torch.stack(sampled(impl, 16 * batch, frames, k_max, seeded(seed)))
        after = draws()
    expect(after, untouched, "the global generators")
    expect(again, once, "the labels of the same generator")
    other = torch.stack(sampled(impl, 16 * batch, frames, k_max, seeded(seed + 1)))
    expect_that(not torch.equal(other, once), "the labels of another generator", got=other, want="others")
