"""CODEC, at its edge: what is refused, what is not, and what may not be left behind."""

from __future__ import annotations

import torch

from . import draw, draw_codec
from .codec import CLIP, FEW, LEVEL, hop_of, spoken
from .law import REFUSALS, Declined, Implementation, expect, expect_refusal, expect_that, law
from .waves import clip, quietly


@law(
    "CODEC-006",
    needs="encode",
    cost="model",
    effect="surround recordings are coded without their voices, which sit in the third channel",
    origin={
        "D0 #24": "pre-encoding handed the codec the first two of six channels",
        "codeclm:94": "more than two channels are not cut down in silence",
    },
    witnesses=[
        "in every layout of three or more channels the voice is not in the first two alone",
        "two planes hold two channels: a third one has no place",
    ],
    since="2026.1",
    mutants=["codes-two-of-six", "codes-one-of-many"],
    draws={
        "channels": draw.choice(3, 6, 4, 8),
        "hops": draw_codec.hops(2),
        "rest": draw_codec.rest(),
        "seed": draw.seed(),
    },
    regions={
        "three channels": lambda case: case["channels"] == 3,
        "six channels": lambda case: case["channels"] == 6,
    },
)
def cuts_no_channel(impl: Implementation, channels: int, hops: int, rest: int, seed: int) -> None:
    """encode of three or more channels is refused, or their mix is coded, all of them: never the first two alone."""
    audio = spoken(impl, channels, hops, rest, seed)
    _, frames, codebooks = quietly(impl.encode, audio[:2]).shape
    try:
        made = quietly(impl.encode, audio)
    except REFUSALS:
        return
    front = quietly(impl.encode, audio[:2])
    cut = len(made) <= 2 and torch.equal(made, front[: len(made)])
    expect_that(
        not cut and tuple(made.shape[1:]) == (frames, codebooks),
        "what only the further channels hold",
        got=tuple(made.shape),
        want="codes of the mix, or a refusal: not those of the first channels",
    )


@law(
    "CODEC-007",
    needs="encode encode_at",
    cost="model",
    effect="everything is coded an octave too low and twice as long, and decodes as slow speech",
    origin={
        "codeclm:97": "audio of another rate was taken as it came",
        "D0 #23": "44100 was written into several places, whatever the file said",
    },
    witnesses=[
        "a codec is trained at one rate",
        "both libraries of DAC refuse a rate that is not its own, when they are told",
    ],
    since="2026.1",
    mutants=["takes-any-rate", "resamples-backwards"],
    draws={
        "hops": draw.integer(4, 8),
        "rate": draw.choice(8000, 16000, 22050, 24000, 48000, 96000),
        "seed": draw.seed(),
    },
    regions={
        "slower": lambda case: case["rate"] < 44100,
        "faster": lambda case: case["rate"] > 44100,
    },
)
def takes_its_own_rate(impl: Implementation, hops: int, rate: int, seed: int) -> None:
    """encode_at(audio, rate) is encode(audio) at the codec's RATE; audio of another rate is resampled or refused."""
    own, hop = impl.number("RATE"), hop_of(impl)
    if own is None:
        raise Declined("RATE is not declared")
    audio = clip(seed, 1, hops * hop, LEVEL)
    expect(quietly(impl.encode_at, audio, int(own)), quietly(impl.encode, audio), "codes at the codec's rate")
    if rate == own:
        return
    try:
        frames = quietly(impl.encode_at, audio, rate).shape[1]
    except REFUSALS:
        return
    exact = hops * own / rate
    expect_that(
        abs(frames - exact) <= 1.5,
        "frames of another rate",
        got=frames,
        want=f"about {exact:.1f}, or a refusal",
    )


