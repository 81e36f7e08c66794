"""DELAY: the delay pattern, which shifts codebook k down by delays[k] rows.

Rows start with one BOS row; code (t, k) stands in row 1 + t + delays[k]; what is above is BOS, what is below is PAD.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from . import draw
from .conventions import CONVENTIONS
from .law import Implementation, decline, expect, law
from .oracles import complete, delayed
from .scripts import EchoCodec

SIZE = 1024  # codes are 0..1023, and the special ids follow, as in Dia
EOS, PAD, BOS = 1024, 1025, 1026

# The pattern is drawn last: what is drawn after a choice among strategies hardly shrinks (measured with Hypothesis 6.170).
CODES = {"frames": draw.frames(), "batch": draw.batch(), "seed": draw.seed(), "delays": draw.delays()}
REGIONS = {
    "batch == frames": lambda case: case["batch"] == case["frames"],
    "frames == codebooks": lambda case: case["frames"] == len(case["delays"]),
    "one codebook": lambda case: len(case["delays"]) == 1,
    "all delays zero": lambda case: not any(case["delays"]),
    "no delay zero": lambda case: min(case["delays"]) > 0,
    "unsorted delays": lambda case: case["delays"] != sorted(case["delays"]),
    "frames < largest delay": lambda case: 0 < case["frames"] < max(case["delays"]),
    "no frames": lambda case: case["frames"] == 0,
}


def make_codes(
    seed: int, batch: int, frames: int, codebooks: int, ids: Sequence[int] = range(SIZE)
) -> Tensor:
    """Random codes (B, T, K), drawn from `ids`."""
    generator = torch.Generator().manual_seed(seed)
    return torch.tensor(ids)[torch.randint(len(ids), (batch, frames, codebooks), generator=generator)]


def _frames_of(impl: Implementation, rows: Tensor, delays: list[int]) -> Tensor:
    """The frames that an implementation makes of rows, at the grain at which it is bound."""
    if impl.has("undelay"):
        codes: Tensor = impl.undelay(rows, delays, None)
        return codes
    codec = EchoCodec(len(delays))
    impl.rows_to_audio(codec, rows, delays)
    return codec.was_fed(len(rows))


@law(
    "DELAY-001",
    needs="delay",
    effect="the last codes of every late codebook are lost, or fine codes are laid over the wrong coarse ones: muffled or garbled audio",
    origin={
        "codeclm:6": "the constant-length form drops delays[k] codes of codebook k and says nothing",
        "codeclm:7": "how many BOS, code and PAD cells each codebook has",
    },
    witnesses=[
        "closed form, cell by cell",
        "audiocraft's DelayedPatternProvider puts the same codes in the same steps",
    ],
    since="2026.1",
    mutants=["constant-length", "pads-with-bos", "no-bos-row"],
    draws=CODES,
    regions=REGIONS,
)
def places_codes(impl: Implementation, delays: list[int], frames: int, batch: int, seed: int) -> None:
    """delay: codes (B, T, K) -> rows (B, T + 1 + max(delays), K): BOS, then code (t, k) in row 1 + t + delays[k], then PAD."""
    codes = make_codes(seed, batch, frames, len(delays))
    expect(impl.delay(codes, delays, BOS, PAD, None), delayed(codes, delays, BOS, PAD), "the rows")


@law(
    "DELAY-002",
    needs="delay undelay",
    effect="audio is shorter than what was generated, or its first or last moments are gone",
    origin={
        "D0 #25": "a literal 30 is trimmed where the largest delay belongs, and the first frame is lost as well",
        "codeclm:3": "the round trip must hold for unsorted, equal and all-zero delays too",
    },
    witnesses=[
        "algebra: the inverse of a shift is the opposite shift",
        "audiocraft's Pattern round trips for sorted delays",
    ],
    since="2026.1",
    mutants=[
        "undelay-trims-thirty",
        "minus-zero-slice",
        "undelay-loses-first",
        "last-delay-is-largest",
        "keeps-the-last-frames",
    ],
    draws={"keep": draw.integer(0, 12), **CODES},
    regions=REGIONS,
)
def round_trips(
    impl: Implementation, delays: list[int], frames: int, batch: int, seed: int, keep: int
) -> None:
    """undelay(delay(codes)) == codes, for any delays and any number of frames; with frames=n, the first n of them."""
    codes = make_codes(seed, batch, frames, len(delays))
    rows = impl.delay(codes, delays, BOS, PAD, None)
    expect(impl.undelay(rows, delays, None), codes, "every frame")
    keep = min(keep, frames)
    expect(impl.undelay(rows, delays, keep), codes[:, :keep], "the first frames")


@law(
    "DELAY-003",
    needs="delay | undelay",
    effect="whenever the model emits a code that equals a special id, frames vanish or shift: clicks, or a crash that depends on the content",
    origin={
        "codeclm:4": "MusicGen's decoding removes every element equal to the pad id and reshapes what is left"
    },
    witnesses=["closed form, cell by cell", "moshi's un-delay is a roll: it never looks at a value"],
    since="2026.1",
    mutants=["drops-pad-values", "counts-bos-values", "zero-means-empty"],
    draws=CODES,
    regions={**REGIONS, "some frames": lambda case: case["frames"] > 0},
)
def looks_at_positions(impl: Implementation, delays: list[int], frames: int, batch: int, seed: int) -> None:
    """delay and undelay move codes by position alone: codes that equal BOS, PAD, EOS or 0 survive."""
    codes = make_codes(seed, batch, frames, len(delays), ids=[0, 1, EOS, PAD, BOS])
    if impl.has("delay"):
        expect(
            impl.delay(codes, delays, BOS, PAD, None), delayed(codes, delays, BOS, PAD), "rows of special ids"
        )
    if impl.has("undelay"):
        expect(impl.undelay(delayed(codes, delays, BOS, PAD), delays, None), codes, "codes of special ids")


@law(
    "DELAY-004",
    needs="undelay | rows_to_audio",
    effect="the last token of each codebook is repeated into the tail: a buzz or a stutter at the end of every clip",
    origin={
        "codeclm:5": "Dia clamps the index before it tests for padding, so that the tail repeats the last element"
    },
    witnesses=[
        "closed form, cell by cell",
        "the frame t is complete when the row 1 + t + max(delays) is there",
    ],
    since="2026.1",
    mutants=["repeats-the-tail", "pads-the-tail", "short-is-an-error"],
    draws={
        "rows": draw.integer(1, 40, "rows"),
        "batch": draw.batch(),
        "seed": draw.seed(),
        "delays": draw.delays(),
    },
    regions={
        "too few rows for a frame": lambda case: case["rows"] < 1 + max(case["delays"]),
        "exactly no frame": lambda case: case["rows"] == 1 + max(case["delays"]),
        "some frames": lambda case: case["rows"] > 1 + max(case["delays"]),
    },
)
def invents_no_frames(impl: Implementation, delays: list[int], rows: int, batch: int, seed: int) -> None:
    """Of rows (B, R, K) exactly max(0, R - 1 - max(delays)) frames come back: an incomplete frame is absent, never made up."""
    known = delayed(make_codes(seed, batch, rows, len(delays)), delays, BOS, PAD)[:, :rows]
    expect(_frames_of(impl, known, delays), complete(known, delays), "the complete frames")


@law(
    "DELAY-008",
    needs="delay | undelay",
    effect="a pattern that is not sorted (a stereo pattern, left block then right block) is applied to the wrong codebooks",
    origin={
        "codeclm:11": "audiocraft asserts sorted delays; a fork's 18-channel stereo pattern is not sorted"
    },
    witnesses=[
        "symmetry: a codebook knows nothing of its neighbours",
        "moshi's delays are not sorted either",
    ],
    since="2026.1",
    mutants=["sorts-the-delays", "first-delay-is-smallest", "undelay-sorts-the-delays"],
    draws=CODES,
    regions=REGIONS,
)
def permutes_with_channels(
    impl: Implementation, delays: list[int], frames: int, batch: int, seed: int
) -> None:
    """Permuting codebooks and delays together permutes the result: delay(codes[..., p], delays[p]) == delay(codes, delays)[..., p]."""
    order = torch.randperm(len(delays), generator=torch.Generator().manual_seed(seed)).tolist()
    permuted = [delays[k] for k in order]
    if not impl.offers("delays", permuted):
        decline(f"the implementation cannot be asked for delays {permuted}")
    codes = make_codes(seed, batch, frames, len(delays))
    if impl.has("delay"):
        rows = impl.delay(codes, delays, BOS, PAD, None)
        expect(rows.shape[1], frames + 1 + max(delays), "how many rows")
        expect(impl.delay(codes[..., order], permuted, BOS, PAD, None), rows[..., order], "permuted rows")
    if impl.has("undelay"):
        rows = delayed(codes, delays, BOS, PAD)
        known = impl.undelay(rows, delays, None)
        expect(known.shape[1], frames, "how many frames")
        expect(impl.undelay(rows[..., order], permuted, None), known[..., order], "permuted codes")


@law(
    "DELAY-009",
    needs="delay | undelay",
    effect="items of a batch bleed into each other, or the batch is scrambled at the one batch size that equals the number of frames",
    origin={
        "codeclm:8": "index tensors broadcast silently when batch, frames or codebooks happen to be equal; a cache was built for a batch of 2",
    },
    witnesses=[
        "one item at a time: the batched result is the stack of the solo results",
        "the same cases at pairwise distinct sizes",
    ],
    since="2026.1",
    mutants=["rolls-across-the-batch", "square-batch-transposed", "undelay-repeats-item-zero"],
    draws={**CODES, "batch": draw.integer(1, 5, "batch")},
    regions={**REGIONS, "batch == codebooks": lambda case: case["batch"] == len(case["delays"])},
)
def keeps_items_apart(impl: Implementation, delays: list[int], frames: int, batch: int, seed: int) -> None:
    """A batch is the stack of its items, also where B == T, B == K or T == K."""
    codes = make_codes(seed, batch, frames, len(delays))
    if impl.has("delay"):
        alone = [impl.delay(item[None], delays, BOS, PAD, None) for item in codes]
        expect(alone[0].shape[1], frames + 1 + max(delays), "how many rows")
        expect(impl.delay(codes, delays, BOS, PAD, None), torch.cat(alone), "the rows of a batch")
    if impl.has("undelay"):
        rows = delayed(codes, delays, BOS, PAD)
        alone = [impl.undelay(item[None], delays, None) for item in rows]
        expect(alone[0].shape[1], frames, "how many frames")
        expect(impl.undelay(rows, delays, None), torch.cat(alone), "the codes of a batch")


@law(
    "DELAY-012",
    needs="delay",
    effect="the model never learns to stop, or stops late codebooks early: clipped endings, or a tail of noise",
    origin={
        "codeclm:7": "trainers put EOS in one row over codes that were not finished; inference staggers it by the delays"
    },
    witnesses=[
        "closed form: EOS follows the last code of each codebook",
        "transformers' Dia processor staggers it for its labels",
    ],
    since="2026.1",
    mutants=["eos-over-codes", "eos-in-first-codebook", "eos-over-the-last-code"],
    draws=CODES,
    regions=REGIONS,
)
def ends_each_codebook(impl: Implementation, delays: list[int], frames: int, batch: int, seed: int) -> None:
    """With eos, rows are (B, T + 2 + max(delays), K) and hold one EOS a codebook, after its last code, over no code."""
    if (convention := impl.convention("EOS")) not in CONVENTIONS["EOS"][:2]:
        decline(f"EOS = {convention!r}: the adapter declares no convention by which its rows end")
    codes = make_codes(seed, batch, frames, len(delays))
    want = delayed(codes, delays, BOS, PAD, EOS)
    if convention == "one row":
        want = delayed(codes, delays, BOS, PAD)
        want = torch.cat([want, torch.full_like(want[:, :1], EOS)], dim=1)
    expect(impl.delay(codes, delays, BOS, PAD, EOS), want, "the rows with EOS")


@law(
    "DELAY-013",
    needs="delay | undelay",
    effect="the second epoch trains on delayed codes, or an embedding refuses its ids: data sets are damaged in memory, silently",
    origin={"codeclm:99": "layout conversions have to keep int64; a NaN fill turns codes into floats"},
    witnesses=[
        "codes are indices: int64 in, int64 out",
        "audiocraft and transformers leave their inputs as they were",
    ],
    since="2026.1",
    mutants=["writes-into-input", "float-fill", "undelay-in-place", "undelay-int32"],
    draws={"strided": draw.choice(False, True), **CODES},
    regions={"strided": lambda case: case["strided"], "some codes": lambda case: case["frames"] > 0},
)
def leaves_inputs_alone(
    impl: Implementation, delays: list[int], frames: int, batch: int, seed: int, strided: bool
) -> None:
    """int64 in, int64 out, contiguous or not, and the input is never written to."""
    codes = make_codes(seed, batch, frames, len(delays))
    rows = delayed(codes, delays, BOS, PAD)
    if strided:
        codes, rows = (x.transpose(1, 2).contiguous().transpose(1, 2) for x in (codes, rows))
    before, rows_before = codes.clone(), rows.clone()
    if impl.has("delay"):
        made = impl.delay(codes, delays, BOS, PAD, None)
        expect(
            (made.shape[1], made.dtype),
            (frames + 1 + max(delays), torch.int64),
            "how many rows, and their dtype",
        )
        expect(codes, before, "the codes handed in")
    if impl.has("undelay"):
        made = impl.undelay(rows, delays, None)
        expect((made.shape[1], made.dtype), (frames, torch.int64), "how many frames, and their dtype")
        expect(rows, rows_before, "the rows handed in")
