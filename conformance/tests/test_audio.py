"""The waveform contract where it says more than the laws ask of everybody: warnings, stages, bad inputs, pictures."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from refaudio import audio

ROOT = Path(__file__).parents[2]


def test_the_three_regions() -> None:
    silence, faint, quiet = (torch.tensor([[0.0, -level]]) for level in (0.0, 9.9e-5, 5e-3))
    for clip in silence, faint:
        with pytest.warns(audio.SilentAudio, match="below -80 dBFS"):
            assert torch.equal(audio.normalize(clip), clip)
        with pytest.raises(ValueError, match="on_silence='raise'"):
            audio.normalize(clip, on_silence="raise")
    with pytest.warns(audio.CappedGain, match=r"40 dB lift its peak to -6\.021 dBFS"):
        assert float(audio.normalize(quiet).min()) == pytest.approx(-0.5)
    assert float(audio.normalize(torch.tensor([[0.01, -0.02]]), 0.95).min()) == pytest.approx(-0.95)


def test_normalising_twice_changes_nothing() -> None:
    clip = torch.randn(2, 100, generator=torch.Generator().manual_seed(0))
    once = audio.normalize(clip, 0.95)
    assert torch.allclose(audio.normalize(once, 0.95), once, rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtypes_are_kept_or_widened(dtype: torch.dtype) -> None:
    clip = torch.rand(2, 50, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert audio.normalize(clip).dtype == torch.promote_types(dtype, torch.float32)
    assert audio.change_speed(clip, 0.94).dtype == dtype
    assert audio.resample(clip, 2, 3).dtype == dtype


def test_doubles_stay_doubles_end_to_end() -> None:
    """The ear of a reference: float32 in between would be off by 1e-8."""
    radians = 2 * torch.pi * torch.arange(4000, dtype=torch.float64) / 50
    tone = 0.5 * torch.sin(radians)[None]
    for made in (audio.resample(tone, 1, 2)[:, ::2], audio.change_speed(tone, 0.5)[:, ::2]):
        narrow = audio.resample(tone.to(torch.float32), 1, 2)[:, ::2].to(torch.float64)
        assert made.dtype == torch.float64
        assert float((made - narrow).abs().max()) > 1e-9
    gained = audio.normalize(tone, 0.9)
    assert float((gained / tone)[:, 1:25].std()) < 1e-14


@pytest.mark.parametrize("factor", [0.3, 0.94, 1.0471975511965976, 2.5])
def test_a_tone_is_played_at_the_new_speed(factor: float) -> None:
    times = torch.arange(20_000, dtype=torch.float64)
    made = audio.change_speed(torch.sin(times / 12)[None], factor)[0]
    want = torch.sin(torch.arange(made.shape[0]) * factor / 12)
    assert float((made - want)[300:-300].abs().max()) < 3e-3


def test_layouts_are_stated() -> None:
    assert audio.from_layout([[1, 2, 3]], "CN").shape == (1, 3)
    assert audio.from_layout([[1, 2, 3]], "NC").shape == (3, 1)
    assert audio.from_layout([1.0, 2.0], "N").shape == (1, 2)
    with pytest.raises(ValueError, match="must have the axes of layout='N'"):
        audio.from_layout([[1, 2]], "N")
    with pytest.raises(ValueError, match="layout='channels_last' must be one of CN, N, NC"):
        audio.from_layout([[1, 2]], "channels_last")


def test_ten_thousand_bad_inputs() -> None:
    command = [sys.executable, "-m", "refaudio.conformance.bad_inputs", "--seed", "1"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.endswith("10000 bad inputs, 0 of them ended wrongly\n")


def test_pictures_say_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from refaudio.audio import pictures

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "refaudio\[plot\]"'):
        pictures.curves(tmp_path / "loss.png", {"loss": [1.0]})
    assert list(tmp_path.iterdir()) == []


def test_a_spectrogram_shows_where_a_tone_is() -> None:
    from refaudio.audio import pictures

    tone = torch.sin(2 * torch.pi * torch.arange(8192) / 16)[None]
    levels = pictures.decibel_spectrogram(tone)
    assert levels.shape == (1, 513, 33)
    assert int(levels[0, :, 16].argmax()) == 1024 // 16
    assert float(levels.max()) == 0
    assert float(pictures.decibel_spectrogram(torch.zeros(2, 10)).max()) <= 0


@pytest.mark.skipif(not importlib.util.find_spec("matplotlib"), reason="needs the extra [plot]")
def test_pictures_are_drawn(tmp_path: Path) -> None:
    from refaudio.audio import pictures

    tone = torch.sin(torch.arange(8192) / 5).reshape(2, 4096)
    made = [
        pictures.spectrogram(tmp_path / "tone.png", tone, 8000),
        pictures.curves(tmp_path / "loss.png", {"loss": [3.0, float("nan"), 1.0]}),
    ]
    for path in made:
        assert path.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match=r"must end in \.png"):
        pictures.curves(tmp_path / "loss.jpg", {"loss": [1.0]})
