"""Solvers: n + 1 times in, n steps from the noise to the data, and nothing known of the network's inside.

>>> c = torch.tensor([[2.0, -1.0]])
>>> x = solve(lambda x, t: c, c + 5, [1.0, 0.5, 0.0], RECTIFIED_FLOW, "heun")
>>> x, evaluations("heun", steps=2)
(tensor([[5., 5.]]), 4)

The state is float32 or wider whatever the network computes in: a hundred Euler steps on a bfloat16 state are off by 15 %,
with a bfloat16 network and a float32 state by 0.3 %. Times are read before the loop, which waits for no device.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import integer, listed, real, unknown
from .admission import admit
from .noise import Generators, Noise
from .path import RECTIFIED_FLOW, Objective, declared
from .sde import dpmpp_3m_sde
from .step import Run, ddim, dpmpp_2m, euler, heun, midpoint, pingpong, rk4

State = Float[Tensor, "B ..."]


class Method(NamedTuple):
    """A method by name: its loop, how often it asks the network for one step, and whether it draws noise."""

    loop: Callable[[Run, Tensor], Iterator[Tensor]]
    evaluations: int
    stochastic: bool = False


METHODS = {
    "euler": Method(euler, 1),
    "heun": Method(heun, 2),
    "midpoint": Method(midpoint, 2),
    "rk4": Method(rk4, 4),
    "dpmpp-2m": Method(dpmpp_2m, 1),
    "ddim": Method(ddim, 1),
    "pingpong": Method(pingpong, 1, stochastic=True),
    "dpmpp-3m-sde": Method(dpmpp_3m_sde, 1, stochastic=True),
}


@dataclass(frozen=True)
class Progress:
    """What a callback is shown after a step: step `done` of `steps`, the time it reached, and a copy of the state."""

    done: int
    steps: int
    time: float
    x: Tensor


def evaluations(method: str, steps: int) -> int:
    """How often a run of n steps calls the network: exactly so often, whatever happens."""
    return _method(method).evaluations * integer("steps", steps, least=1)


def solve(
    network: Callable[..., Tensor],
    x: State,
    times: Iterable[float] | Tensor,
    objective: Objective | str,
    method: str = "euler",
    *,
    generator: Generators = None,
    callback: Callable[[Progress], object] | None = None,
) -> State:
    """Take x (B, ...) from the first of n + 1 times to the last in n steps of network(x, t), t (B,): (B, ...).

    Times are the objective's own, from the noise to the data (`grid.times`). The network is fed x in the dtype that x
    came in, and t in float32 or wider. Stochastic methods draw from one generator an element, or from (seed, element).
    A callback that raises ends the run: half-made latents are never returned.
    """
    spoken = declared(objective)
    chosen = _method(method)
    points = _times(times, spoken)
    if not x.is_floating_point() or not x.ndim:
        raise ValueError(f"x={tuple(x.shape)} of {x.dtype} must be (B, ...), of a floating-point type")
    noise = Noise(generator, x) if chosen.stochastic else None
    admit(spoken, method)
    run = Run(network, spoken, points, x.dtype, noise)
    state = x.to(torch.promote_types(x.dtype, torch.float32))
    states = chosen.loop(run, state)
    for done, state in enumerate(states, 1):
        if callback:
            callback(Progress(done, len(points) - 1, points[done], state.clone()))
    return state


def _method(name: str) -> Method:
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


def _times(times: Iterable[float] | Tensor, objective: Objective) -> Sequence[float]:
    """The times as Python floats: two or more, finite, strictly from the noise towards the data."""
    raw = times.tolist() if isinstance(times, Tensor) else listed("times", times)
    if not isinstance(raw, list) or len(raw) < 2:
        raise ValueError(f"times={raw!r} must be n + 1 times, for n steps of 1 or more")
    points = [real(f"times[{i}]", point, least=0.0, most=1.0) for i, point in enumerate(raw)]
    sign = 1 if objective.time == "data at 1" else -1
    for i, (point, after) in enumerate(itertools.pairwise(points), 1):
        if not sign * (after - point) > 0:
            way = "above" if sign > 0 else "below"
            raise ValueError(
                f"times[{i}]={after} must be {way} times[{i - 1}]={point}: {objective.name} has its "
                f"{objective.time}, and a run goes from the noise to the data"
            )
    return points


__all__ = ["METHODS", "RECTIFIED_FLOW", "Method", "Progress", "evaluations", "solve"]
