"""The reference's solvers and guidance beside the laws: precision, threads, waiting, other networks, refusals."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from refaudio import flow
from refaudio.conformance.adapters import reference_solve
from refaudio.conformance.check import check
from refaudio.flow import CFM, METHODS, RECTIFIED_FLOW, RF_DENOISER, Guidance, Mismatch, V, grid
from refaudio.spec.oracles_flow import Gaussian, Mixture
from refaudio.spec.scripts_solve import Ideal, Language, state
from refaudio.spec.solve_order import MIXTURES, ORDERS, quantiles

X = state(0, 2, 3, 5)
IDEAL = Ideal(Language("data at 0", "velocity"), Gaussian(0.5, 0.25))
MATCHING = {"pingpong": RF_DENOISER, "ddim": V, "dpmpp-3m-sde": V}


def run(method: str, x: Tensor = X, seed: int = 0, steps: int = 4, network: Any = None) -> Tensor:
    objective = MATCHING.get(method, RECTIFIED_FLOW)
    language = Language("data at 0", objective.predicts)
    network = network or Ideal(language, Mixture([-1.0, 1.0], [0.5, 0.5], [1.0, 1.0]))
    return flow.solve(network, x, grid.uniform(steps), objective, method, generator=seed)


@pytest.mark.parametrize("method", METHODS)
def test_eight_threads_with_eight_seeds_equal_eight_runs(method: str) -> None:
    serial = [run(method, seed=seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(lambda seed: run(method, seed=seed), range(8)))
    assert all(map(torch.equal, serial, parallel))
    assert METHODS[method].stochastic != torch.equal(serial[0], serial[1])


class _Waits(TorchDispatchMode):
    """Notes every operation that would make the host wait for a device."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(
            name in str(func) for name in ("_local_scalar_dense", "nonzero", "is_nonzero", "equal.default")
        ):
            self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("method", METHODS)
def test_the_loop_waits_for_no_device(method: str) -> None:
    times = grid.uniform(6).tolist()
    objective = MATCHING.get(method, RECTIFIED_FLOW)
    given = [torch.Generator().manual_seed(i) for i in range(len(X))]
    guidable = RECTIFIED_FLOW if method == "pingpong" else objective
    guided = flow.guided(lambda x, t, cond: x + cond, X, Guidance(w=3.0, low=0.1, phi=0.5), guidable)
    seen: list[int] = []

    def network(x: Tensor, t: Tensor) -> Tensor:
        seen.append(len(waits.seen))
        return guided(x, t)

    with _Waits() as waits:
        flow.solve(network, X, times, objective, method, generator=given)
    assert seen[1] == len(waits.seen), waits.seen  # by the second call all times are numbers


def test_float64_stays_float64_and_half_precision_is_added_up_in_float32() -> None:
    fed: list[torch.dtype] = []

    def network(x: Tensor, t: Tensor) -> Tensor:
        fed.extend((x.dtype, t.dtype))
        return x * 0.5

    for dtype, state_dtype in (torch.float64, torch.float64), (torch.bfloat16, torch.float32):
        fed.clear()
        made = flow.solve(network, X.to(dtype), [1.0, 0.5, 0.0], RECTIFIED_FLOW, "euler")
        assert made.dtype == state_dtype
        assert fed == [dtype, state_dtype] * 2


@pytest.mark.parametrize("method", ORDERS)
@pytest.mark.parametrize("mixture", MIXTURES)
def test_orders_on_a_mixture(method: str, mixture: Mixture) -> None:
    least, few, many = ORDERS[method]
    objective = MATCHING.get(method, RECTIFIED_FLOW)
    language, x = Language("data at 0", objective.predicts), quantiles(48)
    want = mixture.end(x, 0.0, 1.0)
    errors = [
        float((flow.solve(Ideal(language, mixture), x, grid.uniform(n), objective, method) - want).norm())
        for n in (few, many)
    ]
    assert math.log(errors[0] / errors[1]) / math.log(many / few) >= least


@pytest.mark.parametrize("method", METHODS)
def test_calls_are_as_many_as_reported(method: str) -> None:
    objective = MATCHING.get(method, RECTIFIED_FLOW)
    network = Ideal(Language("data at 0", objective.predicts), Gaussian(0.0, 1.0))
    run(method, steps=5, network=network)
    assert len(network.calls) == flow.evaluations(method, 5)


