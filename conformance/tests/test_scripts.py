"""What laws are made of: scripted networks that give mistakes away, comparisons without loopholes, honest budgets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from refaudio.spec.budget import EPS, Budget, budget, error
from refaudio.spec.law import Broken, expect
from refaudio.spec.scripts import Constant, EchoCodec, Oracle, Recorder, Table
from refaudio.spec.values import plain, same, shown

ROOT = Path(__file__).parents[2]
NAN, INF = float("nan"), float("inf")
X = torch.zeros(3, 2)
T = torch.tensor([0.0, 0.5, 1.0])


def test_a_recorder_keeps_what_was_fed_not_what_became_of_it() -> None:
    x, t = torch.zeros(2, 3), torch.zeros(2)
    network = Recorder(Constant(7.0))
    assert torch.equal(network(x, t, mask=t), torch.full((2, 3), 7.0))
    x += 1
    t += 1
    (call,) = network.calls
    assert same(
        [call.x, call.labels, call.named], [torch.zeros(2, 3), (torch.zeros(2),), {"mask": torch.zeros(2)}]
    )


@pytest.mark.parametrize("label", [np.zeros(2), [torch.zeros(2)], {"t": torch.zeros(2)}], ids=type)
def test_a_recorder_keeps_labels_of_any_kind(label: Any) -> None:
    network = Recorder(Constant(7.0))
    network(X, label)
    for values in (
        label.values() if isinstance(label, dict) else label if isinstance(label, list) else [label]
    ):
        values += 1
    assert "1.0" not in shown(network.calls[0].labels)


def test_a_recorder_copies_before_the_network_can_write() -> None:
    network = Recorder(Oracle(lambda x, t: x.add_(t)))
    network(torch.zeros(2), 1.0)
    assert torch.equal(network.calls[0].x, torch.zeros(2))


def test_an_oracle_answers_its_closed_form() -> None:
    oracle = Oracle(lambda x, t, *, scale: scale * x + t)
    assert torch.equal(oracle(torch.ones(2), 3.0, scale=2.0), torch.full((2,), 5.0))


def test_a_table_depends_on_the_labels_of_an_item_alone() -> None:
    table = Table(seed=1)
    whole = table(X, T)
    assert torch.equal(table(X + 5, T), whole)
    assert torch.equal(torch.cat([table(X[i : i + 1], T[i : i + 1]) for i in range(3)]), whole)
    assert torch.equal(table(X, T.flip(0)), whole.flip(0))


MIXED_UP = {
    "between items": (T.roll(1), T),
    "in another order": (T, T.roll(2)),
    "one never given": (T,),
    "one too many": (T, T.roll(1), None),
    "one for all": (T, T.mean()),
}


@pytest.mark.parametrize("labels", MIXED_UP.values(), ids=MIXED_UP)
def test_a_table_gives_mixed_up_labels_away(labels: tuple[object, ...]) -> None:
    assert not same(Table()(X, *labels), Table()(X, T, T.roll(1)))


def test_two_seeds_are_two_tables() -> None:
    assert not same(Table(1)(X, T), Table(2)(X, T))


def test_a_table_is_the_same_in_another_process() -> None:
    code = (
        "import torch; from refaudio.spec.scripts import Table\n"
        "print(Table()(torch.zeros(3, 2), torch.tensor([0.0, 0.5, 1.0]), 'name', b=2, a=1).tolist())"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(Table()(X, T, "name", a=1, b=2).tolist())


@pytest.mark.parametrize("shape", [(2, 5, 3), (1, 1, 1), (2, 0, 4)])
def test_the_echo_codec_spells_out_its_codes(shape: tuple[int, int, int]) -> None:
    codes = torch.randint(1024, shape, generator=torch.Generator().manual_seed(0))
    codec = EchoCodec(shape[2])
    audio = codec.decode(codes)
    assert audio.shape == (shape[0], shape[1] * codec.hop)
    assert same(codec.encode(audio), codes)
    assert codec.frames(audio.shape[1]) == shape[1]


def test_the_echo_codec_keeps_ids_that_a_real_one_would_choke_on() -> None:
    codes, codec = torch.tensor([[[1023, 1024], [1026, -1]]]), EchoCodec(2)
    assert same(codec.encode(codec.decode(codes)), codes)
    assert same(codec.was_fed(), codes)


def test_the_echo_codec_remembers_every_frame_as_it_was_fed() -> None:
    codec, codes = EchoCodec(2), torch.arange(12).reshape(1, 6, 2)
    assert codec.was_fed().shape == (0, 0, 2)
    for start, end in (0, 1), (1, 1), (1, 6):
        codec.decode(chunk := codes[:, start:end].clone())
        chunk.zero_()
    assert same(codec.was_fed(), codes)


@pytest.mark.parametrize("shape", [(2, 4), (1, 5, 3)])
def test_the_echo_codec_refuses_what_is_no_codes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"codes\.shape=.* must be \(B, T, 2\)"):
        EchoCodec(2).decode(torch.zeros(shape, dtype=torch.int64))


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
    order = torch.randperm(32, generator=torch.Generator().manual_seed(seed))
    got = attention(x[:, order], q[order], k[order], v[order], dtype)
    assert not torch.equal(got, attention(x, q, k, v, dtype))
    expect(got, exact, "it", within=budget(exact, attention(x, q, k, v, dtype), "network"))


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
