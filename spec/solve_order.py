"""SOLVE: how far a solver is from the truth, and what becomes of the numbers on the way."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from . import draw, draw_solve
from .budget import EPS
from .law import Implementation, decline, expect_that, law
from .oracles_flow import Gaussian, Mixture, Straight, pingpong_deviation
from .scripts_solve import Ideal, expect_near, generators, language, levels_of, run, state

MIXTURES = (
    Mixture([-1.5, 1.0], [0.4, 0.6], [0.4, 0.6]),
    Mixture([-2.0, 0.0, 2.0], [0.5, 0.3, 0.5], [1.0, 2.0, 1.0]),
)


def quantiles(count: int) -> Tensor:
    """Normal noise (1, 1, count) without chance: a few random points can lie where an error happens to change its sign."""
    share = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    points: Tensor = torch.special.ndtri(share)
    return points.reshape(1, 1, -1)


# method: least order, and the two numbers of steps that it is measured between
ORDERS = {
    "euler": (0.9, 16, 32),
    "ddim": (0.9, 16, 32),
    "heun": (1.8, 16, 32),
    "midpoint": (1.8, 16, 32),
    "rk4": (3.7, 16, 32),
    "dpmpp-2m": (1.4, 64, 192),
}
ROUNDINGS = 200  # an error of so many roundings of the state says nothing about the order any more


@law(
    "SOLVE-005",
    needs="integrate",
    effect="more steps do not help as they should: the better method costs four times as much and sounds like the cheap one",
    origin={
        "flow:13": "orders on a mixture catch swapped stages, a missing last step, a wrong sign and evaluation at the wrong time",
        "D2 #8": "measured on the port: Euler of order 1, RK4 of order 4",
        "flow:15": "refinement has to reduce the error wherever a grid claims to converge",
    },
    witnesses=[
        "the flow of a mixture of Gaussians is the map of quantiles, in closed form",
        "measured: k-diffusion's, torchdiffeq's and our own solvers reach these orders",
    ],
    since="2026.1",
    mutants=[
        "stages-swapped",
        "slope-of-the-step-alone",
        "corrector-at-the-old-time",
        "history-forgotten",
        "history-subtracted",
        "data-clipped-to-one",
    ],
    cost="model",
    draws={
        "mixture": draw.integer(0, len(MIXTURES) - 1),
        "method": draw_solve.method(*ORDERS),
    },
    regions={name: draw_solve.always(name) for name in ORDERS},
)
def reaches_its_order(impl: Implementation, mixture: int, method: str) -> None:
    """On equal steps the error falls with the method's order: Euler and DDIM 0.9 at least, Heun and midpoint 1.8, RK4 3.7, DPM-Solver++ 2M 1.4."""
    speaks, truth = language(impl, method), MIXTURES[mixture]
    start = speaks.start
    least, few, many = ORDERS[method]
    x = quantiles(48)
    alpha, sigma = (float(part) for part in speaks.path(torch.tensor(start, dtype=torch.float64)))
    want, errors = truth.end(x, alpha, sigma), []
    for steps in few, many:
        got = run(impl, Ideal(speaks, truth), x.clone(), levels_of([1] * steps, start), method)
        errors.append(float((got.to(torch.float64) - want).norm() / want.norm()))
    order = math.log(errors[0] / max(errors[1], 1e-300)) / math.log(many / few)
    rounding = ROUNDINGS * EPS.get(got.dtype, EPS[torch.float32])
    expect_that(
        order >= least or errors[1] < rounding,
        "the order",
        got=round(order, 2),
        want=f"{least} or more between {few} and {many} steps",
    )


