"""CODEC: how many frames, how many samples, which side: a waveform (C, N) to codes (C, T, K) and back."""

from __future__ import annotations

import torch
from torch import Tensor

from . import draw, draw_codec
from .budget import budget
from .draw_codec import length
from .law import REFUSALS, Declined, Implementation, expect, expect_that, law
from .waves import clip, quietly

LEVEL = 0.5
CLIP = {
    "channels": draw_codec.stereo(),
    "hops": draw_codec.hops(),
    "rest": draw_codec.rest(),
    "seed": draw.seed(),
}
REGIONS = {
    "less than a frame": lambda case: case["hops"] == 0,
    "whole frames": lambda case: case["hops"] > 0 and case["rest"] == 0,
    "one sample more": lambda case: case["hops"] > 0 and case["rest"] == 1,
    "one sample fewer": lambda case: case["hops"] > 0 and case["rest"] == -1,
    "mono": lambda case: case["channels"] == 1,
    "stereo": lambda case: case["channels"] == 2,
}

FEW = {name: REGIONS[name] for name in ("less than a frame", "whole frames", "mono", "stereo")}


def hop_of(impl: Implementation) -> int:
    """The declared samples a frame: a law about frames has nothing to say where it is unknown."""
    hop = impl.number("HOP")
    if hop is None:
        raise Declined("HOP is not declared")
    return int(hop)


def spoken(impl: Implementation, channels: int, hops: int, rest: int, seed: int) -> Tensor:
    """The waveform (C, N) of a case."""
    return clip(seed, channels, length(hop_of(impl), hops, rest), LEVEL)


def near_ties(got: Tensor, want: Tensor) -> bool:
    """Whether codes are equal, but for one frame in eight: two entries of a codebook can be as near, to the last bit.

    The frames that differ are counted, because one tie changes what is left for all further codebooks.
    """
    if got.shape != want.shape or got.is_floating_point():
        return False
    differ = (got != want).any(-1)
    return int(differ.sum()) <= differ.numel() // 8


