"""CODEC in pieces: long clips, and the two orders of stereo codes."""

from __future__ import annotations

import torch

from . import draw, draw_codec
from .budget import budget
from .codec import LEVEL, hop_of, near_ties
from .law import Declined, Implementation, expect, expect_that, law
from .scripts_codec import WideCodec
from .waves import clip, quietly

PIECES = {
    "chunk": draw_codec.chunk(),
    "chunks": draw.integer(0, 3),
    "over": draw_codec.over(),
    "context": draw_codec.context(),
    "codebooks": draw.integer(1, 3),
    "seed": draw.seed(),
}
REGIONS = {
    "less than a chunk": lambda case: _frames(case["chunk"], case["chunks"], case["over"]) < case["chunk"],
    "one chunk": lambda case: _frames(case["chunk"], case["chunks"], case["over"]) == case["chunk"],
    "a frame more than a chunk": lambda case: (
        _frames(case["chunk"], case["chunks"], case["over"]) == case["chunk"] + 1
    ),
    "several chunks": lambda case: _frames(case["chunk"], case["chunks"], case["over"]) > 2 * case["chunk"],
    "context wider than a chunk": lambda case: case["context"] > case["chunk"],
    "no context": lambda case: case["context"] == 0,
}
HOP = 3


def _frames(chunk: int, chunks: int, over: int) -> int:
    return max(1, chunk * chunks + over)


@law(
    "CODEC-011",
    needs="decode_chunked",
    effect="a click at every seam, once a second or so, in anything longer than the tests",
    origin={
        "codeclm:92": "a sample depends on ten frames to either side: decoded with fewer, the seams are wrong",
    },
    witnesses=[
        "the waveform that the same codec decodes at once",
        "the view of a stack of convolutions is finite: DAC's decoder sees ten frames, exactly",
    ],
    since="2026.1",
    mutants=[
        "decodes-without-context", "half-the-context", "context-before-alone", "fills-the-last-chunk",
        "drops-the-last-chunk",
    ],
    draws=PIECES,
    regions=REGIONS,
)  # fmt: skip
def decodes_pieces_as_the_whole(
    impl: Implementation, chunk: int, chunks: int, over: int, context: int, codebooks: int, seed: int
) -> None:
    """decode_chunked(codec, codes (B, T, K), chunk) is codec.decode(codes), for every T, where frames see codec.context (<= 10) frames around."""
    codec = WideCodec(codebooks, HOP, context)
    generator = torch.Generator().manual_seed(seed)
    shape = (2, _frames(chunk, chunks, over), codebooks)
    codes = torch.randint(0, codec.size, shape, generator=generator)
    whole = codec.decode(codes)
    exact = whole.to(torch.float64)
    made = quietly(impl.decode_chunked, codec, codes, chunk)
    expect(made, exact, "the waveform of the whole", within=budget(exact, whole, "reduction"))


@law(
    "CODEC-012",
    needs="encode_chunked",
    effect="codes at every seam that no clip ever has: a model learns to stumble at regular intervals",
    origin={
        "codeclm:91": "encoding by windows gave other codes, and another number of them, than encoding at once",
    },
    witnesses=[
        "the codes that the same codec gives the whole",
        "the view of a stack of convolutions is finite: DAC's encoder sees less than nine frames",
    ],
    since="2026.1",
    mutants=["windows-overlap", "encodes-without-context", "pieces-off-the-grid", "fills-every-piece"],
    draws={**PIECES, "rest": draw.integer(0, HOP - 1)},
    regions={**REGIONS, "a part of a frame": lambda case: case["rest"] > 0},
)
def encodes_pieces_as_the_whole(
    impl: Implementation,
    chunk: int,
    chunks: int,
    over: int,
    context: int,
    codebooks: int,
    seed: int,
    rest: int,
) -> None:
    """encode_chunked(codec, audio (B, N), chunk) is codec.encode(audio), for every N, where frames see codec.context (<= 10) frames around."""
    codec = WideCodec(codebooks, HOP, context)
    generator = torch.Generator().manual_seed(seed)
    samples = _frames(chunk, chunks, over) * HOP - rest
    audio = torch.randint(-(2**14), 2**14, (2, samples), generator=generator) / 2.0**15
    expect(quietly(impl.encode_chunked, codec, audio, chunk), codec.encode(audio), "the codes of the whole")


