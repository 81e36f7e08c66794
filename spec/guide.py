"""GUIDE: classifier-free guidance, alone, in one evaluation of the network, and inside a run.

Two conventions are in use, and differ by one: w is u + w (c - u), neutral at 1; s is c + s (c - u), neutral at 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import draw, draw_solve
from .budget import budget
from .law import Implementation, decline, expect, expect_that, law
from .lesson import closest
from .oracles_flow import OnePoint, Straight
from .scripts_solve import FROM_DATA, METHODS, Ideal, expect_near, generators, language, state

SHAPE = {
    "batch": draw.batch(),
    "channels": draw.integer(2, 4),
    "frames": draw.integer(1, 4),
    "seed": draw.seed(),
}
SCALE = {"strength": draw.choice(0.5, 0.0, -0.5, -1.0, -0.25, 1.0, 4.0, 7.0)}  # w - 1, or s
REGIONS = {
    "unconditional": lambda case: case["strength"] == -1,
    "between the two": lambda case: -1 < case["strength"] < 0,
    "neutral": lambda case: case["strength"] == 0,
    "strong": lambda case: case["strength"] > 3,
}


def scale_of(impl: Implementation, strength: float) -> float:
    """The strength s of c + s (c - u) in the declared convention."""
    declared = impl.convention("GUIDANCE")
    if declared is None:
        decline("the adapter declares no GUIDANCE, and its two values differ by one")
    return strength + 1 if declared == "w" else strength


def _expect_guided(got: Tensor, c: Tensor, u: Tensor, strength: float, what: str) -> None:
    exact = c.to(torch.float64) + strength * (c.to(torch.float64) - u.to(torch.float64))
    beside = torch.cat([c, u, strength * (c - u)])  # cancellation is nobody's fault
    expect_near(got, exact, beside, what, "elementwise")


@law(
    "GUIDE-001",
    needs="guide_velocity",
    effect="the guidance slider does nothing over half of its range, or a model of another convention is driven one too hard: clipped, metallic",
    origin={
        "D2 #4": "guidance is skipped unless it is above 1: 0 and 0.5 give what 1 gives",
        "flow:25": "1 is conditional, 0 unconditional, all else affine in the scale",
        "flow:26": "the two conventions differ by one",
    },
    witnesses=[
        "the equation of the paper (Ho and Salimans, 2022), in either notation",
        "diffusers' and stable-audio-tools' expression",
    ],
    since="2026.1",
    mutants=[
        "guidance-skipped-below-one",
        "zero-is-off",
        "unconditional-forgotten",
        "halves-exchanged",
        "guides-in-place",
    ],
    draws={**SHAPE, **SCALE},
    regions=REGIONS,
)
def guides(impl: Implementation, batch: int, channels: int, frames: int, seed: int, strength: float) -> None:
    """Guidance of c and u (B, C, L) is affine in its scale over the whole range, and declared as w, u + w (c - u), or s, c + s (c - u)."""
    c, u = state(seed, batch, channels, frames), state(seed + 1, batch, channels, frames)
    c_before, u_before = c.clone(), u.clone()
    got = impl.guide_velocity(c, u, scale_of(impl, strength))
    _expect_guided(got, c_before, u_before, strength, "the guided answer")
    expect([c, u], [c_before, u_before], "the answers handed in")


@law(
    "GUIDE-002",
    needs="guided",
    effect="half of the batch is denoised under somebody else's prompt, or the unconditional half still knows the prompt: guidance pulls nowhere",
    origin={
        "flow:29": "both halves in one batch have to give what two passes give",
        "flow:27": "no condition is exact zeros for every token, the one with the length too; a port kept that token",
    },
    witnesses=[
        "two separate passes, one item at a time",
        "stable-audio-tools' null is zeros_like of the whole context",
    ],
    since="2026.1",
    mutants=[
        "pair-halves-exchanged",
        "null-keeps-a-token",
        "pair-repeats-interleaved",
        "times-of-the-first-item",
        "pair-guidance-skipped-below-one",
    ],
    draws={**SHAPE, **SCALE, "tokens": draw.integer(1, 3)},
    regions={**REGIONS, "one item": lambda case: case["batch"] == 1},
)
def asks_for_both(
    impl: Implementation, batch: int, channels: int, frames: int, seed: int, strength: float, tokens: int
) -> None:
    """Guided once at x (B, C, L), t (B,), cond (B, S, D) is the guidance of two passes, the second of which knows nothing of cond."""
    speaks, scale = language(impl, "euler"), scale_of(impl, strength)
    x, cond = state(seed, batch, channels, frames), state(seed + 2, batch, tokens, 2)
    levels = torch.linspace(0.25, 0.75, batch)
    network = _Prompted(speaks, OnePoint(torch.zeros(1)))
    got = impl.guided(network, x.clone(), speaks.told(levels), cond.clone(), scale)
    nulls = [row for call in network.heard for row in call if not _is_one_of(row, cond)]
    c = network.velocity(x, levels, cond)
    if strength == 0 and not nulls:
        nulls = [torch.zeros_like(cond[0])]  # at neutral guidance the second pass may be saved
    expect_that(bool(nulls), "rows without condition", got=len(nulls), want="one for each item")
    if not nulls:
        return
    u = network.velocity(x, levels, nulls[0].expand_as(cond))
    _expect_guided(got, c, u, strength, "the guided evaluation")


def _is_one_of(row: Tensor, cond: Tensor) -> bool:
    return any(torch.equal(row, each) for each in cond)


class _Prompted(Ideal):
    """A network whose answer depends on x, the time, and each token of the condition."""

    @property
    def heard(self) -> list[Tensor]:
        return [call.cond for call in self.calls if call.cond is not None]

    def velocity(self, x: Tensor, level: Tensor, cond: Tensor) -> Tensor:
        """What it answers."""
        return self.answer(x, level.to(torch.float64), cond).to(torch.float32)

    def answer(self, x: Tensor, level: Tensor, cond: Tensor | None = None) -> Tensor:
        """A plain function of everything it is fed."""
        wide = x.to(torch.float64)
        if cond is None:
            return wide
        flat = cond.to(torch.float64).reshape(len(x), -1)
        prompt = (flat * torch.arange(1, flat.shape[1] + 1)).sum(1) + level
        return wide + prompt.reshape(-1, 1, 1)


@law(
    "GUIDE-003",
    needs="solve",
    effect="guidance of 0.5 or 0 sounds like 1, or only part of the run is guided: the slider lies",
    origin={
        "D2 #4": "the sampler's own `if cfg_scale > 1`: 0 and 0.5 are ignored, a velocity of 2 where 1 and 1.5 are right",
        "flow:25": "affine in the scale, inside a run too",
    },
    witnesses=[
        "closed form: with constant answers c and u the run is one with the answer u + w (c - u)",
        "both conventions, exactly, for any number of steps",
    ],
    since="2026.1",
    mutants=["run-guidance-skipped-below-one", "guides-the-first-step-alone", "guides-the-state"],
    draws={
        **SHAPE,
        **SCALE,
        "steps": draw.integer(1, 4),
        "method": draw_solve.method(*METHODS),
    },
    regions={**REGIONS, "several steps": lambda case: case["steps"] > 1},
)
def guides_a_run(
    impl: Implementation,
    batch: int,
    channels: int,
    frames: int,
    seed: int,
    strength: float,
    steps: int,
    method: str,
) -> None:
    """A run with guidance asks network(x, t, cond) with and without condition, and ends as one with their guided answer, for every scale."""
    speaks, scale = language(impl, method), scale_of(impl, strength)
    x = state(seed, batch, channels, frames)
    with_it, without = (state(seed + i, batch, channels, frames, torch.float64) for i in (1, 2))
    guided = with_it + strength * (with_it - without)
    if method in FROM_DATA:
        network, want = Ideal(speaks, OnePoint(_rows(with_it)), OnePoint(_rows(without))), _rows(guided)
    elif speaks.straight:
        network = Ideal(speaks, Straight(_rows(with_it)), Straight(_rows(without)))
        want = x.to(torch.float64) - _rows(guided)
    else:
        decline(f"no problem on the path cos, sin is exact for {method}")
    got = impl.solve(network, x.clone(), steps, scale, generators(seed, batch), method)
    beside = torch.cat([x.to(torch.float64), with_it, without, guided])
    expect_near(got, want.expand_as(x), beside, "where it ends under guidance", roundings=4)


def _rows(problem: Tensor) -> Tensor:
    """The same for every item, so that a batch of both halves can be answered."""
    return problem[:1]


@law(
    "GUIDE-004",
    needs="rescale",
    effect="strong guidance stays overexposed, a frame of silence turns into NaN, or one loud song turns its neighbours down",
    origin={
        "flow:30": "0 changes nothing, 1 restores the conditional spread along the documented axes, and a spread of 0 does no harm",
    },
    witnesses=[
        "closed form: guided * (phi * std(c) / std(guided) + 1 - phi) (Lin et al., 2023)",
        "measured on stable-audio-tools: equal spreads per frame to 3e-8",
    ],
    since="2026.1",
    mutants=["spread-over-the-batch", "phi-upside-down", "divides-by-no-spread", "rescales-all-or-nothing"],
    draws={**SHAPE, "eighth": draw.integer(0, 8), "flat": draw.choice(False, False, True)},
    regions={
        "phi 0": lambda case: case["eighth"] == 0,
        "phi 1": lambda case: case["eighth"] == 8,
        "a frame without spread": lambda case: case["flat"],
    },
)
def rescales(
    impl: Implementation, batch: int, channels: int, frames: int, seed: int, eighth: int, flat: bool
) -> None:
    """rescale of (B, C, L) goes phi of the way to c's spread, over channels, frames or both; without any spread it stays finite."""
    guided, c = state(seed, batch, channels, frames) * 3, state(seed + 1, batch, channels, frames)
    phi = eighth / 8
    if flat:
        guided = torch.full_like(guided, 0.5)
    got = impl.rescale(guided.clone(), c.clone(), phi)
    if flat:
        expect_that(bool(torch.isfinite(got).all()), "a frame without spread", got=got, want="finite")
        return
    axes = [(1,), (1, 2), (2,)] if frames > 1 else [(1,), (1, 2)]
    wanted = [_rescaled(guided.to(torch.float64), c.to(torch.float64), phi, each) for each in axes]
    plain = [_rescaled(guided, c, phi, each) for each in axes]
    want = closest(got, wanted)
    allowed = max(
        (budget(a, b, "reduction") for a, b in zip(wanted, plain, strict=True)), key=lambda b: b.allowed
    )
    expect(got.to(torch.float64), want, "the rescaled answer", within=allowed)


