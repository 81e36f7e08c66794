"""The delay pattern: codes (B, T, K) to delayed rows (B, R, K) and back, whole, windowed or as a stream.

Row 0 is BOS in every codebook: the first input of a language model. Codebook k waits delays[k] rows more, so
that its code of frame t stands in row t + 1 + delays[k]. Below its last code come EOS, if asked for, and PAD:

>>> codes = torch.tensor([[[11, 12, 13], [21, 22, 23], [31, 32, 33], [41, 42, 43]]])
>>> delay(codes, [0, 2, 3], bos=0, pad=99, eos=98)[0]
tensor([[ 0,  0,  0],
        [11,  0,  0],
        [21,  0,  0],
        [31, 12,  0],
        [41, 22, 13],
        [98, 32, 23],
        [99, 42, 33],
        [99, 98, 43],
        [99, 99, 98]])

Everything here goes by position and never looks at values: codes that equal a special id survive.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int64, Integer
from torch import Tensor

from ..errors import LONGEST, integer
from .patterns import PATTERNS, check_delays, pattern

__all__ = [
    "PATTERNS",
    "check_delays",
    "delay",
    "delay_window",
    "lookahead",
    "pattern",
    "undelay",
    "undelay_stream",
    "visible",
]


def delay(
    codes: Integer[Tensor, "B T K"], delays: Sequence[int], *, bos: int, pad: int, eos: int | None = None
) -> Integer[Tensor, "B R K"]:
    """Shift codebook k down by delays[k] rows: codes (B, T, K) -> (B, T + 1 + max(delays), K), + 1 with eos.

    The matrix grows so that nothing is cut: at constant length codebook k loses its last delays[k] codes.
    """
    _check_matrix("codes", codes)
    batch, frames, codebooks = codes.shape
    delays = check_delays(delays, codebooks)
    for name, special in ("bos", bos), ("pad", pad), ("eos", eos):
        if special is not None or name != "eos":
            _check_special(name, special, codes.dtype)

    last, ends = max(delays), int(eos is not None)
    rows = codes.new_empty(batch, frames + 1 + last + ends, codebooks)
    rows[:, frames + 1 :].fill_(pad)
    rows[:, : last + 1].fill_(bos)
    for k, d in enumerate(delays):  # a clip shorter than the pattern ends while other codebooks still wait
        if frames + 1 + ends + d <= last:
            rows[:, frames + 1 + ends + d : last + 1, k].fill_(pad)
    # One codebook further in a run is `step` rows further: a stride. (Not as in `_unslanted`, whose windows overlap:
    # torch.compile refuses to write through them.)
    for run in _runs(delays):
        size, stride = (batch, frames, run.width), (rows.stride(0), codebooks, run.step * codebooks + 1)
        start = (1 + run.delay) * codebooks + run.first
        rows.as_strided(size, stride, start).copy_(codes[:, :, run.first : run.first + run.width])
        if eos is not None:
            rows.as_strided((batch, 1, run.width), stride, start + frames * codebooks).fill_(eos)
    return rows


def undelay(
    rows: Integer[Tensor, "B R K"], delays: Sequence[int], frames: int | None = None
) -> Integer[Tensor, "B T K"]:
    """Invert `delay`: rows (B, R, K), BOS row first -> codes (B, T, K) with T = max(0, R - 1 - max(delays)).

    `frames` asks for fewer. A frame whose last code has not arrived is absent, never filled in. Rows with EOS
    complete one frame more, of EOS alone: `frames` leaves it out.
    """
    _check_matrix("rows", rows)
    delays = check_delays(delays, rows.shape[2])
    complete = max(0, rows.shape[1] - 1 - max(delays))
    if frames is None:
        frames = complete
    elif integer("frames", frames, least=0) > complete:
        raise ValueError(
            f"frames={frames} must be at most {complete}: "
            f"{rows.shape[1]} rows with max(delays)={max(delays)} complete no more"
        )
    if frames == 0:
        return rows[:, :0].clone()
    return torch.cat([_unslanted(rows, run, frames) for run in _runs(delays)], dim=2)


def delay_window(
    codes: Integer[Tensor, "B T K"], delays: Sequence[int], *, start: int, frames: int, bos: int, pad: int
) -> Integer[Tensor, "B R K"]:
    """Delay the window codes[:, start : start + frames]: codes (B, T, K) -> (B, frames + 1 + max(delays), K).

    Cut in frames, then delay: rows cut out of a delayed matrix begin and end amid frames. A window carries no
    EOS: taught at the end of every window, a model learns to stop after one window's length.
    """
    _check_matrix("codes", codes)
    start, frames = integer("start", start, least=0), integer("frames", frames, least=0)
    if start + frames > codes.shape[1]:
        raise ValueError(f"start={start} must leave frames={frames} inside the clip: it has {codes.shape[1]}")
    return delay(codes[:, start : start + frames], delays, bos=bos, pad=pad)


def undelay_stream(
    rows: Iterable[Integer[Tensor, "B K"]], delays: Sequence[int]
) -> Iterator[Integer[Tensor, "B K"]]:
    """Yield each frame with the row that completes it: rows (B, K), BOS row first -> frames (B, K).

    Frame t comes with row t + 1 + max(delays) and all of them together are what `undelay` returns. The last
    max(delays) + 1 rows are kept, as copies: the caller may hand over one buffer again and again.
    """
    return _stream(rows, check_delays(delays))


def _stream(rows: Iterable[Tensor], delays: tuple[int, ...]) -> Iterator[Tensor]:
    held, codebooks = max(delays) + 1, len(delays)
    rows = iter(rows)
    first = next(rows, None)  # BOS in every codebook: nothing to keep
    if first is None:
        return
    _check_integers("rows[0]", first)
    if first.ndim != 2 or first.shape[1] != codebooks:
        raise ValueError(f"rows[0].shape={tuple(first.shape)} must be (B, {codebooks}), as delays has it")
    ring = first.new_empty(first.shape[0], held, codebooks)
    # Where the codes of one frame lie in the flattened ring, for each of its phases: made once, because the host
    # waits while a list becomes a tensor on a GPU.
    cells = [[(r + 1 + d) % held * codebooks + k for k, d in enumerate(delays)] for r in range(held)]
    table = torch.tensor(cells, device=first.device)
    for r, row in enumerate(rows, start=1):
        if row.shape != first.shape or row.dtype != first.dtype:
            raise ValueError(f"rows[{r}]={_kind(row)} must be like rows[0]: {_kind(first)}")
        ring[:, r % held].copy_(row)
        if r >= held:
            yield ring.flatten(1).index_select(1, table[r % held])


def visible(delays: Sequence[int], frames: int) -> Bool[Tensor, "T K T K"]:
    """What a causal model over rows sees: out[t1, c1, t, c] iff t + delays[c] < t1 + delays[c1].

    True: the prediction of code (t1, c1) may depend on code (t, c). Within a frame, codebooks of equal delay
    never see each other: each stereo side is predicted without the other's.
    """
    row = torch.arange(integer("frames", frames, least=0, most=LONGEST))[:, None] + torch.tensor(
        check_delays(delays)
    )
    return row < row[:, :, None, None]


def lookahead(delays: Sequence[int]) -> Int64[Tensor, "K K"]:
    """How far ahead codebook c1 sees c: out[c1, c] = delays[c1] - delays[c] - 1, in frames.

    Predicting (t1, c1), a causal model sees codebook c up to and with frame t1 + out[c1, c]: -1 is the frame
    before. Dia's last codebook sees the coarse one 14 frames ahead, by design.
    """
    d = torch.tensor(check_delays(delays))
    return d[:, None] - d - 1


class _Run(NamedTuple):
    """Neighbouring codebooks whose delays rise in equal steps: `width` of them, of which `first` waits `delay`."""

    first: int
    width: int
    delay: int
    step: int


def _runs(delays: tuple[int, ...]) -> list[_Run]:
    """The pattern as few runs: one for MusicGen, two for Dia, at worst one a codebook.

    Each run is one copy, without an index tensor and without a wait for the device. On one CPU core, at B=8,
    T=3072 with Dia's delays, delay takes 0.33 ms, against 0.46 with a copy a codebook and 1.16 with gather;
    undelay takes 0.15, against 0.37 and 0.45. Each moves its input and its output once.
    """
    runs, k = [], 0
    while k < len(delays):
        end = k + 1
        step = max(0, delays[end] - delays[k]) if end < len(delays) else 0
        while end < len(delays) and delays[end] - delays[end - 1] == step:
            end += 1
        runs.append(_Run(k, end - k, delays[k], step))
        k = end
    return runs


def _unslanted(rows: Tensor, run: _Run, frames: int) -> Tensor:
    """The codes of one run inside delayed rows, as a view (B, frames, run.width).

    A frame of a run is the diagonal of a window of rows. (as_strided says so in one call, but torch.compile
    2.13 then reads the wrong cells of rows that were computed in the same graph.)
    """
    first, height = 1 + run.delay, (run.width - 1) * run.step + 1
    rows = rows[:, first : first + frames + height - 1, run.first : run.first + run.width]
    return rows.unfold(1, height, 1)[..., :: run.step].diagonal(dim1=2, dim2=3) if run.step else rows


def _check_matrix(name: str, matrix: Tensor) -> None:
    _check_integers(name, matrix)
    if matrix.ndim != 3:
        raise ValueError(f"{name}.shape={tuple(matrix.shape)} must have three axes: batch, time, codebooks")


def _check_integers(name: str, tensor: Tensor) -> None:
    if not isinstance(tensor, Tensor):
        raise ValueError(f"{name}={type(tensor).__name__} must be a tensor of integers")
    if tensor.dtype == torch.bool or tensor.is_floating_point() or tensor.is_complex():
        raise ValueError(f"{name}.dtype={tensor.dtype} must be an integer type")


def _check_special(name: str, value: int | None, dtype: torch.dtype) -> None:
    held = torch.iinfo(dtype)
    if not held.min <= integer(name, value) <= held.max:
        raise ValueError(f"{name}={value} must fit the codes' {dtype}: {held.min} to {held.max}")


def _kind(tensor: Tensor) -> str:
    return f"{tensor.dtype} {tuple(tensor.shape)}"
