"""The reference's paths, grids and training times beside the laws: numbers, precision, refusals that say what to do."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from refaudio.flow import (
    CFM,
    GRIDS,
    OBJECTIVES,
    RECTIFIED_FLOW,
    RF_DENOISER,
    Objective,
    V,
    converted,
    declared,
    grid,
)
from refaudio.flow.training import SAMPLERS, LengthShift

EACH = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
T = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
DATA, NOISE = torch.randn(2, 3, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@EACH
def test_both_ends_are_exact(objective: Any) -> None:
    ends = (0.0, 1.0) if objective.time == "data at 0" else (1.0, 0.0)
    for end, want in zip(ends, (DATA, NOISE), strict=True):
        assert torch.equal(objective.interpolate(DATA, NOISE, end), want)
    both = objective.alpha(torch.tensor(ends)), objective.sigma(torch.tensor(ends))
    assert [pair.tolist() for pair in both] == [[1.0, 0.0], [0.0, 1.0]]


@EACH
def test_float64_stays_float64_and_half_precision_is_lifted(objective: Any) -> None:
    x, out = objective.interpolate(DATA, NOISE, T), objective.target(DATA, NOISE, T)
    torch.testing.assert_close(objective.to_data(x, out, T), DATA, rtol=0, atol=1e-15)
    torch.testing.assert_close(objective.to_noise(x, out, T), NOISE, rtol=0, atol=1e-15)
    half = objective.interpolate(DATA.to(torch.bfloat16), NOISE.to(torch.bfloat16), T)
    assert half.dtype == torch.float32


@EACH
def test_the_velocity_is_the_derivative(objective: Any) -> None:
    x, out = objective.interpolate(DATA, NOISE, 0.4), objective.target(DATA, NOISE, 0.4)
    step = objective.interpolate(DATA, NOISE, 0.4 + 1e-5) - objective.interpolate(DATA, NOISE, 0.4 - 1e-5)
    torch.testing.assert_close(objective.to_velocity(x, out, 0.4), step / 2e-5, rtol=1e-8, atol=1e-8)


@EACH
def test_the_log_snr_and_its_time_are_inverses(objective: Any) -> None:
    inside = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    torch.testing.assert_close(objective.time_of_log_snr(objective.log_snr(inside)), inside)
    assert math.isinf(float(objective.log_snr(torch.tensor(0.0))))


def test_a_time_of_equal_ratio_is_that_of_the_tangent() -> None:
    """t_flow = tan(pi t / 2) / (1 + tan(pi t / 2)): 0.05 is 0.073, 0.5 is 0.5."""
    seen = RECTIFIED_FLOW.time_of_log_snr(V.log_snr(torch.tensor([0.05, 0.5, 0.95])))
    assert [round(float(t), 3) for t in seen] == [0.073, 0.5, 0.927]


def test_networks_there_and_back_answer_alike() -> None:
    def network(x: Tensor, t: Tensor, scale: float, *, shift: float) -> Tensor:
        return scale * x + t[:, None, None] + shift

    inside = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    for have, want in (V, CFM), (CFM, RECTIFIED_FLOW), (RF_DENOISER, V):
        there_and_back = converted(converted(network, have, want), want, have)
        got = there_and_back(DATA, inside, 2.0, shift=0.5)
        torch.testing.assert_close(got, network(DATA, inside, 2.0, shift=0.5))


def test_half_precision_network_inputs_are_the_callers() -> None:
    seen = []
    converted(lambda x, t: seen.append(x.dtype) or x, V, CFM)(DATA.to(torch.bfloat16), T.float())
    assert seen == [torch.float32]


def test_an_objective_is_declared_or_refused() -> None:
    assert declared("cfm") is declared(CFM) is declared(SimpleNamespace(objective="cfm")) is CFM
    with pytest.raises(ValueError, match=r"objective=None must be declared, as one of v, rectified_flow"):
        declared(None)
    with pytest.raises(
        ValueError, match=r"objective='rectified' must be one of .*did you mean 'rectified_flow'"
    ):
        declared(SimpleNamespace(objective="rectified"))


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "other shapes": ({"noise": NOISE[:2]}, r"shapes=\(3, 2, 5\), \(2, 2, 5\) must be one"),
    "integers": ({"data": DATA.long(), "noise": NOISE.long()}, r"dtype=torch\.int64 must be a floating-point type"),
    "one time too many": ({"t": torch.ones(4)}, r"t\.shape=\(4,\) must be \(\) or \(3,\)"),
    "timesteps": ({"t": 500.0}, r"t=500\.0 must be between 0 and 1"),
    "timesteps in a tensor": ({"t": torch.tensor([1, 2, 3])}, r"t\.dtype=torch\.int64 must be a floating-point"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "says"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_by_name(changed: dict[str, Any], says: str) -> None:
    interpolate = Objective.interpolate
    bare = getattr(
        interpolate, "__wrapped__", interpolate
    )  # what users call, without the checks of the tests
    with pytest.raises(ValueError, match=says):
        bare(CFM, **{"data": DATA, "noise": NOISE, "t": T, **changed})


def test_published_numbers() -> None:
    """Stable Audio's levels for eight steps, diffusers' doubly shifted lowest level, F5's cosine."""
    eight = [1, 0.99331, 0.98201, 0.95257, 0.8808, 0.73106, 0.5, 0.26894, 0]
    torch.testing.assert_close(grid.log_snr(8), torch.tensor(eight, dtype=torch.float64), rtol=0, atol=5e-6)
    assert round(float(grid.flow_match_euler(4, 3.0)[-2]), 4) == 0.0089
    torch.testing.assert_close(
        grid.sway(4)[1:4], torch.cos(math.pi / 8 * torch.arange(1, 4, dtype=torch.float64))
    )
    assert float(grid.polyexponential(1)[0]) == pytest.approx(2 * math.atan(500) / math.pi)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("steps", [1, 2, 7, 1000])
