"""What the smoke stage asks of shortcut forcing: do labels, predictions and branches follow the declared conventions.

Nothing is asked of what could as well be a bug: a question needs a result that looks like another convention in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..spec.conventions import CONVENTIONS
from ..spec.draw_dynamics import Batch
from ..spec.scripts_dynamics import Listener, Units, over
from .adapter import Adapter

AREA = "SHORTCUT"
LEVEL = 0.25  # fits a step of 1/4 counted from either end, and is no 1 - LEVEL
BRIGHT = 100.0  # data so large that a noisy frame tells its level
CLOSE = 1e-3
SAME = 1e-5


def declared_units(adapter: Adapter, area: str = AREA) -> Units:
    """The units that an adapter declares, or the spec's own, for a grid that it knows."""
    k_max = next((size for size in adapter.sizes.get("k_max", [8]) if size >= 4), 8)
    told = {name.lower(): adapter.convention(name, area) for name in ("TIME", "STEP", "PREDICTS")}
    return Units(k_max, **{name: value for name, value in told.items() if value})


def says(name: str, declared: str | None, looks: str) -> str:
    """A question about a convention."""
    known = f"is declared {name} = {declared!r}" if declared else f"declares no {name}"
    return f"{known}, but looks like {name} = {looks!r}"


def _batch(units: Units, steps: Sequence[float], tau: float = LEVEL, size: float = BRIGHT) -> Batch:
    """A row of two frames for each of these step sizes, all data alike."""
    d = torch.tensor(steps, dtype=torch.float64)[:, None].expand(-1, 2)
    data = torch.full((len(steps), 2, 4), size, dtype=torch.float64)
    return Batch(data, torch.full_like(d, tau), d, "example", units.k_max)


def _losses(adapter: Adapter, units: Units, batch: Batch, network: object) -> list[float]:
    """The two losses of a batch, written in these units."""
    d = batch.d if adapter.sizes.get("d") == ["frame"] else batch.steps
    labels = units.level(batch.tau), units.write(d)
    got = adapter.functions["shortcut_loss"](network, batch.data, *labels, units.k_max)
    return [float(torch.as_tensor(0.0 if part is None else part).detach()) for part in got]


