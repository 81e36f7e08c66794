"""The sampler and the rollout loop of the library, beyond the laws: refusals, dtypes, generators, and no waiting."""

from __future__ import annotations

import doctest
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from refaudio import dynamics
from refaudio.benchmarks.oracles_rollout import sampler_errors
from refaudio.dynamics import Grid, Sampling, advance, denoise, draw, rollout, stream

GRID = Grid(8)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drift(z: Tensor, index: Tensor, exponent: Tensor, *inputs: Tensor) -> Tensor:
    """Data that depends on what is shown, on its labels, and on the inputs."""
    before = torch.roll(z, 1, 1)
    return 0.5 * torch.tanh(z + before) + 0.01 * (index + exponent).reshape(*index.shape, 1).to(z.dtype)


def test_the_oracles_of_the_sampler() -> None:
    """Exact with the exact shortcut for every K up to 64; of first order with the posterior mean."""
    errors = sampler_errors()
    assert max(errors["exact shortcut"].values()) < 1e-6
    fine = [errors["posterior mean"][str(steps)] for steps in (8, 16, 32, 64)]
    assert all(0.4 < after / before < 0.6 for before, after in pairwise(fine))


def test_a_grid_of_one_step_denoises_and_cannot_hold_a_past() -> None:
    noise = draw((2, 3, 4), seeded())
    assert torch.equal(denoise(lambda z, *labels: z / 2, noise, 1, Grid(1)), noise / 2)
    with pytest.raises(ValueError, match=r"context=0.9 must leave signal on a grid of 1"):
        Sampling(Grid(1), 1)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: Sampling(GRID, 3), "steps=3 must be a power of two"),
        (lambda: Sampling(GRID, 16), "steps=16 must be"),
        (lambda: Sampling(GRID, 4, context=0.01), "context=0.01 must leave signal"),
        (lambda: Sampling(GRID, 4, context=float("nan")), "signal=nan must be"),
        (lambda: Sampling(GRID, 4, window=0), "window=0 must be at least 1"),
        (lambda: denoise(drift, torch.zeros(2, 3), 4, GRID), "noise=torch.float32"),
        (lambda: draw((3, 1, 2), [seeded()] * 2), r"len\(generator\)=2 must be 1, or one a row: 3"),
        (lambda: stream(drift, torch.zeros(2, 3), 1, Sampling(GRID), seeded()), "must be floating-point"),
        (lambda: stream(drift, torch.zeros(2, 3, 4), -1, Sampling(GRID), seeded()), "frames=-1 must be"),
        (
            lambda: stream(drift, torch.zeros(2, 3, 4), 2, Sampling(GRID), seeded(), [torch.zeros(2, 3)]),
            r"inputs\[0\].shape=\(2, 3\) must be \(B, N \+ frames, ...\) = \(2, 5\)",
        ),
    ],
)
def test_what_is_wrong_is_refused_before_any_work(call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_frames_are_yielded_as_soon_as_they_are_made() -> None:
    calls = []

    def network(z: Tensor, index: Tensor, exponent: Tensor) -> Tensor:
        calls.append(z.shape[1])
        return drift(z, index, exponent)

    frames = stream(network, torch.zeros(2, 3, 4), 5, Sampling(GRID, 4, window=3), seeded())
    assert calls == []
    first = next(frames)
    assert (first.shape, calls) == ((2, 4), [3] * 4)
    whole = rollout(drift, torch.zeros(2, 3, 4), 5, Sampling(GRID, 4, window=3), seeded())
    assert torch.equal(torch.stack([first, *frames], 1), whole)
    assert calls == [3] * 20


def test_no_frames_and_no_context() -> None:
    sampling = Sampling(GRID, 2)
    assert rollout(drift, torch.zeros(2, 3, 4), 0, sampling, seeded()).shape == (2, 0, 4)
    assert rollout(drift, torch.zeros(2, 0, 4), 2, sampling, seeded()).shape == (2, 2, 4)
    assert rollout(drift, torch.zeros(0, 3, 4), 2, sampling, seeded()).shape == (0, 2, 4)


def test_a_generator_a_row_makes_rows_independent_of_their_batch() -> None:
    context, sampling = torch.randn(3, 2, 4, generator=seeded()), Sampling(GRID, 4)
    whole = rollout(drift, context, 3, sampling, [seeded(10 + i) for i in range(3)])
    for i in range(3):
        alone = rollout(drift, context[i : i + 1], 3, sampling, [seeded(10 + i)])
        assert torch.equal(alone[0], whole[i])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_dtypes_are_kept_and_the_noise_is_the_same(dtype: torch.dtype) -> None:
    seen = []

    def network(z: Tensor, index: Tensor, exponent: Tensor) -> Tensor:
        seen.append(z.dtype)
        return drift(z, index, exponent)

    made = rollout(network, torch.zeros(2, 1, 4, dtype=dtype), 2, Sampling(GRID, 2), seeded())
    assert (made.dtype, set(seen)) == (dtype, {dtype})
    assert torch.equal(draw((2, 3, 4), seeded(), dtype=dtype), draw((2, 3, 4), seeded()).to(dtype))


def test_float64_stays_float64() -> None:
    z, data = torch.rand(2, 2, 1, 1, 3, dtype=torch.float64, generator=seeded()).unbind(1)
    assert torch.equal(advance(z, data, 2, 1, GRID), z + 2 / 6 * (data - z))
    assert advance(z, data, 6, 1, GRID) is data


def test_the_past_is_shown_at_the_nearest_level_and_handed_out_clean() -> None:
    shown = []

    def network(z: Tensor, index: Tensor, exponent: Tensor) -> Tensor:
        shown.append((z.clone(), index.clone(), exponent.clone()))
        return torch.full_like(z, 7.0)

    made = rollout(network, torch.full((1, 1, 64), 7.0), 3, Sampling(Grid(64), 1), seeded())
    assert torch.equal(made, torch.full((1, 3, 64), 7.0))
    z, index, exponent = shown[-1]
    assert (index.tolist(), exponent.tolist()) == ([[58, 58, 58, 0]], [[0, 0, 0, 6]])
    assert 0.05 < float((z[:, :3] - 7 * 58 / 64).std()) < 0.15
    assert all(torch.equal(past[:, :1], z[:, :1]) for past, *_ in shown)  # its noise is drawn once


def test_nothing_is_differentiated_and_no_input_is_written_to() -> None:
    context = torch.ones(1, 2, 4, requires_grad=True)
    made = rollout(drift, context, 2, Sampling(GRID, 2), seeded())
    assert not made.requires_grad
    assert torch.equal(context, torch.ones(1, 2, 4))


def test_docstrings_run() -> None:
    assert doctest.testmod(dynamics.sampler).failed == 0
