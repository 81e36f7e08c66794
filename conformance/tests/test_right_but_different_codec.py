"""Codecs that differ and are right are green: other rates, other hops, resamplers, mixers, and other ways to cut."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import pad

from refaudio.audio import resample
from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.load import load
from refaudio.conformance.report import failure_text
from refaudio.conformance.smoke import smoke

RATE, HOP, BITS = 24000, 80, 8


def scalar(audio: Tensor) -> Tensor:
    """Another codec altogether: one codebook, the mean of each frame in 256 steps, at 24 kHz and hop 80."""
    assert len(audio) <= 2, "mono or stereo"
    if not torch.isfinite(audio).all():
        raise TypeError("broken samples")
    whole = pad(audio, (0, -audio.shape[1] % HOP)).reshape(len(audio), -1, HOP)
    return (whole.mean(-1, keepdim=True).clamp(-1, 1) * 127 + 128).round().long()


def steps(codes: Tensor) -> Tensor:
    if not (codes >= 0).all() or not (codes < 256).all():
        raise OverflowError("no such step")
    return ((codes[..., 0].double() - 128) / 127).repeat_interleave(HOP, dim=1)


def batched(clips: list[Tensor]) -> list[Tensor]:
    """Clips of one length are encoded together, others are refused."""
    if len({clip.shape for clip in clips}) > 1:
        raise ValueError("clips must have one length")
    return [codes[None] for codes in torch.cat([reference.encode(clip) for clip in clips])]


def mixes(audio: Tensor) -> Tensor:
    """More than two channels are mixed down to two, all of them: documented."""
    if len(audio) > 2:
        rest = audio[2:].sum(0)
        audio = (audio[:2] + rest) / (len(audio) - 1)
    return reference.encode(audio)


def every_channel(audio: Tensor) -> Tensor:
    """As many planes as channels, however many."""
    return torch.cat([reference.encode(channel[None]) for channel in audio])


def resamples(audio: Tensor, rate: int) -> Tensor:
    return reference.encode(audio if rate == 44100 else resample(audio, rate, 44100))


def in_32_bits(audio: Tensor) -> Tensor:
    return reference.encode(audio).to(torch.int32)


def generous(codec: Any, codes: Tensor, chunk: int) -> Tensor:
    """Sixteen frames on either side, whatever the codec says, and pieces cut from the end."""
    heard, stop = [], codes.shape[1]
    while stop > 0:
        start = max(0, stop - chunk)
        first = max(0, start - 16)
        audio = codec.decode(codes[:, first : stop + 16])
        heard.insert(0, audio[:, (start - first) * codec.hop : (stop - first) * codec.hop])
        stop = start
    return torch.cat(heard, dim=1)


def faded(codec: Any, codes: Tensor, chunk: int) -> Tensor:
    """Pieces overlap by what is right on both sides, and are faded into each other: the same, but for rounding."""
    frames, hop = codes.shape[1], codec.hop
    sum_, weight = torch.zeros(len(codes), frames * hop), torch.zeros(frames * hop)
    for start in range(0, frames, chunk):
        left, right = max(0, start - 2), min(frames, start + chunk + 2)  # heard, beyond the chunk itself
        first, last = max(0, left - codec.context), min(frames, right + codec.context)
        audio = codec.decode(codes[:, first:last])[:, (left - first) * hop : (right - first) * hop]
        fade = torch.linspace(1, 2, audio.shape[1])
        sum_[:, left * hop : right * hop] += audio * fade
        weight[left * hop : right * hop] += fade
    return sum_ / weight


def at_once(codec: Any, audio: Tensor, chunk: int) -> Tensor:
    """Memory is plenty: everything at once is right too."""
    return codec.encode(audio)


ALL = {"HOP": 512, "RATE": 44100, "encode": reference.encode, "decode": reference.decode}
OTHER = {"RATE": RATE, "HOP": HOP, "encode": scalar, "decode": steps}


@pytest.mark.parametrize(
    ("bound", "laws"),
    [
        (OTHER, "CODEC-001 CODEC-002 CODEC-003 CODEC-004 CODEC-006 CODEC-008 CODEC-009 CODEC-010"),
        ({**ALL, "encode_batch": batched}, "CODEC-005"),
        ({**ALL, "encode": mixes}, "CODEC-001 CODEC-006"),
        ({**ALL, "encode": every_channel}, "CODEC-004 CODEC-006"),
        ({**ALL, "encode_at": resamples}, "CODEC-007"),
        ({**ALL, "encode": in_32_bits}, "CODEC-001 CODEC-002 CODEC-008 CODEC-009"),
        ({"decode_chunked": generous}, "CODEC-011"),
        ({"decode_chunked": faded}, "CODEC-011"),
        ({"encode_chunked": at_once}, "CODEC-012"),
        ({**ALL, "encode_long": reference.encode}, "CODEC-013"),
    ],
    ids=[
        "another codec", "refuses unequal lengths", "mixes", "every channel", "resamples", "32 bits", "generous",
        "faded", "at once", "long at once",
    ],
)  # fmt: skip
def test_right_but_different_is_green(bound: dict[str, Any], laws: str) -> None:
    report = check(SimpleNamespace(**bound), only=laws.split())
    assert report.counts["pass"] == len(laws.split()), "\n".join(map(failure_text, report.results))


def test_a_fixed_chunk_narrows_the_claim() -> None:
    def fixed(codec: Any, codes: Tensor, chunk: int) -> Tensor:
        return generous(codec, codes, 8)

    bound = SimpleNamespace(decode_chunked=fixed, SIZES={"chunk": [8]})
    assert check(bound, only="CODEC-011")["CODEC-011"].cell == "pass (chunk 8)"


def test_a_wrong_hop_is_a_question_about_the_adapter() -> None:
    bound = SimpleNamespace(**{**ALL, "HOP": 2048})
    says = [question.says for question in smoke(load(bound))]
    assert says == ["encode is declared HOP = 2048, but 12288 samples make 24 frames: HOP near 512"]
