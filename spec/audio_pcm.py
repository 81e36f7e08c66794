"""AUDIO, from floats to integers: rounding, clipping, other dtypes, batches, and what is fit to be exported at all."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from . import draw
from .audio import CLIP, REGIONS, leveller, loud, named_refusal, turns_up
from .budget import EPS
from .law import REFUSALS, Implementation, decline, expect_refusal, expect_that, law
from .waves import FULL, clip, heard, proportional, quietly, ratio, steps

LOUD = draw.integer(101, 400)  # per cent of full scale
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float64": torch.float64}


@law(
    "AUDIO-007",
    needs="normalize | export | to_pcm16",
    effect="in half precision faint audio flips its sign or leaps to full scale, and +1 wraps round to -1",
    origin={
        "D3 #8": "the printed repair works in the dtype it is given: a float16 peak of 6e-8 ends as -32768",
        "flow:80": "half, double and integer samples are handled or refused by name",
    },
    witnesses=[
        "every float16 and bfloat16 is a float32, exactly",
        "32767 is no float16: its neighbour is 32768",
    ],
    since="2026.1",
    mutants=["safe-normalize-as-printed", "divides-in-half", "half-scale-wraps"],
    draws={**CLIP, "decibels": draw.integer(-150, 0), "dtype": draw.choice(*DTYPES)},
    regions={
        **REGIONS,
        "faint float16": lambda case: case["dtype"] == "float16" and case["decibels"] < -100,
        "float64": lambda case: case["dtype"] == "float64",
    },
)
def takes_every_float(
    impl: Implementation, channels: int, samples: int, seed: int, decibels: int, dtype: str
) -> None:
    """float16, bfloat16 and float64 audio (C, N) gives what the same numbers give in float32, or is refused."""
    convert = leveller(impl) if not impl.has("to_pcm16") else lambda given: quietly(impl.to_pcm16, given)
    if not impl.has("to_pcm16"):
        turns_up(convert, seed)
    audio = clip(seed, channels, samples, ratio(decibels)).to(DTYPES[dtype])
    try:
        want = convert(audio.to(torch.float32)).to(torch.float64)
    except REFUSALS:
        decline("audio as faint as that is refused in float32 too")
    try:
        made = convert(audio)
    except REFUSALS:
        return
    eps = max(EPS[DTYPES[dtype]], EPS[torch.float32])
    allowed = 4 * eps * float(want.abs().max()) + (0 if made.is_floating_point() else 1.01)
    near = made.shape == want.shape and bool(((made.to(torch.float64) - want).abs() <= allowed).all())
    expect_that(near, "audio of another dtype", got=made, want=want)


@law(
    "AUDIO-008",
    needs="export_batch",
    effect="one loud item makes all others of its batch quiet: the same prompt sounds different in other company",
    origin={
        "flow:81": "a generator joins the batch into one clip, and divides all of it by the largest peak"
    },
    witnesses=[
        "an item alone and the same item in a batch are one request",
        "one file an item, one gain a file",
    ],
    since="2026.1",
    mutants=["loudest-item-rules"],
    draws={
        **CLIP,
        "percents": draw.Draw(st.lists(st.integers(25, 100), min_size=1, max_size=4)),
    },
    regions={"several items": lambda case: len(set(case["percents"])) > 1},
)
def keeps_loudness_of_items_apart(
    impl: Implementation, channels: int, samples: int, seed: int, percents: list[int]
) -> None:
    """export_batch([(C, N), ...]) gives each item what it gives that item alone: full level, whatever the others are."""
    items = [clip(seed + i, channels, samples, percent / 100) for i, percent in enumerate(percents)]
    made = quietly(impl.export_batch, items)
    for item, got in zip(items, made, strict=True):
        (alone,) = quietly(impl.export_batch, [item])
        near = loud(alone) > 0.45 and steps(got, alone.to(torch.float64) / FULL) <= 1.01
        expect_that(near, "an item of a batch", got=got, want=alone)


@law(
    "AUDIO-009",
    needs="to_pcm16",
    effect="everything is half a step too quiet and faint tails are distorted; each further copy is worse",
    origin={
        "flow:75": "integers are made by rounding, and the scale is symmetric",
        "D3 #1": "the exporter casts to integers, which cuts towards zero",
    },
    witnesses=["the nearest integer is at most half a step away", "numpy's rint and C's lrint do it"],
    since="2026.1",
    mutants=["truncates", "rounds-down", "half-of-full-scale"],
    draws={**CLIP, "percent": draw.Draw(st.one_of(st.just(100), st.integers(1, 100)))},
    regions={**REGIONS, "full scale": lambda case: case["percent"] == 100},
)
def rounds_to_the_nearest(impl: Implementation, channels: int, samples: int, seed: int, percent: int) -> None:
    """to_pcm16: audio (C, N) in [-1, 1] -> 16-bit integers (C, N), each within half a step of 32767 (or 32768) times it."""
    audio = clip(seed, channels, samples, percent / 100)
    codes = quietly(impl.to_pcm16, audio)
    # a float32 product of that size is itself off by up to 0.002
    expect_that(steps(codes, audio) <= 0.51, "the integers", got=codes, want=audio.to(torch.float64) * FULL)


@law(
    "AUDIO-010",
    needs="to_pcm16",
    effect="the loudest moments turn into bursts of noise: samples above 1 come back with the other sign",
    origin={
        "D3 #10": "samples above 1 were cast to integers: 1.5, -1.5, 1 became -16386, 16386, 32767",
        "flow:75": "integers clip, and never wrap",
    },
    witnesses=["the nearest 16-bit integer to what is above all of them is the largest", "soundfile clips"],
    since="2026.1",
    mutants=["wraps-above-one", "full-scale-wraps", "clips-one-side"],
    draws={**CLIP, "percent": draw.integer(100, 400)},
    regions={**REGIONS, "exactly full scale": lambda case: case["percent"] == 100},
)
def never_wraps(impl: Implementation, channels: int, samples: int, seed: int, percent: int) -> None:
    """Samples of audio (C, N) beyond [-1, 1] are clipped, or the clip is normalised or refused: none changes its sign."""
    quietly(impl.to_pcm16, clip(seed, channels, samples, 0.5))
    audio = clip(seed, channels, samples, percent / 100)
    try:
        codes = quietly(impl.to_pcm16, audio)
    except REFUSALS:
        if percent > 100:
            return
        raise
    right = steps(codes, audio.clamp(-1, 1)) <= 1.01 or proportional(codes, audio)
    expect_that(
        right, "samples beyond full scale", got=codes, want=audio.clamp(-1, 1).to(torch.float64) * FULL
    )


@law(
    "AUDIO-011",
    needs="to_pcm16",
    effect="distorted exports are blamed on the model: nobody is told how many samples were cut off",
    origin={"flow:83": "seven per cent of the samples of a demo were clipped, and nothing said so"},
    witnesses=["what is cut off cannot be heard in the file, only in its distortion"],
    status="tentative",  # by which way a report comes is for the implementation to choose: not all can be heard here
    since="2026.1",
    mutants=["clips-unsaid"],
    draws={**CLIP, "percent": LOUD},
    regions={**REGIONS, "just beyond": lambda case: case["percent"] < 110},
)
def reports_clipping(impl: Implementation, channels: int, samples: int, seed: int, percent: int) -> None:
    """Clipping of audio (C, N) is reported, by a warning, in a log, or in print; or nothing is clipped."""
    quietly(impl.to_pcm16, clip(seed, channels, samples, 0.5))
    audio = clip(seed, channels, samples, percent / 100)
    try:
        with heard() as words:
            codes = impl.to_pcm16(audio)
    except REFUSALS:
        return
    expect_that(
        bool(words) or proportional(codes, audio), "the report of clipping", got=words, want="a warning"
    )


@law(
    "AUDIO-012",
    needs="validate",
    effect="broken or empty audio passes the check that was added to stop it",
    origin={
        "D3 #2": "nothing looked at what was exported, and the check that came later passes an empty list",
        "codeclm:98": "silence, NaN and less than a frame have defined results",
    },
    witnesses=["a clip without samples has no peak", "what cannot be played is no audio"],
    since="2026.1",
    mutants=["accepts-the-empty", "validates-nothing", "validates-nan-only", "rejects-one-sample"],
    draws={
        **CLIP,
        "place": draw.integer(0, 191),
        "flaw": draw.choice("nan", "inf", "-inf", "no samples", "no channels", "a list of nothing"),
    },
    regions={**REGIONS, "a list": lambda case: case["flaw"] == "a list of nothing"},
)
def rejects_what_is_unfit(
    impl: Implementation, channels: int, samples: int, seed: int, place: int, flaw: str
) -> None:
    """validate(audio) raises or answers False for audio that is empty or not finite, and does neither for a clip (C, N)."""
    audio = clip(seed, channels, samples, 0.5)
    expect_that(_fit(impl, audio), "a clip", got="rejected", want="accepted")
    broken = audio.clone()
    if flaw in ("nan", "inf", "-inf"):
        broken.view(-1)[place % audio.numel()] = float(flaw)
    unfit = {"no samples": audio[:, :0], "no channels": audio[:0], "a list of nothing": []}
    expect_refusal(named_refusal(lambda: _accepted(impl, unfit.get(flaw, broken))), "audio that is unfit")


def _accepted(impl: Implementation, audio: object) -> str:
    """Accepted, or a ValueError for the verdict False."""
    verdict = quietly(impl.validate, audio)
    if verdict is False or (isinstance(verdict, tuple) and verdict[:1] == (False,)):
        raise ValueError("the verdict is False")
    return "accepted"


def _fit(impl: Implementation, audio: object) -> bool:
    try:
        return _accepted(impl, audio) == "accepted"
    except REFUSALS:
        return False
