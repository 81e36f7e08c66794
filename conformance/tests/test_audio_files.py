"""What a law cannot do to a process: kill it amid a write, fill its disk, take its folder away."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from refaudio import audio
from refaudio.errors import NonFinite

ROOT = Path(__file__).parents[2]
CLIP = 0.5 * torch.sin(torch.arange(60_000) / 30).reshape(2, 30_000)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def named_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a system whose files need a name from the start."""
    with monkeypatch.context() as patched:
        patched.delattr(os, "O_TMPFILE", raising=False)
        yield


@pytest.fixture(params=["unnamed", "named"], autouse=True)
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every test runs with files that have no name while they are written, and with files that have one."""
    if request.param == "named":
        with named_files(monkeypatch):
            yield request.param
    else:
        yield request.param


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    budget = 5_000

    def full(descriptor: int, data: memoryview) -> int:
        nonlocal budget
        if budget <= 0:
            raise OSError(28, "No space left on device")
        written = write(descriptor, data[: min(1_000, budget)])
        budget -= written
        return written

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        audio.save(tmp_path / "clip.wav", CLIP, 44100)
    assert names(tmp_path) == []


def test_a_write_in_small_pieces_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:777]))
    audio.save(tmp_path / "clip.wav", CLIP, 44100)
    assert torch.allclose(audio.load(tmp_path / "clip.wav")[0], CLIP, atol=1e-4)


def test_a_disk_that_loses_what_it_took_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the bytes are reported as written: the header read back does not agree."""
    write = os.write
    lost = {"yet": False}

    def forgetful(descriptor: int, data: memoryview) -> int:
        if not lost["yet"]:
            lost["yet"] = True
            write(descriptor, data[: len(data) // 2])
        return len(data)

    monkeypatch.setattr(os, "write", forgetful)
    with pytest.raises(OSError, match="the disk lost something"):
        audio.save(tmp_path / "clip.wav", CLIP, 44100)
    assert names(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_at_the_last_step_keeps_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    audio.save(tmp_path / "clip.wav", CLIP[:, :100], 8000)
    before = (tmp_path / "clip.wav").read_bytes()

    def fails(*args: object, **named: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os if step == "fsync" else Path, step, fails)
        with pytest.raises(OSError, match="Input/output"):
            audio.save(tmp_path / "clip.wav", CLIP, 44100)
    assert names(tmp_path) == ["clip.wav"]
    assert (tmp_path / "clip.wav").read_bytes() == before


SLOW = """
import os, signal, sys, time
from pathlib import Path
import torch
from refaudio import audio
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests were started in the background
{named}
write = os.write
def slow(descriptor, data):
    done = write(descriptor, data[:2000])
    Path(sys.argv[2]).touch()
    time.sleep(0.05)
    return done
os.write = slow
audio.save(sys.argv[1], torch.zeros(2, 200_000), 44100)
"""


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_killed_leaves_no_file(
    tmp_path: Path, with_signal: signal.Signals, both_ways: str
) -> None:
    folder, begun = tmp_path / "songs", tmp_path / "begun"
    folder.mkdir()
    code = SLOW.format(named="del os.O_TMPFILE" if both_ways == "named" else "")
    command = [sys.executable, "-c", code, str(folder / "clip.wav"), str(begun)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while not begun.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(with_signal)
    process.wait(timeout=30)
    left = names(folder)
    if (
        both_ways == "named" and with_signal != signal.SIGINT
    ):  # nobody is left to remove it; it is no audio file
        assert [Path(name).suffix for name in left] == [".part"]
    else:
        assert left == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mount is Linux's")
def test_a_small_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small disk here")
    try:
        with pytest.raises(OSError, match="No space left"):
            audio.save(disk / "clip.wav", CLIP, 44100)
        assert names(disk) == []
        audio.save(disk / "short.wav", CLIP[:, :1000], 44100)
        assert names(disk) == ["short.wav"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """root writes everywhere: what the system would say is said for it."""
    folder = tmp_path / "readonly"
    folder.mkdir()
    folder.chmod(0o555)
    opened = os.open

    def refuse(path: str | Path, flags: int, *rest: int, **named: int) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY) and str(path).startswith(str(folder)):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *rest, **named)

    if os.geteuid() == 0:
        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        audio.save(folder / "clip.wav", CLIP, 44100)
    assert names(folder) == []


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"path": "missing/clip.wav"}, FileNotFoundError, "must lie in a folder that exists"),
        ({"path": "clip.mp3"}, ValueError, "must end in .wav or .flac"),
        ({"path": ""}, ValueError, "must name a file"),
        ({"rate": 0}, ValueError, "rate=0 must be at least 1"),
        ({"rate": 10**6}, ValueError, "rate=1000000 must be at most 768000"),
        ({"subtype": "PCM16"}, ValueError, "subtype='PCM16' must be one of FLOAT, PCM_16"),
        ({"path": "clip.flac", "subtype": "FLOAT"}, ValueError, "subtype='FLOAT' must be one of PCM_16"),
        ({"path": "clip.flac", "audio": torch.zeros(9, 3)}, ValueError, "must fit into FLAC"),
        ({"audio": torch.zeros(2, 0)}, ValueError, "audio.shape="),
        ({"audio": torch.zeros(2, 3, dtype=torch.int32)}, ValueError, "audio.dtype=torch.int32"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_touched(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, object],
    error: type[Exception],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        audio.save(**{"path": "clip.wav", "audio": CLIP, "rate": 44100, **given})  # type: ignore[arg-type]
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 2), (2, 2), (2, 1024), (2, 1025), (5, 3)])
def test_every_code_survives_in_every_layout(tmp_path: Path, suffix: str, shape: tuple[int, int]) -> None:
    codes = torch.arange(shape[0] * shape[1]).reshape(shape) * 13 % 65536 - 32768
    path = tmp_path / f"clip{suffix}"
    for _ in range(3):
        audio.save(path, codes.to(torch.int16), 22050)
        loaded, rate = audio.load(path)
        assert (rate, loaded.dtype) == (22050, torch.float32)
        assert torch.equal(audio.to_pcm16(loaded), codes.to(torch.int16))
    array, _ = soundfile.read(path, dtype="int16", always_2d=True)
    assert np.array_equal(array.T, codes.numpy())


