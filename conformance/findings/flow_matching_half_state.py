"""Noise made in bfloat16 is added up in bfloat16: sixty small steps drift by more than the last of them moves.

flow_matching, ODESolver.sample: the state has the dtype of x_init, and pipelines make that in the network's.
"""

import sys
from importlib.metadata import version

import torch
from flow_matching.solver import ODESolver


def moved(dtype: torch.dtype) -> float:
    """How far one constant velocity of 1 carries a point at 2 in sixty steps."""
    x = torch.full((1, 1), 2.0, dtype=dtype)
    times = torch.linspace(0, 1, 61)
    solver = ODESolver(velocity_model=lambda x, t: torch.ones_like(x))
    return float(solver.sample(x_init=x, step_size=None, method="euler", time_grid=times)) - 2


half, full = moved(torch.bfloat16), moved(torch.float32)
print(f"flow_matching {version('flow_matching')}: ODESolver, Euler, 60 steps along a velocity of 1")
print("got ", f"{half:.3f} in bfloat16, {full:.3f} in float32")
print("want 1.000")
sys.exit(0 if abs(half - 1) > 0.02 and abs(full - 1) < 1e-3 else 1)
