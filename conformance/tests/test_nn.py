"""refaudio.nn against formulas written out in float64, within the public budgets, and against torch's own parts."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refaudio.nn.attention import attention, causal_mask
from refaudio.nn.norm import GainLayerNorm, RMSNorm, rms_norm
from refaudio.nn.rotary import rotary_table, rotate
from refaudio.nn.snake import Snake, SnakeBeta, snake
from refaudio.spec.budget import budget, error

DTYPES = [torch.float64, torch.float32, torch.bfloat16]


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def bare(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function as it ships: without the checks of shapes and types that the tests put around it."""
    return inspect.unwrap(function)


def within(got: Tensor, formula: Callable[..., Tensor], *inputs: Tensor, kind: str = "reduction") -> bool:
    """got is the formula on these inputs, up to what its own dtype makes of the formula."""
    exact = formula(*(x.to(torch.float64) for x in inputs))
    plain = formula(*inputs).to(got.dtype)
    assert got.dtype == inputs[0].dtype
    return error(got, exact) <= budget(exact, plain, kind).allowed


def naive_attention(
    q: Tensor, k: Tensor, v: Tensor, *, scale: float, mask: Tensor | None = None, cap: float | None = None
) -> Tensor:
    """One query at a time, over the keys that it may see: nothing is masked, they are not there."""
    out = q.new_zeros(*q.shape[:3], v.shape[-1])
    full = (*q.shape[:3], k.shape[2])
    seen = torch.ones(full, dtype=torch.bool) if mask is None else mask.expand(full)
    for b, h, t in ((b, h, t) for b in range(full[0]) for h in range(full[1]) for t in range(full[2])):
        keys = seen[b, h, t].nonzero().flatten()
        group = h // (q.shape[1] // k.shape[1])
        logits = scale * (k[b, group, keys] * q[b, h, t]).sum(-1)
        if cap is not None:
            logits = cap * torch.tanh(logits / cap)
        weights = torch.exp(logits - logits.max()) if len(keys) else logits
        out[b, h, t] = (weights[:, None] * v[b, group, keys]).sum(0) / weights.sum() if len(keys) else 0
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [4, 2, 1])
@pytest.mark.parametrize("scale", [1.0, 0.25])
@pytest.mark.parametrize("cap", [None, 2.0, 50.0])
@pytest.mark.parametrize("rows", [1, 5])
def test_attention_is_its_formula(
    dtype: torch.dtype, groups: int, scale: float, cap: float | None, rows: int
) -> None:
    q, k, v = (
        draw(2, heads, n, 8, seed=i, dtype=dtype)
        for i, (heads, n) in enumerate([(4, rows), (groups, 7), (groups, 7)])
    )
    mask = draw(2, 1, rows, 7, seed=9) > -0.5
    mask[0, :, 0] = False

    def formula(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return naive_attention(q, k, v, scale=scale, mask=mask, cap=cap)

    got = attention(q, k, v, scale=scale, mask=mask, cap=cap)
    assert within(got, formula, q, k, v)
    assert torch.equal(got[0, :, 0], torch.zeros_like(got[0, :, 0])), "no key, no output: never NaN"


@pytest.mark.parametrize("cap", [None, 2.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_without_keys_has_finite_gradients(dtype: torch.dtype, cap: float | None) -> None:
    q, k, v = (draw(1, 2, 3, 4, seed=i, dtype=dtype).requires_grad_() for i in range(3))
    mask = torch.tensor([[False] * 3, [True, False, True], [False, True, False]])[None, None]
    attention(q, k, v, scale=1.0, mask=mask, cap=cap).square().sum().backward()
    for x in (q, k, v):
        assert x.grad is not None
        assert torch.isfinite(x.grad).all()
    assert q.grad is not None
    assert not q.grad[:, :, 0].any()


def test_what_is_masked_does_not_exist() -> None:
    """A zeroed key still takes part in the softmax; a masked one has weight 0, whatever stands in it."""
    q, k, v = (draw(1, 2, 4, 8, seed=i) for i in range(3))
    mask = torch.tensor([True, True, False, False])[None, None, None]
    want = attention(q, k[:, :, :2], v[:, :, :2], scale=0.5)
    k[:, :, 2:], v[:, :, 2:] = 1e4, -1e4
    assert error(attention(q, k, v, scale=0.5, mask=mask), want) <= 1e-15


@pytest.mark.parametrize("cap", [None, 5.0])
def test_causal_is_the_lower_triangle(cap: float | None) -> None:
    q, k, v = (draw(2, 2, 6, 4, seed=i) for i in range(3))
    rows = torch.arange(6)
    triangle = causal_mask(rows, rows)[None, None]
    padding = (torch.arange(6) != 3)[None, None, None]
    got = attention(q, k, v, scale=1.0, causal=True, cap=cap)
    assert error(got, attention(q, k, v, scale=1.0, mask=triangle, cap=cap)) <= 1e-15
    both = attention(q, k, v, scale=1.0, mask=padding, causal=True, cap=cap)
    assert error(both, attention(q, k, v, scale=1.0, mask=padding & triangle, cap=cap)) <= 1e-15


def test_steps_into_a_preallocated_cache_are_the_causal_whole() -> None:
    """The slots ahead of a query hold what an earlier generation left there."""
    q, k, v = (draw(2, 2, 6, 4, seed=i) for i in range(3))
    stale = [torch.cat((x, draw(2, 2, 3, 4, seed=7)), 2) for x in (k, v)]
    whole = attention(q, k, v, scale=0.5, causal=True)
    for first, last in (0, 4), (4, 5), (5, 6):
        mask = causal_mask(torch.arange(first, last), torch.arange(9))[None, None]
        assert (
            error(attention(q[:, :, first:last], *stale, scale=0.5, mask=mask), whole[:, :, first:last])
            <= 1e-15
        )


def test_a_window_keeps_the_last_keys() -> None:
    rows = torch.arange(4)
    assert causal_mask(rows, rows, window=2).int().tolist() == [
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [0, 1, 1, 0],
        [0, 0, 1, 1],
    ]
    ring = causal_mask(torch.tensor([5]), torch.tensor([4, 5, 2, 3]), window=3)
    assert ring.tolist() == [[True, True, False, True]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_attention_is_torchs(dtype: torch.dtype) -> None:
    q, k, v = (draw(2, 4, 5, 16, seed=i, dtype=dtype) for i in range(3))
    assert torch.equal(attention(q, k, v, scale=0.25), F.scaled_dot_product_attention(q, k, v))
    assert error(attention(q, k, v, scale=0.25, cap=1e6), F.scaled_dot_product_attention(q, k, v)) <= {
        torch.float64: 1e-9
    }.get(dtype, 1e-2)


def test_a_large_cap_is_none() -> None:
    q, k, v = (draw(2, 4, 5, 16, seed=i) for i in range(3))
    assert error(attention(q, k, v, scale=0.25, cap=1e9), attention(q, k, v, scale=0.25)) <= 1e-12


def test_logits_near_the_end_of_float32_stay_finite() -> None:
    q = torch.tensor([6e4, -6e4, 1.0])[None, None, :, None]
    for cap in None, 50.0:
        assert torch.isfinite(attention(q, q, q, scale=1.0, cap=cap)).all()


q4, k2 = torch.zeros(2, 4, 3, 8), torch.zeros(2, 2, 5, 8)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bare(attention)(q4, k2[:1], k2, scale=1.0), "must agree"),
        (lambda: bare(attention)(q4, k2[..., :4], k2, scale=1.0), "must agree"),
        (lambda: bare(attention)(q4[:, :3], k2, k2, scale=1.0), "multiple of k heads=2"),
        (lambda: bare(attention)(q4, k2, k2, scale=0.0), "scale=0.0 must be"),
        (lambda: bare(attention)(q4, k2, k2, scale=math.nan), "scale=nan must be"),
        (lambda: bare(attention)(q4, k2, k2, scale=1.0, cap=0.0), "cap=0.0 must be"),
        (lambda: bare(attention)(q4, k2, k2, scale=1.0, causal=True), "as many queries as keys"),
        (lambda: bare(causal_mask)(torch.arange(3), torch.arange(3), window=0), "window=0"),
        (lambda: bare(rotary_table)(torch.arange(3), 5), "dims=5 must be even"),
        (lambda: bare(rotary_table)(torch.arange(3), 4, base=-1.0), "base=-1.0 must be"),
        (lambda: bare(rotate)(q4, rotary_table(torch.arange(4), 8)), "must be"),
        (lambda: bare(rotate)(q4, rotary_table(torch.arange(3), 10)), "2R <= 8"),
        (lambda: RMSNorm(8, eps=0.0), "eps=0.0 must be"),
        (lambda: Snake(0), "channels=0 must be"),
    ],
)
def test_refusals(call: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        call()


def test_masks_of_another_kind_are_refused() -> None:
    """By the library itself, where no types are checked at run time: B == T would let (B, S) pass for (T, S)."""
    for mask in (
        torch.zeros(2, 1, 3, 5),
        torch.ones(3, 5, dtype=torch.bool),
        torch.ones(2, 1, 3, 4, dtype=torch.bool),
    ):
        with pytest.raises(ValueError, match=r"mask\.(dtype|shape)"):
            bare(attention)(q4, k2, k2, scale=1.0, mask=mask)


def naive_rotation(x: Tensor, positions: Tensor, dims: int, base: float) -> Tensor:
    """A pair of features is a complex number: feature i and feature i + dims / 2, turned by position * base**(-2i/dims)."""
    half = dims // 2
    powers = torch.tensor([base ** (-2 * i / dims) for i in range(half)], dtype=torch.float64)
    angles = positions.to(torch.float64)[:, None] * powers
    pairs = torch.complex(x[..., :half].double(), x[..., half:dims].double()) * torch.polar(
        torch.ones_like(angles), angles
    )
    return torch.cat((pairs.real, pairs.imag, x[..., dims:].double()), -1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("dims", "base"), [(16, 10_000.0), (8, 10_000.0), (2, 100.0)])
def test_rotation_is_its_formula(dtype: torch.dtype, dims: int, base: float) -> None:
    """Whole heads as in Dia, DiffRhythm and Dreamer; half of them as in Stable Audio."""
    x, positions = draw(2, 3, 7, 16, dtype=dtype), torch.tensor([0, 1, 2, 40, 500, 3071, 6143])
    got = rotate(x, rotary_table(positions, dims, base=base, dtype=dtype))
    want = naive_rotation(x, positions, dims, base)
    # An angle in float32 is off by position * 2**-24: that is what plain arithmetic makes of it.
    slack = {torch.float64: 1e-12, torch.float32: 6143 * 2.0**-23, torch.bfloat16: 2.0**-7}[dtype]
    assert error(got, want) <= slack
    assert torch.equal(got[:, :, 0], x[:, :, 0]), "position 0 stays"
    assert torch.equal(got[..., dims:], x[..., dims:]), "what is beyond dims passes"


def test_rotation_shifts_together() -> None:
    """Scores depend on the distance alone."""
    q, k = draw(1, 1, 16, seed=1), draw(1, 1, 16, seed=2)

    def score(a: int, b: int) -> float:
        turned = [
            rotate(x, rotary_table(torch.tensor([p]), 16, dtype=torch.float64)) for x, p in ((q, a), (k, b))
        ]
        return float((turned[0] * turned[1]).sum())

    assert score(5, 3) == pytest.approx(score(1005, 1003), abs=1e-9)
    assert score(5, 3) != pytest.approx(score(3, 5), abs=1e-3)


def test_halves_turn_not_neighbours() -> None:
    x = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    turned = rotate(x, rotary_table(torch.tensor([1]), 4))
    assert turned[0, [1, 3]].tolist() == [0.0, 0.0]
    assert turned[0, 2] == pytest.approx(math.sin(1))


def test_positions_per_row_and_tables_of_two_axes() -> None:
    x, positions = draw(2, 3, 4, 8), torch.tensor([[0, 1, 2, 3], [9, 8, 7, 6]])
    table = rotary_table(positions[:, None], 8, dtype=torch.float64)
    got = rotate(x, table)
    for row in range(2):
        assert error(got[row], rotate(x[row], rotary_table(positions[row], 8, dtype=torch.float64))) <= 1e-15
    rows, columns = (
        rotary_table(p, 4, dtype=torch.float64)
        for p in (torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1]))
    )
    axial = rotate(x, torch.cat((rows, columns), -1))
    assert error(axial[:, :, :, [0, 1, 4, 5]], rotate(x[..., [0, 1, 4, 5]], rows)) <= 1e-15
    assert error(axial[:, :, :, [2, 3, 6, 7]], rotate(x[..., [2, 3, 6, 7]], columns)) <= 1e-15