@law(
    "CODEC-001",
    needs="encode | frames",
    cost="model",
    effect="the last 11 ms of every clip are never coded, and codes are a frame shorter than what was planned for them",
    origin={
        "codeclm:90": "encode ignores what is not a whole hop: only a separate preprocess pads the clip",
    },
    witnesses=[
        "the fewest frames of HOP samples that hold N samples are ceil(N / HOP)",
        "descript's preprocess and the feature extractor of transformers both pad up to a whole hop",
    ],
    since="2026.1",
    mutants=["ignores-the-rest", "a-frame-too-many", "squeezes-mono", "counts-whole-frames", "rounds-frames"],
    draws=CLIP,
    regions=REGIONS,
)
def counts_frames(impl: Implementation, channels: int, hops: int, rest: int, seed: int) -> None:
    """encode(audio (C, N)) has C planes of ceil(N / HOP) frames, and frames(N) says so."""
    samples = length(hop_of(impl), hops, rest)
    wanted = -(-samples // hop_of(impl))
    if impl.has("frames"):
        expect(int(impl.frames(samples)), wanted, "frames of so many samples")
    else:
        codes = quietly(impl.encode, spoken(impl, channels, hops, rest, seed))
        expect((codes.ndim, *codes.shape[:2]), (3, channels, wanted), "axes, planes and frames of codes")


@law(
    "CODEC-002",
    needs="encode decode",
    cost="model",
    effect="audio ends short of its picture, pieces drift apart when they are joined, or a mono clip crashes the mixer",
    origin={
        "codeclm:90": "with an odd stride a hundred frames decode to 31992 samples, not 32000",
        "codeclm:99": "a squeeze() takes the axis of a single channel with it",
    },
    witnesses=[
        "a frame is HOP samples, by definition",
        "DAC at 44.1 kHz, in both libraries: 512 samples a frame exactly",
    ],
    since="2026.1",
    mutants=["odd-strides-end-short", "squeezes-the-channel", "overlap-is-kept", "decodes-to-integers"],
    draws=CLIP,
    regions=REGIONS,
)
def decodes_whole_frames(impl: Implementation, channels: int, hops: int, rest: int, seed: int) -> None:
    """decode(codes (C, T, K)) is a waveform (C, T * HOP), floating-point and finite."""
    codes = quietly(impl.encode, spoken(impl, channels, hops, rest, seed))
    audio = quietly(impl.decode, codes)
    expect(tuple(audio.shape), (channels, codes.shape[1] * hop_of(impl)), "the shape of what is decoded")
    expect_that(
        audio.is_floating_point() and bool(torch.isfinite(audio).all()),
        "what is decoded is a waveform",
        got=audio,
        want="finite floating-point samples",
    )


@law(
    "CODEC-003",
    needs="encode decode",
    cost="model",
    effect="a generation that ends at once, or an empty stretch of a batch, takes the whole service down",
    origin={
        "codeclm:55": "a result without frames crashed in the codec, or came back with another rank than any other",
    },
    witnesses=[
        "T * HOP samples for T = 0",
        "concatenation of audio has an identity: the clip without samples",
    ],
    since="2026.1",
    mutants=["nothing-is-a-crash", "nothing-is-flat", "nothing-is-a-frame"],
    draws={"channels": draw_codec.stereo(), "seed": draw.seed()},
    regions={"mono": lambda case: case["channels"] == 1, "stereo": lambda case: case["channels"] == 2},
)
def decodes_nothing_to_nothing(impl: Implementation, channels: int, seed: int) -> None:
    """decode(codes (C, 0, K)) is a waveform (C, 0), of the rank of any other."""
    codes = quietly(impl.encode, spoken(impl, channels, 1, 0, seed))
    expect(tuple(quietly(impl.decode, codes[:, :0, :]).shape), (channels, 0), "the shape of nothing")


@law(
    "CODEC-004",
    needs="encode decode",
    cost="model",
    effect="left and right change places, or a wide recording comes back narrow",
    origin={
        "codeclm:95": "stereo is two mono passes in a fixed order, and nothing of one side may reach the other",
    },
    witnesses=[
        "a codec of mono waveforms knows one channel at a time",
        "MusicGen's stereo checkpoints and Dia's stereo forks were trained on such planes",
    ],
    since="2026.1",
    mutants=[
        "right-before-left",
        "codes-the-middle",
        "left-on-both-sides",
        "decodes-right-before-left",
        "leaks-aside",
    ],
    draws={key: value for key, value in CLIP.items() if key != "channels"},
    regions={name: FEW[name] for name in ("less than a frame", "whole frames")},
)
def keeps_sides_apart(impl: Implementation, hops: int, rest: int, seed: int) -> None:
    """Plane c of encode(audio (2, N)) is encode of channel c alone, and channel c of decode(codes) is decode of plane c alone."""
    audio = spoken(impl, 2, hops, rest, seed)
    codes = quietly(impl.encode, audio)
    alone = torch.cat([quietly(impl.encode, channel[None]) for channel in audio])
    expect_that(near_ties(codes, alone), "codes of each channel", got=codes, want=alone)
    heard = quietly(impl.decode, alone)
    apart = torch.cat([quietly(impl.decode, plane[None]) for plane in alone]).to(torch.float64)
    # What a second plane changes by itself: kernels sum in another order for two.
    twice = torch.stack([quietly(impl.decode, plane.expand(2, -1, -1).clone())[0] for plane in alone])
    expect(heard, apart, "what each plane is decoded to", within=budget(apart, twice, "network"))


@law(
    "CODEC-005",
    needs="encode encode_batch",
    cost="model",
    effect="a data set encoded in batches has wrong codes at the end of every clip but the longest: clips learn to end in noise",
    origin={
        "codeclm:93": "clips padded to one length see silence beyond their end: their last eight frames differ from single encoding",
    },
    witnesses=[
        "the codes of a clip are a function of that clip",
        "transformers' Dia processor encodes one clip at a time for this reason",
    ],
    since="2026.1",
    mutants=["pads-to-the-longest", "keeps-the-padding", "batch-out-of-order"],
    draws={
        "first": draw.integer(1, 3),
        "second": draw.integer(1, 3),
        "rest": draw_codec.rest(),
        "seed": draw.seed(),
    },
    regions={
        "of one length": lambda case: case["first"] == case["second"] and not case["rest"],
        "the first is longer": lambda case: case["first"] > case["second"],
        "the second is longer": lambda case: case["first"] < case["second"],
    },
)
def encodes_each_clip_alone(impl: Implementation, first: int, second: int, rest: int, seed: int) -> None:
    """encode_batch(clips) gives each clip (1, N) the codes that encode gives it alone; clips of several lengths may be refused."""
    hop = hop_of(impl)
    clips = [clip(seed, 1, first * hop, LEVEL), clip(seed + 1, 1, length(hop, second, rest), LEVEL)]
    if clips[0].shape != clips[1].shape:
        try:
            made = quietly(impl.encode_batch, [each.clone() for each in clips])
        except REFUSALS:
            clips = [clips[0], clip(seed + 1, 1, first * hop, LEVEL)]
            made = quietly(impl.encode_batch, clips)
    else:
        made = quietly(impl.encode_batch, [each.clone() for each in clips])
    for codes, each in zip(made, clips, strict=True):
        alone = quietly(impl.encode, each)
        expect_that(near_ties(codes, alone), "the codes of a clip in a batch", got=codes, want=alone)
