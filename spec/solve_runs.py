"""SOLVE: what a run must know nothing of: its neighbours in the batch, other runs, the global generators, who is watching."""

from __future__ import annotations

import torch
from torch import Tensor

from . import draw, draw_solve
from .law import Implementation, expect, expect_that, law
from .oracles_flow import Gaussian
from .scripts_solve import (
    METHODS,
    STOCHASTIC,
    Ideal,
    easy,
    expect_near,
    generators,
    language,
    levels_of,
    run,
    state,
)
from .seed import global_generators_kept, stir

TRUTH = Gaussian(-1.0, 0.5)
CASE = {
    "widths": draw_solve.widths(3),
    "batch": draw.batch(),
    "frames": draw.integer(1, 4),
    "seed": draw.seed(),
    "method": draw_solve.method(*METHODS),
}
REGIONS = {
    "one item": lambda case: case["batch"] == 1,
    "several steps": lambda case: len(case["widths"]) > 1,
    "batch == frames": lambda case: case["batch"] == case["frames"],
}


@law(
    "SOLVE-008",
    needs="solve | integrate",
    effect="a song found in a batch of four cannot be made alone, or all four are the same song",
    origin={
        "flow:61": "DiffRhythm seeds inside its loop over items: all songs of a batch are one; others draw for the whole batch",
    },
    witnesses=[
        "one item at a time: the batched result is the stack of the solo results",
        "diffusers' list of generators gave batch-invariant results, a single one did not (measured)",
    ],
    since="2026.1",
    mutants=["fresh-noise-for-the-batch", "fresh-noise-of-the-first-item"],
    draws={**CASE, "method": draw_solve.method(*STOCHASTIC)},
    regions=REGIONS,
)
def keeps_items_apart(
    impl: Implementation, widths: list[int], batch: int, frames: int, seed: int, method: str
) -> None:
    """Item i of a batch (B, C, L) is what its own noise and its own generator make of it alone, whatever B is."""
    speaks, x = language(impl, method), state(seed, batch, 2, frames)
    levels = levels_of([*widths, 1], speaks.start)
    whole = run(impl, Ideal(speaks, TRUTH), x.clone(), levels, method, generators(seed, batch))
    alone = [
        run(impl, Ideal(speaks, TRUTH), x[i : i + 1].clone(), levels, method, generators(seed, 1, i))
        for i in range(batch)
    ]
    expect_near(whole, torch.cat(alone).to(torch.float64), x, "the items of a batch")


@law(
    "SOLVE-009",
    needs="solve | integrate",
    effect="the same seed gives another song on a busy server, or after somebody else's request",
    origin={
        "flow:60": "samplers draw from the global generator while they run, or keep the last estimate on the object that all requests share",
        "flow:62": "sampling with a generator of one's own leaves the global ones as they were",
    },
    witnesses=[
        "a function has one value per argument",
        "k-diffusion's samplers keep their history in local names: two runs may be interleaved",
    ],
    since="2026.1",
    mutants=[
        "fresh-noise-from-the-global",
        "fresh-noise-by-seeding-the-global",
        "history-on-the-module",
        "writes-into-the-noise",
    ],
    draws={
        **CASE,
        "method": draw_solve.method("dpmpp-2m", "pingpong", "ddim", *METHODS),
        "at": draw.choice(2, 0, 3, 2),
    },
    regions={**REGIONS, **{name: draw_solve.always(name) for name in METHODS}},
)
def runs_by_itself(
    impl: Implementation, widths: list[int], batch: int, frames: int, seed: int, method: str, at: int
) -> None:
    """A run is a function of its arguments: repeated, or with another run inside, it ends alike; x and the global generators stay as they were."""
    speaks, x, other = language(impl, method), state(seed, batch, 2, frames), state(seed + 7, 1, 1, 2)
    levels, before = levels_of([*widths, 1, 1, 1], speaks.start), x.clone()

    def once(network: Ideal) -> Tensor:
        return run(impl, network, x, levels, method, generators(seed, batch))

    with global_generators_kept():
        stir(1)
        known = torch.get_rng_state()
        first = once(Ideal(speaks, TRUTH))
        expect(torch.get_rng_state(), known, "the global generator afterwards")
        expect(x, before, "the noise handed in")
        x.copy_(before)
        stir(2)
        visited = _Visited(
            speaks, TRUTH, visit=lambda: run(impl, Ideal(speaks, TRUTH), other, levels, method), at=at
        )
        expect(once(visited), first, "the same run, with another one inside")


