"""SEED: what a seed fixes, and what it must not touch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from . import draw
from .law import Implementation, decline, expect, expect_that, law

# Seeds that somebody's generator refused, and anything else that is an integer.
ANY_SEED = draw.any_seed(0, 1, -1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64, -(2**63))
SHAPES = draw.shape()
SEED_REGIONS = {
    "above 32 bits": lambda case: case["seed"] >= 2**32,
    "above 64 bits": lambda case: case["seed"] >= 2**64,
    "negative": lambda case: case["seed"] < 0,
}


@contextmanager
def global_generators_kept() -> Iterator[None]:
    """What the caller's global generators would have drawn, they still draw afterwards."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def stir(seed: int) -> None:
    """Put the global generators of Python, numpy and torch into some known state."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def draws() -> dict[str, list[float]]:
    """What each global generator draws next."""
    return {
        "python": [random.random() for _ in range(4)],
        "numpy": np.random.random(4).tolist(),
        "torch": torch.rand(4, dtype=torch.float64).tolist(),
    }


def _seeded(impl: Implementation, seed: int, rank: int, before: int) -> dict[str, list[float]]:
    """What the global generators draw after seed_all(seed, rank), from the state `before`."""
    stir(before)
    try:
        impl.seed_all(seed, rank)
    except (ValueError, OverflowError) as refusal:
        if not 0 <= seed < 2**32 and str(seed) in str(refusal):
            decline("a documented range of seeds, refused by name")
        raise
    return draws()


@law(
    "SEED-001",
    needs="seed_all",
    effect="a run with a large seed dies on some ranks only, or is not repeatable because one library was never seeded",
    origin={
        "D0 #6": "seed + rank is handed to numpy, which takes 32 bits: 2**32 - 1 fails on rank 1, and -1 fails everywhere"
    },
    witnesses=[
        "a seed is an integer, and integers have no largest one",
        "torch and Python accept every one of these seeds",
    ],
    since="2026.1",
    mutants=["numpy-takes-32-bits", "numpy-not-seeded"],
    draws={"seed": ANY_SEED, "rank": draw.integer(0, 8)},
    regions={
        **SEED_REGIONS,
        "the last of 32 bits": lambda case: case["seed"] == 2**32 - 1 and case["rank"] > 0,
    },
)
def takes_any_seed(impl: Implementation, seed: int, rank: int) -> None:
    """seed_all(seed, rank) takes every integer seed on every rank, and the same pair always gives the same draws."""
    with global_generators_kept():
        first = _seeded(impl, seed, rank, before=1)
        expect(_seeded(impl, seed, rank, before=2), first, "the draws after the same seed and rank")


@law(
    "SEED-002",
    needs="seed_all",
    effect="every rank draws the same crops, dropout and noise: the batch is n copies of one, and training quietly slows down",
    origin={
        "D0 #6": "the rank has to reach all three generators; the fix for numpy's range must not lose it"
    },
    witnesses=[
        "data parallelism averages independent samples",
        "torch's own guide offsets the seed by the rank",
    ],
    since="2026.1",
    mutants=["numpy-without-rank", "python-without-rank", "torch-without-rank"],
    draws={"seed": ANY_SEED, "rank": draw.integer(0, 8), "other": draw.integer(1, 8)},
    regions=SEED_REGIONS,
)
def ranks_differ(impl: Implementation, seed: int, rank: int, other: int) -> None:
    """Two ranks of one seed draw different numbers, from Python's, from numpy's and from torch's global generator."""
    with global_generators_kept():
        ours = _seeded(impl, seed, rank, before=1)
        theirs = _seeded(impl, seed, rank + other, before=1)
        for generator in ours:
            differ = ours[generator] != theirs[generator]
            expect_that(
                differ,
                f"{generator}'s draws",
                got=ours[generator],
                want="other draws than those of another rank",
            )


@law(
    "SEED-003",
    needs="noise | noise_batch",
    effect="the same seed gives another song the second time: nobody can repeat a good result, or report a bad one",
    origin={
        "flow:60": "the same seed and settings give identical latents, twice in one process",
        "codeclm:43": "the same seed gave another voice in the next run",
    },
    witnesses=["a function has one value per argument", "torch's explicit generators behave so"],
    since="2026.1",
    mutants=[
        "noise-from-the-global",
        "batch-from-the-global",
        "generator-runs-on",
        "count-forgotten",
        "flat-noise",
    ],
    draws={"seed": ANY_SEED, "index": draw.integer(0, 5), "shape": SHAPES},
    regions={**SEED_REGIONS, "the first element": lambda case: case["index"] == 0},
)
def noise_is_a_function(impl: Implementation, seed: int, index: int, shape: list[int]) -> None:
    """noise(seed, index, shape) and noise_batch(seed, n, shape) are functions of their arguments, whatever was drawn before."""
    with global_generators_kept():
        for grain, wanted in ("noise", tuple(shape)), ("noise_batch", (index + 1, *shape)):
            if impl.has(grain):
                call = getattr(impl, grain)
                count = index if grain == "noise" else index + 1
                stir(1)
                first = call(seed, count, tuple(shape))
                expect(tuple(first.shape), wanted, f"the shape of {grain}")
                stir(2)
                call(seed + 1, count + 1, tuple(shape))
                expect(call(seed, count, tuple(shape)), first, f"{grain}, the second time")


