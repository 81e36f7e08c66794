"""facebookresearch/flow_matching: the straight path, CondOTProbPath, and its ODESolver. Data lie at 1, and are called x_1.

Times are handed over as `path.sample` documents them, one an item of the batch. The solver is torchdiffeq's, stepped by
the time grid that it is handed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from flow_matching.path import CondOTProbPath
from flow_matching.solver import ODESolver
from torch import Tensor

IMPLEMENTATION = {
    "name": "flow_matching",
    "version": version("flow_matching"),
    "issues": "https://github.com/facebookresearch/flow_matching/issues",
}
FAMILIES = ["PATH", "SOLVE"]
TIME, PREDICTS = "data at 1", "velocity"
PATH = CondOTProbPath()
METHODS = {"euler": "euler", "midpoint": "midpoint", "heun": "heun2", "rk4": "rk4"}
SIZES = {"method": list(METHODS)}


def interpolate(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    state: Tensor = PATH.sample(x_0=noise, x_1=data, t=t).x_t
    return state


def target(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    velocity: Tensor = PATH.sample(x_0=noise, x_1=data, t=t).dx_t
    return velocity


def to_data(x: Tensor, out: Tensor, t: Tensor) -> Tensor:
    data: Tensor = PATH.velocity_to_target(velocity=out, x_t=x, t=t)
    return data


def to_noise(x: Tensor, out: Tensor, t: Tensor) -> Tensor:
    noise: Tensor = PATH.velocity_to_epsilon(velocity=out, x_t=x, t=t)
    return noise


def integrate(
    network: Callable[..., Tensor], x: Tensor, times: Tensor, generator: object, method: str
) -> Tensor:
    solver = ODESolver(velocity_model=network)
    ended: Tensor = solver.sample(x_init=x, step_size=None, method=METHODS[method], time_grid=times)
    return ended