@law(
    "CODEC-008",
    needs="encode decode",
    cost="model",
    effect="one broken sample turns a stretch of a clip into noise that is learnt as music, and nobody is told",
    origin={
        "codeclm:98": "what NaN, silence, clipping and less than a frame are coded to was left to chance",
        "codeclm:99": "codes of another type than 64-bit integers, or out of range",
    },
    witnesses=[
        "no entry of a codebook is nearest to a vector that is not a number",
        "the waveform contract of this spec: what is not finite is refused",
    ],
    since="2026.1",
    mutants=[
        "codes-what-is-not-finite",
        "silences-what-is-not-finite",
        "refuses-silence",
        "codes-are-floats",
    ],
    draws={
        **CLIP,
        "value": draw.choice("nan", "inf", "-inf"),
        "place": draw.integer(0, 99),
        "level": draw.choice(0.0, 1e-30, 0.5, 4.0),
    },
    regions={
        **FEW,
        "silence": lambda case: case["level"] == 0,
        "beyond full scale": lambda case: case["level"] > 1,
    },
    spare={"codes are integers": "a decode that takes its own floats back cannot tell"},
)
def refuses_what_is_not_finite(
    impl: Implementation, channels: int, hops: int, rest: int, seed: int, value: str, place: int, level: float
) -> None:
    """encode refuses NaN and infinities; silence, noise at any level and less than a frame are coded, to integers that decode."""
    audio = spoken(impl, channels, hops, rest, seed) * (level / LEVEL)
    codes = quietly(impl.encode, audio)
    expect_that(not codes.is_floating_point(), "codes are integers", got=codes.dtype, want="integers")
    quietly(impl.decode, codes)
    audio.view(-1)[place % audio.numel()] = float(value)
    expect_refusal(lambda: quietly(impl.encode, audio), "audio that is not finite")


@law(
    "CODEC-009",
    needs="encode decode",
    cost="model",
    effect="special ids that were left in play as bursts of noise, or crash the GPU for every later request",
    origin={
        "codeclm:54": "ids outside the codebook were set to 0 before decoding, and nobody was told",
        "codeclm:99": "codes have to stay checked for range",
    },
    witnesses=[
        "a codebook has no such entry",
        "on a GPU an index out of range ends the process's use of the device",
    ],
    since="2026.1",
    mutants=["zeroes-what-is-no-code", "clamps-codes", "wraps-negative-codes", "wraps-codes"],
    draws={
        "channels": draw_codec.stereo(),
        "frames": draw.integer(1, 4),
        "place": draw.integer(0, 99),
        "value": draw.choice(-1, -1024, 2**20, 2**40),
        "seed": draw.seed(),
    },
    regions={
        "negative": lambda case: case["value"] < 0,
        "too large": lambda case: case["value"] > 0,
    },
)
def refuses_what_is_no_code(
    impl: Implementation, channels: int, frames: int, place: int, value: int, seed: int
) -> None:
    """decode refuses codes that are in no codebook: negative ones, and ones beyond the last entry."""
    codes = (
        quietly(impl.encode, clip(seed, channels, frames * hop_of(impl), LEVEL)).to(torch.int64).contiguous()
    )
    quietly(impl.decode, codes.clone())
    codes.view(-1)[place % codes.numel()] = value
    expect_refusal(lambda: quietly(impl.decode, codes), "a code of no codebook")


@law(
    "CODEC-010",
    needs="encode decode",
    cost="model",
    effect="the same clip gets other codes each time it is encoded, or the clip itself is changed by being encoded",
    origin={
        "codeclm:96": "in training mode the quantiser drops codebooks at random, and ignores how many it is asked for",
    },
    witnesses=[
        "inference of a codec is a function of the clip",
        "both libraries of DAC answer the same twice in evaluation mode",
    ],
    since="2026.1",
    mutants=["drops-codebooks-at-random", "left-without-padding", "turns-the-clip-down", "dithers"],
    draws=CLIP,
    regions=FEW,
)
def answers_the_same_twice(impl: Implementation, channels: int, hops: int, rest: int, seed: int) -> None:
    """encode and decode give the same codes and samples every time, and leave what they were handed as it was."""
    audio = spoken(impl, channels, hops, rest, seed)
    handed = audio.clone()
    first = quietly(impl.encode, handed)
    expect(handed, audio, "the clip that was handed over")
    heard = quietly(impl.decode, first.clone())
    again = quietly(impl.encode, audio.clone())
    expect(again.shape[1], -(-audio.shape[1] // hop_of(impl)), "frames of the second time")
    expect(again, first, "codes of the second time")
    expect(quietly(impl.decode, first.clone()), heard, "samples of the second time")
