"""GRID, beside the solvers: which times a run visits is one choice, how it walks between them another."""

from __future__ import annotations

import torch

from . import draw, draw_flow, draw_solve
from .law import Implementation, expect, law
from .scripts_solve import CALLS, METHODS, OF_V, Ideal, easy, expect_near, generators, language, state

FLOWS = [name for name in METHODS if name not in OF_V]


@law(
    "GRID-009",
    needs="solve",
    effect="a comparison of solvers compares grids: one looks better for the times it happens to visit, and a published recipe sounds otherwise",
    origin={
        "flow:14": "one solver ignores the grid that all the others are handed: changing the solver silently changes the times"
    },
    witnesses=[
        "a solver approximates the path between two given times: which ones is no part of any method's equations",
        "k-diffusion's samplers take the noise levels as an argument",
    ],
    since="2026.1",
    mutants=["a-method-with-its-own-times", "one-step-spared"],
    draws={
        "steps": draw.integer(1, 5),
        "batch": draw.batch(),
        "seed": draw.seed(),
        "method": draw_solve.method(*FLOWS),
    },
    regions={
        "one step": lambda case: case["steps"] == 1,
        **draw_flow.each("method", FLOWS),
    },
)
def methods_visit_the_same_times(
    impl: Implementation, steps: int, batch: int, seed: int, method: str
) -> None:
    """solve(network, x, n, ...) begins its n steps at the same times whichever method is named."""
    begins = []
    first = next((name for name in FLOWS if impl.offers("method", name)), method)
    for name in (method, first):
        speaks, x = language(impl, name), state(seed, batch, 2, 3)
        network = Ideal(speaks, easy(speaks, name, x, seed)[0])
        impl.solve(network, x.clone(), steps, None, generators(seed, batch), name)
        told = [float(call.level[0]) for call in network.calls]
        begins.append(torch.tensor(told[:: CALLS.get(name, (1, 0))[0]], dtype=torch.float64))
    expect([len(levels) for levels in begins], [steps, steps], "how many steps")
    expect_near(begins[0], begins[1], begins[1], "the times at which steps begin", "elementwise")