def _rescaled(guided: Tensor, c: Tensor, phi: float, axes: tuple[int, ...]) -> Tensor:
    ratio = c.std(axes, keepdim=True) / guided.std(axes, keepdim=True)
    return guided * (phi * ratio + 1 - phi)


@law(
    "GUIDE-005",
    needs="guide_interval",
    effect="in a batch of mixed times every item is guided as the first one is",
    origin={"flow:31": "the interval is tested on batch element 0 alone"},
    witnesses=[
        "one item at a time",
        "the definition: guided where low <= level <= high, conditional elsewhere (Kynkaanniemi et al., 2024)",
    ],
    since="2026.1",
    mutants=["first-level-decides", "unconditional-outside", "guided-outside"],
    draws={
        **SHAPE,
        "levels": draw.choice([1, 1, 1, 1], [0, 1, 2, 3], [3, 2, 1, 0], [2, 2, 0, 3], [0, 3, 0, 3]),
        "edge": draw.integer(1, 2),
        "strength": draw_solve.eighths(1, 4),
    },
    regions={
        "mixed": lambda case: len(set(case["levels"][: case["batch"]])) > 1,
        "one level": lambda case: len(set(case["levels"][: case["batch"]])) == 1,
    },
)  # fmt: skip
def guides_in_an_interval(
    impl: Implementation,
    batch: int,
    channels: int,
    frames: int,
    seed: int,
    strength: float,
    levels: list[int],
    edge: int,
) -> None:
    """With levels (B,), row i is guided where low <= level[i] <= high and conditional elsewhere; levels that differ may be refused."""
    c, u = state(seed, batch, channels, frames), state(seed + 1, batch, channels, frames)
    level = torch.tensor([each / 4 + 0.125 for each in levels[:batch]])
    low, high, scale = edge / 4, edge / 4 + 0.25, scale_of(impl, strength)
    inside = (level >= low) & (level <= high)
    want = torch.where(inside[:, None, None], c + strength * (c - u), c)
    beside = torch.cat([c, u, strength * (c - u)])
    try:
        got = impl.guide_interval(c, u, scale, level, low, high)
    except ValueError:
        if bool(level.min() == level.max()):
            raise
        rows = [slice(i, i + 1) for i in range(batch)]
        got = torch.cat([impl.guide_interval(c[i], u[i], scale, level[i], low, high) for i in rows])
    expect_near(got, want.to(torch.float64), beside, "the items of a batch", "elementwise")
