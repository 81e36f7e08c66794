"""Shortcut forcing that differs and is right is green; a false declaration is a question to the adapter, not a verdict."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from refaudio.conformance.adapters import reference, reference_dynamics, turned_dynamics
from refaudio.conformance.check import check
from refaudio.conformance.mutants.shortcut import Naive
from refaudio.conformance.report import failure_text
from refaudio.spec import LAWS
from refaudio.spec.conventions import CONVENTIONS

SHORTCUT = [id for id, law in LAWS.items() if law.area == "SHORTCUT"]
LOSSES = [id for id in SHORTCUT if LAWS[id].touches({"shortcut_loss"})]
FUNCTIONS = "add_noise ramp step_sizes sample_levels embed_level shortcut_loss".split()
STRAIGHT = {"TIME": "data at 1", "STEP": "fraction", "PREDICTS": "data", "BRANCHES": "all frames"}
Network = Callable[..., Tensor]


def straight(**changes: Any) -> SimpleNamespace:
    """The reference's shortcut forcing alone, with something changed."""
    bound = {name: getattr(reference_dynamics, name) for name in FUNCTIONS}
    return SimpleNamespace(**{**bound, **STRAIGHT, **changes})


def turned(**changes: Any) -> SimpleNamespace:
    """The opposite convention, with something changed."""
    told = {name: getattr(turned_dynamics, name) for name in (*STRAIGHT, "SIZES")}
    return SimpleNamespace(**{name: getattr(turned_dynamics, name) for name in FUNCTIONS}, **told | changes)


def green(adapter: object, laws: list[str]) -> None:
    report = check(adapter, only=laws, profile="quick")
    assert report.counts["pass"] == len(laws), "\n".join(map(failure_text, report.results))


@pytest.mark.parametrize("adapter", [straight(), turned()], ids=["straight", "turned"])
def test_both_conventions_are_green(adapter: object) -> None:
    green(adapter, SHORTCUT)


FALSE = [
    (code, name, value)
    for code, told in (("straight", STRAIGHT), ("turned", vars(turned_dynamics)))
    for name in ("TIME", "STEP", "PREDICTS")
    for value in CONVENTIONS[name]
    if value != told[name]
]


@pytest.mark.parametrize(("code", "name", "value"), FALSE)
def test_a_false_declaration_is_a_question(code: str, name: str, value: str) -> None:
    adapter = {"straight": straight, "turned": turned}[code](**{name: value})
    report = check(adapter, only=SHORTCUT, profile="quick")
    asked = [result.id for result in report.results if result.reason.startswith("adapter?")]
    assert set(LOSSES) <= set(asked)
    assert all(name in report[id].reason for id in LOSSES)
    assert [r.id for r in report.results if r.id not in asked and r.status != "pass"] == []


@pytest.mark.parametrize("name", ["BRANCHES", "BOOTSTRAP"])
def test_so_is_a_false_normalisation(name: str) -> None:
    false = straight(**{name: {"BRANCHES": "own frames", "BOOTSTRAP": 10.0}[name]})
    assert name in check(false, only="SHORTCUT-010")["SHORTCUT-010"].reason


def test_a_documented_weight_between_the_branches_is_no_failure() -> None:
    def weighted(*args: Any) -> tuple[Tensor, Tensor]:
        flow, bootstrap = reference_dynamics.shortcut_loss(*args)
        return flow, 10 * bootstrap

    green(straight(shortcut_loss=weighted, BOOTSTRAP=10.0), LOSSES)
    assert "10 times" in check(straight(shortcut_loss=weighted), only="SHORTCUT-010")["SHORTCUT-010"].reason


