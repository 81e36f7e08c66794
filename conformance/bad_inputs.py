"""Hand bad inputs to the public functions of the library: each is refused with a ValueError, or answered rightly.

`python -m refaudio.conformance.bad_inputs` makes 10,000 calls, prints how they ended by kind, and exits 1 when one
ended otherwise: another exception, a wrong answer, an input that was written to. A call is a right one with one to
three of its arguments replaced by something hostile. A new function is one line in TARGETS.
"""

from __future__ import annotations

import argparse
import copy
import math
import random
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from refaudio import audio, losses, seeds
from refaudio.codeclm import delay
from refaudio.flow import CFM, OBJECTIVES, V, declared, grid, training

from ..spec.values import same
from .hostile import numbers, others, tensors

Answer = Callable[[Any, Mapping[str, Any]], bool]  # whether a result is right, given the arguments


@dataclass(frozen=True)
class Target:
    """One public function: a right call of it, when its answer is right, and which errors it documents."""

    call: Callable[..., Any]
    good: Mapping[str, Any]
    right: Answer
    documented: tuple[type[Exception], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.call.__module__.removeprefix('refaudio.')}.{self.call.__name__}"


def _finite(result: Any, given: Mapping[str, Any]) -> bool:
    return isinstance(result, Tensor) and bool(torch.isfinite(result).all())


def _waveform(channels: int | None = None) -> Answer:
    def right(result: Any, given: Mapping[str, Any]) -> bool:
        wanted = given["audio"].shape[0] if channels is None else channels
        return (
            _finite(result, given) and result.ndim == 2 and result.shape[0] == wanted and result.shape[1] > 0
        )

    return right


def _level(result: Any, given: Mapping[str, Any]) -> bool:
    """No louder than the peak that was asked for, unless it is what came in."""
    loud = max(
        float(given["peak"]) * 1.000001, float(audio.to_pcm16(given["audio"]).abs().max()) / 32767, 2e-4
    )
    return _waveform()(result, given) and float(result.abs().max()) <= loud


def _codes(result: Any, given: Mapping[str, Any]) -> bool:
    return _waveform()(result, given) and result.dtype == torch.int16


def _saved(result: Any, given: Mapping[str, Any]) -> bool:
    loaded, rate = audio.load(given["path"])
    return bool(loaded.shape == given["audio"].shape and rate == given["rate"])


def _count(result: Any, given: Mapping[str, Any]) -> bool:
    return type(result) is int and result >= 0


def _shaped(result: Any, given: Mapping[str, Any]) -> bool:
    count = [given["count"]] if "count" in given else []
    return _finite(result, given) and result.shape == (*count, *given["shape"])


def _rows(result: Any, given: Mapping[str, Any]) -> bool:
    """What `undelay` makes of the rows is what came in."""
    codes = given["codes"] if "start" not in given else given["codes"][:, given["start"] :]
    frames = given.get("frames", codes.shape[1])
    return bool(torch.equal(delay.undelay(result, given["delays"], frames), codes[:, :frames]))


def _loss(result: Any, given: Mapping[str, Any]) -> bool:
    """One number, and no less than 0 where the logits allow one."""
    finite = bool(torch.isfinite(given["logits"]).all())
    return result.ndim == 0 and result.is_floating_point() and (not finite or float(result) >= 0)


def _mean(result: Any, given: Mapping[str, Any]) -> bool:
    """Between the smallest and the largest value that counts; 0 where none does; finite values may overflow a sum."""
    mask, values = given["mask"], given["values"].double()
    mask = mask.reshape(*mask.shape, *[1] * (values.ndim - mask.ndim))
    counted = values[torch.broadcast_to(mask, values.shape)]
    if not counted.numel():
        return result.ndim == 0 and float(result) == 0
    low, high, room = float(counted.min()), float(counted.max()), 1e-3 * float(counted.abs().max())
    extreme = not math.isfinite(room) or room > 1e34
    return result.ndim == 0 and (extreme or low - room <= float(result) <= high + room)


def _shaped_as_counted(result: Any, given: Mapping[str, Any]) -> bool:
    return _finite(result, given) and result.shape == (given["count"],)


def _any(result: Any, given: Mapping[str, Any]) -> bool:
    return True


CLIP = 0.3 * torch.sin(torch.arange(24.0)).reshape(2, 12)
INTEGERS = (CLIP * 30000).to(torch.int16)
CODES = torch.arange(24).reshape(2, 4, 3)
LOGITS = torch.sin(torch.arange(120.0)).reshape(2, 4, 3, 5)
LABELS = CODES % 5
VALUES = torch.arange(8.0).reshape(2, 4)
ROWS = delay.delay(CODES, [0, 1, 3], bos=90, pad=91)
PLACE = {"path": Path("clip.wav")}  # in a folder that is made for the run