class _Visited(Ideal):
    """An ideal network that lets another run take place inside its call number `at`."""

    def __init__(self, speaks: object, truth: object, visit: object, at: int) -> None:
        super().__init__(speaks, truth)  # type: ignore[arg-type]
        self.visit, self.at = visit, at

    def __call__(self, x: Tensor, t: Tensor | float, cond: Tensor | None = None) -> Tensor:
        answer = super().__call__(x, t, cond)
        if len(self.calls) == self.at + 1:
            self.visit()  # type: ignore[operator]
        return answer


class Stopped(Exception):
    """What a network or a callback of the kit raises."""


@law(
    "SOLVE-010",
    needs="solve | integrate",
    effect="a run that broke, or was cancelled, is delivered as a song: half noise, and reported as a success",
    origin={
        "D3 #4": "errors were caught and the run went on; only what raises is seen",
        "flow:24": "cancelled or broken runs raise, and do not pass half-made latents on as final",
    },
    witnesses=[
        "half-made latents are noise at a known level: no decoder is meant for them",
        "k-diffusion's and flow_matching's loops let exceptions through",
    ],
    since="2026.1",
    mutants=["returns-what-it-has", "skips-the-failed-step"],
    draws={**CASE, "at": draw.integer(0, 2)},
    regions={**REGIONS, "fails in a later step": lambda case: 0 < case["at"] < len(case["widths"])},
    spare={
        "what comes of a run that did not": "tells one who raises at a failure from one who always raises"
    },
)
def lets_failures_through(
    impl: Implementation, widths: list[int], batch: int, frames: int, seed: int, method: str, at: int
) -> None:
    """When the network raises in any of its calls, so does the run; when it does not, the run ends."""
    speaks, x = language(impl, method), state(seed, batch, 2, frames)
    at = min(at, len(widths) - 1)

    def fail() -> None:
        raise Stopped("the network failed")

    broken = _Visited(speaks, TRUTH, visit=fail, at=at)
    got = _stopped(lambda: run(impl, broken, x.clone(), levels_of(widths, speaks.start), method))
    expect_that(got is None, "what comes of a run that failed", got=got, want="the exception")
    whole = run(impl, Ideal(speaks, TRUTH), x.clone(), levels_of(widths, speaks.start), method)
    expect_that(
        bool(torch.isfinite(whole).all()) and whole.shape == x.shape,
        "what comes of a run that did not",
        got=whole,
        want="finite latents like x",
    )


def _stopped(call: object) -> object:
    """None if it raised, else what it returned."""
    try:
        return call()  # type: ignore[operator]
    except Exception:
        return None


@law(
    "SOLVE-011",
    needs="watch",
    effect="a progress bar changes the song, or the stop button saves the noise of that moment as the result",
    origin={
        "flow:24": "watching a run changes nothing; stopping it raises instead of returning what there is",
    },
    witnesses=[
        "the closed form of the unwatched run",
        "k-diffusion's callback sees the state and returns nothing",
    ],
    since="2026.1",
    mutants=[
        "stop-returns-what-it-has",
        "preview-becomes-the-state",
        "watched-only-at-the-end",
        "called-for-every-evaluation",
    ],
    draws={**CASE, "at": draw.integer(0, 2)},
    regions={**REGIONS, "stopped in a later step": lambda case: 0 < case["at"] < len(case["widths"])},
)
def may_be_watched(
    impl: Implementation, widths: list[int], batch: int, frames: int, seed: int, method: str, at: int
) -> None:
    """A callback is called at every step and changes nothing; when it raises, so does the run."""
    speaks, x, steps = language(impl, method), state(seed, batch, 2, frames), len(widths)
    truth, want = easy(speaks, method, x, seed)
    seen: list[int] = []
    ended = impl.watch(Ideal(speaks, truth), x.clone(), steps, lambda *args, **named: seen.append(1), method)
    expect_near(ended, want, x, "where a watched run ends")
    expect_that(steps <= len(seen) <= steps + 1, "how often it was called", got=len(seen), want=f"{steps}")

    def stop(*args: object, **named: object) -> None:
        seen.append(1)
        if len(seen) > min(at, steps - 1):
            raise Stopped("the user has pressed stop")

    seen.clear()
    got = _stopped(lambda: impl.watch(Ideal(speaks, truth), x.clone(), steps, stop, method))
    expect_that(got is None, "what comes of a run that was stopped", got=got, want="the exception")
