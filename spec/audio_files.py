"""AUDIO in files: what is saved is what is loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from hypothesis import strategies as st
from torch import Tensor

from . import draw
from .audio import REGIONS
from .law import REFUSALS, Implementation, expect, expect_that, law
from .waves import FULL, clip, proportional, quietly

RATE = 44100
SAMPLES = draw.Draw(  # around 1024 a writer in C stops taking samples for channels
    st.one_of(st.integers(1, 4), st.integers(1, 64), st.sampled_from([1024, 1025])),
    {"samples": draw.Size(int, st.sampled_from, draw.is_count)},
)
SAVED = {"channels": draw.channels(), "samples": SAMPLES, "seed": draw.seed()}


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="law-") as name:
        yield Path(name)


def saved(impl: Implementation, audio: Tensor, rate: int = RATE) -> tuple[Tensor, int]:
    """What is loaded of what was saved."""
    with folder() as here:
        path = str(here / "clip.wav")
        quietly(impl.save, path, audio, rate)
        loaded, found = quietly(impl.load, path)
        return loaded, int(found)


def came_back(got: Tensor, audio: Tensor) -> bool:
    """Whether loaded audio is the audio that was saved, to one 16-bit step; a saver that normalises has one gain for all."""
    if got.shape != audio.shape:
        return False
    near = float((got.to(torch.float64) - audio.to(torch.float64)).abs().max()) <= 1.01 / FULL
    return near or proportional(got.to(torch.float64) * FULL, audio)


@law(
    "AUDIO-021",
    needs="save load",
    effect="a short stereo clip becomes mono, channels and time are exchanged, or left and right are shuffled",
    origin={
        "D3 #10": "saving guessed the layout from the shape: (2, 1) was written as mono",
        "flow:76": "two channels stay two, for clips of one sample too; soundfile takes a short (2, N) for two frames",
    },
    witnesses=[
        "what is saved is what is loaded",
        "a WAV header counts its channels: there is nothing to guess",
    ],
    since="2026.1",
    mutants=["short-stereo-as-mono", "frames-for-channels", "reshaped-not-transposed"],
    cost="model",
    draws=SAVED,
    regions={**REGIONS, "(2, 1)": lambda case: (case["channels"], case["samples"]) == (2, 1)},
)
def comes_back_from_the_disk(impl: Implementation, channels: int, samples: int, seed: int) -> None:
    """load(save(audio)) is audio (C, N) in [-1, 1] to one 16-bit step, channels and samples in their places, for any C and N."""
    audio = clip(seed, channels, samples, 0.9)
    got, _ = saved(impl, audio)
    expect_that(came_back(got, audio), "what was loaded", got=got, want=audio)


@law(
    "AUDIO-022",
    needs="save load",
    effect="each edit makes a recording a little quieter: almost every code changes with each copy",
    origin={
        "flow:75": "one path divides by 32768 and the other multiplies by 32767: 16-bit audio does not survive"
    },
    witnesses=[
        "writing and reading are inverses on the 65536 codes",
        "soundfile's own pair stays put from the first copy on",
    ],
    since="2026.1",
    mutants=["mixed-scales"],
    cost="model",
    draws={**SAVED, "copies": draw.integer(4, 8)},
    regions={"many copies": lambda case: case["copies"] > 6},
)
def survives_copying(impl: Implementation, channels: int, samples: int, seed: int, copies: int) -> None:
    """A copy of a copy of saved audio (C, N), however many times, is the first one to one 16-bit step."""
    first, _ = saved(impl, clip(seed, channels, samples, 0.9))
    last = first
    for _ in range(copies):
        last, _ = saved(impl, last)
    same = last.shape == first.shape and float((last - first).abs().max()) <= 1.01 / FULL
    expect_that(same and bool(first.any()), "the last copy", got=last, want=first)


@law(
    "AUDIO-023",
    needs="save load",
    effect="clips of other models play too fast, like cartoon voices, or too slow",
    origin={"D0 #23": "44100 stood in several places, and files were saved under it whatever the rate was"},
    witnesses=["a file states its rate", "the rate of a waveform is not in its samples"],
    since="2026.1",
    mutants=["rate-hard-coded", "rate-assumed-on-loading"],
    cost="model",
    draws={
        **SAVED,
        "rate": draw.Draw(
            st.one_of(
                st.sampled_from([44100, 48000, 32000, 24000, 22050, 16000, 8000]), st.integers(1000, 192000)
            ),
            {"rate": draw.Size(int, st.sampled_from, draw.is_count)},
        ),
    },
    regions={"not 44100": lambda case: case["rate"] != 44100},
)
def keeps_the_rate(impl: Implementation, channels: int, samples: int, seed: int, rate: int) -> None:
    """load(save(audio (C, N), rate)) says the rate under which the audio was saved, whichever it is."""
    audio = clip(seed, channels, samples, 0.9)
    with folder() as here:
        path = here / "clip.wav"
        quietly(impl.save, str(path), audio, rate)
        head = path.read_bytes()[:512]
        got, found = quietly(impl.load, str(path))
    said = rate
    form = head.find(b"fmt ")  # the chunk of a WAV file that holds the rate, in bytes 12 to 16 of it
    if form > 0:
        said = int.from_bytes(head[form + 12 : form + 16], "little")
        expect(said, rate, "the rate in the file")
    expect((bool(got.any()), int(found)), (True, said), "the rate that is loaded")


@law(
    "AUDIO-024",
    needs="save load",
    effect="the loudest moments of a saved song are bursts of noise",
    origin={"D3 #10": "the fallback writer cast floats above 1 to 16 bits, where they wrap"},
    witnesses=["soundfile clips", "a float file may keep them: nothing need wrap"],
    since="2026.1",
    mutants=["save-wraps"],
    cost="model",
    draws={**SAVED, "percent": draw.integer(100, 400)},
    regions={"beyond full scale": lambda case: case["percent"] > 100},
)
def never_saves_wrapped(impl: Implementation, channels: int, samples: int, seed: int, percent: int) -> None:
    """Saved samples of audio (C, N) beyond [-1, 1] come back clipped, kept, or normalised with the clip; or are refused."""
    saved(impl, clip(seed, channels, samples, 0.5))
    audio = clip(seed, channels, samples, percent / 100)
    try:
        got, _ = saved(impl, audio)
    except REFUSALS:
        if percent > 100:
            return
        raise
    right = came_back(got, audio.clamp(-1, 1)) or came_back(got, audio)
    expect_that(right, "samples beyond full scale", got=got, want=audio.clamp(-1, 1))


@law(
    "AUDIO-025",
    needs="save load",
    effect="16-bit audio that is saved again is a full-scale square wave, and double precision is noise",
    origin={"flow:80": "half, double and integer samples are handled or refused by name"},
    witnesses=[
        "the same numbers, whatever holds them",
        "what a library writes for int16 is the int16 itself",
    ],
    since="2026.1",
    mutants=["integers-taken-for-floats"],
    cost="model",
    draws={**SAVED, "dtype": draw.choice("int16", "float64", "float16", "bfloat16")},
    regions={"integers": lambda case: case["dtype"] == "int16"},
)
def saves_every_dtype(impl: Implementation, channels: int, samples: int, seed: int, dtype: str) -> None:
    """Audio (C, N) in int16, float64, float16 or bfloat16 is saved as the float32 audio that it stands for, or refused."""
    audio = clip(seed, channels, samples, 0.9)
    got, _ = saved(impl, audio)
    given = (audio * FULL).round().to(torch.int16) if dtype == "int16" else audio.to(getattr(torch, dtype))
    want = given.to(torch.float64) / (FULL if dtype == "int16" else 1)
    try:
        got, _ = saved(impl, given)
    except REFUSALS:
        return
    expect_that(came_back(got, want), "what was loaded", got=got, want=want)