def test_a_float_file_keeps_what_is_beyond_full_scale(tmp_path: Path) -> None:
    saved = audio.save(tmp_path / "clip.wav", 3 * CLIP, 44100, subtype="FLOAT")
    assert torch.equal(audio.load(tmp_path / "clip.wav")[0], 3 * CLIP)
    assert (saved.clipped, saved.peak) == (0, float((3 * CLIP).abs().max()))


def test_what_is_saved_is_told(tmp_path: Path) -> None:
    with pytest.warns(audio.ClippedAudio, match=r"2 of 8 samples \(25 %\)"):
        saved = audio.save(tmp_path / "clip.wav", torch.tensor([[2.0, -2, 0.5, 0.5], [0, 0, 0, 0]]), 8000)
    assert (saved.frames, saved.channels, saved.rate, saved.clipped) == (4, 2, 8000, 2)
    assert saved.peak == pytest.approx(1.0, abs=1e-4)
    assert saved.rms == pytest.approx((2.5 / 8) ** 0.5, abs=1e-4)


def test_files_that_are_no_audio_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not a wave")
    with pytest.raises(ValueError, match="must be an audio file"):
        audio.load(tmp_path / "text.wav")
    with pytest.raises(FileNotFoundError):
        audio.load(tmp_path / "missing.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 2)), 8000)
    with pytest.raises(ValueError, match="with a channel and a sample at least"):
        audio.load(tmp_path / "empty.wav")
    soundfile.write(tmp_path / "nan.wav", np.array([[0.5, np.nan]]), 8000, subtype="FLOAT")
    with pytest.raises(NonFinite, match=r"nan\.wav must be finite: 1 of 2"):
        audio.load(tmp_path / "nan.wav")


def test_many_threads_write_one_name_and_one_of_them_wins(tmp_path: Path) -> None:
    clips = [CLIP[:, : 100 * (i + 1)] for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda clip: audio.save(tmp_path / "clip.wav", clip, 44100), clips))
    assert names(tmp_path) == ["clip.wav"]
    assert audio.load(tmp_path / "clip.wav")[0].shape[1] in {clip.shape[1] for clip in clips}


def test_the_error_for_what_is_not_finite_says_where_and_survives_a_process_pool() -> None:
    broken = CLIP.clone()
    broken[1, 7] = torch.inf
    with pytest.raises(NonFinite) as caught:
        audio.validate(broken, "decoded audio")
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert (error.stage, error.count, error.first) == ("decoded audio", 1, (1, 7))
        assert str(error) == (
            "decoded audio must be finite: 1 of 60000 values are NaN or infinite, the first at [1, 7]"
        )
