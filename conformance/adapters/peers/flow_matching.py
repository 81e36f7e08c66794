"""facebookresearch/flow_matching: the straight path, CondOTProbPath. Data lie at 1, and are called x_1.

Times are handed over as `path.sample` documents them, one an item of the batch.
"""

from __future__ import annotations

from importlib.metadata import version

from flow_matching.path import CondOTProbPath
from torch import Tensor

IMPLEMENTATION = {
    "name": "flow_matching",
    "version": version("flow_matching"),
    "issues": "https://github.com/facebookresearch/flow_matching/issues",
}
FAMILIES = ["PATH"]
TIME, PREDICTS = "data at 1", "velocity"
PATH = CondOTProbPath()


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
