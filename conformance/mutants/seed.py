"""Seeds as they were got wrong."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor

from refaudio import seeds as right

from . import mutant


def _mixed(seed: int, rank: int) -> int:
    return right.generator(seed, rank).initial_seed() % 2**32


def _seed_each(python: int, numpy: int, torchs: int) -> None:
    random.seed(python)
    np.random.seed(numpy)
    torch.manual_seed(torchs)


@mutant("numpy-takes-32-bits", "D0 #6")
def numpy_takes_32_bits_of_seed_all(seed: int, rank: int) -> None:
    """seed + rank is handed to numpy as it is, which takes 32 bits and nothing negative"""
    random.seed(seed + rank)
    np.random.seed(seed + rank)
    torch.manual_seed((seed + rank) % 2**63)


@mutant("numpy-not-seeded", "D0 #6")
def numpy_not_seeded_of_seed_all(seed: int, rank: int) -> None:
    """numpy's generator is not seeded where its range is exceeded: an except without a word"""
    random.seed(_mixed(seed, rank))
    torch.manual_seed(_mixed(seed, rank))
    if 0 <= seed + rank < 2**32:
        np.random.seed(seed + rank)


@mutant("numpy-without-rank", "D0 #6")
def numpy_without_rank_of_seed_all(seed: int, rank: int) -> None:
    """numpy's seed is brought into range, and the rank forgotten: every rank draws the same crops"""
    _seed_each(_mixed(seed, rank), seed % 2**32, _mixed(seed, rank))


@mutant("python-without-rank", "D0 #6")
def python_without_rank_of_seed_all(seed: int, rank: int) -> None:
    """Python's generator gets the seed without the rank"""
    _seed_each(seed, _mixed(seed, rank), _mixed(seed, rank))


@mutant("torch-without-rank", "D0 #6")
def torch_without_rank_of_seed_all(seed: int, rank: int) -> None:
    """torch's generator gets the seed without the rank: every rank drops the same units"""
    _seed_each(_mixed(seed, rank), _mixed(seed, rank), seed % 2**63)


@mutant("noise-from-the-global", "flow:60")
def from_the_global_of_noise(seed: int, index: int, shape: tuple[int, ...]) -> Tensor:
    """the noise is drawn from the global generator, and the seed goes unused"""
    return torch.randn(shape)


@mutant("batch-from-the-global", "flow:60")
def from_the_global_of_noise_batch(seed: int, count: int, shape: tuple[int, ...]) -> Tensor:
    """the noise of the batch is drawn from the global generator, and the seed goes unused"""
    return torch.randn((count, *shape))


_RUNNING = torch.Generator()


@mutant("generator-runs-on", "flow:60")
def runs_on_of_noise(seed: int, index: int, shape: tuple[int, ...]) -> Tensor:
    """one generator serves all calls and is seeded once: the second song is not the first"""
    return right.noise(seed, index, shape) + torch.randn(shape, generator=_RUNNING)


@mutant("count-forgotten", "flow:61")
def count_forgotten_of_noise_batch(seed: int, count: int, shape: tuple[int, ...]) -> Tensor:
    """a batch of one comes back without its batch axis"""
    made = right.noise_batch(seed, count, shape)
    return made[0] if count == 1 else made


@mutant("flat-noise", "flow:61")
def flat_of_noise(seed: int, index: int, shape: tuple[int, ...]) -> Tensor:
    """the noise comes back flattened"""
    return right.noise(seed, index, shape).flatten()


@mutant("one-draw-for-the-batch", "flow:61")
def one_draw_of_noise_batch(seed: int, count: int, shape: tuple[int, ...]) -> Tensor:
    """the whole batch is one draw, of which element i depends on how many there are"""
    return torch.randn((count, *shape), generator=right.generator(seed))


@mutant("seeded-with-the-count", "flow:61")
def seeded_with_the_count_of_noise_batch(seed: int, count: int, shape: tuple[int, ...]) -> Tensor:
    """the size of the batch goes into the seed"""
    return right.noise_batch(seed + count, count, shape)


@mutant("same-noise-for-all", "flow:61")
def same_for_all_of_noise(seed: int, index: int, shape: tuple[int, ...]) -> Tensor:
    """every element is seeded alike: a batch of the same song"""
    return right.noise(seed, 0, shape)


@mutant("batch-of-one-noise", "flow:61")
def same_for_all_of_noise_batch(seed: int, count: int, shape: tuple[int, ...]) -> Tensor:
    """one draw is repeated over the batch: a batch of the same song"""
    return right.noise(seed, 0, shape).expand(count, *shape).clone()


@mutant("seed-ignored", "codeclm:43")
def seed_ignored_of_noise(seed: int, index: int, shape: tuple[int, ...]) -> Tensor:
    """the seed is accepted and not used: every seed gives the same songs"""
    return right.noise(0, index, shape)


@mutant("seeds-torch-globally", "flow:62", "codeclm:44")
def seeds_torch_globally_of_noise(seed: int, index: int, shape: tuple[int, ...]) -> Tensor:
    """torch.manual_seed stands in for a generator of one's own: the caller's next draws are fixed by it"""
    torch.manual_seed(_mixed(seed, index))
    return torch.randn(shape)


@mutant("draws-from-numpy", "flow:62")
def draws_from_numpy_of_noise(seed: int, index: int, shape: tuple[int, ...]) -> Tensor:
    """numpy's global generator is seeded for the noise, and left so"""
    np.random.seed(_mixed(seed, index))
    return torch.from_numpy(np.random.standard_normal(shape)).to(torch.float32)


@mutant("shuffles-with-python", "codeclm:44")
def shuffles_with_python_of_noise(seed: int, index: int, shape: tuple[int, ...]) -> Tensor:
    """Python's global generator is asked for the seed of the noise, after it was seeded"""
    random.seed(f"{seed} {index}")
    return right.noise(random.getrandbits(32), index, shape)


@mutant("no-noise", "flow:60")
def no_noise_of_noise(seed: int, index: int, shape: tuple[int, ...]) -> Tensor:
    """zeros in place of noise: nothing is disturbed, and nothing is drawn"""
    return torch.zeros(shape)