class OtherKind(nn.Module):
    """A network that predicts something else than data, asked by code that wants data."""

    def __init__(self, network: Network, kind: str) -> None:
        super().__init__()
        self.network, self.kind = network, kind

    def forward(self, z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        out, left = self.network(z, tau, d), 1 - tau.reshape(*tau.shape, *[1] * (z.ndim - 2))
        if self.kind == "velocity":
            return z + left * out
        return ((1 - left) * z - left * out) / ((1 - left) ** 2 + left**2)


@pytest.mark.parametrize("kind", ["velocity", "v"])
def test_networks_that_predict_something_else_are_judged_by_the_data_they_mean(kind: str) -> None:
    def loss(network: Network, *args: Any) -> tuple[Tensor, Tensor]:
        return reference_dynamics.shortcut_loss(OtherKind(network, kind), *args)

    laws = [
        id for id in LOSSES if id != "SHORTCUT-015"
    ]  # an answer a thousand times as large is another story
    green(straight(shortcut_loss=loss, PREDICTS=kind), laws)


class FourCalls(Naive):
    """Two student calls, and the sum of squares in place of their mean: no documented choice is a bug."""

    def student(self, network: Network, z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        return torch.cat([network(z[i : i + 1], tau[i : i + 1], d[i : i + 1, 0]) for i in range(len(z))])

    def errors(self, answer: Tensor, target: Tensor) -> Tensor:
        return super().errors(answer, target) * answer[0, 0].numel()


class InSinglePrecision(Naive):
    """Whatever comes, the loss is computed in float32."""

    def __call__(
        self, network: Network, data: Tensor, tau: Tensor, d: Tensor, k_max: int
    ) -> tuple[Tensor, Tensor]:
        return super().__call__(network, data.float(), tau.float(), d.float(), k_max)


class Crashes(Naive):
    """An empty batch is a crash in the mean, and NaN a stop: neither is hidden."""

    def branches(self, answer: Tensor, target: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
        if not answer.numel() or bool(answer.isnan().any()):
            raise RuntimeError("nothing to learn from")
        return super().branches(answer, target, *rest)


@pytest.mark.parametrize(
    "loss", [Naive(), InSinglePrecision(), Crashes()], ids=lambda loss: type(loss).__name__
)
def test_losses_in_velocities_are_green(loss: Naive) -> None:
    green(straight(shortcut_loss=lambda *args: loss(*args)), LOSSES)


def test_a_call_for_each_example_and_a_sum_over_features_are_green() -> None:
    loss = FourCalls()
    green(straight(shortcut_loss=lambda *args: loss(*args), SIZES={"d": ["example"]}), LOSSES)


def coin(batch: int, frames: int, k_max: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One coin for the whole batch decides between the branches, as in a published port; the shares are right."""
    halvings = k_max.bit_length() - 1
    if k_max < 1 or k_max & (k_max - 1):
        raise ValueError(f"k_max={k_max} must be a power of two")
    coarse = bool(torch.rand((), generator=generator) >= 1 / (halvings + 1))
    e = (
        torch.randint(max(1, halvings), (batch,), generator=generator) + 1
        if coarse and halvings
        else torch.zeros(batch)
    )
    e = e.long()
    index = torch.randint(k_max, (batch, frames), generator=generator) >> e[:, None] << e[:, None]
    return index / k_max, 2.0**e / k_max


def for_each_frame(batch: int, frames: int, k_max: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    levels = reference_dynamics.Grid(k_max).sample(batch, frames, generator, per_frame=True)
    return levels.grid.tau(levels.index), levels.grid.d(levels.exponent)


def mostly_flow(batch: int, frames: int, k_max: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    levels = reference_dynamics.Grid(k_max).sample(batch, frames, generator, flow=0.75 if k_max > 1 else 1.0)
    return levels.grid.tau(levels.index), levels.grid.d(levels.exponent)


def at_least_two(batch: int, frames: int, k_max: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    if frames < 2:
        raise ValueError(f"frames={frames} must be 2 or more: the first is context")
    return reference_dynamics.sample_levels(batch, frames, k_max, generator)


@pytest.mark.parametrize(
    ("sampler", "told", "laws"),
    [
        (coin, {}, "004 005 007 008"),  # 006 draws one large batch, of which a coin makes all alike
        (for_each_frame, {}, "004 005 006 007 008"),
        (mostly_flow, {"FLOW": 0.75}, "004 005 006 007 008"),
        (at_least_two, {}, "007"),
    ],
    ids=["coin", "for each frame", "mostly flow", "at least two"],
)
def test_other_ways_to_draw_levels_are_green(sampler: Any, told: dict[str, float], laws: str) -> None:
    green(SimpleNamespace(sample_levels=sampler, **told), [f"SHORTCUT-{number}" for number in laws.split()])


def test_code_for_one_grid_is_asked_for_that_one() -> None:
    def of_eight(batch: int, frames: int, k_max: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        assert k_max == 8
        return reference_dynamics.sample_levels(batch, frames, 8, generator)

    only = SimpleNamespace(sample_levels=of_eight, SIZES={"k_max": [8]})
    report = check(only, only=["SHORTCUT-003", "SHORTCUT-004", "SHORTCUT-006"])
    assert [result.status for result in report.results] == ["unclaimed", "pass", "pass"] or report.counts[
        "pass"
    ] == 3


@pytest.mark.parametrize("form", ["expanded", "lerp"])
def test_other_ways_to_add_noise_are_green(form: str) -> None:
    def mix(data: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
        if tau.ndim <= 2:
            assert tau.shape in ((), data.shape[:1], data.shape[:2])
            tau = tau.reshape(*tau.shape, *[1] * (data.ndim - tau.ndim))
        assert tau.ndim == data.ndim, "pre-expanded levels have the axes of the data"
        return (
            torch.lerp(noise, data, tau.expand(data.shape))
            if form == "lerp"
            else noise + tau * (data - noise)
        )

    green(SimpleNamespace(add_noise=mix), ["SHORTCUT-001"])


def test_a_sinusoid_of_whole_levels_tells_them_apart() -> None:
    def sinusoid(tau: Tensor, d: Tensor, k_max: int) -> Tensor:
        angle = 1000 * tau[:, None] * 10000.0 ** (-torch.arange(32) / 32)
        step = torch.log2(d * k_max)[:, None] * 100.0 ** (-torch.arange(8) / 8)
        return torch.cat([angle.cos(), angle.sin(), step.cos(), step.sin()], dim=1)

    green(SimpleNamespace(embed_level=sinusoid), ["SHORTCUT-020"])


def test_the_reference_declares_its_conventions() -> None:
    assert reference.TIME["dynamics"] == "data at 1"
    assert reference.PREDICTS["dynamics"] == "data"
