"""Randomness as a function of integers: any seed, any path below it, the same stream in every process.

>>> a, b = generator(2**70, 1, 0), generator(2**70, 0, 1)
>>> bool(torch.equal(torch.rand(4, generator=a), torch.rand(4, generator=b)))
False
>>> bool(torch.equal(noise_batch(7, count=3, shape=(2, 5))[1], noise(7, 1, (2, 5))))
True
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import SupportsIndex

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from .errors import LONGEST, integer, listed

_WORDS = 624  # of 32 bits: the state of a Mersenne Twister
_WHERE = slice(24, 24 + 8 * _WORDS)  # in the bytes of torch's CPU generator, 8 a word; before them the seed


def seed_all(seed: SupportsIndex, rank: SupportsIndex = 0) -> None:
    """Seed python's, numpy's and torch's global generators: any integer seed, a stream of its own for each rank.

    seed + rank will not do: numpy refuses it below 0 and from 2**32 on, and rank 1 of seed 1 repeats rank 0 of
    seed 2 (document D0, item 6).
    """
    words = _hash("global", integer("seed", seed), integer("rank", rank, least=0))
    random.seed(words.tobytes())
    np.random.seed(words)
    torch.manual_seed(_first(words))  # every device; CUDA also when it starts later
    _fill(torch.default_generator, words)


def generator(
    seed: SupportsIndex, *path: SupportsIndex, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A torch.Generator on device whose stream is a function of (seed, *path) alone, any integers."""
    integers = [integer("seed", seed), *(integer(f"path[{i}]", step) for i, step in enumerate(path))]
    words = _hash("generator", *integers)
    made = torch.Generator(device).manual_seed(_first(words))
    if made.device.type == "cpu":
        _fill(made, words)
    return made


def noise(
    seed: SupportsIndex,
    index: SupportsIndex,
    shape: Sequence[int],
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "..."]:
    """N(0, 1) of shape `shape`, a function of (seed, index) alone.

    Drawn on the CPU in float32 and then moved: neither the device nor the dtype changes the draw.
    """
    size = _sizes(shape, dtype)
    drawn = torch.randn(size, generator=generator(seed, index), device="cpu", dtype=torch.float32)
    return drawn.to(device, dtype)


def noise_batch(
    seed: SupportsIndex,
    count: int,
    shape: Sequence[int],
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "B ..."]:
    """N(0, 1) of shape (count, *shape), element i is noise(seed, i, shape) whatever the count.

    One generator an element: drawn from a single one, element 0 changes with the count, for small elements on
    the CPU and for any on CUDA.
    """
    size = _sizes(shape, dtype)
    drawn = torch.empty(
        integer("count", count, least=0, most=LONGEST), *size, device="cpu", dtype=torch.float32
    )
    for i, element in enumerate(drawn):
        element.normal_(generator=generator(seed, i))
    return drawn.to(device, dtype)


@contextmanager
def preserved() -> Iterator[None]:
    """Give the caller's global generators back afterwards, also after an exception: python, numpy, torch, CUDA.

    CUDA's only where CUDA has been started: looking at them would start it.
    """
    python, numpy = random.getstate(), np.random.get_state(legacy=False)
    cuda = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(cuda):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _hash(*key: str | int) -> NDArray[np.uint32]:
    """624 words of 32 bits from a purpose and integers, the same on every machine and in every process."""
    text = ",".join(part if isinstance(part, str) else f"{part:x}" for part in key)
    digest = hashlib.shake_256(text.encode()).digest(4 * _WORDS)
    return np.frombuffer(digest, dtype="<u4").astype(np.uint32)


def _first(words: NDArray[np.uint32]) -> int:
    return int(words[0]) << 32 | int(words[1])


def _fill(cpu: torch.Generator, words: NDArray[np.uint32]) -> None:
    """Make the words the whole state of a CPU generator that has just been seeded.

    manual_seed keeps 32 bits of its argument on the CPU: s and s + 2**32 give one stream, and among the hashes
    of 10 000 integers two agree with a chance of 1 %.
    """
    state = cpu.get_state()
    inside = state.numpy()[_WHERE].view(np.uint64)
    if state.numel() != 5056 or inside[0] != cpu.initial_seed() & 0xFFFFFFFF:
        raise RuntimeError(f"torch {torch.__version__} lays out its CPU generator in a way unknown here")
    inside[:] = words
    cpu.set_state(state)


def _sizes(shape: Sequence[int], dtype: torch.dtype) -> tuple[int, ...]:
    if not dtype.is_floating_point:
        raise ValueError(f"dtype={dtype} must be a floating-point type: noise is N(0, 1)")
    sizes = enumerate(listed("shape", shape))
    return tuple([integer(f"shape[{i}]", size, least=0, most=LONGEST) for i, size in sizes])
