"""ROLLOUT, the loop: what a network is shown of the frames before the one it denoises, and what it keeps in its cache.

Past frames are loud (-100 and 100), so that they are known again through any noise, and a label that does not say how
noisy they are is far off. Whether a past frame's noise is drawn once or anew at every step is left open, as the paper
leaves it; so is whether the last frame is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import draw, draw_rollout
from .draw_rollout import REGIONS, game, patterns
from .law import REFUSALS, Implementation, decline, expect, expect_that, law
from .scripts_dynamics import over
from .scripts_rollout import Ask, Frames, Player

PAST = {
    **game([4, 1], [8, 2], [8, 4], [64, 2]),
    "past": draw.integer(1, 4, "past"),
    "latent": draw_rollout.loud(),
}
UNCALLED = {
    "calls of the network": "how many they are is said by a law of its own; without any there is no past"
}
DRAWS = 64
CLIPS = 12.0  # no normal noise of a few thousand numbers is larger; a label that is wrong makes it hundreds


class _Clip:
    """A player of loud frames, and a network that answers the next of them whatever it is shown."""

    def __init__(self, player: Player) -> None:
        self.player, self.steps = player, player.pace[1]
        self.all = patterns(player.seed, player.batch, player.past + player.frames, player.latent).to(
            torch.float64
        )

    def predict(self, now: Frames, past: Frames, call: int) -> Tensor:
        """The frame whose turn it is."""
        t = min(self.player.past + call // self.steps, self.all.shape[1] - 1)
        return self.all[:, t : t + 1].clone()

    def turns(self, asked: Sequence[Ask]) -> list[tuple[int, Ask]]:
        """Each call with the number of the frame that it denoises."""
        calls = self.player.frames * self.steps
        expect(len(asked), calls, "calls of the network")
        return [(self.player.past + i // self.steps, ask) for i, ask in enumerate(asked)]

    def known(self, z: Tensor) -> Tensor:
        """Which frame each of z (B, n, ...) is, by its direction: (B, n)."""
        shown, clean = z.flatten(2), self.all.flatten(2)
        return (shown @ clean.transpose(1, 2)).argmax(-1)


def _clip(impl: Implementation, **case: Any) -> tuple[_Clip, Any, Tensor]:
    """Play a case with loud frames: the clip, the network that was played with, and what came out."""
    clip = _Clip(Player(impl, **case, loud=True))
    network = clip.player.network(clip.predict)
    return clip, network, clip.player.ask(network)


@law(
    "ROLLOUT-007",
    needs="rollout",
    effect="the network trusts a noisy past, or mistrusts a clean one: frames drift, flicker, or ignore what came before",
    origin={
        "dynamics:45": "the past was fed clean under a random level of .9 to 1; elsewhere noised by .1 and labelled clean",
    },
    witnesses=[
        "definition of a level: z = (1 - tau) noise + tau data, with N(0, 1) noise",
        "open-dreamer snaps .9 to its ladder and labels the past with exactly that",
    ],
    since="2026.1",
    cost="model",
    mutants=[
        "clean-past-under-a-random-level", "noisy-past-labelled-clean", "past-labelled-like-the-present",
        "past-level-off-the-grid", "past-noised-off-its-label", "every-pass-commits",
    ],
    draws=PAST,
    spare=UNCALLED,
    regions={name: REGIONS[name] for name in ("one step", "four steps", "a cache", "audio")},
)  # fmt: skip
def the_past_is_labelled_as_it_is_shown(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int,
) -> None:  # fmt: skip
    """A past frame is shown as (1 - tau) noise + tau data under its own tau, a multiple of 1/K; where it is shown clean, tau is (K - 1)/K or 1."""
    clip, network, _ = _clip(impl, pace=pace, batch=batch, past=past, frames=frames, latent=latent, cache=cache, seed=seed)  # fmt: skip
    for _, ask in clip.turns(network.asked):
        if not len(ask.past):
            continue
        z, tau = ask.past.z, ask.past.tau
        data = torch.stack([rows[which] for rows, which in zip(clip.all, clip.known(z), strict=True)])
        clean = (z == data).flatten(2).all(-1)
        grid = tau * pace[0]
        on = torch.where(clean, grid >= pace[0] - 1, (grid > 0) & (grid < pace[0])) & (grid == grid.round())
        expect_that(
            bool(on.all()), "the levels of the past", got=tau, want="on the grid, and clean for what is clean"
        )
        noise = ((z - over(tau, z) * data) / (1 - over(tau, z)))[~clean]
        loudest = float(noise.abs().max()) if noise.numel() else 1.0
        quiet = float(noise.square().mean()) if noise.numel() else 1.0
        expect_that(
            loudest < CLIPS and quiet > 0.2, "the noise of the past", got=[loudest, quiet], want="N(0, 1)"
        )


@law(
    "ROLLOUT-008",
    needs="rollout",
    effect="the world forgets what was just seen, or answers the action of another moment",
    origin={
        "dynamics:46": "a loop in steps has to see what one pass over all frames sees, wherever the context ends",
        "dynamics:48": "a window that is cropped at the wrong end, or one short, is another function than was trained",
        "dynamics:61": "rollouts were compared with the truth without its context",
    },
    witnesses=[
        "definition: frame t is predicted from frames before it and from its own action",
        "negative control of imf_dreamer_jax: a stale context",
    ],
    since="2026.1",
    mutants=[
        "made-frames-are-forgotten", "context-is-ignored", "window-one-short", "window-keeps-the-first",
        "actions-one-behind", "actions-of-the-context", "every-pass-commits", "commits-twice",
    ],
    draws={**PAST, "window": draw_rollout.window(), "acted": draw_rollout.acted()},
    spare=UNCALLED,
    regions={
        "a window that slides": lambda case: case["window"] is not None and case["window"] <= case["past"],
        "a window of one": lambda case: case["window"] == 1,
        "actions": lambda case: case["acted"],
        "a cache": lambda case: case["cache"] == "own",
    },
)  # fmt: skip
def sees_all_that_came_before(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int, window: int | None, acted: bool,
) -> None:  # fmt: skip
    """Frame t is denoised in sight of all before it, context (B, N, ...) or made, or of the last C - 1 in a window of C, each with its action."""
    clip, network, _ = _clip(
        impl, pace=pace, batch=batch, past=past, frames=frames, latent=latent, cache=cache, seed=seed,
        window=window, acted=acted,
    )  # fmt: skip
    given = clip.player.actions
    for t, ask in clip.turns(network.asked):
        reach = t if window is None else min(t, window - 1)
        which = torch.arange(t - reach, t).expand(batch, reach)
        seen = ask.past.cut(max(0, len(ask.past) - reach), None)
        expect(clip.known(seen.z), which, "the frames in sight")
        if given is not None:
            acts = [None if part.actions is None else part.actions for part in (seen, ask.now)]
            want = [given[:, t - reach : t].double(), given[:, t : t + 1].double()]
            expect(acts[reach == 0 :], want[reach == 0 :], "their actions")


@law(
    "ROLLOUT-009",
    needs="rollout",
    effect="every denoising step is remembered as a frame of its own: the clip runs in slow motion, then falls apart",
    origin={
        "dynamics:47": "passes that denoise must not extend the cache; a finished frame does, once",
    },
    witnesses=[
        "what one pass over all frames would see: one entry a frame",
        "snapshots of the cache before and after each pass",
    ],
    since="2026.1",
    cost="model",
    mutants=["every-pass-commits", "commits-twice", "made-frames-are-forgotten", "context-is-ignored"],
    draws={**PAST, "past": draw.integer(0, 4, "past"), "cache": draw.named("own", size="cache")},
    spare=UNCALLED,
    regions={
        "no past": lambda case: case["past"] == 0,
        "one step": lambda case: case["pace"][1] == 1,
        "several steps": lambda case: case["pace"][1] > 1,
    },
)
def a_frame_is_remembered_once(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int,
) -> None:  # fmt: skip
    """Passes that denoise leave the network's cache alone: while frame t is denoised, it and what is shown with it are the t frames before."""
    clip, network, _ = _clip(impl, pace=pace, batch=batch, past=past, frames=frames, latent=latent, cache=cache, seed=seed)  # fmt: skip
    turns = clip.turns(network.asked)
    if not network.begun:
        decline("the code keeps no cache")
    expect([len(ask.past) for _, ask in turns], [t for t, _ in turns], "the entries at each call")