@law(
    "CODEC-013",
    needs="encode encode_long",
    cost="model",
    effect="ten seconds are 1152 frames where training had 862: a voice prompt plays slow, and stutters",
    origin={
        "codeclm:91": "the windows of compress overlap, 111 frames a second, not 86: right for decompress, and not for a language model",
    },
    witnesses=[
        "a second is RATE / HOP frames, however long the clip is",
        "transformers' Dia processor encodes whole clips",
    ],
    since="2026.1",
    mutants=["compresses", "levels-each-window"],
    draws={"hundredths": draw.integer(30, 260), "seed": draw.seed()},
    regions={
        "less than a second": lambda case: case["hundredths"] < 100,
        "more than a second": lambda case: case["hundredths"] > 100,
    },
)
def long_clips_have_as_many_frames(impl: Implementation, hundredths: int, seed: int) -> None:
    """encode_long(audio), the way that long clips are coded, gives a clip the frames and the codes that encode gives it."""
    rate = impl.number("RATE")
    if rate is None:
        raise Declined("RATE is not declared")
    hop_of(impl)
    audio = clip(seed, 1, int(hundredths / 100 * rate), LEVEL)
    whole, long = quietly(impl.encode, audio), quietly(impl.encode_long, audio.clone())
    expect_that(near_ties(long, whole), "codes of a long clip", got=long, want=whole)


@law(
    "CODEC-014",
    needs="planes interleave | split_planes join_planes",
    effect="left and right are woven into each other: both speakers play noise with the rhythm of the piece",
    origin={
        "codeclm:95": "one family of models has left then right, the other has them interleaved: codes of one are no codes of the other",
    },
    witnesses=[
        "audiocraft's stereo order: codebook 2k is left's k, 2k + 1 is right's",
        "cell by cell, from the definition of each order",
    ],
    since="2026.1",
    mutants=["blocks-for-pairs", "pairs-for-blocks", "right-side-first", "joins-in-time", "splits-in-time"],
    draws={"frames": draw.frames(1), "codebooks": draw.integer(1, 9, "codebooks"), "seed": draw.seed()},
    regions={
        "one codebook": lambda case: case["codebooks"] == 1,
        "two codebooks": lambda case: case["codebooks"] == 2,
        "as many frames as codebooks": lambda case: case["frames"] == case["codebooks"],
    },
)
def orders_stereo_codes(impl: Implementation, frames: int, codebooks: int, seed: int) -> None:
    """interleave (B, T, 2K): left then right -> L0 R0 L1 R1 .., planes: back; join_planes (2, T, K) -> (1, T, 2K), split_planes: back."""
    generator = torch.Generator().manual_seed(seed)
    sides = torch.randint(0, 1024, (2, frames, codebooks), generator=generator)
    blocks, pairs = (torch.empty(1, frames, 2 * codebooks, dtype=torch.int64) for _ in range(2))
    for k in range(codebooks):
        for side in range(2):
            blocks[0, :, side * codebooks + k] = sides[side, :, k]
            pairs[0, :, 2 * k + side] = sides[side, :, k]
    if impl.has("planes"):
        expect(impl.interleave(blocks.clone()), pairs, "left and right in turn")
        expect(impl.planes(pairs.clone()), blocks, "left, then right")
    else:
        expect(impl.join_planes(sides.clone()), blocks, "two planes in one row")
        expect(impl.split_planes(blocks.clone()), sides, "one row in two planes")
