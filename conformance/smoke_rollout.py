"""What the smoke stage asks of samplers: the form of what they return, and whether their labels are the declared ones.

The network of a probe hears labels as they come. It says one and the same data in each of the declared languages in turn:
the language in which a sampler arrives at that data is the one that it understands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..spec.conventions import CONVENTIONS
from ..spec.scripts_dynamics import Units, _spread, over
from .adapter import Adapter

BATCH, FRAMES, PAST = 3, 2, 2
DATA = 0.25
CLOSE = 1e-3
SILENT = {"TIME": "data at 1", "STEP": "fraction", "PREDICTS": "data"}  # what holds where nothing is declared
Heard = list[tuple[Tensor, Tensor | None, Tensor | None]]  # z, tau and d of the frame that is denoised


class Raw:
    """A network that keeps the labels of the last frame as they come, and says DATA in some units, or in none."""

    def __init__(self, units: Units | None = None) -> None:
        self.units = units
        self.heard: Heard = []

    def __call__(self, z: Tensor, tau: Any = None, d: Any = None, *rest: Any, cache: Any = None) -> Tensor:
        level, step = (None if label is None else _spread(label, z.shape[:2]) for label in (tau, d))
        self.heard.append(
            (z, None if level is None else level[:, -1:], None if step is None else step[:, -1:])
        )
        data = torch.full_like(z, DATA)
        if self.units is None or level is None:
            return data
        return self.units.answer(z, over(self.units.level(level), z).to(z.dtype), data)


class RawCache(Raw):
    """The same with a cache, for code that knows no other network."""

    def begin(self, batch: int, window: int | None) -> list[Any]:
        return []

    def commit(self, z: Tensor, *labels: Any, cache: Any = None) -> Any:
        return cache


def _latent(adapter: Adapter) -> list[int]:
    return [5] if 1 in adapter.sizes.get("latent", [1]) else [2, 3, 4]


def _grid(adapter: Adapter) -> tuple[int, int]:
    """K and a number of steps by which a fraction, grid units and an exponent differ."""
    k_max = int(adapter.sizes.get("k_max", [64])[0])
    return k_max, 4 if k_max >= 16 else min(2, k_max)


def _denoised(adapter: Adapter, network: Raw) -> Any:
    k_max, steps = _grid(adapter)
    generator = torch.Generator().manual_seed(0)
    shape = (BATCH, FRAMES, *_latent(adapter))
    return adapter.functions["denoise"](network, shape, steps, k_max, generator)


def _rolled(adapter: Adapter, network: Raw) -> Any:
    k_max, steps = _grid(adapter)
    window = adapter.sizes.get("reach", [None])[0]
    generator = torch.Generator().manual_seed(0)
    context = torch.full((BATCH, PAST, *_latent(adapter)), DATA)
    actions = torch.zeros(BATCH, PAST + FRAMES) if adapter.sizes.get("actions", [False])[0] else None
    return adapter.functions["rollout"](network, context, FRAMES, steps, actions, k_max, window, generator)


def _network(adapter: Adapter, units: Units | None = None) -> Raw:
    return (Raw if "none" in adapter.sizes.get("cache", ["none"]) else RawCache)(units)


Play = Callable[[Adapter, Raw], Any]


def _frames(play: Play) -> Callable[[Adapter], str | None]:
    """The form of what comes back."""

    def probe(adapter: Adapter) -> str | None:
        got = play(adapter, _network(adapter))
        wanted = (BATCH, FRAMES, *_latent(adapter))
        if not isinstance(got, Tensor):
            return f"must return frames (B, T, ...), a tensor: got {type(got).__name__}"
        if tuple(got.shape) != wanted or not got.is_floating_point():
            return f"must return floating-point frames (B, T, ...) = {wanted}: got {got.dtype} {tuple(got.shape)}"
        return None

    return probe


def _labels(play: Play) -> Callable[[Adapter], str | None]:
    """Whether tau runs, and d is counted, as declared; labels that fit no convention are asked about as well."""

    def probe(adapter: Adapter) -> str | None:
        network, (k_max, steps) = _network(adapter), _grid(adapter)
        play(adapter, network)
        levels = [float(tau[0, 0]) for _, tau, _ in network.heard[:steps] if tau is not None]
        widths = [float(d[0, 0]) for _, _, d in network.heard[:steps] if d is not None]
        if levels and not all(0 <= tau <= 1 for tau in levels):
            return f"must label levels as fractions from 0 to 1: got {levels}"
        rising = {"data at 1": levels[-1] > levels[0], "data at 0": levels[-1] < levels[0]} if levels else {}
        exponent = (k_max // steps).bit_length() - 1
        sizes = {"fraction": 1 / steps, "grid units": k_max / steps, "exponent": float(exponent)}
        counted = {name: bool(widths) and all(d == size for d in widths) for name, size in sizes.items()}
        return _differs(adapter, "TIME", rising) or _differs(adapter, "STEP", counted)

    return probe


def _answers(play: Play) -> Callable[[Adapter], str | None]:
    """Which of the languages of a prediction the sampler understands."""

    def probe(adapter: Adapter) -> str | None:
        time = adapter.convention("TIME", "ROLLOUT") or "data at 1"
        k_max, _ = _grid(adapter)
        understood = {}
        for language in CONVENTIONS["PREDICTS"]:
            try:
                got = play(adapter, _network(adapter, Units(k_max, time=time, predicts=language)))
            except Exception:  # what cannot be computed is not understood
                continue
            understood[language] = float((got - DATA).abs().max()) < CLOSE
        return _differs(adapter, "PREDICTS", understood)

    return probe


def _differs(adapter: Adapter, name: str, looks: Mapping[str, bool]) -> str | None:
    """Which other value of a convention the sampler looks like; what looks like none is left to the laws."""
    declared = adapter.convention(name, "ROLLOUT") or SILENT[name]
    seen = [value for value, matches in looks.items() if matches]
    if not seen or declared in seen:
        return None
    return f"is declared {name} = {declared!r}, but looks like {name} = {seen[0]!r}"


PROBES: Mapping[str, list[Callable[[Adapter], str | None]]] = {
    "denoise": [_frames(_denoised), _labels(_denoised), _answers(_denoised)],
    "rollout": [_frames(_rolled), _labels(_rolled), _answers(_rolled)],
}
