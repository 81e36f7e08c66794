"""The deterministic methods and ping-pong, each a loop that yields the state after every step.

alpha and sigma are the path's, D the data and E the noise that the network's answer implies, a prime marks the step's
end. Coefficients are Python floats: nothing of a loop waits for a device.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import expm1, inf

import torch
from torch import Tensor

from .noise import Noise
from .path import Objective


@dataclass(frozen=True)
class Run:
    """What a method works with: the network, the objective it speaks, and n + 1 times."""

    network: Callable[..., Tensor]
    objective: Objective
    times: Sequence[float]
    fed: torch.dtype
    noise: Noise | None

    @property
    def steps(self) -> range:
        return range(len(self.times) - 1)

    @cached_property
    def alpha(self) -> list[float]:
        """How much of the data is in the state, at each time."""
        return self._each(self.objective.alpha)

    @cached_property
    def sigma(self) -> list[float]:
        """How much of the noise is in the state, at each time."""
        return self._each(self.objective.sigma)

    @cached_property
    def log_snr(self) -> list[float]:
        """log(alpha / sigma) at each time, infinite at the ends."""
        return self._each(self.objective.log_snr)

    def _each(self, function: Callable[[Tensor], Tensor]) -> list[float]:
        known: list[float] = function(torch.tensor(self.times, dtype=torch.float64)).tolist()
        return known

    def ask(self, x: Tensor, time: float) -> tuple[Tensor, Tensor]:
        """The network's answer at one time, told once for each element, and that time: (B, ...), (B,)."""
        t = torch.full((len(x),), time, dtype=x.dtype, device=x.device)
        return self.network(x.to(self.fed), t), t

    def velocity(self, x: Tensor, time: float) -> Tensor:
        """d x / d t at (x, t)."""
        out, t = self.ask(x, time)
        return self.objective.to_velocity(x, out, t)

    def data(self, x: Tensor, time: float) -> Tensor:
        """D at (x, t)."""
        out, t = self.ask(x, time)
        return self.objective.to_data(x, out, t)


def euler(run: Run, x: Tensor) -> Iterator[Tensor]:
    """x' = x + h v(x, t): order 1."""
    for i in run.steps:
        t, h = run.times[i], run.times[i + 1] - run.times[i]
        x = x + h * run.velocity(x, t)
        yield x


def heun(run: Run, x: Tensor) -> Iterator[Tensor]:
    """x' = x + h (v(x, t) + v(x + h v, t')) / 2: order 2. It asks at the last time too."""
    for i in run.steps:
        t, h = run.times[i], run.times[i + 1] - run.times[i]
        first = run.velocity(x, t)
        second = run.velocity(x + h * first, run.times[i + 1])
        x = x + h / 2 * (first + second)
        yield x


def midpoint(run: Run, x: Tensor) -> Iterator[Tensor]:
    """x' = x + h v(x + h/2 v(x, t), t + h/2): order 2, and never asked at the end."""
    for i in run.steps:
        t, h = run.times[i], run.times[i + 1] - run.times[i]
        half = x + h / 2 * run.velocity(x, t)
        x = x + h * run.velocity(half, t + h / 2)
        yield x


def rk4(run: Run, x: Tensor) -> Iterator[Tensor]:
    """The classical Runge-Kutta: k2 and k3 at the midpoint, k3 from k2, k4 at t' from k3: order 4."""
    for i in run.steps:
        t, h = run.times[i], run.times[i + 1] - run.times[i]
        k1 = run.velocity(x, t)
        k2 = run.velocity(x + h / 2 * k1, t + h / 2)
        k3 = run.velocity(x + h / 2 * k2, t + h / 2)
        k4 = run.velocity(x + h * k3, run.times[i + 1])
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        yield x


def ddim(run: Run, x: Tensor) -> Iterator[Tensor]:
    """x' = alpha' D + sigma' E (DDIM, eq. 12, without noise); on a straight path this is Euler."""
    for i in run.steps:
        out, t = run.ask(x, run.times[i])
        data, noise = run.objective.to_data(x, out, t), run.objective.to_noise(x, out, t)
        x = data if run.sigma[i + 1] == 0 else run.alpha[i + 1] * data + run.sigma[i + 1] * noise
        yield x


def dpmpp_2m(run: Run, x: Tensor) -> Iterator[Tensor]:
    """x' = sigma'/sigma x - alpha' expm1(-h) D~, h in log(alpha / sigma), D~ from two D's: order 2 (DPM-Solver++, eq. 12).

    Into or out of an infinite h there is no second D to use: the first, the second and the last step are of order 1.
    """
    before, h_before = x, inf
    for i in run.steps:
        data, h = run.data(x, run.times[i]), run.log_snr[i + 1] - run.log_snr[i]
        bent = data
        if max(h, h_before) < inf:
            bent = data + h / (2 * h_before) * (data - before)
        x = data if h == inf and run.sigma[i + 1] == 0 else (
            run.sigma[i + 1] / run.sigma[i] * x - run.alpha[i + 1] * expm1(-h) * bent
        )  # fmt: skip
        before, h_before = data, h
        yield x


def pingpong(run: Run, x: Tensor) -> Iterator[Tensor]:
    """x' = alpha' D + sigma' of fresh noise: for denoisers that were post-trained to it; it ends exactly on the last D."""
    for i in run.steps:
        data = run.data(x, run.times[i])
        x = data if run.sigma[i + 1] == 0 else run.alpha[i + 1] * data + run.sigma[i + 1] * drawn(run)
        yield x


def drawn(run: Run) -> Tensor:
    """Noise like the state, from the generators of the run."""
    if run.noise is None:
        raise ValueError("generator=None must be given: this method draws noise")
    return run.noise.draw()
