"""What the smoke stage asks of runs and of guidance: shapes, and whether TIME, PREDICTS and GUIDANCE are what they look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import torch
from torch import Tensor

from ..spec.conventions import CONVENTIONS
from ..spec.oracles_flow import OnePoint, Straight, Truth
from ..spec.scripts_solve import FROM_DATA, OF_V, Ideal, Language, generators, levels_of, state
from .adapter import Adapter

STEPS, BATCH, CLOSE = 3, 2, 1e-3
Question = Callable[[Adapter], str | None]
Run = Callable[[Callable[..., Any], Ideal, Tensor, str], Any]


def _method(adapter: Adapter) -> str:
    return str(adapter.sizes.get("method", ["euler"])[0])


def _integrate(function: Callable[..., Any], network: Ideal, x: Tensor, method: str) -> Any:
    times = network.speaks.told(
        torch.tensor(levels_of([1] * STEPS, network.speaks.start), dtype=torch.float64)
    ).to(x.dtype)
    return function(network, x, times, generators(0, BATCH), method)


def _inpaint(function: Callable[..., Any], network: Ideal, x: Tensor, method: str) -> Any:
    nothing = torch.zeros(len(x), x.shape[-1], dtype=torch.bool)
    return function(network, torch.zeros_like(x), x, nothing, STEPS, generators(0, BATCH), method)


# How each function is made to take x from noise to data.
RUNS: Mapping[str, Run] = {
    "solve": lambda function, network, x, method: function(
        network, x, STEPS, None, generators(0, BATCH), method
    ),
    "integrate": _integrate,
    "watch": lambda function, network, x, method: function(
        network, x, STEPS, lambda *seen, **named: None, method
    ),
    "vary": lambda function, network, x, method: function(
        network, torch.zeros_like(x), x, STEPS, 1.0, generators(0, BATCH), method
    ),
    "inpaint": _inpaint,
}


def _problem(speaks: Language, method: str, x: Tensor) -> tuple[Truth, Tensor] | None:
    """One that any number of steps solves exactly, and its answer."""
    other = state(7, *x.shape)
    if method in FROM_DATA:
        return OnePoint(other), other
    return (Straight(other), x - other) if speaks.straight else None


def _ends(adapter: Adapter, name: str, speaks: Language, method: str) -> tuple[object, Tensor] | None:
    """Where a function takes noise if the network speaks this language, and where the data are."""
    x = state(3, BATCH, 2, 3)
    problem = _problem(speaks, method, x)
    if problem is None:
        return None
    try:
        return RUNS[name](adapter.functions[name], Ideal(speaks, problem[0]), x.clone(), method), problem[1]
    except (Exception, SystemExit):  # another language may well be refused
        return None


def _near(got: object, want: Tensor) -> bool:
    if not isinstance(got, Tensor) or got.shape != want.shape:
        return False
    return bool((got.to(torch.float64) - want.to(torch.float64)).abs().max() < CLOSE)


def _run(name: str) -> Question:
    """Whether a run returns latents, and arrives when the network speaks as declared."""

    def probe(adapter: Adapter) -> str | None:
        method = _method(adapter)
        time, predicts = adapter.convention("TIME", "SOLVE"), adapter.convention("PREDICTS", "SOLVE")
        if time is None or predicts is None:
            return None  # the laws say so
        spoken = ["v"] if method in OF_V else list(CONVENTIONS["PREDICTS"])
        ours = (time, "v" if method in OF_V else predicts)
        ended = _ends(adapter, name, Language(*ours), method)
        if ended and not (isinstance(ended[0], Tensor) and ended[0].shape == ended[1].shape):
            form = tuple(ended[0].shape) if isinstance(ended[0], Tensor) else type(ended[0]).__name__
            return f"must return latents like x, {tuple(ended[1].shape)}: got {form}"
        if ended and _near(*ended):
            return None
        for other in product(CONVENTIONS["TIME"], spoken):
            ended = _ends(adapter, name, Language(*other), method)
            if other != ours and ended and _near(*ended):
                return (
                    f"is declared TIME = {time!r}, PREDICTS = {predicts!r}, but looks like "
                    f"TIME = {other[0]!r}, PREDICTS = {other[1]!r}"
                )
        return None

    return probe


SCALE = 2.5


def _guidance(name: str, ask: Callable[[Callable[..., Any], Adapter, Tensor, Tensor], object]) -> Question:
    """Which convention an answer under guidance follows, against the declared one; what follows neither is left to the laws."""

    def probe(adapter: Adapter) -> str | None:
        declared = adapter.convention("GUIDANCE", "GUIDE")
        c, u = state(1, BATCH, 2, 3), state(2, BATCH, 2, 3)
        got = ask(adapter.functions[name], adapter, c, u)
        if not isinstance(got, Tensor) or got.shape != c.shape:
            form = tuple(got.shape) if isinstance(got, Tensor) else type(got).__name__
            return f"must return an answer like cond, {tuple(c.shape)}: got {form}"
        looks = {"w": u + SCALE * (c - u), "s": c + SCALE * (c - u)}
        seen = [value for value, answer in looks.items() if _near(got, answer)]
        if declared is None or not seen or declared in seen:
            return None
        return f"is declared GUIDANCE = {declared!r}, but looks like GUIDANCE = {seen[0]!r}"

    return probe


def _guided(function: Callable[..., Any], adapter: Adapter, c: Tensor, u: Tensor) -> object:
    """One guided evaluation of a network that answers c with a condition, and u without."""

    def network(x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        given = (cond.reshape(len(x), -1) != 0).any(1)[:, None, None]
        times = len(x) // len(c)
        return torch.where(given, c.repeat(times, 1, 1), u.repeat(times, 1, 1))

    return function(network, torch.zeros_like(c), torch.full((BATCH,), 0.5), torch.ones(BATCH, 1, 1), SCALE)


def _guided_run(function: Callable[..., Any], adapter: Adapter, c: Tensor, u: Tensor) -> object:
    """Where a guided run ends whose network means the point c with a condition, and u without; or by which velocity."""
    method = _method(adapter)
    time, predicts = adapter.convention("TIME", "SOLVE"), adapter.convention("PREDICTS", "SOLVE")
    speaks = Language(str(time), "v" if method in OF_V else str(predicts))
    # a law hands over the same problem for every item, so that code may order the two halves as it likes
    c[:], u[:] = c[:1], u[:1]
    if method in FROM_DATA:
        network = Ideal(speaks, OnePoint(c[:1]), OnePoint(u[:1]))
        return function(network, state(3, BATCH, 2, 3), STEPS, SCALE, generators(0, BATCH), method)
    x = state(3, BATCH, 2, 3)
    network = Ideal(speaks, Straight(c[:1]), Straight(u[:1]))
    return x - function(network, x.clone(), STEPS, SCALE, generators(0, BATCH), method)


def _interval(function: Callable[..., Any], adapter: Adapter, c: Tensor, u: Tensor) -> object:
    return function(c, u, SCALE, torch.full((BATCH,), 0.5), 0.25, 0.75)


def _rescale(adapter: Adapter) -> str | None:
    c = state(1, BATCH, 2, 3)
    got = adapter.functions["rescale"](c * 2, c, 0.5)
    if isinstance(got, Tensor) and got.shape == c.shape:
        return None
    form = tuple(got.shape) if isinstance(got, Tensor) else type(got).__name__
    return f"must return an answer like cond, {tuple(c.shape)}: got {form}"


PROBES: Mapping[str, list[Question]] = {
    **{name: [_run(name)] for name in RUNS if name != "solve"},
    "solve": [_run("solve"), _guidance("solve", _guided_run)],
    "guide_velocity": [
        _guidance("guide_velocity", lambda function, adapter, c, u: function(c.clone(), u.clone(), SCALE))
    ],
    "guided": [_guidance("guided", _guided)],
    "guide_interval": [_guidance("guide_interval", _interval)],
    "rescale": [_rescale],
}
