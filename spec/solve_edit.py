"""SOLVE: runs that start from somebody's audio, or keep a part of it, and runs that a model was never made for."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from . import draw, draw_solve
from .law import REFUSALS, Case, Implementation, expect, expect_that, law
from .lesson import closest
from .scripts_solve import (
    CALLS,
    METHODS,
    Ideal,
    easy,
    expect_near,
    generators,
    language,
    state,
)

# small ones first: that is where a grid that was made for whole runs turns back
STRENGTHS = (0.05, 0.1, 0.11, 0.125, 0.25, 0.5, 0.75, 0.9375, 1.0, 1.0)
MASKS = ("all", "none", "beginning", "end", "holes")


@law(
    "SOLVE-012",
    needs="vary",
    effect="a light variation is louder in noise than its source, or the source is not heard in it at all",
    origin={
        "flow:23": "below 0.1192 the upstream grid climbs before it falls, and 0.1 is its default; another library ignores the strength",
        "D2 #8": "a schedule of sigma_max 0.1 is not monotone, neither in the port nor upstream",
    },
    witnesses=[
        "closed form: the first state is the mixture of data and noise at the level that the network is told",
        "the limits: strength 1 is a plain run from that noise, and near 0 the data themselves come back",
    ],
    since="2026.1",
    mutants=["climbs-before-it-falls", "strength-ignored", "adds-the-noise", "mixes-upside-down"],
    draws={
        "strength": draw.choice(*STRENGTHS),
        "steps": draw.integer(1, 9),
        "batch": draw.batch(),
        "frames": draw.integer(1, 4),
        "seed": draw.seed(),
        "method": draw_solve.method(*METHODS),
    },
    regions={
        "strength 1": lambda case: case["strength"] == 1,
        "below the fixed tail": lambda case: case["strength"] < 0.1192 and case["steps"] > 1,
        "one step": lambda case: case["steps"] == 1,
    },
)
def varies(
    impl: Implementation, strength: float, steps: int, batch: int, frames: int, seed: int, method: str
) -> None:
    """A variation of data (B, C, L) starts at about the level of its strength, from data and noise mixed for it, and goes down alone."""
    speaks = language(impl, method)
    data, noise = state(seed, batch, 2, frames), state(seed + 3, batch, 2, frames)
    truth, _ = easy(speaks, method if speaks.straight else "ddim", noise, seed)
    network = Ideal(speaks, truth)
    impl.vary(network, data.clone(), noise.clone(), steps, strength, generators(seed, batch), method)
    first = network.calls[0]
    level, each = float(first.level[0]), CALLS.get(method, (1, 0))[0]
    told = [float(call.level[0]) for call in network.calls[::each]]
    expect_that(
        0 < level <= strength + 3 / steps and (strength < 1 or level > 0.99),
        "the level at which it starts",
        got=level,
        want=f"about {strength}",
    )
    falls = all(before > after for before, after in itertools.pairwise(told))
    expect_that(falls, "the levels that were told", got=told, want="falling from step to step")
    alpha, sigma = (part.reshape(-1, 1, 1) for part in speaks.path(first.level))
    mixed = alpha * data.to(torch.float64) + sigma * noise.to(torch.float64)
    expect_near(first.x, mixed, torch.cat([data, noise]), "the first state", "reduction")


def _masked(kind: str) -> Callable[[Case], bool]:
    return lambda case: bool(case["mask"] == kind)


def _mask(kind: str, batch: int, frames: int, seed: int) -> Tensor:
    kept = torch.zeros(batch, frames, dtype=torch.bool)
    if kind == "all":
        return ~kept
    if kind == "beginning":
        kept[:, : (frames + 1) // 2] = True
    if kind == "end":
        kept[:, frames // 2 :] = True
    if kind == "holes":
        generator = torch.Generator().manual_seed(seed)
        kept = torch.rand(batch, frames, generator=generator) < 0.5
    return kept


@law(
    "SOLVE-013",
    needs="inpaint",
    effect="the part that was to stay is changed, or the part that was to be new is the old one",
    origin={
        "flow:64": "the kept frames are not pasted back upstream: they come back as the network's guess of them",
        "flow:65": "a mask that keeps all returns the reference, one that keeps nothing is plain generation",
    },
    witnesses=[
        "what is kept is known: it is data",
        "DiffRhythm pastes with where(mask, out, cond)",
    ],
    since="2026.1",
    mutants=[
        "kept-frames-not-pasted",
        "mask-upside-down",
        "mask-one-frame-late",
        "first-songs-mask-for-all",
        "mixes-at-the-edge",
    ],
    draws={
        "mask": draw.choice(*MASKS),
        "steps": draw.integer(1, 4),
        "batch": draw.batch(),
        "frames": draw.integer(1, 5),
        "seed": draw.seed(),
        "method": draw_solve.method(*METHODS),
    },
    regions={
        **{name: _masked(name) for name in MASKS},
        "batch == frames": lambda case: case["batch"] == case["frames"] > 1,
    },
)
def keeps_what_is_kept(
    impl: Implementation, mask: str, steps: int, batch: int, frames: int, seed: int, method: str
) -> None:
    """Where keep (B, L) is True the frames of data (B, C, L) come back exactly; where it is False they are what a plain run makes of the noise."""
    speaks = language(impl, method)
    data, noise = state(seed + 5, batch, 2, frames), state(seed, batch, 2, frames)
    keep = _mask(mask, batch, frames, seed)
    truth, want = easy(speaks, method, noise, seed)
    got = impl.inpaint(
        Ideal(speaks, truth),
        data.clone(),
        noise.clone(),
        keep.clone(),
        steps,
        generators(seed, batch),
        method,
    )
    kept = keep[:, None].expand_as(noise)
    expect(got.to(torch.float32)[kept], data[kept], "the kept frames")
    expect_near(
        torch.where(kept, 0, got), torch.where(kept, 0, want), torch.cat([data, noise]), "the other frames"
    )


@law(
    "SOLVE-014",
    needs="inpaint",
    effect="a reference of another length stops the job with a broadcasting error, or one frame of it is smeared over the whole song",
    origin={
        "flow:66": "references shorter or longer than the target were met with a broadcasting error",
    },
    witnesses=[
        "broadcasting copies an axis of one; nobody asked for copies of a frame",
        "a refusal by name and a documented cut are both right",
    ],
    since="2026.1",
    mutants=["broadcasts-the-reference", "reference-stretched"],
    draws={
        "known": draw.integer(1, 6),
        "frames": draw.integer(1, 6),
        "batch": draw.batch(),
        "seed": draw.seed(),
        "method": draw_solve.method(*METHODS),
    },
    regions={
        "one known frame": lambda case: case["known"] == 1 < case["frames"],
        "shorter": lambda case: case["known"] < case["frames"],
        "longer": lambda case: case["known"] > case["frames"],
        "as long": lambda case: case["known"] == case["frames"],
    },
    spare={"a reference that fits": "tells a refusal of another length from a refusal of everything"},
)
def fits_or_refuses(
    impl: Implementation, known: int, frames: int, batch: int, seed: int, method: str
) -> None:
    """A reference of other than L frames is refused, or cut and filled up to L, its frames in place; one of L frames is taken."""
    speaks = language(impl, method)
    data, noise = state(seed + 5, batch, 2, known), state(seed, batch, 2, frames)
    truth, want = easy(speaks, method, noise, seed)

    def made(reference: Tensor) -> Tensor:
        keep = torch.ones(batch, reference.shape[-1], dtype=torch.bool)
        given = generators(seed, batch)
        got: Tensor = impl.inpaint(
            Ideal(speaks, truth), reference.clone(), noise.clone(), keep, 2, given, method
        )
        return got

    whole = torch.nn.functional.pad(data[..., :frames], (0, max(0, frames - known)))
    expect(made(whole).to(torch.float32), whole, "a reference that fits")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = made(data)
    except REFUSALS:
        return
    made_up = torch.cat([whole[..., :known], want[..., known:].to(torch.float32)], dim=-1)
    nearest = closest(got, [made_up, whole])  # the rest is made, or left silent
    expect_near(got, nearest.to(torch.float64), torch.cat([whole, noise]), "a reference of another length")


def _paired(number: int) -> Callable[[Case], bool]:
    return lambda case: bool(case["pair"] == number)


# objective, method, whether guidance is neutral, and whether the three go together
PAIRS = (
    ("rectified_flow", "euler", True, True),
    ("rectified_flow", "euler", False, True),
    ("rectified_flow", "pingpong", True, False),
    ("rf_denoiser", "pingpong", True, True),
    ("rf_denoiser", "pingpong", False, False),
    ("rf_denoiser", "euler", True, False),
    ("rf_denoiser", "rk4", True, False),
    ("v", "ddim", True, True),
    ("v", "pingpong", True, False),
)


@law(
    "SOLVE-015",
    needs="admit",
    effect="the right weights sound wrong, thin or clipped, and everybody looks for the bug in the weights",
    origin={
        "flow:18": "ping-pong on a plain flow under-disperses; Euler on a distilled model, or guidance on it, over-drives",
        "D2 #4": "guidance 7 on a distilled model: a spread of 2.85 where 1.28 is right, and 7 % of the samples clipped",
        "flow:1": "a solver refuses a model that does not say what it predicts and which way its time runs",
    },
    witnesses=[
        "closed form: ping-pong leaves 0.18 of a spread of 0.35 in 8 steps, with the best possible network",
        "measured on the distilled checkpoint in the port's notes",
    ],
    since="2026.1",
    mutants=[
        "mismatch-passed-over",
        "guidance-on-distilled-passed-over",
        "undeclared-is-a-flow",
        "warns-of-everything",
    ],
    draws={"pair": draw.integer(0, len(PAIRS) - 1), "strong": draw_solve.eighths(2, 7)},
    regions={f"{o}, {m}, {n}": _paired(i) for i, (o, m, n, _) in enumerate(PAIRS)},
)
def warns_of_mismatches(impl: Implementation, pair: int, strong: float) -> None:
    """A distilled denoiser under an ODE solver or guidance, or another model under ping-pong, draws a warning; an undeclared one is refused."""
    objective, method, neutral, together = PAIRS[pair]
    weight = {"w": 1.0, "s": 0.0}.get(str(impl.convention("GUIDANCE")), 1.0) if neutral else strong
    said = _said(impl, objective, method, weight)
    if together:
        expect(said, "", "what is said of those that go together")
    else:
        expect_that(bool(said), "what is said of those that do not", got=said, want="a warning or a refusal")
    refused = _said(impl, None, method, weight)
    expect_that(refused == "refusal", "an undeclared objective", got=refused or "silence", want="a refusal")


def _said(impl: Implementation, objective: str | None, method: str, scale: float) -> str:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            impl.admit(objective, method, scale)
        except REFUSALS:
            return "refusal"
    return "warning" if heard else ""