PATH = {"data": VALUES, "noise": -VALUES, "t": 0.25}
STATE = {"x": VALUES, "out": -VALUES, "t": torch.tensor([0.25, 0.75])}
GENERATOR = torch.Generator()


def _like(name: str) -> Answer:
    """A float tensor of the shape of this argument."""
    return lambda result, given: result.is_floating_point() and result.shape == given[name].shape


def _falls(result: Any, given: Mapping[str, Any]) -> bool:
    """n + 1 numbers that fall strictly to 0."""
    falls = bool((result.diff() < 0).all()) and float(result[-1]) == 0
    return falls and len(result) == given.get("steps", len(result) - 1) + 1


TARGETS = [
    *(Target(getattr(one, name), PATH, _like("data")) for one in (V, CFM) for name in ("interpolate", "target")),
    *(Target(getattr(one, name), STATE, _like("x")) for one in (V, CFM) for name in ("to_data", "to_noise")),
    Target(grid.uniform, {"steps": 8, "start": 0.5}, _falls),
    Target(grid.log_snr, {"steps": 8, "start": 0.1}, _falls),
    Target(grid.sway, {"steps": 8, "coefficient": -1.0}, _falls),
    Target(grid.karras, {"steps": 8, "low": 0.3, "high": 500.0, "rho": 7.0}, _falls),
    Target(grid.polyexponential, {"steps": 8, "low": 0.3, "high": 500.0, "rho": 1.0}, _falls),
    Target(grid.flow_match_euler, {"steps": 8, "shift": 3.0}, _falls),
    Target(grid.custom, {"points": [1.0, 0.5, 0.0]}, lambda r, g: bool((r.diff() < 0).all()) and len(r) > 1),
    Target(grid.levels_of, {"sigmas": torch.tensor([500.0, 1.0])}, _like("sigmas")),
    Target(training.trunc_logit_normal, {"count": 3, "generator": GENERATOR}, _shaped_as_counted),
    Target(training.shifted, {"t": torch.tensor([0.0, 0.5, 1.0]), "s": 3.0}, _like("t")),
    Target(declared, {"model": "cfm"}, lambda r, g: r in OBJECTIVES.values()),
    Target(audio.validate, {"audio": CLIP, "stage": "audio"}, _waveform()),
    Target(audio.from_layout, {"array": CLIP.tolist(), "layout": "CN"}, lambda r, g: r.ndim == 2),
    Target(audio.to_stereo, {"audio": CLIP}, _waveform(2)),
    Target(audio.seconds_to_samples, {"seconds": 1.5, "rate": 44100}, _count),
    Target(audio.seconds_to_frames, {"seconds": 1.5, "rate": 44100, "hop": 2048}, _count),
    Target(audio.gain, {"audio": CLIP, "peak": 0.9}, lambda r, g: 0 < r <= 100 and math.isfinite(r)),
    Target(audio.normalize, {"audio": CLIP, "peak": 0.9, "on_silence": "warn"}, _level),
    Target(audio.resample, {"audio": CLIP, "rate": 16000, "new_rate": 24000}, _waveform()),
    Target(audio.change_speed, {"audio": CLIP, "factor": 0.94}, _waveform()),
    Target(audio.to_pcm16, {"audio": CLIP}, _codes),
    Target(audio.from_pcm16, {"codes": INTEGERS}, _finite),
    Target(audio.export, {"audio": CLIP, "peak": 0.9}, _codes),
    Target(audio.save, {**PLACE, "audio": CLIP, "rate": 44100, "subtype": "PCM_16"}, _saved, (OSError,)),
    Target(audio.load, PLACE, lambda r, g: _finite(r[0], g), (OSError,)),
    Target(seeds.seed_all, {"seed": 1, "rank": 0}, _any),
    Target(seeds.noise, {"seed": 1, "index": 0, "shape": (2, 3)}, _shaped),
    Target(seeds.noise_batch, {"seed": 1, "count": 2, "shape": (2, 3)}, _shaped),
    Target(delay.check_delays, {"delays": [0, 1, 3], "codebooks": 3}, _any),
    Target(delay.pattern, {"name": "dia", "codebooks": 9}, _any),
    Target(delay.delay, {"codes": CODES, "delays": [0, 1, 3], "bos": 90, "pad": 91, "eos": None}, _rows),
    Target(delay.undelay, {"rows": ROWS, "delays": [0, 1, 3], "frames": 3}, _any),
    Target(
        delay.delay_window,
        {"codes": CODES, "delays": [0, 1, 3], "start": 1, "frames": 2, "bos": 90, "pad": 91},
        _rows,
    ),
    Target(delay.visible, {"delays": [0, 1, 3], "frames": 3}, _any),
    Target(delay.lookahead, {"delays": [0, 1, 3]}, _any),
    Target(
        losses.token_loss,
        {"logits": LOGITS, "targets": LABELS, "mask": LABELS > 0, "weights": [1.0, 2.0, 0.5], "counts": torch.tensor([8, 8, 8])},
        _loss,
    ),
    Target(losses.label_counts, {"mask": LABELS > 0}, lambda r, g: r.dtype == torch.int64),
    Target(losses.weighted_mean, {"values": VALUES, "weights": torch.ones(2), "mask": VALUES > 1}, _mean),
    Target(losses.should_stop, {"losses": [1.0, 2.0], "threshold": 1.0}, lambda r, g: type(r) is bool),
]  # fmt: skip


