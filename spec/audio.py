"""AUDIO: the level of a waveform (C, N), and what must never become a file.

Normalisation has three regions. Below the floor a clip is silence, and stays it; up to the target less the largest
gain it gets exactly that gain; above, it reaches the target. Floor and largest gain differ between right
implementations, which declare theirs (FLOOR, CAP); that silence is not amplified holds for all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from . import draw
from .budget import budget
from .law import REFUSALS, Implementation, decline, expect, expect_refusal, expect_that, law
from .waves import FULL, between, clip, heard, quietly, ratio, steps

SILENCE = 1e-8  # -160 dBFS: below every floor in use
QUIET = 0.25  # a peak that is amplified under every floor and largest gain in use

CLIP = {"channels": draw.channels(), "samples": draw.samples(), "seed": draw.seed()}
PEAKS = draw.Draw(
    st.sampled_from([1.0, 0.95, 0.5]), {"peak": draw.Size(float, st.sampled_from, draw.is_number)}
)
FAINT = draw.integer(-920, -161)  # decibels: from what rounds to zero, through denormal numbers, to -161 dBFS
FAINT_REGIONS = {
    "exact zeros": lambda case: ratio(case["decibels"]) < 2**-150,
    "denormal": lambda case: 2**-149 < ratio(case["decibels"]) < 2**-127,
    "faint noise": lambda case: case["decibels"] > -400,
}
REGIONS = {
    "one sample": lambda case: case["samples"] == 1,
    "no more samples than channels": lambda case: case["samples"] <= case["channels"],
}


def leveller(impl: Implementation, peak: float = 1.0) -> Callable[[Tensor], Tensor]:
    """The normalisation of this grain."""
    if impl.has("normalize"):
        return lambda audio: quietly(impl.normalize, audio, peak)
    return lambda audio: quietly(impl.export, audio)


def target(impl: Implementation, peak: float) -> float:
    """What this grain normalises to: a fused export declares it (PEAK), or is asked with a clip."""
    if impl.has("normalize"):
        return peak
    asked = float(quietly(impl.export, clip(0, 1, 8, 0.5)).abs().max()) / FULL
    return impl.number("PEAK") or min(max(asked, 0.5), 1.0)


def loud(made: Tensor) -> float:
    """The peak of what this grain makes, of full scale; infinite where it is not finite."""
    top = float(made.to(torch.float64).abs().max()) if bool(torch.isfinite(made).all()) else float("inf")
    return top if made.is_floating_point() else top / FULL


def turns_up(level: Callable[[Tensor], Tensor], seed: int) -> None:
    """What refuses or leaves silence must still do its work on a clip that is none."""
    made = level(clip(seed, 2, 16, QUIET))
    expect_that(0.45 < loud(made) < 1.001, "a clip that is no silence", got=made, want="a clip at its target")


def _expect_gain(impl: Implementation, audio: Tensor, gain: float, peak: float, what: str) -> None:
    made, want = leveller(impl, peak)(audio), audio.to(torch.float64) * gain
    if impl.has("normalize"):
        expect(made, want, what, within=budget(want, audio * gain, "elementwise"))
    else:
        expect_that(steps(made, want) <= 1.01, what, got=made, want=want * FULL)


def named_refusal(call: Callable[[], Any]) -> Callable[[], Any]:
    """The call, whose arithmetic and runtime errors count as refusals where they speak of what is not finite."""

    def called() -> Any:
        try:
            return call()
        except (ArithmeticError, RuntimeError) as raised:
            if re.search(r"nan|inf|finite", str(raised).lower()):
                raise ValueError(str(raised)) from raised
            raise

    return called


@law(
    "AUDIO-001",
    needs="normalize | export | to_pcm16",
    effect="one bad sample mutes the whole song, or clicks at full scale, and the file is reported as a success",
    origin={
        "D3 #1": "a single NaN or Inf makes the peak NaN, and every sample of the song an integer zero",
        "D3 #7": "the chain from a broken latent to a silent file raised nothing anywhere",
        "flow:72": "NaN and infinities stop an export",
    },
    witnesses=["no number is the right one for NaN", "torch.isfinite, asked before anything else is done"],
    since="2026.1",
    mutants=[
        "export-divides-by-the-peak",
        "nan-in-nan-out",
        "nan-to-zero",
        "checks-nan-only",
        "pcm-nan-to-zero",
    ],
    draws={**CLIP, "place": draw.integer(0, 191), "value": draw.choice("nan", "inf", "-inf")},
    regions={**REGIONS, "infinite": lambda case: case["value"] != "nan"},
)
def refuses_what_is_not_finite(
    impl: Implementation, channels: int, samples: int, seed: int, place: int, value: str
) -> None:
    """Audio (C, N) with a NaN or an infinity anywhere is refused by normalisation, export and conversion to integers."""
    audio = clip(seed, channels, samples, 0.5)
    convert = leveller(impl) if not impl.has("to_pcm16") else lambda given: quietly(impl.to_pcm16, given)
    convert(audio)
    broken = audio.clone()
    broken.view(-1)[place % audio.numel()] = float(value)
    expect_refusal(named_refusal(lambda: convert(broken)), "audio that is not finite")


@law(
    "AUDIO-002",
    needs="normalize | export",
    effect="a silent or failed song comes out as full-scale noise, like a radio between stations, or as NaN",
    origin={
        "D3 #1": "silence is divided by its peak: zeros become NaN, and noise of 1e-30 rises to full scale",
        "D3 #7": "silence from a broken stage was to be made loud",
        "flow:73": "silence is not amplified",
    },
    witnesses=["no gain makes silence loud", "every guarded normalisation has a floor between 1e-8 and 1e-3"],
    since="2026.1",
    mutants=["divides-by-the-peak", "epsilon-for-a-floor", "nan-to-zero", "only-turns-down"],
    draws={**CLIP, "decibels": FAINT},
    regions={**REGIONS, **FAINT_REGIONS},
)
def leaves_silence_silent(
    impl: Implementation, channels: int, samples: int, seed: int, decibels: int
) -> None:
    """Audio (C, N) with a peak below 1e-8 is refused, or comes out no louder than it was."""
    audio = clip(seed, channels, samples, ratio(decibels))
    level = leveller(impl)
    turns_up(level, seed)
    try:
        made = level(audio)
    except REFUSALS:
        return
    allowed = loud(audio) * 1.000001 if impl.has("normalize") else 1.01 / FULL
    expect_that(loud(made) <= allowed, "silence", got=made, want="silence")


@law(
    "AUDIO-003",
    needs="normalize | export",
    effect="the hiss of an empty clip is amplified until it is all that one hears",
    origin={"flow:73": "silence is not amplified", "D3 #1": "faint noise rises to full scale"},
    witnesses=[
        "below the floor there is nothing to be heard",
        "the guard of the fork itself, with its own floor",
    ],
    since="2026.1",
    mutants=["floor-forgotten", "export-floor-forgotten", "only-turns-down"],
    draws={**CLIP, "percent": draw.integer(0, 97)},
    regions={**REGIONS, "just below": lambda case: case["percent"] > 90},
)
def leaves_alone_below_the_floor(
    impl: Implementation, channels: int, samples: int, seed: int, percent: int
) -> None:
    """Audio (C, N) with a peak of 1e-8 up to the declared FLOOR comes out as it is, as zeros, or is refused."""
    floor = impl.number("FLOOR")
    if floor is None or floor <= SILENCE:
        decline("no FLOOR above 1e-8 is declared")
    audio = clip(seed, channels, samples, between(SILENCE, floor or 1.0, percent))
    turns_up(leveller(impl), seed)
    try:
        made = leveller(impl)(audio)
    except REFUSALS:
        return
    if bool(made.any()):
        _expect_gain(impl, audio, 1.0, 1.0, "audio below the floor")


@law(
    "AUDIO-004",
    needs="normalize | export",
    effect="a nearly silent clip is blown up by thousands: its noise floor becomes the song",
    origin={"flow:74": "normalisation limits its gain", "D3 #1": "faint noise rises to full scale"},
    witnesses=[
        "a gain that is limited is the limit, by definition",
        "all of what was wanted, or all of what is allowed: there is no third",
    ],
    since="2026.1",
    mutants=["cap-forgotten", "export-cap-forgotten", "capped-left-alone"],
    draws={**CLIP, "percent": draw.integer(0, 100), "peak": PEAKS},
    regions={**REGIONS, "just above the floor": lambda case: case["percent"] < 5},
)
def gives_no_more_than_the_cap(
    impl: Implementation, channels: int, samples: int, seed: int, percent: int, peak: float
) -> None:
    """Audio (C, N) with a peak from FLOOR up to target / CAP comes out times CAP: exactly the largest gain."""
    floor, cap = impl.number("FLOOR"), impl.number("CAP")
    if floor is None or cap is None:
        decline("FLOOR and CAP are not declared")
    low, high = 1.01 * (floor or 0), 0.99 * target(impl, peak) / (cap or 1)
    if low >= high:
        decline("between the floor and the target less the largest gain there is nothing")
    audio = clip(seed, channels, samples, between(low, high, percent))
    _expect_gain(impl, audio, cap or 1, peak, "audio that is too quiet for its target")


@law(
    "AUDIO-005",
    needs="normalize | export",
    effect="songs differ in loudness, left and right are out of balance, or loud passages are flattened",
    origin={
        "flow:74": "normalising to a peak meets it, and keeps signs and ratios",
        "D3 #1": "else the peak is the target",
    },
    witnesses=["closed form: one gain, target / max|x|", "scale invariance: f(a x) = f(x)"],
    since="2026.1",
    mutants=[
        "peak-per-channel",
        "peak-without-abs",
        "only-turns-down",
        "clips-then-normalises",
        "export-per-channel",
    ],
    draws={**CLIP, "percent": draw.integer(0, 100), "peak": PEAKS},
    regions={
        **REGIONS,
        "louder than full scale": lambda case: case["percent"] > 90,
        "quiet": lambda case: case["percent"] < 20,
        "stereo": lambda case: case["channels"] == 2,
    },
)
def meets_the_target(
    impl: Implementation, channels: int, samples: int, seed: int, percent: int, peak: float
) -> None:
    """Louder audio (C, N) comes out times target / max|audio|, one gain for all channels: to 1e-6, or one 16-bit step."""
    floor, cap, wanted = impl.number("FLOOR") or 1e-3, impl.number("CAP"), target(impl, peak)
    low = QUIET if cap is None else max(1.01 * floor, 1.01 * wanted / cap)
    level = between(low, 4.0, percent)
    audio = clip(seed, channels, samples, level)
    _expect_gain(impl, audio, wanted / float(audio.abs().max()), peak, "audio at its target")


@law(
    "AUDIO-006",
    needs="normalize | export",
    effect="a run that made nothing but silence ends as a success, and somebody listens to an hour of it",
    origin={
        "D3 #8": "silence was detected, and zeros returned for it all the same",
        "D3 #18": "silent failures were declared gone, when they had only become quieter",
        "flow:73": "silence is reported",
    },
    witnesses=["who asked for a level and did not get it has to be told"],
    status="tentative",  # by which way a report comes is for the implementation to choose: not all can be heard here
    since="2026.1",
    mutants=["silence-unsaid", "export-silence-unsaid", "only-turns-down"],
    draws={**CLIP, "decibels": FAINT},
    regions={**REGIONS, **FAINT_REGIONS},
)
def reports_silence(impl: Implementation, channels: int, samples: int, seed: int, decibels: int) -> None:
    """Silence (C, N) that is to be normalised is refused, or reported: by a warning, in a log, or in print."""
    audio = clip(seed, channels, samples, ratio(decibels))
    turns_up(leveller(impl), seed)
    try:
        with heard() as words:
            impl.normalize(audio, 1.0) if impl.has("normalize") else impl.export(audio)
    except REFUSALS:
        return
    expect_that(bool(words), "the report of silence", got=words, want="a warning")