@law(
    "ROLLOUT-010",
    needs="denoise | rollout",
    effect="one bad row of a batch spoils or changes the others, or its failure is painted over with zeros",
    origin={
        "dynamics:50": "a row must not depend on the batch that it is in",
        "D4 #4.3": "a batch of one is said to need care; it has to be one row of any other",
    },
    witnesses=[
        "rows are separate samples: nothing in the update mixes them",
        "the same row, sampled in a batch with another",
    ],
    since="2026.1",
    cost="model",
    mutants=["standardised-over-the-batch", "nan-painted-over", "rollout-drops-nan", "last-step-left-out"],
    draws={**game([4, 1], [4, 4], [8, 2]), "batch": draw.integer(1, 4, "batch"), "row": draw.integer(0, 3)},
    spare={"the row itself": "shows that what happens in a row arrives there"},
    regions={
        "one row": lambda case: case["batch"] == 1,
        "batch == frames": lambda case: case["batch"] == case["frames"] > 1,
        "a cache": lambda case: case["cache"] == "own",
    },
)
def rows_are_strangers(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int, row: int,
) -> None:  # fmt: skip
    """What happens in one row of (B, T, ...) stays in it: the others are the same bit for bit, and its NaN is kept or refused, not masked."""
    row %= batch
    player = Player(impl, pace, batch, past, frames, latent, cache, seed)

    def sample(extra: float) -> Tensor:
        def predict(now: Frames, past: Frames, call: int) -> Tensor:
            data = 0.5 * torch.tanh(now.z)
            data[row] += extra
            return data

        return player.ask(player.network(predict))

    others = [i for i in range(batch) if i != row]
    plain, changed = sample(0.0), sample(0.25)
    expect(changed[others], plain[others], "the other rows")
    expect_that(
        not torch.equal(changed[row], plain[row]), "the row itself", got=changed[row], want="another sample"
    )
    try:
        spoilt = sample(float("nan"))
    except REFUSALS:
        return
    expect(bool(spoilt[row].isnan().all()), True, "a row of NaN")


