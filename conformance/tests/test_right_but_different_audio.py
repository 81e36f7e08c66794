"""Audio code that differs and is right is green: peaks, floors, caps, lengths, resamplers, down-mixes, writers."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.io.wavfile
import soundfile
import torch
from torch import Tensor

from refaudio.conformance.adapters import reference
from refaudio.conformance.check import check
from refaudio.conformance.report import failure_text

LEVEL = "AUDIO-001 AUDIO-002 AUDIO-003 AUDIO-004 AUDIO-005"
SPEED = "AUDIO-013 AUDIO-014 AUDIO-015 AUDIO-016"
FILES = "AUDIO-021 AUDIO-022 AUDIO-023 AUDIO-024 AUDIO-026"


def finite(audio: Tensor) -> Tensor:
    if not torch.isfinite(audio).all():
        raise RuntimeError("audio has NaN or Inf in it")
    return audio


def normalizer(floor: float, cap: float = math.inf, zeros: bool = False) -> Callable[[Tensor, float], Tensor]:
    """Another floor, another largest gain, and zeros in place of silence."""

    def normalize(audio: Tensor, peak: float) -> Tensor:
        loud = finite(audio).abs().max()
        if loud < floor:
            return torch.zeros_like(audio) if zeros else audio
        return audio / loud * peak if peak / loud < cap else audio * cap

    return normalize


def refuses_silence(audio: Tensor, peak: float) -> Tensor:
    """Silence from a generator is a failure."""
    if finite(audio).abs().max() < 1e-6:
        raise ValueError("audio is silent")
    return normalizer(1e-6)(audio, peak)


def exporter(peak: float, scale: int, truncated: bool = False) -> Callable[[Tensor], Tensor]:
    """Normalise and convert in one expression, at either scale."""

    def export(audio: Tensor) -> Tensor:
        loud = finite(audio).abs().max()
        steps = (audio if loud < 1e-4 else audio * min(peak / float(loud), 100.0)) * scale
        return (steps.trunc() if truncated else steps.round()).clamp(-32768, 32767).to(torch.int16)

    return export


def interpolates(rule: Callable[[float], int]) -> Callable[[Tensor, float], Tensor]:
    """Linear interpolation, which aliases, and another rule for the length."""

    def change_speed(audio: Tensor, factor: float) -> Tensor:
        if not factor > 0 or math.isinf(factor):
            raise ValueError(f"factor={factor} must be positive")
        times = np.arange(rule(audio.shape[1] / factor)) * factor
        made = [np.interp(times, np.arange(audio.shape[1]), channel) for channel in audio.numpy()]
        return torch.from_numpy(np.stack(made)).to(audio.dtype)

    return change_speed


def vocodes(audio: Tensor, factor: float) -> Tensor:
    """A phase vocoder: other speed, same pitch; smeared by its window."""
    if not 0.1 <= factor <= 10:
        raise ValueError(f"factor={factor} must be between 0.1 and 10")
    if factor == 1:
        return audio.clone()
    size, hop, count = 512, 128, max(1, round(audio.shape[1] / factor))
    window = torch.hann_window(size, dtype=audio.dtype)
    padded = torch.nn.functional.pad(audio, (0, 2 * size))
    spectrum = torch.stft(padded, size, hop, window=window, return_complex=True, pad_mode="constant")
    times = torch.arange(0, spectrum.shape[2] - 1, factor, dtype=torch.float64)
    before, after = (
        spectrum[:, :, (times.long() + step).clamp(max=spectrum.shape[2] - 1)] for step in (0, 1)
    )
    expected = 2 * torch.pi * hop / size * torch.arange(size // 2 + 1, dtype=audio.dtype)[:, None]
    turned = after.angle() - before.angle() - expected
    turned = turned - 2 * torch.pi * (turned / (2 * torch.pi)).round() + expected
    phase = torch.cumsum(torch.cat([before[:, :, :1].angle(), turned[:, :, :-1]], dim=2), dim=2)
    share = (times % 1).to(audio.dtype)
    level = before.abs() * (1 - share) + after.abs() * share
    return torch.istft(torch.polar(level, phase), size, hop, window=window, length=count)


def interpolates_rates(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """Linear interpolation, rounded down: seconds stay seconds."""
    if rate == new_rate:
        return audio.clone()
    times = np.arange(audio.shape[1] * new_rate // rate) * (rate / new_rate)
    made = [np.interp(times, np.arange(audio.shape[1]), channel) for channel in audio.numpy()]
    return torch.from_numpy(np.stack(made)).to(audio.dtype).reshape(audio.shape[0], -1)


def itu(audio: Tensor) -> Tensor:
    """Further channels at -3 dB on both sides, the fourth of six (the low frequencies) left out."""
    if audio.shape[0] <= 2:
        return audio.expand(2, -1).clone()
    further = [c for c in range(2, audio.shape[0]) if not (audio.shape[0] >= 6 and c == 3)]
    return audio[:2] + audio[further].sum(0) / math.sqrt(2)


def refuses_surround(audio: Tensor) -> Tensor:
    if audio.shape[0] > 2:
        raise AssertionError("mono or stereo")
    return audio.expand(2, -1).clone()


def clips_by_normalising(audio: Tensor) -> Tensor:
    """What exceeds full scale is normalised, as documented, not clipped."""
    return (finite(audio) / max(1.0, float(audio.abs().max())) * 32767).round().to(torch.int16)


def answers(audio: Any) -> bool:
    """A verdict in place of an exception."""
    return isinstance(audio, Tensor) and audio.numel() > 0 and bool(torch.isfinite(audio).all())


def save_float(path: str, audio: Tensor, rate: int) -> None:
    """A float WAV keeps what exceeds full scale."""
    if not torch.isfinite(audio).all():
        raise ValueError("audio must be finite")
    soundfile.write(path, audio.T.numpy(), rate, subtype="FLOAT")


def save_soundfile(path: str, audio: Tensor, rate: int) -> None:
    if not torch.isfinite(audio).all():
        raise ValueError("audio must be finite")
    soundfile.write(path, audio.T.numpy(), rate)


def save_scipy(path: str, audio: Tensor, rate: int) -> None:
    """Normalises on its way, as documented."""
    scipy.io.wavfile.write(path, rate, exporter(0.95, 32767)(audio).T.numpy())


def load_soundfile(path: str) -> tuple[Tensor, int]:
    array, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(array.T), rate


@pytest.mark.parametrize(
    ("bound", "laws"),
    [
        ({"normalize": normalizer(1e-8, zeros=True), "FLOOR": 1e-8}, "AUDIO-001 AUDIO-002 AUDIO-005"),
        ({"normalize": normalizer(1e-6, 31.6), "FLOOR": 1e-6, "CAP": 31.6}, LEVEL),
        ({"normalize": normalizer(1e-4, 100.0), "FLOOR": 1e-4, "CAP": 100}, LEVEL),
        ({"normalize": normalizer(1e-5, 10.0)}, "AUDIO-001 AUDIO-002 AUDIO-005"),  # declares nothing
        ({"normalize": refuses_silence, "FLOOR": 1e-6}, "AUDIO-001 AUDIO-002 AUDIO-003 AUDIO-005 AUDIO-006"),
        ({"export": exporter(0.95, 32767), "FLOOR": 1e-4, "CAP": 100, "PEAK": 0.95}, LEVEL),
        ({"export": exporter(1.0, 32768, truncated=True), "FLOOR": 1e-4, "CAP": 100}, LEVEL),
        ({"export": exporter(0.95, 32768)}, "AUDIO-001 AUDIO-002 AUDIO-005"),  # declares nothing
        ({"to_pcm16": clips_by_normalising}, "AUDIO-001 AUDIO-009 AUDIO-010 AUDIO-011"),
        ({"validate": answers}, "AUDIO-012"),
        ({"change_speed": interpolates(math.floor)}, SPEED),
        ({"change_speed": interpolates(round), "LENGTH": "round"}, SPEED),
        ({"change_speed": interpolates(math.ceil), "LENGTH": "ceil"}, SPEED),
        ({"change_speed": vocodes}, SPEED),
        ({"resample": interpolates_rates, "LENGTH": "floor"}, "AUDIO-017 AUDIO-018"),
        ({"to_stereo": itu}, "AUDIO-019"),
        ({"to_stereo": refuses_surround}, "AUDIO-019"),
        (
            {
                "seconds_to_frames": lambda s: int(s * 44100 / 2048),
                "RATE": 44100,
                "HOP": 2048,
                "LENGTH": "floor",
            },
            "AUDIO-020",
        ),
        ({"seconds_to_frames": lambda s: math.ceil(s * 24000 / 320), "RATE": 24000, "HOP": 320}, "AUDIO-020"),
        ({"save": save_float, "load": load_soundfile}, FILES),
        ({"save": save_soundfile, "load": load_soundfile}, FILES + " AUDIO-028"),
        ({"save": save_scipy, "load": load_soundfile}, FILES + " AUDIO-028"),
    ],
)
def test_right_but_different_is_green(bound: dict[str, Any], laws: str) -> None:
    report = check(SimpleNamespace(**bound), only=laws.split())
    good = [
        result.status in ("pass", "tentative") and "fail" not in result.reason for result in report.results
    ]
    assert all(good), "\n".join(map(failure_text, report.results))


def test_a_floor_that_is_not_declared_is_not_judged() -> None:
    result = check(SimpleNamespace(normalize=normalizer(1e-6)), only="AUDIO-003")["AUDIO-003"]
    assert (result.status, result.reason) == ("unclaimed", "no FLOOR above 1e-8 is declared")


@pytest.mark.parametrize(
    ("bound", "law", "says"),
    [
        ({"normalize": normalizer(1e-6), "FLOOR": 1e-4}, "AUDIO-003", "looks like a FLOOR near 1e-06"),
        (
            {"normalize": normalizer(1e-4, 10.0), "FLOOR": 1e-4, "CAP": 100},
            "AUDIO-004",
            "looks like CAP = 10",
        ),
        ({"export": exporter(0.95, 32767), "PEAK": 1.0}, "AUDIO-005", "looks like PEAK = 0.95"),
        (
            {"seconds_to_frames": lambda s: math.ceil(s * 21.5), "RATE": 44100, "HOP": 512},
            "AUDIO-020",
            "but counts 21.5",
        ),
    ],
)
def test_a_wrong_declaration_is_a_question(bound: dict[str, Any], law: str, says: str) -> None:
    result = check(SimpleNamespace(**bound), only=law)[law]
    assert result.status == "error"
    assert says in result.reason, result.reason


def test_a_number_out_of_range_is_no_declaration() -> None:
    with pytest.raises(Exception, match=r"FLOOR=1e-30 .* must be a number between 1e-08 and 0\.001"):
        check(SimpleNamespace(normalize=reference.normalize, FLOOR=1e-30), only="AUDIO-003")


def test_a_plain_writer_fails_on_a_full_disk(tmp_path: Path) -> None:
    """soundfile alone writes the right file, or half of it: AUDIO-027 is what tells."""
    result = check(SimpleNamespace(save=save_soundfile), only="AUDIO-027")["AUDIO-027"]
    assert (result.status, result.what) == ("fail", "what is left")
    assert result.mutant == [
        "behaves like mutant half-a-file-left: the file is written where it will stay: "
        "a full disk leaves its first half, which plays"
    ]