def bad_call(target: Target, dice: random.Random) -> dict[str, Any]:
    """A right call with one to three arguments replaced, mostly by what they could be mistaken for."""
    given = dict(target.good)
    for name in dice.sample(list(given), min(len(given), dice.choice([1, 1, 1, 2, 3]))):
        usual = {Tensor: tensors, int: numbers, float: numbers}.get(type(given[name]), others)
        given[name] = dice.choice([usual, usual, usual, tensors, numbers, others])(dice)
    return given


def ending(target: Target, given: Mapping[str, Any]) -> tuple[str, str]:
    """How a call ends: its kind, and what is wrong with it, if anything is."""
    before = {name: value.detach().clone() for name, value in given.items() if isinstance(value, Tensor)}
    try:
        result = target.call(**given)
    except ValueError as refusal:
        return ("ValueError", "") if str(refusal) else ("ValueError without a word", "says nothing")
    except target.documented as failure:
        return "documented error", "" if str(failure) else "says nothing"
    except Exception as crash:
        return type(crash).__name__, f"{type(crash).__name__}: {crash}"
    if any(not same(given[name].detach(), value) for name, value in before.items()):
        return "input written to", "an input was changed"
    try:
        right = target.right(result, given)
    except Exception as crash:
        return "wrong answer", f"{_told(result)} ({type(crash).__name__}: {crash})"
    return ("right answer", "") if right else ("wrong answer", _told(result))


def _told(value: object) -> str:
    """The value in a few words."""
    if isinstance(value, Tensor):
        return f"{value.dtype}{list(value.shape)}".removeprefix("torch.")
    return repr(value)[:80]


def run(
    count: int, seed: int, targets: Sequence[Target] = TARGETS
) -> tuple[Counter[tuple[str, str]], list[str]]:
    """How often calls of each function ended in each way, and a line for each that ended wrongly."""
    dice, kinds, wrong = random.Random(seed), Counter[tuple[str, str]](), []
    with (
        tempfile.TemporaryDirectory(prefix="bad-inputs-") as folder,
        seeds.preserved(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        audio.save(Path(folder, "clip.wav"), CLIP, 44100)
        for number in range(count):
            target = targets[number % len(targets)]
            given = bad_call(target, dice)
            for name, value in given.items():  # files only ever inside the folder of this run
                if (
                    name == "path"
                    and isinstance(value, (str, Path))
                    and "\0" not in str(value)
                    and str(value)
                ):
                    given[name] = Path(folder, value)
            kind, problem = ending(target, copy.copy(given))
            kinds[target.name, kind] += 1
            if problem:
                wrong.append(
                    f"{target.name}({', '.join(f'{k}={_told(v)}' for k, v in given.items())}): {problem}"
                )
    return kinds, wrong


def as_table(kinds: Counter[tuple[str, str]]) -> str:
    """The counts: a line a function, a column a kind."""
    columns = sorted(
        {kind for _, kind in kinds}, key=lambda kind: -sum(n for (_, k), n in kinds.items() if k == kind)
    )
    names = list(dict.fromkeys(name for name, _ in kinds))
    wide = max(map(len, [*names, "together"]))
    lines = [" ".join([" " * wide, *columns])]
    for name in [*names, "together"]:
        counts = [
            kinds[name, kind] if name != "together" else sum(kinds[n, kind] for n in names)
            for kind in columns
        ]
        lines.append(
            " ".join(
                [name.ljust(wide), *(str(n).rjust(len(k)) for n, k in zip(counts, columns, strict=True))]
            )
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m refaudio.conformance.bad_inputs", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many calls (default: 10000)")
    parser.add_argument("--seed", type=int, default=0, help="of the dice (default: 0)")
    options = parser.parse_args(argv)
    kinds, wrong = run(options.count, options.seed)
    print(as_table(kinds))
    for line in wrong[:20]:
        print(f"error: {line}")
    print(f"{options.count} bad inputs, {len(wrong)} of them ended wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
