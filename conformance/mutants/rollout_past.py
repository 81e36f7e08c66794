"""Rollouts as they were written wrong: a loop over frames that shows its past or commits it, with one thing amiss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from . import mutant
from .rollout import check_steps, exact

Given = tuple[Any, ...]  # network, context, frames, steps, actions, k_max, window, generator


@dataclass
class Loop:
    """A right loop in plain arithmetic. A mutant is one that overrides a method."""

    network: Any
    context: Tensor
    frames: int
    steps: int
    actions: Tensor | None
    k_max: int
    window: int | None
    generator: torch.Generator
    held: list[tuple[Tensor, ...]] = field(
        default_factory=list
    )  # of past frames: z, tau, d, and action if any
    cache: Any = None

    def run(self) -> Tensor:
        """The frames that follow the context."""
        self.check()
        self.cached = hasattr(self.network, "begin")
        if self.cached:
            self.cache = self.network.begin(len(self.context), self.window)
        for t in range(self.context.shape[1]):
            self.remember(t, self.context[:, t : t + 1])
        made = []
        for t in range(self.context.shape[1], self.context.shape[1] + self.frames):
            frame = self.make(t)
            made.append(self.hand_out(frame))
            self.remember_made(t, frame)
        return torch.cat(made, 1)

    def check(self) -> None:
        check_steps(self.steps, self.k_max)

    def draw(self) -> Tensor:
        shape = (len(self.context), 1, *self.context.shape[2:])
        return torch.randn(shape, generator=self.generator)

    def level(self, s: int) -> float:
        return s / self.steps

    def make(self, t: int) -> Tensor:
        z = first = self.draw()
        for s in range(self.steps):
            data = self.predict(t, s, z)
            z = self.move(z, data, s / self.steps, first)
        return z

    def move(self, z: Tensor, data: Tensor, tau: float, first: Tensor) -> Tensor:
        return exact(z, data, tau, 1 / self.steps)

    def hand_out(self, frame: Tensor) -> Tensor:
        return frame

    def corrupted(self, frame: Tensor) -> tuple[Tensor, float]:
        """A past frame as it is shown, and its label."""
        tau = min(round(0.9 * self.k_max), self.k_max - 1) / self.k_max
        return (1 - tau) * self.draw() + tau * frame, tau

    def action(self, t: int) -> tuple[Tensor, ...]:
        return () if self.actions is None else (self.actions[:, t : t + 1],)

    def labelled(self, t: int, z: Tensor, tau: float, d: float) -> tuple[Tensor, ...]:
        level = torch.full(z.shape[:2], tau)
        return (z, level, torch.full_like(level, d), *self.action(t))

    def remember_made(self, t: int, frame: Tensor) -> None:
        self.remember(t, frame)

    def remember(self, t: int, frame: Tensor) -> None:
        z, tau = self.corrupted(frame)
        self.commit(self.labelled(t, z, tau, 1 / self.k_max))

    def commit(self, entry: tuple[Tensor, ...]) -> None:
        if self.cached:
            self.cache = self.network.commit(*entry, cache=self.cache)
        else:
            self.held.append(entry)

    def in_sight(self) -> list[tuple[Tensor, ...]]:
        """The past frames that the network is shown."""
        reach = len(self.held) if self.window is None else self.window - 1
        return self.held[max(0, len(self.held) - reach) :]

    def predict(self, t: int, s: int, z: Tensor) -> Tensor:
        now = self.labelled(t, z, self.level(s), 1 / self.steps)
        if self.cached:
            return self.network(*now, cache=self.cache)
        shown = [*self.in_sight(), now]
        return self.network(*(torch.cat(parts, 1) for parts in zip(*shown, strict=True)))[:, -1:]


def _rollout(kind: Callable[..., Loop], given: Given) -> Tensor:
    return kind(*given).run()


class _HeldNoise(Loop):
    def move(self, z: Tensor, data: Tensor, tau: float, first: Tensor) -> Tensor:
        after = tau + 1 / self.steps
        return (1 - after) * first + after * data


@mutant("rollout-holds-its-noise", "dynamics:51", "dynamics:41")
def rollout_holds_its_noise_of_rollout(*given: Any) -> Tensor:
    """the sampler was mended, and the rollout kept an update of its own: it noises again with the noise it began with"""
    return _rollout(_HeldNoise, given)


class _AboveZero(Loop):
    def level(self, s: int) -> float:
        return 1e-3 + (1 - 1e-3) * s / self.steps


@mutant("rollout-starts-above-zero", "dynamics:42")
def rollout_starts_above_zero_of_rollout(*given: Any) -> Tensor:
    """the levels of a rollout are spread from .001 to 1: labels .001, .2508, .5005, .7502"""
    return _rollout(_AboveZero, given)


class _HandsOutNoisy(Loop):
    def hand_out(self, frame: Tensor) -> Tensor:
        return self.corrupted(frame)[0]


@mutant("hands-out-the-noisy-frame", "dynamics:43")
def hands_out_the_noisy_frame_of_rollout(*given: Any) -> Tensor:
    """what is handed out is the frame as the network will see it, noise and all"""
    return _rollout(_HandsOutNoisy, given)


class _AnySteps(Loop):
    def check(self) -> None:
        pass


@mutant("rollout-takes-any-steps", "dynamics:4")
def rollout_takes_any_steps_of_rollout(*given: Any) -> Tensor:
    """a rollout takes any number of steps, and labels them with sizes that training has never seen"""
    return _rollout(_AnySteps, given)


class _RandomLevel(Loop):
    def corrupted(self, frame: Tensor) -> tuple[Tensor, float]:
        return frame, 0.9 + 0.1 * float(torch.rand(()))


@mutant("clean-past-under-a-random-level", "dynamics:45")
def clean_past_under_a_random_level_of_rollout(*given: Any) -> Tensor:
    """past frames are fed clean, and labelled with a level drawn between .9 and 1"""
    return _rollout(_RandomLevel, given)


class _LabelledClean(Loop):
    def corrupted(self, frame: Tensor) -> tuple[Tensor, float]:
        return 0.1 * self.draw() + 0.9 * frame, (self.k_max - 1) / self.k_max


@mutant("noisy-past-labelled-clean", "dynamics:45")
def noisy_past_labelled_clean_of_rollout(*given: Any) -> Tensor:
    """past frames are noised by .1, and labelled with the highest level as if they were not"""
    return _rollout(_LabelledClean, given)


class _LikeThePresent(Loop):
    def corrupted(self, frame: Tensor) -> tuple[Tensor, float]:
        return frame, (self.k_max - 1) / self.k_max

    def predict(self, t: int, s: int, z: Tensor) -> Tensor:
        self.held = [(e[0], torch.full_like(e[1], s / self.steps), *e[2:]) for e in self.held]
        return super().predict(t, s, z)


@mutant("past-labelled-like-the-present", "dynamics:45")
def past_labelled_like_the_present_of_rollout(*given: Any) -> Tensor:
    """past frames, clean, carry the level of the frame that is being denoised: one label for all"""
    return _rollout(_LikeThePresent, given)


class _OffTheGrid(Loop):
    def corrupted(self, frame: Tensor) -> tuple[Tensor, float]:
        return 0.1 * self.draw() + 0.9 * frame, 0.9


@mutant("past-level-off-the-grid", "dynamics:45")
def past_level_off_the_grid_of_rollout(*given: Any) -> Tensor:
    """past frames are noised to .9 and say so: 57.6 of 64, which no table holds"""
    return _rollout(_OffTheGrid, given)


class _RoundedLabel(Loop):
    def corrupted(self, frame: Tensor) -> tuple[Tensor, float]:
        return 0.1 * self.draw() + 0.9 * frame, min(round(0.9 * self.k_max), self.k_max - 1) / self.k_max


@mutant("past-noised-off-its-label", "dynamics:45")
def past_noised_off_its_label_of_rollout(*given: Any) -> Tensor:
    """past frames are noised to .9 and labelled with the nearest level of the grid, which is another"""
    return _rollout(_RoundedLabel, given)


class _Forgets(Loop):
    def remember_made(self, t: int, frame: Tensor) -> None:
        pass


@mutant("made-frames-are-forgotten", "dynamics:46")
def made_frames_are_forgotten_of_rollout(*given: Any) -> Tensor:
    """the context stays what it was: frames that were made are never shown to the network"""
    return _rollout(_Forgets, given)


class _IgnoresContext(Loop):
    def run(self) -> Tensor:
        self.first = self.context.shape[1]
        return super().run()

    def remember(self, t: int, frame: Tensor) -> None:
        if t >= self.first:
            super().remember(t, frame)


@mutant("context-is-ignored", "dynamics:61")
def context_is_ignored_of_rollout(*given: Any) -> Tensor:
    """the rollout starts from nothing, whatever context it is given, and is then held against what followed that"""
    return _rollout(_IgnoresContext, given)


class _OneShort(Loop):
    def in_sight(self) -> list[tuple[Tensor, ...]]:
        reach = len(self.held) if self.window is None else max(0, self.window - 2)
        return self.held[max(0, len(self.held) - reach) :]


@mutant("window-one-short", "dynamics:48")
def window_one_short_of_rollout(*given: Any) -> Tensor:
    """the frame being denoised is counted twice: the window reaches one frame less than in training"""
    return _rollout(_OneShort, given)


class _KeepsTheFirst(Loop):
    def in_sight(self) -> list[tuple[Tensor, ...]]:
        return self.held if self.window is None else self.held[: self.window - 1]


@mutant("window-keeps-the-first", "dynamics:48")
def window_keeps_the_first_of_rollout(*given: Any) -> Tensor:
    """the window is cut at the wrong end: the first frames stay in sight and the last do not"""
    return _rollout(_KeepsTheFirst, given)


class _ActionsBehind(Loop):
    def action(self, t: int) -> tuple[Tensor, ...]:
        return () if self.actions is None else (self.actions[:, max(0, t - 1)][:, None],)


@mutant("actions-one-behind", "dynamics:61")
def actions_one_behind_of_rollout(*given: Any) -> Tensor:
    """each frame gets the action of the frame before it"""
    return _rollout(_ActionsBehind, given)


class _ActionsOfTheStart(Loop):
    def action(self, t: int) -> tuple[Tensor, ...]:
        last = self.context.shape[1] - 1 if t >= self.context.shape[1] else t
        return () if self.actions is None else (self.actions[:, max(0, last)][:, None],)


@mutant("actions-of-the-context", "dynamics:61")
def actions_of_the_context_of_rollout(*given: Any) -> Tensor:
    """the last action of the context is held for all frames that are made: those asked for are not carried out"""
    return _rollout(_ActionsOfTheStart, given)


class _EveryPass(Loop):
    def predict(self, t: int, s: int, z: Tensor) -> Tensor:
        data = super().predict(t, s, z)
        if self.cached and s + 1 < self.steps:
            self.commit(self.labelled(t, z, self.level(s), 1 / self.steps))
        return data


@mutant("every-pass-commits", "dynamics:47")
def every_pass_commits_of_rollout(*given: Any) -> Tensor:
    """each denoising pass extends the cache: a frame is remembered once for every step"""
    return _rollout(_EveryPass, given)


class _Twice(Loop):
    def remember_made(self, t: int, frame: Tensor) -> None:
        super().remember_made(t, frame)
        if self.cached:
            super().remember_made(t, frame)


@mutant("commits-twice", "dynamics:47")
def commits_twice_of_rollout(*given: Any) -> Tensor:
    """the pass that ends a frame and the one that begins the next both commit it"""
    return _rollout(_Twice, given)


class _DropsNan(Loop):
    def hand_out(self, frame: Tensor) -> Tensor:
        return frame.nan_to_num()


@mutant("rollout-drops-nan", "dynamics:50")
def rollout_drops_nan_of_rollout(*given: Any) -> Tensor:
    """numbers that are none are handed out as 0"""
    return _rollout(_DropsNan, given)


class _LabelledOne(Loop):
    def corrupted(self, frame: Tensor) -> tuple[Tensor, float]:
        return frame, 1.0


@mutant("past-labelled-one", "dynamics:49")
def past_labelled_one_of_rollout(*given: Any) -> Tensor:
    """past frames are clean and say so, with a label 1 that training never draws"""
    return _rollout(_LabelledOne, given)


class _GlobalNoise(Loop):
    def draw(self) -> Tensor:
        return torch.randn((len(self.context), 1, *self.context.shape[2:]))


@mutant("rollout-draws-globally", "dynamics:50")
def rollout_draws_globally_of_rollout(*given: Any) -> Tensor:
    """the rollout has no use for a generator: its noise comes from the global one"""
    return _rollout(_GlobalNoise, given)
