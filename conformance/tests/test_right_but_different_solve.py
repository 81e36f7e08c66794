"""Solvers and guidance that differ and are right are green: the spec must not reject them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from refaudio.conformance.check import check
from refaudio.conformance.report import failure_text

Network = Callable[..., Tensor]


def told(x: Tensor, t: float) -> Tensor:
    return torch.full((len(x),), t)


def swayed(steps: int) -> list[float]:
    if type(steps) is not int or steps < 1:
        raise ValueError(f"steps={steps} must be 1 or more")
    t = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    times: list[float] = (1 - torch.cos(torch.pi / 2 * t)).tolist()
    return times


class FromTheNoise:
    """A flow whose time runs to the data, as F5's: two passes one after another, strengths counted from 0."""

    TIME, PREDICTS, GUIDANCE = "data at 1", "velocity", "s"
    SIZES = {"method": ["euler"]}  # noqa: RUF012
    FAMILIES = ("SOLVE", "GUIDE")

    @staticmethod
    def solve(
        network: Network, x: Tensor, steps: int, scale: float | None, generator: Any, method: str
    ) -> Tensor:
        times = swayed(steps)
        x = x.float()
        for t, after in itertools.pairwise(times):
            if scale is None:
                u = network(x, told(x, t))
            else:
                u = network(x, told(x, t), torch.ones(len(x), 1))
                if abs(scale) > 1e-5:
                    u = u + scale * (u - network(x, told(x, t), torch.zeros(len(x), 1)))
            x = x + (after - t) * u
        return x

    @staticmethod
    def watch(network: Network, x: Tensor, steps: int, callback: Callable[..., Any], method: str) -> Tensor:
        times = swayed(steps)
        for i in range(steps):
            x = x + (times[i + 1] - times[i]) * network(x, told(x, times[i]))
            callback({"x": x, "i": i})
        return x

    @staticmethod
    def vary(
        network: Network,
        data: Tensor,
        noise: Tensor,
        steps: int,
        strength: float,
        generator: Any,
        method: str,
    ) -> Tensor:
        """Strength cuts off the first steps, as image-to-image pipelines do: at least one is left."""
        times = swayed(steps)
        start = max(0, min(steps - 1, int(steps * (1 - strength) + 1e-9)))
        x = times[start] * data + (1 - times[start]) * noise
        for i in range(start, steps):
            x = x + (times[i + 1] - times[i]) * network(x, told(x, times[i]))
        return x

    @staticmethod
    def guide_velocity(cond: Tensor, uncond: Tensor, scale: float) -> Tensor:
        return cond + scale * (cond - uncond)

    @staticmethod
    def guided(network: Network, x: Tensor, t: Tensor, cond: Tensor, scale: float) -> Tensor:
        """The null comes first, and is not zero but one learnt vector."""
        null = torch.full_like(cond, 0.125)
        u, c = network(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, cond])).chunk(2)
        return c + scale * (c - u)

    @staticmethod
    def guide_interval(
        cond: Tensor, uncond: Tensor, scale: float, levels: Tensor, low: float, high: float
    ) -> Tensor:
        if float(levels.min()) != float(levels.max()):
            raise ValueError(f"levels={levels.tolist()} must be one level for the batch")
        return cond + scale * (cond - uncond) if low <= float(levels[0]) <= high else cond

    @staticmethod
    def rescale(guided: Tensor, cond: Tensor, phi: float) -> Tensor:
        """Over all axes but the batch, as Lin et al. have it, with a floor under the spread."""
        axes = tuple(range(1, guided.ndim))
        spread = guided.std(axes, keepdim=True).clamp(min=1e-12)
        return phi * guided * (cond.std(axes, keepdim=True) / spread) + (1 - phi) * guided

    @staticmethod
    def admit(objective: str | None, method: str, scale: float) -> None:
        """What does not go together is refused."""
        if objective is None:
            raise TypeError("an objective has to be named")
        distilled = objective == "rf_denoiser"
        if distilled != (method == "pingpong") or (distilled and scale != 0):
            raise ValueError(f"{objective} does not go with {method} at {scale}")


