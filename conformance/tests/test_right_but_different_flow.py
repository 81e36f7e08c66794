"""Paths, grids and training times that differ from the reference and are right: the spec must not reject them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from refaudio.conformance.adapters.reference_flow import Flow
from refaudio.conformance.check import check
from refaudio.conformance.report import failure_text
from refaudio.flow import CFM, OBJECTIVES, RECTIFIED_FLOW, RF_DENOISER, V, converted, grid
from refaudio.spec import LAWS

EVERY = [law.id for law in LAWS.values() if law.area in ("PATH", "GRID") and not law.touches({"solve"})]


def green(adapter: object, laws: list[str] | str) -> None:
    report = check(adapter, only=laws)
    asked = len(laws) if isinstance(laws, list) else 1
    assert report.counts["pass"] == asked, "\n".join(map(failure_text, report.results))


@pytest.mark.parametrize(
    "bound",
    [
        Flow(V, "log-snr", grid.log_snr, fixed_tail=True),
        Flow(CFM, "logit-normal", grid.uniform),
        Flow(RF_DENOISER, "uniform", grid.log_snr, fixed_tail=True),
        Flow(RECTIFIED_FLOW, "trunc-logit-normal", grid.uniform),
    ],
    ids=["v", "cfm", "rf_denoiser", "rectified_flow"],
)
def test_every_objective_of_the_library_obeys_the_same_laws(bound: Flow) -> None:
    green(bound, EVERY)


FULL = float(grid.levels_of(torch.tensor([500.0], dtype=torch.float64)))


@pytest.mark.parametrize(
    ("levels", "start", "fixed_tail"),
    [
        (lambda n, start: grid.sway(n), 1.0, False),
        (lambda n, start: grid.sway(n, 0.5), 1.0, False),
        (lambda n, start: grid.karras(n), FULL, True),
        (lambda n, start: grid.polyexponential(n), FULL, True),
        (lambda n, start: grid.polyexponential(n, rho=2.0), FULL, True),
        (lambda n, start: grid.flow_match_euler(n), 1.0, True),
        (lambda n, start: grid.flow_match_euler(n, 3.0), 1.0, True),
        (lambda n, start: start * torch.linspace(1, 0, n + 1) ** 2, 1.0, False),
        (lambda n, start: torch.linspace(1, 0, n + 1) * start, 0.5, False),
    ],
    ids="f5 sway karras polyexponential rho diffusers shifted squares float32".split(),
)
def test_every_grid_is_a_grid(levels: Callable[..., Tensor], start: float, fixed_tail: bool) -> None:
    tail = "fixed tail" if fixed_tail else "convergent"
    mine = SimpleNamespace(grid=levels, TIME="data at 0", GRID=tail, SIZES={"start": [start]})
    green(mine, ["GRID-001", "GRID-004"])


class Cosine:
    """A diffusion model's path, noise alone predicted, and time counted from the noise."""

    TIME, PREDICTS = "data at 1", "noise"

    def interpolate(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        share = (torch.sin(math.pi / 2 * t) ** 2)[:, None, None]  # of the power
        return share.sqrt() * data + (1 - share).sqrt() * noise

    def target(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        return noise

    def to_data(self, x: Tensor, out: Tensor, t: Tensor) -> Tensor:
        share = (torch.sin(math.pi / 2 * t) ** 2)[:, None, None]
        return (x - (1 - share).sqrt() * out) / share.sqrt()

    def to_noise(self, x: Tensor, out: Tensor, t: Tensor) -> Tensor:
        return out


class Denoiser(Cosine):
    """The data predicted, on another path: more than half of the way through little noise."""

    TIME, PREDICTS = "data at 0", "data"

    def interpolate(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        share = (t**1.5)[:, None, None]
        return (1 - share) * data + share * noise

    def target(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        return data

    def to_data(self, x: Tensor, out: Tensor, t: Tensor) -> Tensor:
        return out

    def to_noise(self, x: Tensor, out: Tensor, t: Tensor) -> Tensor:
        share = (t**1.5)[:, None, None]
        return (x - (1 - share) * out) / share


class Curved:
    """A velocity on a quarter circle, in float32 whatever comes in."""

    TIME, PREDICTS = "data at 0", "velocity"

    def interpolate(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        angle = (math.pi / 2 * t.float())[:, None, None]
        return angle.cos() * data.float() + angle.sin() * noise.float()

    def target(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        angle = (math.pi / 2 * t.float())[:, None, None]
        return math.pi / 2 * (angle.cos() * noise.float() - angle.sin() * data.float())

    def to_data(self, x: Tensor, out: Tensor, t: Tensor) -> Tensor:
        angle = (math.pi / 2 * t.float())[:, None, None]
        return angle.cos() * x.float() - angle.sin() * out.float() / (math.pi / 2)


@pytest.mark.parametrize("path", [Cosine(), Denoiser(), Curved()], ids=["cosine", "denoiser", "curved"])
def test_another_path_is_a_path(path: object) -> None:
    green(path, ["PATH-001", "PATH-002", "PATH-003", "PATH-004"])


def sobol(count: int, generator: torch.Generator) -> Tensor:
    """Scrambled Sobol points: more even than chance."""
    seed = int(torch.randint(2**31, (1,), generator=generator))
    return torch.quasirandom.SobolEngine(1, scramble=True, seed=seed).draw(count)[:, 0]


def stratified(count: int, generator: torch.Generator) -> Tensor:
    """One time in each of `count` intervals, in order."""
    return (torch.arange(count) + torch.rand(count, generator=generator)) / count


def wide(count: int, generator: torch.Generator) -> Tensor:
    """Drawn with a time axis to spare would be asked about; in float64 it is not."""
    return torch.rand(count, generator=generator, dtype=torch.float64)


def of_the_trainer(count: int, generator: torch.Generator) -> Tensor:
    """No generator is taken: the trainer seeded the global one."""
    return torch.rand(count)


ENGINE = torch.quasirandom.SobolEngine(1, scramble=True, seed=0)


def run_on(count: int, generator: torch.Generator) -> Tensor:
    """One engine for the whole training, as stable-audio-tools keeps it: each call goes on where the last one ended."""
    return ENGINE.draw(count)[:, 0]


@pytest.mark.parametrize("draw", [sobol, stratified, wide, of_the_trainer, run_on])
def test_times_may_be_more_even_than_chance(draw: Callable[..., Tensor]) -> None:
    green(SimpleNamespace(sample_times=draw, TIME="data at 0", TIMES="uniform"), "PATH-006")


def exponential(t: Tensor, length: int) -> Tensor:
    """diffusers' time_shift with mu, as it is written there: 1 / t at 0 is infinite, and the result 0."""
    mu = 0.5 + 0.65 * (length - 256) / 3840
    return math.exp(mu) / (math.exp(mu) + (1 / t - 1))


def fixed(t: Tensor, length: int) -> Tensor:
    """One shift for every length."""
    return 3 * t / (1 + 2 * t)


def from_the_noise(t: Tensor, length: int) -> Tensor:
    """The same where the data are at 1."""
    return t / (3 - 2 * t)


@pytest.mark.parametrize(
    ("shift", "time"),
    [(exponential, "data at 0"), (fixed, "data at 0"), (from_the_noise, "data at 1")],
    ids=["exponential", "fixed", "other direction"],
)
def test_another_shift_is_a_shift(shift: Callable[..., Tensor], time: str) -> None:
    green(SimpleNamespace(shift=shift, TIME=time), "PATH-007")


def asserts(times: list[float]) -> list[float]:
    """A refusal may be an assertion, and what comes back a list."""
    assert len(times) > 1
    assert all(0 <= t <= 1 for t in times)
    assert all(b < a for a, b in itertools.pairwise(times))
    return times


def test_points_may_be_refused_by_an_assertion() -> None:
    green(SimpleNamespace(check_grid=asserts, TIME="data at 0"), "GRID-003")


def test_ratios_may_be_of_any_spacing() -> None:
    green(SimpleNamespace(sigmas=grid.karras_sigmas), "GRID-006")


FALSE = [
    (time, predicts) for time in ("data at 0", "data at 1") for predicts in ("data", "velocity", "noise", "v")
]


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_each_false_declaration_is_a_question_to_the_author_of_the_adapter(objective: Any) -> None:
    """adapter?, whatever is declared falsely of time and prediction, for each code and each function."""
    for time, predicts in FALSE:
        bound = Flow(objective, "uniform", grid.uniform)
        bound.TIME, bound.PREDICTS = time, predicts
        report = check(bound, only=["PATH-001", "PATH-003", "PATH-004", "GRID-001"], profile="quick")
        asked = [result.reason.startswith("adapter? ") for result in report.results]
        assert asked == [(time, predicts) != (objective.time, objective.predicts)] * 4


@pytest.mark.parametrize("name", ["interpolate", "grid"])
@pytest.mark.parametrize(("mine", "declared"), [(CFM, RECTIFIED_FLOW), (RECTIFIED_FLOW, CFM)])
def test_one_function_alone_shows_the_direction_of_time(name: str, mine: Any, declared: Any) -> None:
    bound = Flow(mine, "uniform", grid.uniform)
    alone = SimpleNamespace(**{name: getattr(bound, name)}, TIME=declared.time, PREDICTS="velocity")
    report = check(alone, profile="quick")
    assert any("adapter?" in result.reason and "TIME" in result.reason for result in report.results)


def test_a_converted_network_of_one_kind_is_itself() -> None:
    def network(x: Tensor, t: Tensor) -> Tensor:
        return x

    assert converted(network, RECTIFIED_FLOW, RF_DENOISER) is network
