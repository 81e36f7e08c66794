"""audiocraft: DelayedPatternProvider as LMModel calls it. One special id, no EOS, sorted delays only.

The package pins a torch of its own time. This one file needs torch alone: pip install --no-deps audiocraft.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from refaudio.conformance.bind import load_file

_package = find_spec("audiocraft")
if _package is None or _package.origin is None:
    raise ModuleNotFoundError(
        "no module named 'audiocraft': pip install --no-deps audiocraft", name="audiocraft"
    )
codebooks_patterns = load_file(Path(_package.origin).parent / "modules" / "codebooks_patterns.py")

IMPLEMENTATION = {
    "name": "audiocraft",
    "version": version("audiocraft"),
    "issues": "https://github.com/facebookresearch/audiocraft/issues",
}
FAMILIES = ["DELAY"]
EOS = "none"
SIZES = {
    "pattern": ["musicgen"],
    "frames": list(range(1, 13)),
}  # LMModel.generate asserts that there is a frame
NOT_CLAIMED = {"DELAY-008": "delays must be sorted: most permuted patterns are refused"}


def make_config(codebooks: int, delays: list[int]) -> list[int]:
    return list(_provider(codebooks, tuple(delays)).delays)


def delay(codes: Tensor, delays: list[int], bos: int, pad: int, eos: int | None) -> Tensor:
    if eos is not None:
        raise NotImplementedError("there is no EOS")
    pattern = _provider(len(delays), tuple(delays)).get_pattern(codes.shape[1])
    codes = codes.transpose(1, 2).contiguous()  # as LMModel.compute_predictions does
    rows, _, mask = pattern.build_pattern_sequence(codes, bos)
    # The cells that the pattern itself marks as special are one id here: below the delay it reads PAD.
    steps = torch.arange(rows.shape[-1], device=rows.device)
    below = steps > torch.tensor(delays, device=rows.device)[:, None]
    return torch.where(below & ~mask, pad, rows).transpose(1, 2)


def undelay(rows: Tensor, delays: list[int], frames: int | None) -> Tensor:
    pattern = _provider(len(delays), tuple(delays)).get_pattern(rows.shape[1] - 1)
    codes, _, mask = pattern.revert_pattern_sequence(rows.transpose(1, 2).contiguous(), special_token=-1)
    known: Tensor = codes[..., mask.all(0)]  # the frames of which the pattern knows every codebook
    return known.transpose(1, 2)[:, :frames]


def visible(delays: list[int], frames: int) -> Tensor:
    """A code stands in one step; the logits of a code are read at another, and have seen the steps up to it."""
    pattern = _provider(len(delays), tuple(delays)).get_pattern(frames)
    steps = torch.arange(frames + max(delays) + 1.0).expand(1, len(delays), -1).contiguous()
    stands, _, _ = pattern.revert_pattern_sequence(steps, special_token=-1)
    read, _, _ = pattern.revert_pattern_logits(steps[:, None].contiguous(), float("nan"))
    seen: Tensor = stands[0].t()[None, None] <= read[0, 0].t()[:, :, None, None]
    return seen


def pattern(name: str) -> list[int]:
    codebooks = {"musicgen": 4}[name]
    return list(codebooks_patterns.DelayedPatternProvider(n_q=codebooks).delays)


@lru_cache(maxsize=8)
def _provider(codebooks: int, delays: tuple[int, ...]) -> Any:
    if list(delays) != sorted(delays):
        raise NotImplementedError("delays must be sorted")
    return codebooks_patterns.DelayedPatternProvider(n_q=codebooks, delays=list(delays))
