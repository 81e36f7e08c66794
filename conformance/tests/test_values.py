"""How laws compare: values without loopholes, and budgets that let honest arithmetic pass and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from refaudio.spec.budget import EPS, Budget, budget, error
from refaudio.spec.law import Broken, expect
from refaudio.spec.values import plain, same, shown

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "value",
    [torch.tensor([1.0, NAN, INF, -INF]), np.array([1.0, NAN]), [1, (2, 3)], {"a": [NAN]}, None],
)
def test_a_value_is_the_same_as_itself(value: object) -> None:
    assert same(value, value)


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (torch.zeros(2), torch.zeros(2, 1)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(2), [0.0, 0.0]),
        (np.zeros(1), [0.0]),
        (np.zeros(1), torch.zeros(1)),
        (torch.tensor([NAN]), torch.tensor([0.0])),
        (torch.tensor([NAN, 1.0]), torch.tensor([NAN, 2.0])),
        (torch.tensor([INF]), torch.tensor([torch.finfo(torch.float32).max])),
        (torch.tensor([NAN, INF]), torch.tensor([NAN, -INF])),
        (np.zeros(2), np.zeros(3)),
        ([1, 2], [1, 2, 3]),
        ({"a": 1}, {"b": 1}),
        (True, 1),
        (NAN, 0.0),
        (None, 0),
    ],
)
def test_what_differs_is_not_the_same(got: object, want: object) -> None:
    assert not same(got, want)
    assert not same(want, got)


@pytest.mark.parametrize("backwards", [np.arange(3)[::-1], np.zeros((2, 3))[:, ::-1]])
def test_an_array_may_run_backwards(backwards: np.ndarray) -> None:
    assert same(backwards, backwards.copy())
    assert shown(backwards) == shown(backwards.copy())


def test_a_value_is_shown_whole_or_says_how_much_is_missing() -> None:
    assert shown(torch.tensor([[1, 2]])) == "int64[1, 2] [1, 2]"
    assert shown(torch.zeros(100)).endswith(", and 76 more")
    assert plain({1: (INF, -INF, np.float64(NAN), object)}) == {"1": ["inf", "-inf", "nan", repr(object)]}


def test_a_value_is_shown_on_one_line() -> None:
    assert "\n" not in shown("two\nlines")


def attention(x: Tensor, q: Tensor, k: Tensor, v: Tensor, dtype: torch.dtype) -> Tensor:
    """softmax(x q (x k)^T) x v: (T, D) -> (T, D), in one dtype."""
    x, q, k, v = (value.to(dtype) for value in (x, q, k, v))
    return ((x @ q) @ (x @ k).T / len(q) ** 0.5).softmax(-1) @ (x @ v)


def fused_attention(x: Tensor, q: Tensor, k: Tensor, v: Tensor, dtype: torch.dtype) -> Tensor:
    """The same with q and k multiplied beforehand, and v at the end."""
    x, q, k, v = (value.to(dtype) for value in (x, q, k, v))
    return (x @ (q @ k.T / len(q) ** 0.5) @ x.T).softmax(-1) @ x @ v


def operands(seed: int, gain: float) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x, *weights = (torch.randn(32, 32, generator=generator, dtype=torch.float64) for _ in range(4))
    return [x, *(gain * weight for weight in weights)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("seed", range(5))
def test_a_budget_accepts_another_order_of_operations(dtype: torch.dtype, seed: int) -> None:
    x, q, k, v = operands(seed, 32**-0.5)
    x, q, k, v = (value.to(dtype).double() for value in (x, q, k, v))
    exact = attention(x, q, k, v, torch.float64)
    got, plainly = fused_attention(x, q, k, v, dtype), attention(x, q, k, v, dtype)
    assert not torch.equal(got, plainly)
    expect(got, exact, "the output", within=budget(exact, plainly, "network"))


def test_a_budget_rejects_swapped_operands_that_hide_inside_a_flat_tolerance() -> None:
    x, q, k, v = operands(0, 0.01)
    exact, swapped = attention(x, q, k, v, torch.float64), attention(x, k, q, v, torch.float32)
    assert torch.allclose(swapped.double(), exact, rtol=0, atol=1e-3)
    allowed = budget(exact, attention(x, q, k, v, torch.float32), "network")
    with pytest.raises(Broken):
        expect(swapped, exact, "q and k", within=allowed)


def test_a_budget_is_never_less_than_half_a_last_place() -> None:
    exact = torch.ones(4, dtype=torch.float64)
    assert budget(exact, torch.ones(4), "elementwise").allowed == 4 * EPS[torch.float32]


@pytest.mark.parametrize("got", [torch.ones(3), torch.tensor([1.0, NAN]), torch.tensor([1.0, INF])])
def test_no_budget_covers_another_shape_or_what_is_not_finite(got: Tensor) -> None:
    assert error(got, torch.ones(2)) == INF
    with pytest.raises(Broken):
        expect(got, torch.ones(2), "the values", within=Budget(1e9))


def test_a_budget_wants_its_reference_in_float64() -> None:
    with pytest.raises(ValueError, match=r"exact\.dtype=torch\.float32 must be float64"):
        budget(torch.ones(2), torch.ones(2), "network")
    with pytest.raises(ValueError, match="kind='magic' must be one of"):
        budget(torch.ones(2, dtype=torch.float64), torch.ones(2), "magic")


@pytest.mark.parametrize("arithmetic", [torch.tensor([1.0, INF]), torch.ones(2, 1)])
def test_plain_arithmetic_that_overflows_or_has_another_shape_allows_nothing(arithmetic: Tensor) -> None:
    """Else a slip inside a law would make an infinite budget, and the law could not fail any more."""
    with pytest.raises(ValueError, match="plain"):
        budget(torch.ones(2, dtype=torch.float64), arithmetic, "network")