@law(
    "ROLLOUT-011",
    needs="sample_levels denoise | sample_levels rollout",
    effect="sampling looks up label rows that hold their random initial numbers: the network is told nonsense, at full confidence",
    origin={
        "dynamics:49": "coarse steps were switched off in training and sampled with; a past was labelled with a row that is never drawn",
    },
    witnesses=[
        "a table's row has a gradient only if it was looked up",
        "the training law: levels up to (K - 1)/K, steps from 1/K to 1",
    ],
    since="2026.1",
    cost="model",
    mutants=[
        "trains-the-finest-step-alone", "past-labelled-one", "trains-no-single-step", "starts-above-zero",
        "d-halved", "d-never-given", "rollout-starts-above-zero", "clean-past-under-a-random-level",
        "past-level-off-the-grid",
    ],
    draws={**game([4, 1], [4, 4], [8, 1], [8, 2], [2, 2]), "past": draw.integer(1, 3, "past")},
    regions={"one step": lambda case: case["pace"][1] == 1, "a cache": lambda case: case["cache"] == "own"},
)  # fmt: skip
def labels_were_trained(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int,
) -> None:  # fmt: skip
    """Every level and every step size that sampling labels a frame with, past ones included, is among those that training draws."""
    player = Player(impl, pace, batch, past, frames, latent, cache, seed)
    network = player.network(lambda now, past, call: torch.zeros_like(now.z))
    player.ask(network)
    asked = [part for ask in network.asked for part in (ask.past, ask.now)]
    unknown = {
        "levels": _numbers(*[part.tau for part in asked]),
        "steps": _numbers(*[part.d for part in asked]),
    }
    units, generator = network.units, torch.Generator().manual_seed(seed)
    for _ in range(DRAWS):  # batches, for some code decides by batch which steps it draws
        tau, d = impl.sample_levels(128, 16, pace[0], generator)
        unknown["levels"] -= _numbers(units.level(tau.to(torch.float64)))
        unknown["steps"] -= _numbers(units.read(d))
        if not any(unknown.values()):
            break
    for name, never in unknown.items():
        expect(sorted(never), [], f"{name} that training never draws")


def _numbers(*labels: Tensor) -> set[float]:
    return {number for label in labels for number in label.flatten().tolist()}