def test_angles_are_never_in_half_precision() -> None:
    assert rotary_table(torch.tensor([257, 258]), 4, dtype=torch.bfloat16).dtype is torch.float32
    assert rotary_table(torch.tensor([1]), 4, dtype=torch.float64).dtype is torch.float64


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("eps", [1e-5, 1e-6])
@pytest.mark.parametrize("size", [1e-8, 1e-3, 1.0, 1e4])
def test_norms_are_their_formulas_and_torchs(dtype: torch.dtype, eps: float, size: float) -> None:
    x, weight, bias = (
        (size * draw(3, 4, 32, dtype=dtype)).to(dtype),
        draw(32, seed=1, dtype=dtype),
        draw(32, seed=2, dtype=dtype),
    )

    def rms(x: Tensor, weight: Tensor) -> Tensor:
        return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight

    def layer(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt() * weight + bias

    assert within(rms_norm(x, weight, eps=eps), rms, x, weight)
    assert (
        error(rms_norm(x, weight, eps=eps), F.rms_norm(x, (32,), weight, eps)) <= 4 * torch.finfo(dtype).eps
    )
    norm = GainLayerNorm(32, eps=eps).to(dtype)
    norm.load_state_dict({"weight": weight, "bias": bias})
    assert within(norm(x), layer, x, weight, bias)
    assert error(norm(x), F.layer_norm(x, (32,), weight, bias, eps)) <= 4 * torch.finfo(dtype).eps


def test_norms_of_nothing_are_zero() -> None:
    assert not rms_norm(torch.zeros(2, 8, dtype=torch.bfloat16), eps=1e-6).any()
    assert not GainLayerNorm(8, eps=1e-5)(torch.zeros(2, 8)).any()


def test_a_float32_weight_keeps_its_digits_in_a_bfloat16_model() -> None:
    norm = RMSNorm(64, eps=1e-5)
    nn.init.constant_(norm.weight, 1 + 2**-8)  # bfloat16 would make it 1
    x = draw(1, 64, dtype=torch.bfloat16)
    assert norm(x).dtype is torch.bfloat16
    assert not torch.equal(norm(x), rms_norm(x, eps=1e-5))


def test_the_bias_that_nobody_learns_is_saved() -> None:
    norm = GainLayerNorm(4, eps=1e-5)
    assert [name for name, _ in norm.named_parameters()] == ["weight"]
    assert sorted(norm.state_dict()) == ["bias", "weight"]


def naive_snake(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    return x + torch.sin(alpha[:, None] * x) ** 2 / (beta[:, None] + 1e-9)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_snake_is_its_formula(dtype: torch.dtype) -> None:
    x, alpha, beta = (
        draw(2, 3, 50, dtype=dtype),
        draw(3, seed=1, dtype=dtype).exp(),
        draw(3, seed=2, dtype=dtype).exp(),
    )
    assert within(snake(x, alpha), lambda x, a: naive_snake(x, a, a), x, alpha, kind="elementwise")
    assert within(snake(x, alpha, beta), naive_snake, x, alpha, beta, kind="elementwise")
    plain, logarithmic = Snake(3).to(dtype), SnakeBeta(3).to(dtype)
    plain.load_state_dict({"alpha": alpha})
    logarithmic.load_state_dict({"log_alpha": alpha.log(), "log_beta": beta.log()})
    assert torch.equal(plain(x), snake(x, alpha))
    assert error(logarithmic(x), snake(x, alpha, beta)) <= 16 * torch.finfo(dtype).eps


def test_snake_keeps_its_phase_in_bfloat16() -> None:
    """alpha x of 303 has steps of 2 in bfloat16, most of a period: in float32 only the result is rounded."""
    x, alpha, beta = (torch.tensor([number], dtype=torch.bfloat16) for number in (10.0625, 30.125, 0.125))
    want = naive_snake(x[None].double(), alpha.double(), beta.double())
    assert error(snake(x[None], alpha, beta), want) <= 2**-8
    assert error(naive_snake(x[None], alpha, beta), want) > 0.1


def test_snake_is_finite_far_out_and_the_identity_at_alpha_zero() -> None:
    x = torch.tensor([[-1e4, 0.0, 1e4]])
    assert torch.isfinite(SnakeBeta(1)(x)).all()
    assert torch.equal(snake(x, torch.zeros(1)), x)
    assert torch.equal(SnakeBeta(1)(x), Snake(1)(x)), "exp(0) is 1"


@pytest.mark.parametrize(
    "part",
    [
        lambda x: attention(x, x, x, scale=0.5, causal=True),
        lambda x: attention(x, x, x, scale=0.5, causal=True, cap=3.0),
        lambda x: rotate(x, rotary_table(torch.arange(x.shape[-2]), 4, dtype=torch.float64)),
        lambda x: rms_norm(x, eps=1e-5),
        lambda x: snake(x, torch.ones(3)),
    ],
)
def test_no_part_waits_for_the_device_or_writes_to_its_input(part: Callable[[Tensor], Tensor]) -> None:
    """On the meta device nothing can be looked at: an .item() or a boolean index would raise."""
    x = draw(2, 3, 3, 8)
    before = x.clone()
    want = part(x)
    assert torch.equal(x, before)
    with torch.device("meta"):
        made = part(torch.empty(2, 3, 3, 8, dtype=torch.float64))
    assert (made.shape, made.dtype) == (want.shape, torch.float64)


ONE_GRAPH = """
import torch
from refaudio.nn import attention as a, norm, rotary, snake

def block(x):
    table = rotary.rotary_table(torch.arange(3), 4, dtype=x.dtype)
    mask = a.causal_mask(torch.arange(3), torch.arange(3))[None, None]
    turned = rotary.rotate(x, table)
    y = a.attention(turned, turned, x, scale=0.5, mask=mask) + a.attention(turned, x, x, scale=0.5, causal=True, cap=3.0)
    return snake.snake(norm.rms_norm(y, eps=1e-5), torch.ones(3))

for size in 8, 8, 6:
    x = torch.randn(2, 3, 3, size, dtype=torch.float64)
    compiled = torch.compile(block, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), block(x), rtol=1e-12, atol=1e-12)
"""


def test_every_part_is_one_graph() -> None:
    """In a process of its own: the checks of shapes and types around the tests are no part of a graph."""
    ran = subprocess.run(
        [sys.executable, "-c", ONE_GRAPH],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