def test_both_flow_directions_give_the_same_samples() -> None:
    forth = Ideal(Language("data at 0", "velocity"), Gaussian(0.5, 0.25))
    back = Ideal(Language("data at 1", "velocity"), Gaussian(0.5, 0.25))
    for method in "euler", "heun", "rk4", "dpmpp-2m":
        one = flow.solve(forth, X.double(), grid.uniform(5), RECTIFIED_FLOW, method)
        other = flow.solve(back, X.double(), grid.times(grid.uniform(5), CFM), CFM, method)
        torch.testing.assert_close(one, other, rtol=0, atol=1e-13)


class AdaLN(nn.Module):
    """A toy of another kind: 7 latent channels, time through a modulated norm, no condition and no guidance."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.modulate, self.mix = nn.Linear(1, 14), nn.Conv1d(7, 7, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        scale, shift = self.modulate(t[:, None].to(x.dtype))[..., None].chunk(2, 1)
        normal = nn.functional.layer_norm(x.transpose(1, 2), (7,)).transpose(1, 2)
        out: Tensor = self.mix(normal * (1 + scale) + shift)
        return out


@pytest.mark.parametrize("method", METHODS)
def test_a_network_of_another_kind_runs_through_unchanged(method: str) -> None:
    with torch.random.fork_rng(), torch.no_grad():
        model = AdaLN()
        x = state(1, 3, 7, 11)
        made = run(method, x, network=model)
        varied = flow.vary(model, x, x.flip(0), 0.3, 4, RECTIFIED_FLOW)
        kept = flow.continuation(3, 11, 4)
        continued = flow.inpaint(model, x, x.flip(0), kept, grid.uniform(3), RECTIFIED_FLOW)
    assert made.shape == varied.shape == continued.shape == x.shape
    assert torch.equal(continued[..., :4], x[..., :4])
    assert bool(made.isfinite().all())


def test_strength_nothing_returns_the_data() -> None:
    made = flow.vary(IDEAL, X, X.flip(0), 0.0, 4, RECTIFIED_FLOW)
    assert torch.equal(made, X)
    assert made.data_ptr() != X.data_ptr()


def test_guidance_of_one_asks_once_and_the_null_is_exact_zeros() -> None:
    fed: list[Tensor] = []

    def network(x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        fed.append(cond)
        return x + cond.mean((1, 2), keepdim=True)

    cond, t = state(5, 2, 4, 3), torch.full((2,), 0.5)
    flow.guided(network, cond, Guidance(w=1.0), RECTIFIED_FLOW)(X, t)
    flow.guided(network, cond, Guidance(w=3.0), RECTIFIED_FLOW)(X, t)
    assert [len(each) for each in fed] == [2, 4]
    assert torch.equal(fed[1], torch.cat([cond, torch.zeros_like(cond)]))
    assert flow.w_to_s(flow.s_to_w(4.0)) == 4.0


def test_an_interval_is_of_levels_whichever_way_time_runs() -> None:
    def network(x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        return cond.mean((1, 2), keepdim=True).expand(-1, 3, 5)

    cond = torch.ones(2, 1, 1)
    t = torch.tensor([0.25, 0.75])
    early = Guidance(w=2.0, low=0.5)  # only where there is much noise
    assert flow.guided(network, cond, early, RECTIFIED_FLOW)(X, t)[:, 0, 0].tolist() == [1.0, 2.0]
    assert flow.guided(network, cond, early, CFM)(X, t)[:, 0, 0].tolist() == [2.0, 1.0]


def test_a_callback_is_shown_copies() -> None:
    seen: list[flow.Progress] = []

    def meddle(progress: flow.Progress) -> None:
        seen.append(progress)
        progress.x.zero_()

    made = flow.solve(IDEAL, X, grid.uniform(3), RECTIFIED_FLOW, callback=meddle)
    assert torch.equal(made, flow.solve(IDEAL, X, grid.uniform(3), RECTIFIED_FLOW))
    assert [(each.done, each.steps, round(each.time, 3)) for each in seen] == [
        (1, 3, 0.667),
        (2, 3, 0.333),
        (3, 3, 0.0),
    ]


def test_a_reference_is_cut_or_filled_up_with_a_warning() -> None:
    keep = torch.ones(2, 5, dtype=torch.bool)
    with pytest.warns(UserWarning, match="5 frames and 7 are wanted"):
        data, kept = flow.fit(X, keep, 7)
    assert (data.shape, kept[0].tolist()) == ((2, 3, 7), [True] * 5 + [False] * 2)
    with pytest.warns(UserWarning, match="cut"):
        assert flow.fit(X, keep, 3)[0].shape == (2, 3, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert flow.fit(X, keep, 5)[1].all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: flow.solve(IDEAL, X, [1.0], RECTIFIED_FLOW), r"times=\[1.0\] must be n \+ 1 times"),
        (lambda: flow.solve(IDEAL, X, [0.5, 1.0], RECTIFIED_FLOW), r"times\[1\]=1.0 must be below times\[0\]=0.5"),
        (lambda: flow.solve(IDEAL, X, [1.0, 0.5], CFM), r"times\[1\]=0.5 must be above"),
        (lambda: flow.solve(IDEAL, X, [1.5, 0.0], RECTIFIED_FLOW), r"times\[0\]=1.5 must be between"),
        (lambda: flow.solve(IDEAL, X, [1.0, math.nan], RECTIFIED_FLOW), r"times\[1\]=nan"),
        (lambda: flow.solve(IDEAL, X, [1.0, 0.0], RECTIFIED_FLOW, "eulr"), "did you mean 'euler'"),
        (lambda: flow.solve(IDEAL, X, [1.0, 0.0], RF_DENOISER, "pingpong"), "generator=None must be"),
        (lambda: flow.solve(IDEAL, X, [1.0, 0.0], RF_DENOISER, "pingpong", generator=[torch.Generator()]), "got 1 for 2"),
        (lambda: flow.vary(IDEAL, X, X, 1.5, 4, RECTIFIED_FLOW), "strength=1.5 must be"),
        (lambda: flow.continuation(2, 4, 5), "known=5 must be at most 4"),
        (lambda: flow.rescale(X, X, 2.0), "phi=2.0 must be"),
        (lambda: flow.evaluations("euler", 0), "steps=0 must be"),
    ],
)  # fmt: skip
def test_refusals_say_what_to_do(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_what_does_not_go_together_warns() -> None:
    with pytest.warns(Mismatch, match="method='pingpong'"):
        flow.solve(IDEAL, X, [1.0, 0.0], RF_DENOISER, "euler")
    with pytest.warns(Mismatch, match="use 'euler'"):
        flow.solve(IDEAL, X, [1.0, 0.0], RECTIFIED_FLOW, "pingpong", generator=0)
    with pytest.warns(Mismatch, match="baked in"):
        flow.guided(lambda x, t, cond: x, X, Guidance(w=7.0), RF_DENOISER)


def to_the_data(
    network: Any, x: Tensor, steps: int, scale: float | None, generator: Any, method: str
) -> Tensor:
    """The reference's flow, turned round: its time runs to the data, and its guidance is counted from 0."""

    def turned(x: Tensor, t: Tensor, *cond: Tensor) -> Tensor:
        out: Tensor = -network(x, 1 - t, *cond)
        return out

    return reference_solve.solve(turned, x, steps, None if scale is None else scale + 1, generator, method)


