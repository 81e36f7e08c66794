"""Samplers and rollout loops that are right and different are green; declarations that are not true are asked about."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.load import load
from refaudio.conformance.mutants.rollout import check_steps
from refaudio.conformance.mutants.rollout_past import Loop
from refaudio.conformance.report import failure_text
from refaudio.conformance.smoke import smoke
from refaudio.spec import LAWS

ROLLOUT = [id for id in LAWS if id.startswith("ROLLOUT")]
CONVENTIONS = {"TIME": "data at 1", "STEP": "fraction", "PREDICTS": "data"}


class Turned:
    """A network that takes noise at 1, data at 0, d in grid units and one an example, and answers noise - data."""

    def __init__(self, network: Any, k_max: int) -> None:
        self.network, self.k_max = network, k_max

    def _told(self, tau: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - tau, (d * self.k_max).to(torch.int64)

    def __call__(self, z: Tensor, tau: Tensor, d: Tensor, *rest: Any, **cache: Any) -> Tensor:
        steps = (d * self.k_max).to(torch.int64)[:, -1]
        back = self.network(z, 1 - tau, steps, *rest, **cache)
        data: Tensor = z - (1 - tau).reshape(*tau.shape, *[1] * (z.ndim - 2)) * back
        return data


class TurnedCache(Turned):
    """The same, with its cache."""

    def begin(self, batch: int, window: int | None) -> Any:
        return self.network.begin(batch, window)

    def commit(self, z: Tensor, tau: Tensor, d: Tensor, *rest: Any, cache: Any) -> Any:
        return self.network.commit(z, *self._told(tau, d), *rest, cache=cache)


def turned(network: Any, k_max: int) -> Turned:
    return (TurnedCache if hasattr(network, "begin") else Turned)(network, k_max)


def denoise_turned(network: Any, shape: Any, steps: int, k_max: int, generator: Any) -> Tensor:
    return reference.denoise(turned(network, k_max), shape, steps, k_max, generator)


def rollout_turned(
    network: Any, context: Any, frames: Any, steps: int, actions: Any, k_max: int, window: Any, generator: Any
) -> Tensor:
    return reference.rollout(
        turned(network, k_max), context, frames, steps, actions, k_max, window, generator
    )


def sample_levels_turned(batch: int, frames: int, k_max: int, generator: Any) -> tuple[Tensor, Tensor]:
    tau, d = reference.sample_levels(batch, frames, k_max, generator)
    return 1 - tau, (d * k_max).to(torch.int64)[:, 0]


TURNED = {
    "denoise": denoise_turned,
    "rollout": rollout_turned,
    "sample_levels": sample_levels_turned,
    "TIME": "data at 0",
    "STEP": "grid units",
    "PREDICTS": "velocity",
}
STRAIGHT = {name: getattr(reference, name) for name in ("denoise", "rollout", "sample_levels")}


def implied_noise(network: Any, shape: Any, steps: int, k_max: int, generator: Any) -> Tensor:
    """Renoising with the noise that the prediction implies, labels (B,), and an answer clipped to where a tanh ends."""
    check_steps(steps, k_max)
    z = torch.randn(tuple(shape), generator=generator)
    for s in range(steps):
        tau, after = s / steps, (s + 1) / steps
        data = network(z, torch.full((len(z),), tau), torch.tensor(1 / steps))
        z = (1 - after) * (z - tau * data) / (1 - tau) + after * data
    return z.clamp(-1, 1)


class CleanPast(Loop):
    """Past frames stay clean and say so, with the highest level that is trained; the last frame is not remembered."""

    def corrupted(self, frame: Tensor) -> tuple[Tensor, float]:
        return frame, (self.k_max - 1) / self.k_max

    def remember_made(self, t: int, frame: Tensor) -> None:
        if t + 1 < self.context.shape[1] + self.frames:
            super().remember_made(t, frame)


class NoiseAnew(Loop):
    """The noise of past frames is drawn again at every step, under the same label."""

    def remember(self, t: int, frame: Tensor) -> None:
        if self.cached:
            raise NotImplementedError("there is no cache")
        self.held.append((frame, *self.action(t)))

    def in_sight(self) -> list[tuple[Tensor, ...]]:
        shown = []
        for t, (frame, *_) in list(enumerate(self.held)):
            z, tau = self.corrupted(frame)
            shown.append(self.labelled(t, z, tau, 1 / self.k_max))
        return shown  # all of them: the window is the network's own affair


class RefusesNan(Loop):
    """What is not finite is refused."""

    def predict(self, t: int, s: int, z: Tensor) -> Tensor:
        data = super().predict(t, s, z)
        if not bool(data.isfinite().all()):
            raise ValueError(f"data={data.flatten()[0]} must be finite")
        return data


def test_two_codes_of_opposite_conventions_are_green() -> None:
    for bound in ({**STRAIGHT, **CONVENTIONS}, TURNED):
        report = check(SimpleNamespace(**bound), only=ROLLOUT)
        assert report.counts["pass"] == len(ROLLOUT), "\n".join(map(failure_text, report.results))


@pytest.mark.parametrize("code", [{**STRAIGHT, **CONVENTIONS}, TURNED], ids=["straight", "turned"])
@pytest.mark.parametrize("name", list(CONVENTIONS))
def test_a_false_declaration_is_asked_about(code: dict[str, Any], name: str) -> None:
    opposite = TURNED if code["TIME"] == "data at 1" else CONVENTIONS
    questions = smoke(load(SimpleNamespace(**{**code, name: opposite[name]})))
    says = {question.function: question.says for question in questions}
    for sampler in ("denoise", "rollout"):
        assert f"looks like {name} = {code[name]!r}" in says[sampler]


def test_true_declarations_raise_no_question() -> None:
    for bound in ({**STRAIGHT, **CONVENTIONS}, TURNED):
        assert smoke(load(SimpleNamespace(**bound))) == []


@pytest.mark.parametrize(
    ("bound", "laws"),
    [
        ({"denoise": implied_noise}, "001 002 003 004 005 006 010"),
        ({"rollout": lambda *given: CleanPast(*given).run()}, "001 002 003 005 006 007 008 009 010"),
        (
            {"rollout": lambda *given: NoiseAnew(*given).run(), "SIZES": {"cache": ["none"]}},
            "001 002 003 005 006 007 008 010",
        ),
        ({"rollout": lambda *given: RefusesNan(*given).run()}, "001 002 003 005 006 007 008 009 010"),
    ],
    ids=["implied noise", "clean past", "noise anew", "refuses nan"],
)
def test_right_but_different_is_green(bound: dict[str, Any], laws: str) -> None:
    only = [f"ROLLOUT-{id}" for id in laws.split()]
    report = check(SimpleNamespace(**CONVENTIONS, **bound), only=only, profile="quick")
    assert report.counts["pass"] == len(only), "\n".join(map(failure_text, report.results))
