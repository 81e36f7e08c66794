"""AUDIO along time and across channels: its rate, its channels, and how many frames so many seconds are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from . import draw
from .audio import CLIP, REGIONS
from .audio_speed import LONG, WIDTH, WIDTHS, expect_channels, expect_form, lengths
from .budget import budget
from .law import Implementation, decline, expect, expect_that, law
from .waves import clip, quietly

RATES = draw.Draw(
    st.sampled_from([[2, 1], [1, 2], [44100, 48000], [48000, 44100], [16000, 44100], [44100, 16000]]),
    {"rates": draw.Size(list, lambda known: st.sampled_from(known).map(list), draw.are_counts)},
)


@law(
    "AUDIO-017",
    needs="resample",
    effect="audio is played at the wrong pitch and speed, or channels are blended",
    origin={
        "flow:77": "resampling works along time in each channel, with a documented length",
        "codeclm:97": "audio of another rate was taken as it came",
    },
    witnesses=[
        "seconds stay seconds: N / rate = M / new_rate",
        "scipy's and torchaudio's resamplers, along the last axis",
    ],
    since="2026.1",
    mutants=[
        "resamples-across-channels",
        "rate-ignored",
        "rates-exchanged",
        "resample-of-first-channel",
        "resample-in-float64",
    ],
    draws={**LONG, "rates": RATES, "dtype": WIDTH},
    regions={
        **REGIONS,
        "up": lambda case: case["rates"][1] > case["rates"][0],
        "down": lambda case: case["rates"][1] < case["rates"][0],
    },
)
def resamples_each_channel(
    impl: Implementation, channels: int, samples: int, seed: int, rates: list[int], dtype: str
) -> None:
    """resample: audio (C, N) -> (C, N * new_rate / rate) in the same dtype, each channel as it would be alone."""
    audio = clip(seed, channels, samples, 0.5).to(WIDTHS[dtype])
    made = quietly(impl.resample, audio, *rates)
    exact = samples * rates[1] / rates[0]
    expect_form(made, audio, exact, impl.convention("LENGTH"), "channels, length and dtype")
    alone = [quietly(impl.resample, channel[None], *rates) for channel in audio]
    expect_channels(made, alone, "each channel")


@law(
    "AUDIO-018",
    needs="resample",
    effect="after resampling everything is quieter, later, or slightly out of tune",
    origin={"flow:77": "resampling does nothing at equal rates, and keeps what both rates can hold"},
    witnesses=["the sampling theorem: a tone below both limits is the same tone", "identity at equal rates"],
    since="2026.1",
    mutants=["zeros-between-samples", "filter-delay", "filters-at-equal-rates"],
    cost="model",
    draws={"channels": draw.channels(2), "period": draw.integer(24, 80), "rates": RATES},
    regions={"up": lambda case: case["rates"][1] > case["rates"][0]},
)
def keeps_tones(impl: Implementation, channels: int, period: int, rates: list[int]) -> None:
    """resample: a tone (C, N) far below both limits is the same tone at the new rate, inside the clip; equal rates change nothing."""
    rate, new_rate = rates
    radians = 2 * torch.pi * min(rates) / period  # a second

    def tone(count: int, at: int) -> Tensor:
        return (0.5 * torch.sin(radians * torch.arange(count, dtype=torch.float64) / at)).expand(channels, -1)

    audio = tone(3000, rate).to(torch.float32)
    same = quietly(impl.resample, audio.clone(), rate, rate)
    expect(
        same,
        audio.to(torch.float64),
        "equal rates",
        within=budget(audio.to(torch.float64), audio, "reduction"),
    )
    made = quietly(impl.resample, audio.clone(), rate, new_rate).to(torch.float64)
    count = made.shape[-1]
    inside = slice(count // 4, 3 * count // 4)
    want = tone(count, new_rate)[:, inside]
    off = float((made[:, inside] - want).norm() / want.norm())
    expect_that(off < 0.05, "the tone", got=off, want="at most 0.05 of it changed")


def _refused(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (ValueError, TypeError, AssertionError, NotImplementedError):
        return None


@law(
    "AUDIO-019",
    needs="to_stereo",
    effect="voices disappear from surround recordings, or the right channel is silent",
    origin={
        "D0 #24": "pre-encoding kept the first two of six channels where the data set refused them",
        "codeclm:94": "more than two channels are not cut down in silence",
    },
    witnesses=[
        "in every layout of three or more channels the voice is not in the first two alone",
        "ITU-R BS.775 mixes them",
    ],
    since="2026.1",
    mutants=["keeps-two-of-six", "mono-on-the-left", "stereo-through-mono", "stereo-guesses-the-layout"],
    draws={**CLIP, "channels": draw.channels(8)},
    regions={
        **REGIONS,
        "mono": lambda case: case["channels"] == 1,
        "surround": lambda case: case["channels"] > 2,
    },
)
def loses_no_channel(impl: Implementation, channels: int, samples: int, seed: int) -> None:
    """to_stereo: (1, N) -> (2, N), twice the same; (2, N) as it is; more channels are mixed, all of them, or refused."""
    audio = clip(seed, channels, samples, 0.5)
    if channels > 2:
        expect(quietly(impl.to_stereo, audio[:2]), audio[:2], "stereo as it is")
        made = _refused(lambda: quietly(impl.to_stereo, audio))
        front = audio.clone()
        front[2:] = 0
        changed = made is None or not torch.equal(made, quietly(impl.to_stereo, front))
        expect_that(
            changed, "what only the further channels hold", got="cut off", want="mixed in, or a refusal"
        )
        return
    made = quietly(impl.to_stereo, audio)
    expect(made, audio.expand(2, -1), "mono on both sides" if channels == 1 else "stereo as it is")


@law(
    "AUDIO-020",
    needs="seconds_to_frames",
    effect="every clip ends up to one frame early: ten seconds are 9.985",
    origin={"D2 #12": "440320 samples were called ten seconds: frames were rounded down"},
    witnesses=[
        "frames * hop >= seconds * rate, and one frame less is too short",
        "10 s at 44100 and 2048 are 216 frames",
    ],
    since="2026.1",
    mutants=["rounds-frames-down", "one-frame-more"],
    draws={
        "milliseconds": draw.Draw(  # 512 seconds are 11025 whole frames of 2048 samples at 44100
            st.one_of(st.sampled_from([0, 10_000, 512_000]), st.integers(0, 600_000))
        )
    },
    regions={
        "nothing": lambda case: case["milliseconds"] == 0,
        "less than a frame": lambda case: 0 < case["milliseconds"] < 40,
        "minutes": lambda case: case["milliseconds"] > 60_000,
    },
)
def has_room_for_all_seconds(impl: Implementation, milliseconds: int) -> None:
    """seconds_to_frames is the number of frames that hold so many seconds at RATE and HOP: rounded up, or as LENGTH declares."""
    rate, hop = impl.number("RATE"), impl.number("HOP")
    if rate is None or hop is None:
        decline("RATE and HOP are not declared")
    seconds = milliseconds / 1000
    exact = seconds * (rate or 0) / (hop or 1)
    whole = round(seconds * (rate or 0)) / (hop or 1)  # half a sample more or less is no frame
    rule = impl.convention("LENGTH") or "ceil"
    allowed = lengths(exact, rule) | lengths(whole, rule)
    made = quietly(impl.seconds_to_frames, seconds)
    expect(made, made if made in allowed else max(allowed), "the frames")