def test_every_published_grid_falls_to_the_data(name: str, steps: int) -> None:
    levels = GRIDS[name].levels(steps)
    assert levels.shape == (steps + 1,)
    assert bool((levels.diff() < 0).all())
    assert float(levels[-1]) == 0


@pytest.mark.parametrize("name", GRIDS)
def test_the_label_of_a_fixed_tail_is_true(name: str) -> None:
    last = [float(GRIDS[name].levels(steps)[-2]) for steps in (64, 1024)]
    assert (last[1] > 0.5 * last[0]) == GRIDS[name].fixed_tail


def test_a_start_low_enough_for_upstream_to_climb_falls() -> None:
    levels = grid.log_snr(32, start=0.1)
    assert float(levels[0]) == 0.1
    assert bool((levels.diff() < 0).all())


def test_points_of_ones_own_run_the_way_of_the_objective() -> None:
    assert grid.custom([0.0, 0.4, 1.0], CFM).tolist() == [0.0, 0.4, 1.0]
    with pytest.raises(
        ValueError, match=r"points\[1\]=0\.4 must be below points\[0\]=0\.0: times run strictly"
    ):
        grid.custom([0.0, 0.4, 1.0])
    with pytest.raises(ValueError, match=r"low=5\.0 must be below high=1\.0"):
        grid.karras(4, low=5.0, high=1.0)
    with pytest.raises(ValueError, match=r"coefficient=-1\.1 must be between -1 and 1\.75194"):
        grid.sway(4, -1.1)


@pytest.mark.parametrize("name", SAMPLERS)
def test_training_times_have_their_documented_support_and_mean(name: str) -> None:
    sampler = SAMPLERS[name]
    drawn = sampler.draw(200_000, torch.Generator().manual_seed(1)).double()
    assert sampler.low <= float(drawn.min())
    assert float(drawn.max()) <= sampler.high + 1e-7
    assert float(drawn.mean()) == pytest.approx(sampler.mean, abs=5 * float(drawn.std()) / 200_000**0.5)
    assert sampler.draw(0, torch.Generator()).shape == (0,)


def test_shifts_of_published_lengths() -> None:
    factors = [round(LengthShift().factor(length), 3) for length in (1, 256, 1024, 2048, 4096, 9999)]
    assert factors == [1.649, 1.649, 1.878, 2.233, 3.158, 3.158]
