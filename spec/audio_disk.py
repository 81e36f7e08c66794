"""AUDIO on its way to the disk: what fails raises and leaves nothing, and any thread may save."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import draw
from .audio import named_refusal
from .audio_files import RATE, SAVED, folder
from .law import Implementation, decline, expect, expect_refusal, expect_that, law
from .waves import clip, quietly

LIMIT = 4096  # bytes of a file, while the disk is full


@law(
    "AUDIO-026",
    needs="save",
    effect="a failed generation is found as a file that looks like any other, and plays silence or a click",
    origin={
        "D3 #9": "the check of the latents returned False, and its caller printed that and went on",
        "flow:72": "what is not finite leaves no file",
    },
    witnesses=["who finds a file takes it for a success", "nothing that could be written for NaN is right"],
    since="2026.1",
    mutants=["prints-the-verdict", "opens-before-it-looks", "adds-a-suffix"],
    cost="model",
    draws={**SAVED, "place": draw.integer(0, 191), "value": draw.choice("nan", "inf", "-inf")},
    regions={"infinite": lambda case: case["value"] != "nan"},
)
def writes_nothing_that_is_not_finite(
    impl: Implementation, channels: int, samples: int, seed: int, place: int, value: str
) -> None:
    """save refuses audio (C, N) with a NaN or an infinity, and leaves no file, of whatever name."""
    audio = clip(seed, channels, samples, 0.9)
    broken = audio.clone()
    broken.view(-1)[place % audio.numel()] = float(value)
    with folder() as here:
        path = str(here / "clip.wav")
        expect_refusal(
            named_refusal(lambda: quietly(impl.save, path, broken, RATE)), "a save of what is not finite"
        )
        expect(_names(here), [], "what is left")
        quietly(impl.save, path, audio, RATE)
        expect(_names(here), ["clip.wav"], "the file of a save that succeeds")


def _names(here: Path) -> list[str]:
    return sorted(path.name for path in here.iterdir())


@contextmanager
def _full_disk() -> Iterator[None]:
    """Files of this process end at LIMIT bytes, as on a disk that is full."""
    try:
        import resource
    except ImportError:
        decline("this system has no limit of file sizes to stand for a full disk")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _raised(call: Callable[[], Any]) -> bool:
    try:
        call()
    except (
        Exception
    ):  # a failing disk is reported in many ways: OSError, or an error of the library that writes
        return True
    return False


@law(
    "AUDIO-027",
    needs="save",
    effect="after a full disk or a wrong path the run ends well, and half a song lies there that plays to its middle",
    origin={
        "D3 #4": "whatever fails has to go on failing: an except that prints turns it into a success",
        "flow:79": "a failed write leaves no file",
    },
    witnesses=[
        "half a WAV file has a valid header, and plays",
        "write, sync, rename: the old file or the new one",
    ],
    since="2026.1",
    mutants=["swallows-the-failure", "half-a-file-left", "litter-left"],
    cost="model",
    draws={
        "channels": draw.channels(2),
        "seed": draw.seed(),
        "trouble": draw.choice("full disk", "no folder"),
    },
    regions={"a full disk": lambda case: case["trouble"] == "full disk"},
)
def fails_whole(impl: Implementation, channels: int, seed: int, trouble: str) -> None:
    """save of audio (C, N) to a full disk or into no folder raises, and leaves no file, half or whole, of whatever name."""
    audio = clip(seed, channels, 10_000, 0.9)
    with folder() as here:
        quietly(impl.save, str(here / "first.wav"), audio, RATE)
        if trouble == "no folder":
            path = here / "first.wav" / "clip.wav"
            raised = _raised(lambda: quietly(impl.save, str(path), audio, RATE))
        else:
            with _full_disk():
                raised = _raised(lambda: quietly(impl.save, str(here / "clip.wav"), audio, RATE))
        whole = here / "clip.wav"
        if not raised and whole.is_file() and whole.stat().st_size > LIMIT:
            decline("the writer is another process, which the limit of file sizes does not reach")
        expect_that(raised, "a save that cannot succeed", got="no exception", want="an exception")
        expect(_names(here), ["first.wav"], "what is left")


@law(
    "AUDIO-028",
    needs="save load",
    effect="a script that works saves nothing once it runs behind a web service or in a pool of threads",
    origin={
        "D3 #10": "saving set an alarm against hanging, which only the main thread may do",
        "flow:79": "worker threads save too",
    },
    witnesses=[
        "Python sets signal handlers in the main thread only",
        "the same bytes, whichever thread writes them",
    ],
    since="2026.1",
    mutants=["alarm-around-saving", "alarm-around-loading"],
    cost="model",
    draws=SAVED,
    regions={"some samples": lambda case: case["samples"] > 4},
)
def works_in_any_thread(impl: Implementation, channels: int, samples: int, seed: int) -> None:
    """save and load give the same audio (C, N) in a worker thread as in the main one."""
    audio = clip(seed, channels, samples, 0.9)
    with folder() as here:
        ours, theirs = str(here / "ours.wav"), str(here / "theirs.wav")
        quietly(impl.save, ours, audio, RATE)
        want = quietly(impl.load, ours)
        wrong = _in_a_worker(lambda: quietly(impl.save, theirs, audio, RATE))[1]
        expect(wrong or quietly(impl.load, theirs), want, "what a worker thread saves")
        found, wrong = _in_a_worker(lambda: quietly(impl.load, ours))
        expect(wrong or found, want, "what a worker thread loads")


def _in_a_worker(call: Callable[[], Any]) -> tuple[Any, str]:
    """What a call returns in a thread of its own, and what it raises there."""
    ended: list[tuple[Any, str]] = []

    def work() -> None:
        try:
            ended.append((call(), ""))
        except Exception as raised:
            ended.append((None, f"{type(raised).__name__}: {raised}"))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return ended[0]
