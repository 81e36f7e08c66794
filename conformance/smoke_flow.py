"""What the smoke stage asks of paths and grids: are they latents and times, and do they speak as declared.

A path says what it speaks by what it does to a data and a noise of 1, in several functions. Where all of them agree with
each other and none with the declaration, the declaration is what looks wrong. Where they disagree among themselves one
of them is: that is for the laws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..spec.oracles_path import FORMS, Form
from .adapter import Adapter

BATCH, FORM = 3, (2, 4)
LATENTS = f"latents (B, D, L) = {(BATCH, *FORM)}"
CLOSE = 1e-3


def _latents(got: object) -> str | None:
    if not isinstance(got, Tensor) or not got.is_floating_point() or got.shape != (BATCH, *FORM):
        form = f"{got.dtype} {tuple(got.shape)}" if isinstance(got, Tensor) else type(got).__name__
        return f"must return {LATENTS}: got {form}"
    return None


def _shape(name: str) -> Callable[[Adapter], str | None]:
    def probe(adapter: Adapter) -> str | None:
        made = torch.randn(2, BATCH, *FORM, generator=torch.Generator().manual_seed(0))
        return _latents(adapter.functions[name](made[0], made[1], torch.tensor([0.25, 0.5, 0.75])))

    return probe


Spoken = Callable[[Form, Tensor], tuple[Tensor, Tensor]]


def _back(form: Form, t: Tensor, which: int) -> tuple[Tensor, Tensor]:
    """What a state of 1 and an answer of 1, each by itself, make of the data (0) or of the noise (1)."""
    one, none = torch.ones_like(t), torch.zeros_like(t)
    return form.back(t, one, none)[which], form.back(t, none, one)[which]


SPOKEN: Mapping[str, Spoken] = {
    "interpolate": lambda form, t: form.mix(t),
    "target": lambda form, t: form.answer(t),
    "to_data": lambda form, t: _back(form, t, 0),
    "to_noise": lambda form, t: _back(form, t, 1),
}


def _path(adapter: Adapter, name: str) -> set[Form]:
    """The forms that this function may speak."""
    t = torch.tensor([0.2, 0.45, 0.85])
    one = torch.ones(BATCH, *FORM)
    heard = [
        adapter.functions[name](*pair, t.clone())[:, 0, 0].double()
        for pair in ((one, 0 * one), (0 * one, one))
    ]
    exact = {form for form in FORMS if all(map(_close, heard, SPOKEN[name](form, t)))}
    if exact or name != "interpolate":
        return exact
    falls = bool((heard[0].diff() < 0).all())  # another path: where the data are shows all the same
    return {form for form in FORMS if form.time == ("data at 0" if falls else "data at 1")}


def _close(got: Tensor, want: Tensor) -> bool:
    return bool((got - want).abs().max() < CLOSE)


def _times(points: object) -> set[Form]:
    """The forms for which these times run from the noise to the data."""
    made = torch.as_tensor(points).double()
    where = "data at 0" if bool(made[0] > made[-1]) else "data at 1"
    return {form for form in FORMS if form.time == where}


def _grid_start(adapter: Adapter) -> float:
    return float(adapter.sizes.get("start", [1.0])[0])


RUNS: Mapping[str, Callable[[Adapter], object]] = {
    "grid": lambda adapter: adapter.functions["grid"](8, _grid_start(adapter)),
    "sway": lambda adapter: adapter.functions["sway"](8, 0.0),
    "published_grid": lambda adapter: adapter.functions["published_grid"](
        adapter.sizes.get("grid", ["diffrhythm"])[0], 8
    ),
}


def _all_agree(adapter: Adapter) -> set[Form]:
    """The forms that every bound function speaks; what raises or looks like none says nothing."""
    agreed = set(FORMS)
    for name in (*SPOKEN, *RUNS):
        if name in adapter.functions:
            agreed &= _heard(adapter, name) or agreed
    return agreed


def _heard(adapter: Adapter, name: str) -> set[Form] | None:
    """The forms that one function may speak, if it says anything."""
    try:
        return _path(adapter, name) if name in SPOKEN else _times(RUNS[name](adapter))
    except (Exception, SystemExit):
        return None


def _conventions(adapter: Adapter) -> str | None:
    """TIME and PREDICTS as declared, against what all functions together look like."""
    agreed = _all_agree(adapter)
    if not agreed or len(agreed) == len(FORMS):
        return None
    declared = {
        "TIME": adapter.convention("TIME", "PATH"),
        "PREDICTS": adapter.convention("PREDICTS", "PATH"),
    }
    looks = {"TIME": {form.time for form in agreed}, "PREDICTS": {form.predicts for form in agreed}}
    for name, said in declared.items():
        if said is not None and said not in looks[name]:
            return f"is declared {name} = {said!r}, but looks like {name} = {_either(looks[name])}"
    both = {(form.time, form.predicts) for form in agreed}
    if None not in declared.values() and tuple(declared.values()) not in both:
        seen = _either(" and ".join(pair) for pair in both)
        return f"is declared {declared['TIME']!r} and {declared['PREDICTS']!r}, but looks like {seen}"
    return None


def _either(values: Iterable[str]) -> str:
    return " or ".join(map(repr, sorted(values)))


def _points(name: str) -> Callable[[Adapter], str | None]:
    def probe(adapter: Adapter) -> str | None:
        got = RUNS[name](adapter)
        made = torch.as_tensor(got)
        if made.ndim != 1 or not made.is_floating_point():
            return f"must return times (n + 1,): got {made.dtype} {tuple(made.shape)}"
        return None

    return probe


def _fixed_tail(adapter: Adapter) -> str | None:
    """A tail that narrows with the other steps is not fixed."""
    if adapter.convention("GRID", "GRID") != "fixed tail":
        return None
    grids = [torch.as_tensor(adapter.functions["grid"](n, _grid_start(adapter))).double() for n in (16, 64)]
    last = [float((points[-1] - points[-2]).abs()) for points in grids]
    if last[1] < last[0] / 2:
        return "is declared GRID = 'fixed tail', but its last step narrows as the steps grow in number"
    return None


def _sample_times(adapter: Adapter) -> str | None:
    got = adapter.functions["sample_times"](5, torch.Generator().manual_seed(0))
    if not isinstance(got, Tensor) or not got.is_floating_point() or got.numel() != 5:
        form = tuple(got.shape) if isinstance(got, Tensor) else type(got).__name__
        return f"must return a float tensor of 5 times: got {form}"
    return None


def _adopt(adapter: Adapter) -> str | None:
    network: Any = adapter.functions["adopt"](lambda x, t: torch.zeros_like(x), "v")
    return None if callable(network) else f"must return a network(x, t): got {type(network).__name__}"


PROBES: Mapping[str, list[Callable[[Adapter], str | None]]] = {
    **{name: [_shape(name), _conventions] for name in SPOKEN},
    **{name: [_points(name), _conventions] for name in RUNS},
    "grid": [_points("grid"), _conventions, _fixed_tail],
    "sample_times": [_sample_times],
    "adopt": [_adopt],
}
