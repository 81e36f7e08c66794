"""What differs and is right is green: the spec must not reject it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.report import failure_text


def tiles(codebooks: int, delays: Sequence[int]) -> list[int]:
    """A mono pattern of nine is documented to be repeated for the 18 channels of stereo (D0 #5)."""
    if codebooks % len(delays):
        raise ValueError(f"delays={list(delays)} must fit {codebooks} codebooks, or be repeatable")
    return list(delays) * (codebooks // len(delays))


def asserts(codebooks: int, delays: Sequence[int]) -> list[int]:
    """A refusal may be an assertion."""
    assert len(delays) == codebooks
    return list(delays)


def rolls(codes: torch.Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None) -> torch.Tensor:
    """Another way to delay: concatenate a column at a time."""
    ends = [] if eos is None else [eos]
    columns = []
    for k, d in enumerate(delays):
        column = [torch.full((len(codes), 1 + d), bos), codes[..., k]]
        column += [
            torch.full((len(codes), len(ends)), eos or 0),
            torch.full((len(codes), max(delays) - d), pad),
        ]
        columns.append(torch.cat(column, dim=1))
    return torch.stack(columns, dim=-1)


def chunked(codec: Any, rows: Any, delays: Sequence[int]) -> Any:
    """A streamer that emits several frames at once, and nothing before."""
    known = torch.stack(list(rows), dim=1)
    frames = reference.undelay(known, delays, None)
    return (codec.decode(frames[:, start : start + 3]) for start in range(0, frames.shape[1], 3))


def modular(seed: int, rank: int) -> None:
    """numpy's range is met by a remainder, as D0 #6 proposes."""
    mixed = (seed * 1009 + rank) % 2**32
    random.seed(mixed)
    np.random.seed(mixed)
    torch.manual_seed(mixed)


def ranged(seed: int, rank: int) -> None:
    """A documented range: other seeds are refused by name."""
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed={seed} must be in 0..2**32 - 1")
    modular(seed, rank)


def listed(seed: int, count: int, shape: Sequence[int]) -> torch.Tensor:
    """One generator an element, as diffusers takes them, with its own arithmetic."""
    generators = [torch.Generator().manual_seed((seed * 8191 + index) % 2**63) for index in range(count)]
    return torch.stack([torch.randn(tuple(shape), generator=generator) for generator in generators])


@pytest.mark.parametrize(
    ("bound", "laws"),
    [
        ({"make_config": tiles}, "DELAY-005"),
        ({"make_config": asserts}, "DELAY-005"),
        ({"delay": rolls, "EOS": "staggered"}, "DELAY-001 DELAY-003 DELAY-008 DELAY-009 DELAY-012 DELAY-013"),
        ({"stream": chunked}, "DELAY-010"),
        ({"seed_all": modular}, "SEED-001 SEED-002"),
        ({"noise_batch": listed}, "SEED-003 SEED-004 SEED-005 SEED-006"),
    ],
    ids=["tiles", "asserts", "rolls", "chunked", "modular", "listed"],
)
def test_right_but_different_is_green(bound: dict[str, Callable[..., Any]], laws: str) -> None:
    report = check(SimpleNamespace(**bound), only=laws.split())
    assert report.counts["pass"] == len(laws.split()), "\n".join(map(failure_text, report.results))


def test_a_documented_range_of_seeds_declines_what_is_outside_it() -> None:
    result = check(SimpleNamespace(seed_all=ranged), only="SEED-001")["SEED-001"]
    assert result.status in ("pass", "unclaimed")
    assert 0 < result.accepted < result.cases


def test_codebooks_without_delay_need_no_special_pattern() -> None:
    """K parallel codebooks: every delay zero is a pattern like any other."""
    only = SimpleNamespace(delay=reference.delay, undelay=reference.undelay, SIZES={"delays": [[0] * 4]})
    assert check(only, only="DELAY-002")["DELAY-002"].cell == "pass (delays [0, 0, 0, 0])"
