"""DELAY, where the pattern is used: configs, codecs, streams, training windows, masks, and published checkpoints."""

from __future__ import annotations

import torch

from . import draw
from .delay import BOS, CODES, PAD, REGIONS, make_codes
from .law import Implementation, expect, expect_refusal, law
from .oracles import delayed, sees
from .scripts import EchoCodec


@law(
    "DELAY-005",
    needs="make_config",
    effect="training starts, and dies later with a shape error far from the cause, or channels beyond the pattern are never learnt",
    origin={
        "D0 #5": "a data config with 18 channels and a 9-entry pattern is accepted, and breaks in the first batch",
        "codeclm:1": "the number of codebooks has to be derived from the pattern, or checked against it",
    },
    witnesses=[
        "a pattern has one delay a codebook, by definition",
        "transformers' Dia derives the channels from the pattern",
    ],
    since="2026.1",
    mutants=["any-pattern-fits", "cuts-the-pattern", "wants-sorted-delays", "default-pattern-wins"],
    draws={"codebooks": draw.integer(1, 18), "delays": draw.delays(9)},
    regions={
        "nine codebooks, and not Dia's pattern": lambda case: (
            len(case["delays"]) == 9 and case["delays"] != draw.DIA
        ),
        "a multiple": lambda case: (
            case["codebooks"] > len(case["delays"]) and case["codebooks"] % len(case["delays"]) == 0
        ),
        "too few": lambda case: case["codebooks"] < len(case["delays"]),
        "too many": lambda case: case["codebooks"] > len(case["delays"]),
        "unsorted delays": lambda case: case["delays"] != sorted(case["delays"]),
    },
)
def refuses_misfits(impl: Implementation, codebooks: int, delays: list[int]) -> None:
    """A config whose pattern does not have one delay a codebook is refused (or documented to repeat it); one that fits is kept."""
    expect(list(impl.make_config(len(delays), delays)), delays, "a pattern that fits")
    if codebooks == len(delays):
        return
    if codebooks % len(delays) == 0 and (repeated := _repeats(impl, codebooks, delays)):
        expect(repeated, delays * (codebooks // len(delays)), "the repeated pattern")
    else:
        expect_refusal(lambda: impl.make_config(codebooks, delays), "a pattern that does not fit")


def _repeats(impl: Implementation, codebooks: int, delays: list[int]) -> list[int] | None:
    """The pattern that an implementation made by repetition, where it did."""
    try:
        effective = list(impl.make_config(codebooks, delays))
    except Exception:  # whatever it is, the refusal is judged by the caller
        return None
    return effective if len(effective) == codebooks else None


@law(
    "DELAY-006",
    needs="rows_to_audio",
    effect="every clip loses up to 175 ms of its ending (and clips below 30 rows are silent), or ends in a burst of noise",
    origin={
        "D0 #25": "codebook_to_audio trims a hard-coded 30 rows and strips the first frame twice",
        "codeclm:2": "every trim and countdown has to follow from the largest delay; a port inherited the literal 30",
    },
    witnesses=[
        "closed form: R rows hold R - 1 - max(delays) frames",
        "transformers' Dia processor derives the cut from its pattern",
    ],
    since="2026.1",
    mutants=["trims-thirty", "first-frame-lost", "feeds-special-ids", "drops-the-last-hop"],
    draws={**CODES, "frames": draw.integer(0, 40, "frames")},
    regions={
        "fewer than thirty rows": lambda case: case["frames"] + 1 + max(case["delays"]) < 30,
        "more than thirty rows": lambda case: case["frames"] + 1 + max(case["delays"]) > 30,
        "all delays zero": lambda case: not any(case["delays"]),
        "one frame": lambda case: case["frames"] == 1,
    },
)
def decodes_every_frame(impl: Implementation, delays: list[int], frames: int, batch: int, seed: int) -> None:
    """rows_to_audio hands the codec all T complete frames, the first and the last included, no special id, and returns all it decodes."""
    codes = make_codes(seed, batch, frames, len(delays))
    codec = EchoCodec(len(delays))
    audio = impl.rows_to_audio(codec, delayed(codes, delays, BOS, PAD), delays)
    expect(codec.was_fed(batch), codes, "what the codec is fed")
    expect(audio, EchoCodec(len(delays)).decode(codec.was_fed(batch)), "what the codec returned")


@law(
    "DELAY-007",
    needs="visible",
    effect="the model is trained with codes that it will not have at inference (a loss too good, then noise), or without ones that it will",
    origin={
        "codeclm:9": "no logit may depend on a code that stands in the same or a later row",
        "codeclm:10": "a codebook looks ahead of another by the difference of their delays, less one; equal delays cannot see each other",
    },
    witnesses=[
        "definition: rows are generated in order, all codebooks of a row at once",
        "perturbing one code of a causal model's rows",
    ],
    since="2026.1",
    mutants=["sees-its-own-row", "frames-in-order", "delays-the-other-way"],
    draws={"frames": draw.integer(0, 6, "frames"), "delays": draw.delays()},
    regions={
        "equal delays": lambda case: len(set(case["delays"])) < len(case["delays"]),
        "one codebook": lambda case: len(case["delays"]) == 1,
        "one frame": lambda case: case["frames"] == 1,
    },
)
def sees_earlier_rows(impl: Implementation, delays: list[int], frames: int) -> None:
    """visible(delays, T) (T, K, T, K): predicting code (t1, c1) sees code (t, c) iff t + delays[c] < t1 + delays[c1]."""
    expect(impl.visible(delays, frames), sees(delays, frames), "the table of what is visible")


@law(
    "DELAY-010",
    needs="stream",
    effect="streamed audio differs from the file: clicks at every chunk, a first frame of noise, or an ending that never comes",
    origin={
        "codeclm:12": "a ring of rows that is one short overwrites the coarse codes before their frame is complete"
    },
    witnesses=[
        "the offline un-delay of the same rows",
        "moshi's ring cache has max(delays) + 2 columns for this reason",
    ],
    since="2026.1",
    mutants=["ring-one-short", "emits-incomplete-frames", "holds-back-the-last"],
    draws=CODES,
    regions=REGIONS,
)
def streams_what_it_decodes(
    impl: Implementation, delays: list[int], frames: int, batch: int, seed: int
) -> None:
    """The chunks of stream(codec, rows, delays), joined, are the waveform of the whole, frame by frame."""
    codes = make_codes(seed, batch, frames, len(delays))
    rows = delayed(codes, delays, BOS, PAD)
    chunks = list(impl.stream(EchoCodec(len(delays)), iter(rows.unbind(1)), delays))
    joined = torch.cat([torch.zeros((batch, 0)), *chunks], dim=1)
    expect(joined, EchoCodec(len(delays)).decode(codes), "the joined chunks")


@law(
    "DELAY-011",
    needs="delay_window",
    effect="training windows whose late codebooks belong to earlier moments: the model learns a smeared alignment",
    origin={
        "codeclm:13": "cropping after delaying shears the window: codebook k starts delays[k] frames early"
    },
    witnesses=[
        "delaying the cropped codes, cell by cell",
        "audiocraft crops the waveform before it encodes and delays",
    ],
    since="2026.1",
    mutants=["crops-delayed-rows", "window-to-the-end"],
    draws={"start": draw.integer(0, 8), **CODES},
    regions={
        **REGIONS,
        "starts late": lambda case: case["start"] > 0,
        "delays differ": lambda case: len(set(case["delays"])) > 1,
    },
)
def crops_frames(
    impl: Implementation, delays: list[int], frames: int, batch: int, seed: int, start: int
) -> None:
    """A window is cut in frame space and then delayed: all its codes and no others, codes (B, T, K) -> (B, n + 1 + max(delays), K)."""
    codes = make_codes(seed, batch, start + frames + 2, len(delays))
    rows = impl.delay_window(codes, start, frames, delays, BOS, PAD)
    expect(rows, delayed(codes[:, start : start + frames], delays, BOS, PAD), "the rows of the window")


# Published patterns by the names of this spec: delays of each codebook, in the channel order of the checkpoint.
PATTERNS = {
    "dia": [0, 8, 9, 10, 11, 12, 13, 14, 15],
    "musicgen": [0, 1, 2, 3],
    "musicgen-stereo": [0, 0, 1, 1, 2, 2, 3, 3],
    "moshi": [0] + [0] + [1] * 7 + [0] + [1] * 7,
}


@law(
    "DELAY-014",
    needs="pattern",
    effect="a published checkpoint is decoded with another pattern than it was trained with: noise with a rhythm",
    origin={
        "D1 #2": "a fork changed its pattern, the two lists that held it had to agree, and old checkpoints became invalid"
    },
    witnesses=[
        "the defaults of the published configs",
        "the decoders of transformers and moshi for the same checkpoints",
    ],
    since="2026.1",
    mutants=["dia-in-stairs", "stereo-in-blocks"],
    draws={"name": draw.named(*sorted(PATTERNS), size="pattern")},
    regions={"Dia": lambda case: case["name"] == "dia", "MusicGen": lambda case: "musicgen" in case["name"]},
)
def knows_published_patterns(impl: Implementation, name: str) -> None:
    """pattern(name) is the pattern that the checkpoint of this name was trained with, in its channel order."""
    expect(list(impl.pattern(name)), PATTERNS[name], "the published pattern")