class OfSigmas:
    """A denoiser that answers the data, sampled over sigma / (1 + sigma): Heun ends on an Euler step, RK4 is the 3/8 rule."""

    TIME, PREDICTS = "data at 0", "data"
    SIZES = {"method": ["heun", "rk4", "dpmpp-2m", "pingpong"]}  # noqa: RUF012
    FAMILIES = ("SOLVE",)

    @staticmethod
    def integrate(
        network: Network, x: Tensor, times: Tensor, generator: Sequence[torch.Generator], method: str
    ) -> Tensor:
        assert len(times) > 1, "two times at least"
        known = [float(t) for t in times]
        assert all(a > b >= 0 for a, b in itertools.pairwise(known)), "sigmas have to fall"

        def data(x: Tensor, t: float) -> Tensor:
            return network(x, torch.full((len(x),), t, dtype=x.dtype))

        last = known[0]

        def slope(x: Tensor, t: float) -> Tensor:
            nonlocal last
            last = t or last / 2  # the answer at 0 has no slope: taken a hair before
            here = t or 1e-6
            return (x - network(x, torch.full((len(x),), here, dtype=x.dtype))) / here

        older: tuple[Tensor, float] | None = None
        for t, after in itertools.pairwise(known):
            h = after - t
            if method == "pingpong":
                fresh = torch.stack([torch.randn(x.shape[1:], generator=each) for each in generator])
                x = (1 - after) * data(x, t) + after * fresh.to(x.dtype)
            elif method == "heun":
                d = slope(x, t)
                x = x + h * d if after == 0 else x + h / 2 * (d + slope(x + h * d, after))
            elif method == "rk4":
                k1 = slope(x, t)
                k2 = slope(x + h * k1 / 3, t + h / 3)
                k3 = slope(x + h * (k2 - k1 / 3), t + 2 * h / 3)
                k4 = slope(x + h * (k1 - k2 + k3), after)
                x = x + h * (k1 + 3 * (k2 + k3) + k4) / 8
            else:
                x, older = OfSigmas.multistep(x, data(x, t), t, after, older)
        return x

    @staticmethod
    def multistep(
        x: Tensor, data: Tensor, t: float, after: float, older: tuple[Tensor, float] | None
    ) -> tuple[Tensor, tuple[Tensor, float] | None]:
        """DPM-Solver++ 2M in sigma = t / (1 - t), where x / (1 - t) lives."""
        ratio = torch.tensor([t / (1 - t) if t < 1 else 1e12, after / (1 - after)], dtype=torch.float64)
        if after == 0:
            return data, None
        h = float((ratio[0] / ratio[1]).log())
        bent = data
        if older is not None and t < 1 and older[1] < 20:
            bent = data + (data - older[0]) * (h / older[1] / 2)
        return (after / t) * x - (1 - after) * torch.expm1(torch.tensor(-h)).item() * bent, (data, h)


def both_ways(cond: Tensor, uncond: Tensor, scale: float) -> Tensor:
    return torch.lerp(uncond.double(), cond.double(), scale).float()


def repainted(
    network: Network, data: Tensor, noise: Tensor, keep: Tensor, steps: int, generator: Any, method: str
) -> Tensor:
    """RePaint: kept frames are put back, noised, before every step; a reference of another length is filled up."""
    frames = noise.shape[-1]
    missing = max(0, frames - data.shape[-1])
    data = torch.nn.functional.pad(data[..., :frames], (0, missing))
    kept = torch.nn.functional.pad(keep[:, :frames], (0, missing))[:, None]
    x = noise
    for i in range(steps):
        t, after = 1 - i / steps, 1 - (i + 1) / steps
        x = torch.where(kept, (1 - t) * data + t * noise, x)
        x = x + (after - t) * network(x, told(x, t))
    return torch.where(kept, data, x)


@pytest.mark.parametrize(
    ("bound", "laws"),
    [
        (
            FromTheNoise,
            "SOLVE-001 SOLVE-002 SOLVE-003 SOLVE-004 SOLVE-009 SOLVE-010 SOLVE-011 SOLVE-012 SOLVE-015 "
            "GUIDE-001 GUIDE-002 GUIDE-003 GUIDE-004 GUIDE-005",
        ),
        (OfSigmas, "SOLVE-002 SOLVE-003 SOLVE-004 SOLVE-005 SOLVE-007 SOLVE-008 SOLVE-009 SOLVE-010"),
        (SimpleNamespace(guide_velocity=both_ways, GUIDANCE="w"), "GUIDE-001"),
        (
            SimpleNamespace(inpaint=repainted, TIME="data at 0", PREDICTS="velocity", SIZES={"method": ["euler"]}),
            "SOLVE-013 SOLVE-014",
        ),
    ],
    ids=["from-the-noise", "of-sigmas", "lerp", "repaint"],
)  # fmt: skip
def test_right_but_different_is_green(bound: object, laws: str) -> None:
    report = check(bound, only=laws.split())
    red = [result for result in report.results if result.status != "pass"]
    assert not red, "\n".join(map(failure_text, red))
