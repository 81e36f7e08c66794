"""Training levels as they were drawn wrong."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from . import mutant

Labels = tuple[Tensor, Tensor]


def _halvings(k_max: int) -> int:
    if k_max < 1 or k_max & (k_max - 1):
        raise ValueError(f"k_max={k_max} must be a power of two")
    return k_max.bit_length() - 1


def _steps(batch: int, k_max: int, generator: Generator | None) -> Tensor:
    """Exponents (B, 1), each as likely as any other."""
    return torch.randint(_halvings(k_max) + 1, (batch, 1), generator=generator)


def _levels(e: Tensor, frames: int, k_max: int, generator: Generator | None) -> Tensor:
    """Indices (B, T) on the grids of these exponents, each as likely as any other."""
    return torch.randint(k_max, (len(e), frames), generator=generator) >> e << e


def _labels(index: Tensor, e: Tensor, k_max: int) -> Labels:
    return index / k_max, (2.0**e / k_max).expand(index.shape)


@mutant("sampler-takes-any-grid", "D4 #8.1", "dynamics:3")
def any_grid_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """a grid of no power of two is taken, and its largest steps are never drawn"""
    count = max(1, k_max)
    e = torch.randint(count.bit_length(), (batch, 1), generator=generator)
    return _labels(torch.randint(count, (batch, frames), generator=generator) >> e << e, e, count)


@mutant("levels-apart-from-their-steps", "D4 #2.4", "dynamics:11")
def apart_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """levels are uniform numbers, and half a step is made to fit by a clamp at the end"""
    e = _steps(batch, k_max, generator)
    d = 2.0**e / k_max
    return torch.rand(batch, frames, generator=generator).minimum(1 - d / 2), d.expand(batch, frames)


@mutant("counted-from-the-wrong-end", "dynamics:11")
def wrong_end_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """levels are {d, 2d, .., 1}, as where steps lead the other way: the longest step starts where nothing is left"""
    e = _steps(batch, k_max, generator)
    return _labels(_levels(e, frames, k_max, generator) + (1 << e), e, k_max)


@mutant("levels-on-the-finest-grid", "dynamics:11")
def finest_grid_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """levels are on the finest grid whatever their step, cut off where it would not fit"""
    e = _steps(batch, k_max, generator)
    index = torch.randint(k_max, (batch, frames), generator=generator)
    return _labels(index.minimum(k_max - (1 << e)), e, k_max)


@mutant("large-steps-are-rare", "dynamics:10")
def rare_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """step sizes are drawn with chances that fall as 1/d"""
    chances = 2.0 ** -torch.arange(_halvings(k_max) + 1)
    e = torch.multinomial(chances, batch, replacement=True, generator=generator)[:, None]
    return _labels(_levels(e, frames, k_max, generator), e, k_max)


@mutant("share-rounded-down", "dynamics:14")
def rounded_down_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """the rows that learn from data are a share of the batch, rounded down: none at all in a small one"""
    halvings = _halvings(k_max)
    e = torch.randint(max(1, halvings), (batch, 1), generator=generator) + min(1, halvings)
    e[: int(batch / (halvings + 1))] = 0
    return _labels(_levels(e, frames, k_max, generator), e, k_max)


@mutant("three-quarters-are-flow", "dynamics:14")
def three_quarters_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """three rows of four have the finest step, and nothing says so"""
    e = _steps(batch, k_max, generator)
    e[: batch - batch // 4] = 0
    return _labels(_levels(e, frames, k_max, generator), e, k_max)


@mutant("never-in-one-step", "dynamics:10", "dynamics:14")
def never_one_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """the upper end of a range is left out: the single step from noise to data is never trained"""
    e = torch.randint(max(1, _halvings(k_max)), (batch, 1), generator=generator)
    return _labels(_levels(e, frames, k_max, generator), e, k_max)


@mutant("levels-follow-the-position", "D4 #2.3", "dynamics:12")
def position_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """behind a context of random length levels fall from nearly clean to noise: early frames are never noisy"""
    e = _steps(batch, k_max, generator)
    if frames == 1:
        return _labels(_levels(e, frames, k_max, generator), e, k_max)
    context = torch.randint(frames, (batch, 1), generator=generator)
    place = (torch.arange(frames) - context).clamp(min=0) / (frames - context)
    index = ((0.9 * (1 - place)) * k_max).long()
    return _labels(index >> e << e, e, k_max)


@mutant("one-level-for-a-row", "dynamics:12")
def one_level_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """all frames of a clip share one level, as in diffusion of whole clips"""
    e = _steps(batch, k_max, generator)
    return _labels(_levels(e, 1, k_max, generator).expand(batch, frames), e, k_max)


@mutant("levels-lean-to-noise", "dynamics:11")
def lean_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """levels are the square of a uniform draw: noise is trained more than data"""
    e = _steps(batch, k_max, generator)
    index = (torch.rand(batch, frames, generator=generator) ** 2 * k_max).long()
    return _labels(index >> e << e, e, k_max)


@mutant("never-from-pure-noise", "dynamics:11")
def never_noise_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """levels begin one step above noise, where steps leave room for it: the first step of sampling is never trained"""
    e = _steps(batch, k_max, generator)
    index = _levels(e, frames, k_max, generator)
    return _labels(torch.where((index == 0) & (e < _halvings(k_max)), 1 << e, index), e, k_max)


@mutant("early-frames-are-cleaner", "dynamics:12")
def cleaner_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """the first frame has the larger of two levels, as if it always were context"""
    e = _steps(batch, k_max, generator)
    index = _levels(e, frames, k_max, generator)
    if frames > 1:
        index[:, 0] = index[:, 0].maximum(_levels(e, 1, k_max, generator)[:, 0])
    return _labels(index, e, k_max)


@mutant("needs-two-frames", "D4 #4.1", "dynamics:8")
def two_frames_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """a length of context is drawn from 1 .. T - 1, which is empty for a single frame"""
    torch.randint(1, frames, (batch,), generator=generator)
    e = _steps(batch, k_max, generator)
    return _labels(_levels(e, frames, k_max, generator), e, k_max)


@mutant("one-frame-has-one-level", "dynamics:8")
def one_frame_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """a single frame is taken for context, and is always as clean as its step allows"""
    e = _steps(batch, k_max, generator)
    index = _levels(e, frames, k_max, generator)
    return _labels(index if frames > 1 else torch.zeros_like(index), e, k_max)


@mutant("one-row-has-one-level", "D4 #4.3", "dynamics:8")
def one_row_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """a batch of one is squeezed, and its levels are lost on the way"""
    e = _steps(batch, k_max, generator)
    index = _levels(e, frames, k_max, generator)
    return _labels(index if batch > 1 else torch.zeros_like(index), e, k_max)


@mutant("levels-from-the-global-generator", "dynamics:15")
def global_levels_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """the generator draws the step sizes, and the levels come from the global one"""
    e = _steps(batch, k_max, generator)
    return _labels(_levels(e, frames, k_max, None), e, k_max)


@mutant("steps-from-the-global-generator", "dynamics:15")
def global_steps_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """the generator draws the levels, and the step sizes come from the global one"""
    e = _steps(batch, k_max, None)
    return _labels(_levels(e, frames, k_max, generator), e, k_max)


@mutant("same-levels-for-every-seed", "dynamics:15")
def same_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """the generator is replaced by a new one, of a fixed seed, in every call"""
    own = torch.Generator().manual_seed(42)
    e = _steps(batch, k_max, own)
    return _labels(_levels(e, frames, k_max, own), e, k_max)


@mutant("sets-the-global-seed", "dynamics:15")
def sets_the_seed_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """a number from the generator seeds the global one, which everything else draws from as well"""
    torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
    e = _steps(batch, k_max, None)
    return _labels(_levels(e, frames, k_max, None), e, k_max)


_OWN = torch.Generator().manual_seed(0)


@mutant("a-generator-of-its-own", "dynamics:15")
def own_generator_of_sample_levels(batch: int, frames: int, k_max: int, generator: Generator) -> Labels:
    """the sampler keeps a generator of its own, and never looks at the one that it is handed"""
    e = _steps(batch, k_max, _OWN)
    return _labels(_levels(e, frames, k_max, _OWN), e, k_max)