@law(
    "SOLVE-006",
    needs="solve | integrate",
    effect="the more steps, the worse: rounding piles up as a grain over quiet passages",
    origin={
        "flow:19": "a hundred Euler steps on a bfloat16 state are off by 15 %, with the network alone in bfloat16 by 0.3 %"
    },
    witnesses=[
        "closed form: a hundred equal steps along one velocity that bfloat16 can write",
        "measured in float32, bfloat16 and float16",
    ],
    since="2026.1",
    mutants=["half-precision-state", "half-precision-state-given"],
    cost="model",
    draws={
        "half": draw.choice("bfloat16", "float16"),
        "slope": draw_solve.eighths(1, 3),
        "steps": draw.integer(60, 90),
        "seed": draw.seed(),
        "method": draw_solve.method("euler", "heun"),
    },
    regions={"bfloat16": lambda case: case["half"] == "bfloat16", "float16": lambda case: case["half"] == "float16"},
)  # fmt: skip
def keeps_a_wide_state(
    impl: Implementation, half: str, slope: float, steps: int, seed: int, method: str
) -> None:
    """With x (B, C, L) and a network in half precision, a hundred small steps lose a rounding: the state is float32 or wider."""
    dtype = {"bfloat16": torch.bfloat16, "float16": torch.float16}[half]
    speaks = language(impl, method)
    x = state(seed, 2, 2, 3, dtype)
    if speaks.predicts != "velocity":
        decline("an answer in half precision is exact as a velocity alone")
    network = Ideal(speaks, Straight(torch.full(x.shape, slope, dtype=torch.float64)), answers=dtype)
    got = run(impl, network, x.clone(), levels_of([1] * steps, speaks.start), method)
    want = x.to(torch.float64) - slope
    if got.dtype == dtype:
        expect_near(got, want.to(dtype), x, "the sum of all steps", "elementwise")  # handed back as it came
        return
    expect_near(got, want, x, "the sum of all steps", roundings=steps)


@law(
    "SOLVE-007",
    needs="solve | integrate",
    effect="the distilled model loses its crispness and variety, or ends with a veil of noise",
    origin={
        "flow:17": "ping-pong draws fresh noise at each step, and its spread follows a recursion that is known in closed form"
    },
    witnesses=[
        "closed form: the variance recursion of ping-pong on Gaussian data with the best possible network",
        "simulated with stable-audio-tools' update: 0.0165, 0.1092, 0.1820 for 2, 4 and 8 steps",
    ],
    since="2026.1",
    mutants=[
        "pingpong-reuses-its-noise",
        "pingpong-to-the-old-level",
        "pingpong-adds-to-the-state",
        "pingpong-ends-with-noise",
    ],
    cost="model",
    draws={
        "steps": draw.integer(1, 6),
        "mean": draw_solve.eighths(-1, 1),
        "deviation": draw_solve.eighths(0, 1),
        "seed": draw.seed(),
        "method": draw_solve.method("pingpong"),
    },
    regions={"one step": lambda case: case["steps"] == 1, "several": lambda case: case["steps"] > 2},
)
def bounces(impl: Implementation, steps: int, mean: float, deviation: float, seed: int, method: str) -> None:
    """Ping-pong ends on its last estimate of the data; over Gaussian data its spread is V' = ((1 - t') g)^2 V + t'^2, by fresh noise."""
    speaks, deviation = language(impl, method), deviation + 0.25
    x = state(seed, 2, 1, 4000)
    network = Ideal(speaks, Gaussian(mean, deviation))
    got = run(impl, network, x.clone(), levels_of([1] * steps, speaks.start), method, generators(seed, 2))
    last = network.calls[-1]
    shape = (-1, 1, 1)
    alpha, sigma = (part.reshape(shape) for part in speaks.path(last.level))
    estimate, _ = network.truth(last.x.to(torch.float64), alpha, sigma)
    expect_near(got, estimate, last.x, "where it ends: the last estimate")
    if speaks.straight:
        levels = [float(call.level[0]) for call in network.calls] + [0.0]
        want = pingpong_deviation(levels, deviation)
        spread, five_sigma = float(got.std()), 5 / math.sqrt(2 * got.numel())
        expect_that(
            abs(spread - want) <= five_sigma * want + 1e-6,
            "the spread",
            got=spread,
            want=f"{want:.4f} within {five_sigma:.1%}",
        )