def strengthen(cond: Tensor, uncond: Tensor, scale: float) -> Tensor:
    return flow.strengthen(cond, uncond, s=scale)


TRUE = {
    ("data at 0", "w"): {"solve": reference_solve.solve, "guide_velocity": reference_solve.guide_velocity},
    ("data at 1", "s"): {"solve": to_the_data, "guide_velocity": strengthen},
}


@pytest.mark.parametrize("code", TRUE, ids=" ".join)
@pytest.mark.parametrize("time", ["data at 0", "data at 1"])
@pytest.mark.parametrize("guidance", ["w", "s"])
def test_a_false_declaration_is_a_question_and_a_true_one_is_green(
    code: tuple[str, str], time: str, guidance: str
) -> None:
    """Each of two true codes of opposite conventions, under each declaration."""
    adapter = SimpleNamespace(
        **TRUE[code], TIME=time, PREDICTS="velocity", GUIDANCE=guidance, SIZES={"method": ["euler", "rk4"]}
    )
    report = check(adapter, only=["SOLVE-001", "SOLVE-003", "GUIDE-001", "GUIDE-003"], profile="quick")
    asked = {result.id: result.reason for result in report.results if result.reason.startswith("adapter?")}
    about_runs = {"SOLVE-001", "SOLVE-003", "GUIDE-003"}
    wanted = (about_runs if time != code[0] else set()) | (
        {"GUIDE-001", "GUIDE-003", *about_runs} if guidance != code[1] else set()
    )
    assert set(asked) == wanted
    assert all(result.status == "pass" for result in report.results if result.id not in asked)
    if time != code[0]:
        assert f"looks like TIME = {code[0]!r}" in asked["SOLVE-001"]
    if guidance != code[1]:
        assert f"looks like GUIDANCE = {code[1]!r}" in asked["GUIDE-001"]
