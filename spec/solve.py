"""SOLVE: from noise to data, in steps. What any number of steps gets right, what they cost, and what the network is told.

`solve(network, x, steps, scale, generator, method)` takes noise x (B, C, L) to data in steps of its own; the finer
`integrate(network, x, times, generator, method)` does it on n + 1 given times. The network is the kit's: it is called
as network(x, t), t (B,), speaks the declared TIME and PREDICTS, and hears every call.
"""

from __future__ import annotations

import itertools

import torch

from . import draw, draw_solve
from .law import Implementation, expect, expect_refusal, expect_that, law
from .scripts_solve import CALLS, METHODS, Ideal, easy, expect_near, language, levels_of, run, state

CASE = {
    "widths": draw_solve.widths(),
    "batch": draw.batch(),
    "channels": draw.integer(1, 3),
    "frames": draw.integer(1, 4),
    "seed": draw.seed(),
    "method": draw_solve.method(*METHODS),
}
REGIONS = {
    "one step": lambda case: len(case["widths"]) == 1,
    "steps of unequal width": lambda case: len(set(case["widths"])) > 1,
    "steps == batch": lambda case: len(case["widths"]) == case["batch"] > 1,
    "one item": lambda case: case["batch"] == 1,
    **{name: draw_solve.always(name) for name in METHODS},
}


@law(
    "SOLVE-001",
    needs="solve | integrate",
    effect="with few steps the noise comes back unchanged, or a veil of it stays over every song: the last stretch of the way is never walked",
    origin={
        "flow:12": "DiffRhythm's one step is none: the noise is returned, and no network is called",
        "flow:22": "a noise tree with fixed bounds recursed for ever when it was asked beyond them",
        "D3 #5": "output near zero was put down to an ODE that does not converge; fixed steps have no such thing",
    },
    witnesses=[
        "closed form: a constant velocity is integrated exactly by every step, and one data point is every estimate",
        "measured on stable-audio-tools' samplers: exact for any n from 1 on",
    ],
    since="2026.1",
    mutants=[
        "as-many-points-as-steps",
        "stops-before-the-last-step",
        "step-of-the-next-interval",
        "tree-with-bounds",
    ],
    draws=CASE,
    regions=REGIONS,
)
def arrives(
    impl: Implementation,
    widths: list[int],
    batch: int,
    channels: int,
    frames: int,
    seed: int,
    method: str,
) -> None:
    """Any number of steps from 1 on takes x (B, C, L) to the data exactly: along a constant velocity to x - c, towards one data point to that."""
    speaks, x = language(impl, method), state(seed, batch, channels, frames)
    truth, want = easy(speaks, method, x, seed)
    got = run(impl, Ideal(speaks, truth), x.clone(), levels_of(widths, speaks.start), method)
    expect_near(got, want, x, "where it ends")


@law(
    "SOLVE-002",
    needs="solve | integrate",
    effect="a run of 32 steps makes 31, or pays for calls whose answer nobody reads: quality and speed are not those that were asked for",
    origin={"flow:10": "32 steps of DiffRhythm are 31 Euler steps; n steps cost n times the calls of one"},
    witnesses=[
        "counted: the network is the kit's",
        "k-diffusion's and diffusers' loops call it once a step and order",
    ],
    since="2026.1",
    mutants=["as-many-points-as-steps", "asks-at-the-end-too", "asks-twice"],
    draws=CASE,
    regions=REGIONS,
)
def costs_what_it_says(
    impl: Implementation,
    widths: list[int],
    batch: int,
    channels: int,
    frames: int,
    seed: int,
    method: str,
) -> None:
    """n steps ask the network n times what the method takes for one: Euler 1, Heun and midpoint 2, RK4 4, multistep methods 1."""
    speaks, x = language(impl, method), state(seed, batch, channels, frames)
    truth, _ = easy(speaks, method, x, seed) if speaks.straight else easy(speaks, "ddim", x, seed)
    network, steps = Ideal(speaks, truth), len(widths)
    run(impl, network, x.clone(), levels_of(widths, speaks.start), method)
    each, spared = CALLS.get(method, (1, 0))
    rows = [batch * calls for calls in (each * steps, each * steps - spared)]
    expect_that(
        network.rows in rows,
        "rows that the network was asked about",
        got=network.rows,
        want=f"{rows[0]}: {steps} steps of {each} calls for {batch} items",
    )


