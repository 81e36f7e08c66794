"""SHORTCUT, the levels: what they mean, how a frame is noised and weighed by them, and how the network is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from . import draw
from .budget import budget
from .draw_dynamics import few, k_max, latent, make_batch
from .law import Implementation, expect, expect_refusal, expect_that, law
from .oracles_dynamics import Arbitrary, ramp
from .scripts_dynamics import Listener, Units, over
from .seed import global_generators_kept
from .shortcut_lesson import SPARE, expect_students, lesson

GRIDS = k_max(1, 2, 4, 8, 64, 256)


def _answer(call: Callable[[], Any]) -> Any:
    """What a call gives, or None where it raises: a crash is no silent answer."""
    try:
        return call()
    except Exception:
        return None


@law(
    "SHORTCUT-001",
    needs="add_noise",
    effect="with batch == frames, or a batch of one, examples are noised by each other's levels, or the batch grows: nothing says so",
    origin={
        "D4 #1.1": "levels with an axis too many, or one a frame for a batch of one, are broadcast to a larger result",
        "D4 #4.2": "both ends are exact: noise at 0, data at 1",
        "dynamics:1": "one code base turned the direction of its levels round, and evaluated the old way",
    },
    witnesses=["closed form, one frame at a time", "Dreamer 4, section 3: (1 - tau) noise + tau data"],
    since="2026.1",
    mutants=[
        "levels-of-too-many-axes",
        "row-levels-meet-frames",
        "level-of-the-first-frame",
        "levels-kept-off-the-ends",
        "frames-on-a-circular-path",
        "frame-levels-taken-for-rows",
    ],
    draws={
        "batch": few("batch"),
        "frames": few("frames"),
        "seed": draw.seed(),
        "latent": latent(),
        "levels": draw.named("one", "row", "frame", size="levels"),
    },
    regions={
        "batch == frames": lambda case: case["batch"] == case["frames"] > 1,
        "one row of several frames": lambda case: case["batch"] == 1 < case["frames"],
        "a level a row": lambda case: case["levels"] == "row",
        "a level a frame": lambda case: case["levels"] == "frame",
    },
)
def mixes_frame_by_frame(
    impl: Implementation, batch: int, frames: int, seed: int, latent: list[int], levels: str
) -> None:
    """add_noise(data, noise, tau) is (1 - tau) noise + tau data for frames (B, T, ...) and tau (), (B,) or (B, T); no other tau is taken."""
    generator = torch.Generator().manual_seed(seed)
    data, noise = torch.randn((2, batch, frames, *latent), generator=generator)
    every = torch.randint(9, (batch, frames), generator=generator) / 8
    tau = {"one": every[0, 0], "row": every[:, 0], "frame": every}[levels]
    units = Units.of(impl, 1)

    def noised(level: Tensor) -> Tensor:
        made: Tensor = impl.add_noise(data.clone(), noise.clone(), units.level(level))
        return made

    expect_mix(noised(tau), data, noise, tau, "the noisy frames")
    if frames not in (1, batch):
        got = _answer(lambda: noised(every[0]))
        expect_that(got is None, "that a level a frame is no level a row", got=got, want="a refusal")
    deep = every.reshape(batch, frames, *[1] * (len(latent) + 1))
    got = _answer(lambda: noised(deep))
    if got is not None:
        expect_mix(got, data, noise, every, "the frames of levels with an axis more")


def expect_mix(got: Tensor, data: Tensor, noise: Tensor, tau: Tensor, what: str) -> None:
    """The straight mixture, within what float32 makes of it."""
    exact, plain = (
        (1 - over(tau, data).to(kind)) * noise.to(kind) + over(tau, data).to(kind) * data.to(kind)
        for kind in (torch.float64, torch.float32)
    )
    expect(got, exact, what, within=budget(exact, plain, "elementwise"))


@law(
    "SHORTCUT-002",
    needs="ramp",
    effect="the capacity goes into levels that carry nothing: rollouts are sharp in the loss curve and blurred to look at",
    origin={
        "dynamics:24": "after a change of direction the ramp weighed pure noise with 1 and clean frames with 0.1"
    },
    witnesses=[
        "Dreamer 4, equation 8: 0.9 tau + 0.1",
        "its table 2: the ramp alone takes the FVD from 151 to 102",
    ],
    since="2026.1",
    mutants=["ramp-upside-down", "ramp-from-zero", "ramp-squared"],
    draws={
        "k_max": GRIDS,
        "batch": draw.integer(1, 4, "batch"),
        "frames": draw.integer(1, 4, "frames"),
        "seed": draw.seed(),
    },
    regions={"one step is all": lambda case: case["k_max"] == 1},
)
def ramp_follows_the_signal(impl: Implementation, k_max: int, batch: int, frames: int, seed: int) -> None:
    """ramp(tau) is 0.9 tau + 0.1 of the signal level: 0.1 at noise and 1 at data, tau (B, T) -> (B, T)."""
    tau = torch.randint(k_max + 1, (batch, frames), generator=torch.Generator().manual_seed(seed)) / k_max
    exact = ramp(tau.to(torch.float64))
    got = impl.ramp(Units.of(impl, k_max).level(tau))
    expect(got, exact, "the weights", within=budget(exact, ramp(tau), "elementwise"))


@law(
    "SHORTCUT-003",
    needs="step_sizes | sample_levels | shortcut_loss",
    effect="the single step that sampling asks for was never trained, and is silently another one",
    origin={
        "D4 #8.1": "a grid of 50 has steps up to 32 of 50; in float32, 2^24 - 1 has 24 halvings",
    },
    witnesses=[
        "arithmetic: halving d = 1 reaches 1/K iff K is a power of two",
        "the paper's d = 1 / {1, 2, 4, .., K}",
    ],
    since="2026.1",
    mutants=[
        "largest-steps-lost",
        "halvings-in-float32",
        "sampler-takes-any-grid",
        "loss-takes-any-grid",
        "finest-step-forgotten",
    ],
    draws={"k_max": k_max(1, 2, 4, 8, 64, 256, 3, 5, 6, 7, 12, 48, 50, 63, 65, 100, 0, -8, 2**24 - 1)},
    regions={
        "a power of two": lambda case: case["k_max"] in (1, 2, 4, 8, 64, 256),
        "none": lambda case: case["k_max"] in (3, 48, 50, 100),
        "nearly one": lambda case: case["k_max"] in (7, 63, 65, 2**24 - 1),
        "nothing": lambda case: case["k_max"] <= 0,
    },
)
def grid_is_a_power_of_two(impl: Implementation, k_max: int) -> None:
    """The step sizes of a grid of K steps are 1/K, 2/K, 4/K, .., 1, all log2(K) + 1; a K that is no power of two is refused everywhere."""

    def use(count: int) -> object:
        units = Units.of(impl, count)
        if impl.has("step_sizes"):
            return impl.step_sizes(count)
        if impl.has("sample_levels"):
            return impl.sample_levels(2, 2, count, torch.Generator().manual_seed(0))
        one = torch.ones(1, 1, 2, dtype=torch.float64)
        zero, finest = (
            torch.zeros(1, 1, dtype=torch.float64),
            torch.full((1,), 1 / max(1, abs(count)), dtype=torch.float64),
        )
        network = Listener(units, Arbitrary(0, mixing=False))
        return impl.shortcut_loss(network, one, units.level(zero), units.write(finest), count)

    power = k_max > 0 and k_max & (k_max - 1) == 0
    if not power:
        expect_refusal(lambda: use(k_max), "a grid of no power of two")
    nearest = k_max if power else 8
    got: Any = use(nearest)
    if impl.has("step_sizes"):
        sizes = Units.of(impl, nearest).read(torch.as_tensor(got)).sort().values
        want = 2.0 ** torch.arange(nearest.bit_length(), dtype=torch.float64) / nearest
        expect(sizes, want, "the step sizes")


@law(
    "SHORTCUT-017",
    needs="shortcut_loss",
    effect="frames share their noise, or have too little of it: a clean neighbour tells the answer, and the first frame of a rollout is lost",
    origin={
        "dynamics:1": "the noisy frame is a mixture of data and fresh standard noise, in the declared direction",
        "dynamics:12": "each frame has a level of its own, and noise of its own",
    },
    witnesses=[
        "the mean, the variance and the correlations of standard noise",
        "Diffusion Forcing: independent noise for each frame",
    ],
    since="2026.1",
    mutants=[
        "one-noise-for-all-frames",
        "noise-from-zero-to-one",
        "noise-is-clipped",
        "first-frame-stays-clean",
    ],
    draws={"k_max": k_max(8, 64), "seed": draw.seed(), "per": draw.named("example", "frame", size="d")},
    regions={"a step for each frame": lambda case: case["per"] == "frame"},
    cost="model",
    spare=SPARE,
)
def noise_is_standard(impl: Implementation, k_max: int, seed: int, per: str) -> None:
    """What the network is fed at (tau, d) is (1 - tau) e + tau data, with e (B, T, ...) normal, N(0, 1), and another for each frame and row."""
    batch = make_batch(k_max, 24, 6, seed, per, "both", [16])
    learnt = lesson(impl, batch, Arbitrary(seed, mixing=False), seed=seed)
    z = torch.stack([row.z for row in expect_students(learnt)]).to(torch.float64)
    noise = (z - over(batch.tau, z) * batch.data) / (1 - over(batch.tau, z))
    clipped = noise.clamp(-6, 6)  # what was no noise at all can be anything
    pairs = [
        (clipped[:, 1:], clipped[:, :-1]),
        (clipped[1:], clipped[:-1]),
        (clipped[..., 1:], clipped[..., :-1]),
    ]
    products = [clipped, (clipped.square() - 1) / 2**0.5, *(a * b for a, b in pairs)]
    each = (clipped[:, 0].square() - 1) / 2**0.5
    scores = torch.stack([part.mean() * part.numel() ** 0.5 for part in [*products, each]])
    what = "mean, variance, correlation of frames, rows and features, and the first frame's variance, of the noise"
    expect_that(bool((scores.abs() < 6).all()), what, got=scores, want="within 6 standard errors of 0")


@law(
    "SHORTCUT-020",
    needs="embed_level",
    effect="the network is blind to how noisy its input is, or to the size of its step: all samples look like an average of the data",
    origin={
        "D4 #5.1": "levels from 0 to 1 went into a sinusoid made for 0 to 1000: those of 0 and 1/64 are the same to six digits",
        "dynamics:2": "a step size that was a fraction met a table of logarithms: every size found row 0, for six hours of training",
    },
    witnesses=[
        "the paper: tau and d are discrete, and each is looked up in a table of its own",
        "rows of a random table are nearly orthogonal",
    ],
    since="2026.1",
    mutants=["sinusoid-of-fractions", "all-steps-share-a-row", "levels-share-a-row-by-two"],
    draws={"k_max": k_max(4, 8, 64), "seed": draw.seed()},
    regions={"a fine grid": lambda case: case["k_max"] == 64},
)
def labels_are_told_apart(impl: Implementation, k_max: int, seed: int) -> None:
    """No two labels (tau, d) are embedded alike: vectors (N, D) differ by more than 2 % of their size, freshly built."""
    units = Units.of(impl, k_max)
    tau = torch.arange(k_max, dtype=torch.float32) / k_max
    d = 2.0 ** torch.arange(k_max.bit_length()) / k_max
    with global_generators_kept():
        torch.manual_seed(seed)
        first = impl.embed_level(units.level(tau), units.write(d[:1].expand(k_max)), k_max)
        torch.manual_seed(seed)
        second = impl.embed_level(units.level(torch.zeros(len(d))), units.write(d), k_max)
    for name, vectors in (("levels", first), ("steps", second)):
        apart = nearest(vectors)
        expect_that(apart > 0.02, f"the nearest two {name}", got=apart, want="above 0.02 of their size")


def nearest(vectors: Tensor) -> float:
    """The smallest distance of two of these vectors (N, D), over their mean size."""
    known = vectors.detach().to(torch.float64)
    apart = torch.cdist(known, known) + torch.eye(len(known)) * 1e9
    return float(apart.min() / known.norm(dim=1).mean().clamp(min=1e-12))


OFF = ("between levels", "past the end", "below zero", "not on its step", "no step size", "step too large")


@law(
    "SHORTCUT-021",
    needs="shortcut_loss",
    effect="labels that training never meets are rounded or clamped to some that it does: the network does something else than it is asked",
    origin={
        "dynamics:5": "tau = 1.7, -3 and .99, and d = 3 and 0, were clamped or floored to a row of the table",
        "D4 #2.4": "a level off the grid of its own step was cut short in place of refused",
    },
    witnesses=[
        "the grid is finite, and these are not on it",
        "two implementations assert as much in their samplers",
    ],
    since="2026.1",
    mutants=["labels-are-clamped", "steps-are-rounded", "levels-need-not-fit-their-step"],
    draws={"k_max": k_max(4, 8, 64), "wrong": draw.named(*OFF, size="wrong"), "seed": draw.seed()},
    regions={name: lambda case, name=name: case["wrong"] == name for name in OFF},  # type: ignore[misc]
)
def labels_off_the_grid_are_refused(impl: Implementation, k_max: int, wrong: str, seed: int) -> None:
    """tau outside 0 .. 1 - 1/K or off its step's grid, and d that is no power of two times 1/K, are refused; the nearest labels are taken."""
    units, level, step = Units.of(impl, k_max), 0.5, 2 / k_max
    off = {
        "between levels": (level + 0.5 / k_max, step),
        "past the end": (1.0, step),
        "below zero": (-step, step),
        "not on its step": (level + 1 / k_max, step),
        "no step size": (level, 0.75 / k_max if units.step == "exponent" else 3 / k_max),
        "step too large": (0.0, 2.0),
    }[wrong]

    def given(labels: Sequence[float]) -> object:
        tau, d = (torch.full((2, 2), label, dtype=torch.float64) for label in labels)
        data = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        network = Listener(units, Arbitrary(seed, mixing=False))
        return impl.shortcut_loss(network, data, units.level(tau), units.write(d[:, 0]), k_max)

    expect_refusal(lambda: given(off), "labels off the grid")
    given((level, step))