@law(
    "SEED-004",
    needs="noise_batch",
    effect="a song found in a batch of four cannot be made alone: its noise was cut from one long draw",
    origin={
        "flow:61": "noise is drawn for the whole batch at once, so that element i depends on how many there are"
    },
    witnesses=[
        "element i of a batch of one, of n and of n + m is the same song",
        "per-element generators, as diffusers takes a list of them",
    ],
    since="2026.1",
    mutants=["one-draw-for-the-batch", "seeded-with-the-count"],
    draws={"seed": ANY_SEED, "count": draw.integer(1, 4), "more": draw.integer(1, 4), "shape": SHAPES},
    regions={
        "a batch of one": lambda case: case["count"] == 1,
        "longer than sixteen": lambda case: torch.Size(case["shape"]).numel() * case["count"] > 16,
    },
)
def elements_ignore_the_batch(
    impl: Implementation, seed: int, count: int, more: int, shape: list[int]
) -> None:
    """Element i of noise_batch(seed, n, shape) (n, *shape) is the same for every n > i."""
    small = impl.noise_batch(seed, count, tuple(shape))
    large = impl.noise_batch(seed, count + more, tuple(shape))
    expect(small, large[:count], "the elements of a smaller batch")


def _elements(impl: Implementation, seed: int, count: int, shape: list[int]) -> Tensor:
    if impl.has("noise"):
        return torch.stack([impl.noise(seed, index, tuple(shape)) for index in range(count)])
    batch: Tensor = impl.noise_batch(seed, count, tuple(shape))
    return batch


@law(
    "SEED-005",
    needs="noise | noise_batch",
    effect="a batch of four is four times the same song, or every seed gives the same one",
    origin={"flow:61": "DiffRhythm seeds each element alike: a batch of identical songs"},
    witnesses=[
        "two independent normal draws are equal with probability zero",
        "the first element of two seeds, likewise",
    ],
    since="2026.1",
    mutants=["same-noise-for-all", "batch-of-one-noise", "seed-ignored"],
    draws={"seed": ANY_SEED, "count": draw.integer(2, 5), "shape": SHAPES},
    regions=SEED_REGIONS,
)
def elements_differ(impl: Implementation, seed: int, count: int, shape: list[int]) -> None:
    """The elements of one seed differ from each other, and from those of the next seed."""
    elements = _elements(impl, seed, count, shape)
    distinct = len({tuple(row.flatten().tolist()) for row in elements})
    expect(distinct, count, "how many different elements")
    following = _elements(impl, seed + 1, count, shape)
    expect_that(
        not torch.equal(elements, following),
        "the next seed",
        got=following,
        want="other noise than that of this seed",
    )


@law(
    "SEED-006",
    needs="noise | noise_batch",
    effect="rendering a demo in the middle of training changes the training: runs with and without demos diverge",
    origin={
        "flow:62": "sampling with an explicit generator leaves the global ones as they were",
        "codeclm:44": "demos and evaluation must not disturb the caller's random state",
    },
    witnesses=[
        "the state before and after, bit for bit",
        "torch.randn with a generator leaves the global state as it was",
    ],
    since="2026.1",
    mutants=["seeds-torch-globally", "draws-from-numpy", "shuffles-with-python", "no-noise"],
    draws={"seed": ANY_SEED, "index": draw.integer(0, 5), "shape": SHAPES},
    regions=SEED_REGIONS,
)
def leaves_the_global_generators(impl: Implementation, seed: int, index: int, shape: list[int]) -> None:
    """Drawing noise leaves the global generators of Python, numpy and torch where they were."""
    with global_generators_kept():
        stir(1)
        untouched = draws()
        stir(1)
        made = _elements(impl, seed, index + 1, shape)
        after = draws()
        expect_that(bool(made.any()), "the noise", got=made, want="noise")
        for generator in untouched:
            expect(after[generator], untouched[generator], f"{generator}'s next draws")