def _steps_told(z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
    """A network whose answer depends on the step alone, and grows by one with each doubling."""
    return torch.full_like(z, 5.0) + over(torch.log2(d), z)


def _form(adapter: Adapter) -> str | None:
    units = declared_units(adapter)
    batch = _batch(units, [1 / units.k_max])
    labels = units.level(batch.tau), units.write(batch.steps)
    got = adapter.functions["shortcut_loss"](Listener(units, _steps_told), batch.data, *labels, units.k_max)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        return f"must return the flow loss and the bootstrap loss, two numbers: got {type(got).__name__}"
    odd = [part for part in got if part is not None and torch.as_tensor(part).numel() != 1]
    return f"must return two numbers: got shape {tuple(torch.as_tensor(odd[0]).shape)}" if odd else None


def _time_of_loss(adapter: Adapter) -> str | None:
    """How bright the first noisy frame is tells what its level means."""
    units = declared_units(adapter)
    for step in _others("STEP", units.step):
        listener = Listener(replace(units, step=step), _steps_told)
        try:
            _losses(adapter, listener.units, _batch(units, [0.25, 0.25]), listener)
        except Exception:  # a unit that it does not take: another probe asks about it
            continue
        if listener.asked:
            return _time(adapter, float(listener.asked[0].z.mean()) / BRIGHT)
    return None


def _time(adapter: Adapter, signal: float) -> str | None:
    """A frame that was asked for at LEVEL, and holds this share of data."""
    units = declared_units(adapter)
    if abs(signal - LEVEL) < 0.1 or abs(signal - (1 - LEVEL)) > 0.1:
        return None
    (other,) = (time for time in CONVENTIONS["TIME"] if time != units.time)
    return says("TIME", adapter.convention("TIME", AREA), other)


def _others(name: str, first: str) -> list[str]:
    """The values of a convention, this one first."""
    return [first, *(value for value in CONVENTIONS[name] if value != first)]


def _step_of_loss(adapter: Adapter) -> str | None:
    """What the teacher's level advances by is half the step: the label that the student got is that in some unit."""
    units = declared_units(adapter)
    for unit in _others("STEP", units.step):
        listener = Listener(replace(units, step=unit), _steps_told)
        raw = _Raw(listener)
        try:
            _losses(adapter, listener.units, _batch(units, [0.25, 0.25]), raw)
        except Exception:  # refused in this unit
            continue
        if (looks := _unit(raw, units)) is not None:
            return None if looks == units.step else says("STEP", adapter.convention("STEP", AREA), looks)
    return None


class _Raw:
    """A network that keeps the labels as they were given."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.labels: list[tuple[float, float]] = []

    def __call__(self, z: Tensor, tau: Tensor, d: Tensor) -> Tensor:
        self.labels.append(
            (float(torch.as_tensor(tau).flatten()[-1]), float(torch.as_tensor(d).flatten()[-1]))
        )
        return self.listener(z, tau, d)


def _unit(raw: _Raw, units: Units) -> str | None:
    """The unit in which the largest step given is what the levels say it is."""
    levels = sorted({round(level, 6) for level, _ in raw.labels})
    if len(levels) != 2:
        return None
    whole, given = 2 * (levels[1] - levels[0]), max(step for _, step in raw.labels)
    looks = {
        "fraction": given,
        "grid units": given / units.k_max,
        "exponent": 2.0**given / units.k_max,
    }
    seen = [name for name, step in looks.items() if abs(step - whole) < 1e-6]
    return units.step if units.step in seen else next(iter(seen), None)


def _predicts(adapter: Adapter) -> str | None:
    """The flow loss is zero for a network that tells the truth in the right kind of prediction, and for no other."""
    units = declared_units(adapter)
    for step in _others("STEP", units.step):
        zero = []
        for kind in CONVENTIONS["PREDICTS"]:
            told = replace(units, step=step, predicts=kind)
            try:
                loss = _losses(adapter, told, _batch(units, [1 / units.k_max] * 2), _Truthful(told))[0]
            except Exception:
                break
            zero += [kind] * (abs(loss) < 1e-4)
        if zero:
            looks = zero[0]
            return (
                None
                if units.predicts in zero
                else says("PREDICTS", adapter.convention("PREDICTS", AREA), looks)
            )
    return None


class _Truthful:
    """A network that knows that all data is BRIGHT, and reads the direction of the levels off its frames."""

    def __init__(self, units: Units) -> None:
        self.units = units

    def __call__(self, z: Tensor, tau: Tensor, d: Tensor | None = None) -> Tensor:
        level = over(torch.as_tensor(tau).to(torch.float64), z)
        rises = bool((z.to(torch.float64).mean() / BRIGHT - level.mean()).abs() < 0.1)
        units = replace(self.units, time=CONVENTIONS["TIME"][1 if rises else 0])
        answer = units.answer(
            z.to(torch.float64), level if rises else 1 - level, torch.full_like(z, BRIGHT).double()
        )
        return answer.to(z.dtype)


def _branches(adapter: Adapter) -> str | None:
    """What becomes of both branches when rows of the other kind join them."""
    declared, units = adapter.convention("BRANCHES", AREA), declared_units(adapter)
    listener = Listener(units, _steps_told)
    fine, coarse = [1 / units.k_max], [0.25] * 3
    joined = _losses(adapter, units, _batch(units, fine + coarse, size=0.0), listener)
    apart = [
        _losses(adapter, units, _batch(units, rows, size=0.0), listener)[part]
        for part, rows in enumerate((fine, coarse))
    ]
    kept = [a / b for a, b in zip(joined, apart, strict=True)]
    wanted = {"all frames": [0.25, 0.75], "own frames": [1.0, 1.0]}
    seen = [
        way
        for way, each in wanted.items()
        if all(abs(a - b) < CLOSE for a, b in zip(kept, each, strict=True))
    ]
    if declared is None or not seen or declared in seen:
        return None
    return says("BRANCHES", declared, seen[0])


def _weight(adapter: Adapter) -> str | None:
    """A bootstrap loss that is the same multiple of the right one at two levels has been multiplied."""
    units, known = declared_units(adapter), adapter.numbers.get("BOOTSTRAP", 1.0)
    listener = Listener(units, _steps_told)
    found = []
    for tau in (0.0, LEVEL):
        loss = _losses(adapter, units, _batch(units, [0.25] * 2, tau, size=0.0), listener)[1]
        found.append(loss / (0.9 * tau + 0.1))
    first, second = found
    if not first > CLOSE or abs(first / second - 1) > SAME:
        return None
    if any(abs(first / (known * features) - 1) < CLOSE for features in (1, 4)):
        return None
    return f"is declared BOOTSTRAP = {known:g}, but its bootstrap loss is {first:g} times what it should be"


def _add_noise(adapter: Adapter) -> str | None:
    units = declared_units(adapter)
    level = units.level(torch.full((2, 3), LEVEL))
    got = adapter.functions["add_noise"](torch.ones(2, 3, 4), torch.zeros(2, 3, 4), level)
    if not isinstance(got, Tensor):
        return f"must return noisy frames, a tensor: got {type(got).__name__}"
    return _time(adapter, float(got.mean()))


def _step_sizes(adapter: Adapter) -> str | None:
    units = declared_units(adapter)
    sizes = torch.as_tensor(adapter.functions["step_sizes"](units.k_max)).to(torch.float64)
    return _listed(adapter, units, sizes)


def _listed(adapter: Adapter, units: Units, sizes: Tensor) -> str | None:
    """In which unit all of these are step sizes."""
    halvings = 2.0 ** torch.arange(units.k_max.bit_length(), dtype=torch.float64) / units.k_max
    seen = [
        unit
        for unit in CONVENTIONS["STEP"]
        if set(sizes.flatten().tolist())
        <= set(replace(units, step=unit).write(halvings).to(torch.float64).tolist())
    ]
    if not seen or units.step in seen or len(sizes.unique()) < 3:
        return None
    return says("STEP", adapter.convention("STEP", AREA), seen[0])


def _sample_levels(adapter: Adapter) -> str | None:
    units = declared_units(adapter)
    got = adapter.functions["sample_levels"](64, 3, units.k_max, torch.Generator().manual_seed(0))
    if not isinstance(got, (tuple, list)) or len(got) != 2 or not all(isinstance(x, Tensor) for x in got):
        return f"must return levels and steps, two tensors: got {type(got).__name__}"
    shapes = [tuple(x.shape) for x in got]
    if shapes[0] != (64, 3) or shapes[1] not in ((64,), (64, 3)):
        return f"must return levels (B, T) = (64, 3), and steps (B,) or (B, T): got {shapes}"
    return _listed(adapter, units, got[1].to(torch.float64)) or _turned(adapter)


def _embed_level(adapter: Adapter) -> str | None:
    units = declared_units(adapter)
    tau, d = torch.zeros(2), torch.tensor([1 / units.k_max, 1.0])
    got = adapter.functions["embed_level"](units.level(tau), units.write(d), units.k_max)
    if not isinstance(got, Tensor) or got.ndim != 2 or len(got) != 2:
        return f"must return vectors (N, D) = (2, D): got {tuple(got.shape) if isinstance(got, Tensor) else type(got).__name__}"
    return None


def _turned(adapter: Adapter) -> str | None:
    """What has no direction that could be seen is asked about with what has."""
    return _with(adapter, "TIME", {"add_noise": _add_noise, "shortcut_loss": _time_of_loss})


def _misstepped(adapter: Adapter) -> str | None:
    """What does not show its unit is asked about with what does."""
    return _with(adapter, "STEP", {"step_sizes": _step_sizes, "shortcut_loss": _step_of_loss})


def _with(adapter: Adapter, name: str, probes: Mapping[str, Callable[[Adapter], str | None]]) -> str | None:
    for function, probe in probes.items():
        if function in adapter.functions and name in (question := probe(adapter) or ""):
            return f"follows {name} as {function} does, which {question}"
    return None


PROBES: Mapping[str, list[Callable[[Adapter], str | None]]] = {
    "shortcut_loss": [_form, _time_of_loss, _step_of_loss, _predicts, _branches, _weight],
    "add_noise": [_add_noise],
    "ramp": [_turned],
    "step_sizes": [_step_sizes],
    "sample_levels": [_sample_levels],
    "embed_level": [_turned, _misstepped, _embed_level],
}
