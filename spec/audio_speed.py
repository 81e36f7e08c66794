"""AUDIO at another speed: each channel along time, all of it, for factors that are speeds."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from hypothesis import strategies as st
from torch import Tensor

from . import draw
from .audio import CLIP, REGIONS
from .budget import budget
from .law import Implementation, decline, expect, expect_refusal, expect_that, law
from .waves import clip, quietly

RULES: dict[str, Callable[[float], int]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "round": lambda exact: math.floor(exact + 0.5),
}
LONG = {**CLIP, "samples": draw.samples(400)}
SPEEDS = draw.Draw(  # per cent of the speed, the popular ones first
    st.one_of(st.sampled_from([100, 94, 50, 80, 125, 200]), st.integers(50, 200)),
    {"percent": draw.Size(int, st.sampled_from, draw.is_count)},
)
SPEED_REGIONS = {
    "slower": lambda case: case["percent"] < 100,
    "faster": lambda case: case["percent"] > 100,
    "as it was": lambda case: case["percent"] == 100,
}
WIDTHS = {"float32": torch.float32, "float64": torch.float64}
WIDTH = draw.choice(*WIDTHS)


def lengths(exact: float, rule: str | None) -> set[int]:
    """The lengths that may come of an exact one: by the declared rule, or by any; products of floats are forgiven."""
    rules = [RULES[rule]] if rule else list(RULES.values())
    return {each(exact * (1 + off)) for each in rules for off in (-1e-9, 0, 1e-9)}


def _sped(impl: Implementation, audio: Tensor, percent: int) -> Tensor:
    factor = percent / 100
    try:
        made: Tensor = quietly(impl.change_speed, audio, factor)
    except ValueError as refusal:
        if percent != 100 and str(factor) in str(refusal):
            decline("a documented range of factors, refused by name")
        raise
    return made


def expect_channels(whole: Tensor, alone: list[Tensor], what: str) -> None:
    """Each channel is what it is alone, to the rounding of another order of summation."""
    for made, own in zip(whole, alone, strict=True):
        exact = own[0].to(torch.float64)
        expect(made, exact, what, within=budget(exact, exact.to(torch.float32), "reduction"))


def expect_form(made: Tensor, audio: Tensor, exact: float, rule: str | None, what: str) -> None:
    allowed = lengths(exact, rule)
    length = made.shape[-1] if made.shape[-1] in allowed else max(allowed)
    expect((tuple(made.shape), made.dtype), ((audio.shape[0], length), audio.dtype), what)


@law(
    "AUDIO-013",
    needs="change_speed",
    effect="at another speed left and right are mixed, exchanged or lost, or a mono clip is taken for many channels",
    origin={
        "D0 #1": "stereo was handled by guessing the layout: (1, N) is read as N channels of one sample",
        "flow:77": "speed changes work along time in each channel",
        "flow:76": "the layout is stated and not guessed",
    },
    witnesses=["a channel does not know its neighbours", "the mono call, channel by channel"],
    since="2026.1",
    mutants=["guesses-the-layout", "speed-of-first-channel", "speed-through-mono"],
    draws={**LONG, "percent": SPEEDS},
    regions={**REGIONS, **SPEED_REGIONS},
)
def changes_speed_of_each_channel(
    impl: Implementation, channels: int, samples: int, seed: int, percent: int
) -> None:
    """change_speed: audio (C, N) -> (C, M), where channel c is what change_speed makes of channel c alone, (1, N)."""
    audio = clip(seed, channels, samples, 0.5)
    alone = [_sped(impl, channel[None], percent) for channel in audio]
    for each in alone:
        expect_form(each, audio[:1], samples / (percent / 100), impl.convention("LENGTH"), "mono")
    expect_channels(_sped(impl, audio, percent), alone, "each channel")


@law(
    "AUDIO-014",
    needs="change_speed",
    effect="the speed control does nothing at all, or crashes; or the clip comes back in double precision",
    origin={
        "D0 #1": "the channel count 2 was taken for the length: int(2 / 0.94) is 2, so nothing changed; the repair gives float64",
        "flow:77": "a documented length",
    },
    witnesses=[
        "played twice as fast, a clip takes half the time",
        "the dtype of audio says nothing of its speed",
    ],
    since="2026.1",
    mutants=["length-of-channels", "speed-in-float64", "speed-inverted"],
    draws={**LONG, "percent": SPEEDS, "dtype": WIDTH},
    regions={**REGIONS, **SPEED_REGIONS, "float64": lambda case: case["dtype"] == "float64"},
)
def changes_length_with_speed(
    impl: Implementation, channels: int, samples: int, seed: int, percent: int, dtype: str
) -> None:
    """change_speed: audio (C, N), f -> (C, N / f) in the same dtype, the length rounded as declared (LENGTH), or any way."""
    audio = clip(seed, channels, samples, 0.5).to(WIDTHS[dtype])
    made = _sped(impl, audio, percent)
    exact = samples / (percent / 100)
    expect_form(made, audio, exact, impl.convention("LENGTH"), "channels, length and dtype")


@law(
    "AUDIO-015",
    needs="change_speed",
    effect="the clip is cut off or followed by silence instead of played faster or slower",
    origin={"D0 #1": "the target length was never computed again: what was made is padded or cut to fit"},
    witnesses=[
        "what happens in the middle of a clip happens in its middle at any speed",
        "at f = 1 nothing changes",
    ],
    since="2026.1",
    mutants=["slower-by-padding", "faster-by-cutting", "stretches-by-one"],
    draws={"channels": draw.channels(2), "period": draw.integer(40, 120), "percent": SPEEDS},
    regions={"a slower clip": SPEED_REGIONS["slower"], "a faster clip": SPEED_REGIONS["faster"]},
)
def plays_all_of_it(impl: Implementation, channels: int, period: int, percent: int) -> None:
    """change_speed of a tone and then silence, (C, N), is tone in its first half and silence in its second; f = 1 is identity."""
    samples = 16384  # a phase vocoder smears by its window, some 2048 samples
    tone = 0.5 * torch.sin(2 * torch.pi * torch.arange(samples) / period)
    tone[samples // 2 :] = 0
    audio = tone.expand(channels, -1).clone()
    exact = audio.to(torch.float64)
    same = _sped(impl, audio, 100)
    expect(same, exact, "a factor of 1", within=budget(exact, audio, "reduction"))
    made = _sped(impl, audio, percent)
    expect_form(made, audio, samples / (percent / 100), impl.convention("LENGTH"), "channels and length")
    first, second = (
        made[:, int(a * made.shape[1]) : int(b * made.shape[1])] for a, b in ((0.1, 0.4), (0.6, 0.9))
    )
    level = float(first.square().mean().sqrt())
    expect_that(0.28 < level < 0.42, "the first half", got=level, want="a tone of the same level, 0.354")
    rest = float(second.square().mean().sqrt())
    expect_that(rest < 0.02, "the second half", got=rest, want="silence")


@law(
    "AUDIO-016",
    needs="change_speed",
    effect="a slider that delivers NaN or 0 gives a clip ten times as long, and no message",
    origin={"D0 #1": "factors are clamped to 0.1 .. 5 without a word, and NaN becomes 0.1"},
    witnesses=["a clip played at speed 0 never ends", "NaN is no speed"],
    since="2026.1",
    mutants=["clamps-the-factor", "plays-backwards"],
    draws={**CLIP, "factor": draw.choice("0", "-1", "-0.5", "nan", "inf", "-inf")},
    regions={
        "negative": lambda case: case["factor"].startswith("-"),
        "nan": lambda case: case["factor"] == "nan",
    },
)
def refuses_impossible_speeds(
    impl: Implementation, channels: int, samples: int, seed: int, factor: str
) -> None:
    """change_speed refuses a factor that is zero, negative or not finite, for any audio (C, N)."""
    audio = clip(seed, channels, samples, 0.5)
    quietly(impl.change_speed, audio, 0.94)
    expect_refusal(lambda: quietly(impl.change_speed, audio, float(factor)), "an impossible factor")