@law(
    "SOLVE-003",
    needs="solve | integrate",
    effect="the network denoises for another time than the state is at: hiss, smear, or a model that looks undertrained",
    origin={
        "flow:20": "DiffRhythm's time is half precision, 0.34 radians off inside its sinusoidal embedding",
        "D2 #8": "the port's schedule was blamed for its noise; a sampler tells the time at which it stands",
    },
    witnesses=[
        "the network's answer is the slope at (x, t): told another time, it answers for another state",
        "what one batch element is told does not depend on another",
    ],
    since="2026.1",
    mutants=[
        "half-precision-time",
        "one-number-for-all",
        "told-the-next-time",
        "told-the-time-before",
        "told-in-thousands",
        "starts-from-other-noise",
        "runs-the-other-way",
        "half-precision-times-given",
        "told-the-next-time-given",
    ],
    draws=CASE,
    regions=REGIONS,
)
def tells_the_time(
    impl: Implementation,
    widths: list[int],
    batch: int,
    channels: int,
    frames: int,
    seed: int,
    method: str,
) -> None:
    """The network is told one time a row, t (B,) in float32 or wider, first at x and the noise, then ever nearer to the data."""
    speaks, x = language(impl, method), state(seed, batch, channels, frames)
    truth, _ = easy(speaks, method, x, seed) if speaks.straight else easy(speaks, "ddim", x, seed)
    network, levels = Ideal(speaks, truth), levels_of(widths, speaks.start)
    run(impl, network, x.clone(), levels, method)
    forms = [_form(call.t) for call in network.calls]
    expect(forms, [f"{len(call.x)} in float32 or wider" for call in network.calls], "the form of the times")
    told = [float(call.level[0]) for call in network.calls]
    each = CALLS.get(method, (1, 0))[0]
    if impl.has("integrate"):
        given = torch.tensor(levels[:-1], dtype=torch.float64)
        expect_near(torch.tensor(told[::each]), given, given, "the times at which steps begin", "elementwise")
    else:
        falls = all(1 >= before >= after >= 0 for before, after in itertools.pairwise([*told, 0.0]))
        expect_that(
            falls and len(set(told[::each])) == len(widths),
            "the levels that were told",
            got=told,
            want="falling from step to step",
        )
    first = network.calls[0]
    # a run of a solver's own may begin a little below level 1, with that much less noise
    scale = 1.0 if impl.has("integrate") else speaks.path(first.level)[1].reshape(-1, 1, 1)
    want = scale * x[: len(first.x)].to(torch.float64)
    expect_near(first.x.to(torch.float32), want, x, "the state of the first call", "network")


def _form(t: object) -> str:
    if not isinstance(t, torch.Tensor) or t.ndim != 1:
        return "no vector"
    wide = t.dtype in (torch.float32, torch.float64)
    return f"{len(t)} in {'float32 or wider' if wide else t.dtype}"


@law(
    "SOLVE-004",
    needs="solve | integrate",
    effect="a slider at 0, or a grid with a slip of the pen, gives a file of pure noise, and no error",
    origin={
        "flow:11": "stable-audio-tools and diffusers return or decode the noise for 0 steps, others crash with an IndexError deep inside",
    },
    witnesses=[
        "there is no run of no steps, nor of half a one",
        "EDM's and DDIM's update equations are written for falling noise levels",
    ],
    since="2026.1",
    mutants=[
        "no-steps-give-the-noise",
        "fraction-cut-off",
        "crashes-on-negative",
        "asks-before-it-looks",
        "times-may-turn-back",
        "one-time-gives-the-noise",
        "nan-slips-through",
    ],
    draws={
        "steps": draw.choice(0, -1, 2.5, -(2**31)),
        "times": draw.choice([], [1.0], [1.0, 0.25, 0.5, 0.0], [0.5, 1.0, 0.0], ["nan", 0.5, 0.0], [1.0, "nan", 0.0]),
        "batch": draw.batch(),
        "seed": draw.seed(),
        "method": draw_solve.method(*METHODS),
    },
    regions={
        "no steps": lambda case: case["steps"] == 0,
        "a fraction": lambda case: case["steps"] == 2.5,
        "times that turn back": lambda case: 0.25 in case["times"],
        "not a number": lambda case: "nan" in case["times"],
    },
    spare={"a run of two steps": "tells a refusal of these from a refusal of everything"},
)  # fmt: skip
def refuses_no_steps(
    impl: Implementation, steps: float, times: list[float | str], batch: int, seed: int, method: str
) -> None:
    """Steps of 0, below or a fraction, and times that are too few, not numbers or turn back are refused before the network is asked; 2 steps run."""
    speaks, x = language(impl, method), state(seed, batch, 2, 3)
    truth, want = easy(speaks, "ddim", x, seed)
    network = Ideal(speaks, truth)
    given = [torch.Generator().manual_seed(i) for i in range(batch)]
    if impl.has("integrate"):
        levels = torch.tensor([float(level) for level in times])
        told = speaks.told(levels)
        expect_refusal(lambda: impl.integrate(network, x, told, given, method), "times that are none")
    else:
        expect_refusal(
            lambda: impl.solve(network, x, steps, None, given, method), "a number of steps that is none"
        )
    expect(len(network.calls), 0, "calls before the refusal")
    got = run(impl, network, x, levels_of([1, 1], speaks.start), method)
    expect_that(
        bool(network.calls) and got.shape == want.shape,
        "a run of two steps",
        got=(len(network.calls), tuple(got.shape)),
        want=f"calls, and a result of shape {tuple(want.shape)}",
    )
