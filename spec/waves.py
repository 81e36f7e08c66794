"""What audio laws are made of: clips of a known peak, calls whose words are heard or not, and what 16 bits allow."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import Tensor

FULL = 32767  # the largest of 16 bits; 32768 is as common a scale, and every law of this area takes either


def clip(seed: int, channels: int, samples: int, peak: float) -> Tensor:
    """Noise (C, N) in float32 whose largest magnitude is `peak` to the bit; of one sample, exactly +-peak."""
    generator = torch.Generator().manual_seed(seed)
    noise = 2 * torch.rand((channels, samples), generator=generator, dtype=torch.float64) - 1
    top = int(noise.abs().argmax())
    audio = noise / noise.abs().max() * peak
    audio.view(-1)[top] = peak if noise.view(-1)[top] > 0 else -peak
    return audio.to(torch.float32)


def ratio(decibels: float) -> float:
    """The ratio of amplitudes that is so many decibels."""
    return float(10.0 ** (decibels / 20))


def between(low: float, high: float, percent: int) -> float:
    """The point between two levels, on a logarithmic scale: `low` at 0 per cent, `high` at 100."""
    return float(low * (high / low) ** (percent / 100))


def quietly(call: Callable[..., Any], *args: Any) -> Any:
    """What a call returns; what it warns of is not at issue."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*args)


class _Kept(logging.Handler):
    def __init__(self, words: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.words = words

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())


@contextmanager
def heard() -> Iterator[list[str]]:
    """The list of what is said meanwhile: warnings, log records from WARNING up, and printed text."""
    words: list[str] = []
    printed, kept, root = io.StringIO(), _Kept(words), logging.getLogger()
    root.addHandler(kept)
    try:
        with (
            warnings.catch_warnings(record=True) as warned,
            redirect_stdout(printed),
            redirect_stderr(printed),
        ):
            warnings.simplefilter("always")
            yield words
    finally:
        root.removeHandler(kept)
    words += [str(warning.message) for warning in warned]
    words += filter(None, [printed.getvalue()])


def steps(got: Tensor, want: Tensor) -> float:
    """How many 16-bit steps `got` is from the floats `want` (C, N), at the better of the two scales."""
    if got.shape != want.shape:
        return float("inf")
    exact = want.to(torch.float64)
    wanted = [(exact * scale).clamp(-FULL - 1, FULL) for scale in (FULL, FULL + 1)]
    return min(float((got.to(torch.float64) - each).abs().max()) for each in wanted)


def proportional(got: Tensor, want: Tensor) -> bool:
    """Whether `got`, in 16 bits, is `want` times one positive gain that brings it to half of full scale or more."""
    if got.shape != want.shape:
        return False
    top = float(got.to(torch.float64).abs().max())
    exact = want.to(torch.float64) * (top / float(want.abs().max()))
    return top >= FULL / 2 and float((got.to(torch.float64) - exact).abs().max()) <= 1.01
