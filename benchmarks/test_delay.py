"""delay and undelay, ours beside each installed peer: one rotation of ours, ours again (the control) and theirs.

A peer is timed as the kit binds it: along the path that its users take, with the conversions of layout.
"""

import pkgutil
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from refaudio.benchmarks.counters import count
from refaudio.benchmarks.interleave import interleave
from refaudio.codeclm import delay as ours

PEERS = "refaudio.conformance.adapters.peers"
SIZES = [
    ("dia", 2, 860),  # 9 codebooks, 10 s
    ("dia", 8, 3072),  # as many frames as Dia has positions
    ("musicgen-dac", 8, 3072),  # delays 0, 1, ..., 8: MusicGen's own code knows no others
    ("dia-stereo", 2, 860),  # 18 codebooks
    ("dia-stereo", 8, 3072),
]
SPECIALS = [(1026, 1025, 1024), (1024, 1024, None)]  # bos, pad, eos: as Dia has them, as MusicGen has them

pytestmark = pytest.mark.filterwarnings("default")  # a peer's warnings are its own


class Work(NamedTuple):
    """One operation on codes (batch, frames, K), K and the delays from a published pattern."""

    operation: str
    pattern: str
    batch: int
    frames: int
    device: str

    def __str__(self) -> str:
        return f"{self.operation} {self.pattern} {self.batch}x{self.frames} {self.device}"


def peers() -> list[str]:
    """The peers that the kit can bind, installed or not."""
    return sorted(module.name for module in pkgutil.iter_modules(import_module(PEERS).__path__))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """On a shared machine, waking a second thread is most of the noise of a small operation."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


WORK = [
    Work(op, *size, device) for device in ("cpu", "cuda") for size in SIZES for op in ("delay", "undelay")
]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("work", WORK, ids=str)
@pytest.mark.parametrize("arm", ["refaudio", *peers()])
def test_delay(benchmark: Any, table: list[dict[str, str]], work: Work, arm: str) -> None:
    """The same result, and what each took for it."""
    if work.device == "cuda" and not torch.cuda.is_available():
        pytest.skip("unclaimed: no CUDA")
    us, them, ideal = prepare(work, arm)
    wait = torch.cuda.synchronize if work.device == "cuda" else lambda: None
    best = interleave({"refaudio": us, "control": us, "arm": them}, wait=wait)
    ratio, control = best["arm"] / best["refaudio"], best["control"] / best["refaudio"]
    cost = count(them)

    benchmark.group = str(work)
    benchmark.extra_info |= {"implementation": arm, "torch": torch.__version__, "threads": 1}
    benchmark.extra_info |= {"best": best["arm"], "ratio": ratio, "control": control}
    benchmark.extra_info |= {"ops": cost.ops, "bytes": cost.bytes, "ideal_bytes": ideal}
    benchmark.pedantic(them, rounds=20, iterations=max(1, round(1e-3 / best["arm"])), warmup_rounds=1)
    table.append(
        {
            "workload": str(work),
            "implementation": arm,
            "best us": f"{best['arm'] * 1e6:.1f}",
            "x ours": f"{ratio:.2f}",
            "control": f"{control:.3f}",
            "ops": str(cost.ops),
            "MB": f"{cost.bytes / 1e6:.2f}",
            "x ideal": f"{cost.bytes / ideal:.2f}",
        }
    )


def prepare(work: Work, arm: str) -> tuple[Callable[[], Tensor], Callable[[], Tensor], int]:
    """Our call, the arm's with the same result, and the bytes of reading the input and writing the output once.

    The special ids are the first that the arm accepts; it is skipped where it accepts none.
    """
    theirs = None if arm == "refaudio" else getattr(adapter(arm), work.operation)
    delays = list(ours.pattern(work.pattern))
    codes = torch.randint(1024, (work.batch, work.frames, len(delays)), device=work.device)
    declined = ""
    for bos, pad, eos in SPECIALS:
        delayed = partial(ours.delay, codes, delays, bos=bos, pad=pad, eos=eos)
        rows = delayed()
        if work.operation == "delay":
            us, arguments = delayed, [codes, delays, bos, pad, eos]
        else:
            us, arguments = partial(ours.undelay, rows, delays, work.frames), [rows, delays, work.frames]
        them = us if theirs is None else partial(theirs, *arguments)
        try:
            if torch.equal(them(), us()):
                return us, them, codes.nbytes + us().nbytes
            declined = "another result than ours, so nothing to compare"
        except NotImplementedError as reason:
            declined = f"declined: {reason}"
    pytest.skip(f"{arm}: {declined}")


def adapter(peer: str) -> Any:
    try:
        return import_module(f"{PEERS}.{peer}")
    except ImportError as missing:
        pytest.skip(f"{peer} is not installed: {missing}")
