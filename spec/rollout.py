"""ROLLOUT, the sampler: from noise to data in S of K steps, all frames together (`denoise`) or one after another (`rollout`).

The network is scripted. It hears z, tau and d at every call, and answers a closed form; the noise is read off the first
call. Predictions stay within -1 and 1, where latents behind a tanh live: code that clips to it is not judged for it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from . import draw, draw_dynamics
from .budget import budget
from .draw_rollout import REGIONS, game
from .law import Implementation, expect, expect_refusal, expect_that, law
from .oracles_dynamics import Arbitrary, Gaussian
from .scripts_rollout import Frames, Played, Player

BOTH = "denoise | rollout"
UNCALLED = {"calls of the network": "without any there is no noise, and nothing to compare"}


def _moved(z: Tensor, data: Tensor, tau: float, d: float) -> Tensor:
    """One exact step: z towards data by d of the 1 - tau that are left."""
    return z + d / (1 - tau) * (data - z)


def _sampled(noise: Tensor, steps: int, shortcut: Gaussian) -> Tensor:
    """Plain arithmetic: the same steps in the dtype of the noise."""
    z = noise
    for s in range(steps):
        tau = torch.full(z.shape[:2], s / steps, dtype=torch.float64)
        data = shortcut.shortcut(z.to(torch.float64), tau, torch.full_like(tau, 1 / steps))
        z = _moved(z, data.to(z.dtype), s / steps, 1 / steps)
    return z


@law(
    "ROLLOUT-001",
    needs=BOTH,
    effect="more steps make worse frames: detail is washed out or grain piles up, and one step looks better than sixty-four",
    origin={
        "dynamics:41": "noise held between the steps: 18 dB with one step, 16 with 4, 12 with 16 and 7 with 64",
    },
    witnesses=[
        "closed form: the exact flow of a Gaussian takes noise to mean + deviation * noise, in any mixture of steps",
        "nicklashansen's dreamer4 is exact to 1e-6 for K = 1 to 64",
    ],
    since="2026.1",
    mutants=[
        "frozen-noise", "fresh-noise", "not-divided-by-what-is-left", "last-step-left-out", "label-one-ahead",
        "every-d-is-row-zero", "d-halved", "left-is-floored", "epsilon-in-the-denominator",
        "rollout-holds-its-noise", "starts-above-zero", "d-never-given", "standardised-over-the-batch",
        "rollout-starts-above-zero", "hands-out-the-noisy-frame",
    ],
    draws={**game(), "tenths": draw.integer(-3, 3)},
    regions=REGIONS,
    spare=UNCALLED,
)  # fmt: skip
def exact_in_any_number_of_steps(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int, tenths: int,
) -> None:  # fmt: skip
    """With the exact shortcut of a Gaussian for a network, S steps of K, any power of two, take noise (B, T, ...) to mean + deviation * noise."""
    gaussian = Gaussian(tenths / 10, 0.1)
    played = Player(impl, pace, batch, past, frames, latent, cache, seed).play(
        lambda now, past, call: gaussian.shortcut(now.z, now.tau, now.d)
    )
    exact = gaussian.mean + gaussian.deviation * played.noise
    plain = _sampled(played.noise.to(played.result.dtype), pace[1], gaussian)
    expect(played.result.to(torch.float64), exact, "the sample", within=budget(exact, plain, "network"))


@law(
    "ROLLOUT-002",
    needs=BOTH,
    effect="the network denoises for another level or step than it stands at: blur, or grain that no training removes",
    origin={
        "dynamics:42": "a sampler labelled each step with the level at its end (std .744 where .5 was asked), one began at .001",
        "dynamics:2": "a normalised d reached a table of log2 steps: every step size was read as row 0 for six hours of training",
    },
    witnesses=[
        "paper: step s of S stands at level s / S and is 1 / S wide",
        "the levels and steps of the training law are multiples of each other, and no others are trained",
    ],
    since="2026.1",
    mutants=[
        "label-one-ahead", "starts-above-zero", "every-d-is-row-zero", "d-halved", "d-never-given",
        "last-step-left-out", "rollout-starts-above-zero",
    ],
    draws=game(),
    regions=REGIONS,
)  # fmt: skip
def labels_are_where_it_stands(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int,
) -> None:  # fmt: skip
    """Each frame is denoised in exactly S calls, the s-th of them labelled tau = s / S and d = 1 / S, in the declared units."""
    player, steps = Player(impl, pace, batch, past, frames, latent, cache, seed), pace[1]
    network = player.network(lambda now, past, call: torch.zeros_like(now.z))
    player.ask(network)
    single = impl.has("rollout")
    turns, like = (frames, (batch, 1)) if single else (1, (batch, frames))
    labels = torch.arange(steps, dtype=torch.float64) / steps
    want = [torch.full(like, float(tau), dtype=torch.float64) for tau in labels] * turns
    expect([ask.now.tau for ask in network.asked], want, "the levels")
    expect(
        [ask.now.d for ask in network.asked], [torch.full_like(tau, 1 / steps) for tau in want], "the steps"
    )


@law(
    "ROLLOUT-003",
    needs=BOTH,
    effect="frames keep a rest of the noise, and what one script samples another cannot reproduce",
    origin={
        "dynamics:43": "an epsilon in the denominator, or one step short: the last prediction is never quite taken",
        "dynamics:51": "the step was mended in one helper; a probe script kept the old one, and its numbers decided",
    },
    witnesses=[
        "algebra: with rho = d / (1 - tau) Euler's step in velocities is a mixture, and rho = 1 at the last step",
        "implied noise, (z - tau x) / (1 - tau), mixed again at the next level, gives the same",
    ],
    since="2026.1",
    mutants=[
        "epsilon-in-the-denominator", "frozen-noise", "fresh-noise", "not-divided-by-what-is-left",
        "left-is-floored", "rollout-holds-its-noise", "hands-out-the-noisy-frame", "last-step-left-out",
        "d-never-given", "standardised-over-the-batch",
    ],
    draws=game(),
    regions=REGIONS,
    spare=UNCALLED,
)  # fmt: skip
def one_update_to_the_last_prediction(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int,
) -> None:  # fmt: skip
    """Each call of any network is fed z + d / (1 - tau) (data - z) of the call before, and the result (B, T, ...) is the last predicted data."""
    network = Arbitrary(seed)
    played = Player(impl, pace, batch, past, frames, latent, cache, seed).play(
        lambda now, past, call: 0.9 * torch.tanh(network(now.z, now.tau, now.d))
    )
    got = torch.cat([*played.z[1:], played.result.to(torch.float64)], 1)
    exact, plain = (_walk(played, pace[1], dtype) for dtype in (torch.float64, played.result.dtype))
    expect(got, exact, "where each step leads", within=budget(exact, plain, "network"))


def _walk(played: Played, steps: int, dtype: torch.dtype) -> Tensor:
    """Where each step leads from where it was seen to begin."""
    walked = zip(played.z, played.data, strict=True)
    return torch.cat(
        [_moved(z.to(dtype), data.to(dtype), s / steps, 1 / steps) for s, (z, data) in enumerate(walked)], 1
    )


@law(
    "ROLLOUT-004",
    needs="denoise",
    effect="a well trained network samples worse the finer it is asked to, and the sampler is not suspected",
    origin={
        "dynamics:44": "held noise diverges with the posterior mean: std .20, .38, .78, 1.36, 2.25 for K = 4 to 256, where .5 is right",
    },
    witnesses=[
        "Euler's method is of first order: .161, .044, .011 measured at 4, 16, 64 steps",
        "the closed form of the flow, which the posterior mean drives",
    ],
    since="2026.1",
    cost="model",
    mutants=[
        "frozen-noise", "fresh-noise", "not-divided-by-what-is-left", "left-is-floored", "last-step-left-out",
        "standardised-over-the-batch",
    ],
    draws={"k_max": draw_dynamics.k_max(64, 32), "latent": draw_dynamics.latent(), "seed": draw.seed()},
    regions={"audio": lambda case: len(case["latent"]) == 1},
    spare=UNCALLED,
)  # fmt: skip
def finer_steps_come_closer(impl: Implementation, k_max: int, latent: list[int], seed: int) -> None:
    """With a Gaussian's posterior mean for a network, four times the steps bring (B, T, ...) nearly four times as close to the exact flow."""
    gaussian, distances = Gaussian(0.2, 0.15), []
    for steps in (k_max // 8, k_max // 2):
        played = Player(impl, [k_max, steps], 3, 0, 4, latent, "none", seed).play(
            lambda now, past, call: gaussian.posterior(now.z, now.tau, now.d)
        )
        exact = gaussian.mean + gaussian.deviation * played.noise
        distances.append(float((played.result.to(torch.float64) - exact).square().mean().sqrt()))
    coarse, fine = distances
    expect_that(fine <= 0.4 * coarse, "four times as close", got=fine, want=f"at most 0.4 of {coarse}")


@law(
    "ROLLOUT-005",
    needs=BOTH,
    effect="21 steps are taken under labels that were never trained, or are silently another number of steps",
    origin={
        "dynamics:4": "3, 5, 48 and 128 steps of 64 were accepted, each labelled with the next lower step size",
    },
    witnesses=[
        "definition: d is a power of two over K, and S steps of d = 1 / S fill the way",
        "nicklashansen's and edwhu's samplers assert it",
    ],
    since="2026.1",
    cost="model",
    mutants=["any-number-of-steps", "rounds-the-steps-down", "rollout-takes-any-steps", "last-step-left-out"],
    draws={**game([4, 2], [8, 4], [64, 2]), "steps": draw.integer(0, 80)},
    regions={
        "no steps": lambda case: case["steps"] == 0,
        "more than K": lambda case: case["steps"] > case["pace"][0],
        "a power of two beyond K": lambda case: case["steps"] > case["pace"][0] and _power(case["steps"]),
        "no power of two": lambda case: case["steps"] < case["pace"][0] and not _power(case["steps"]),
    },
)
def refuses_steps_off_the_grid(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int, steps: int,
) -> None:  # fmt: skip
    """A number of steps that is no power of two of 1..K is refused; the next lower one that is, is taken: so many calls a frame."""
    player = Player(impl, pace, batch, past, frames, latent, cache, seed)
    network = player.network(lambda now, past, call: torch.zeros_like(now.z))
    below = 2 ** int(math.log2(max(1, min(steps, pace[0]))))
    if impl.offers("steps", below):
        player.ask(network, below)
        turns = frames if impl.has("rollout") else 1
        expect(len(network.asked), turns * below, "the calls for a number of steps that is right")
    if steps != below:
        expect_refusal(lambda: player.ask(network, steps), "a number of steps that is wrong")


def _power(steps: int) -> bool:
    return steps > 0 and steps & (steps - 1) == 0


@law(
    "ROLLOUT-006",
    needs=BOTH,
    effect="a rollout cannot be repeated, step counts are compared on different noise, or all rows dream the same dream",
    origin={
        "dynamics:50": "the loop drew its noise and its labels from the global generator, and had no argument for another",
        "dynamics:60": "samples of 4 and of 64 steps say something about the steps only from the same noise",
    },
    witnesses=[
        "what a generator is for: the same state, the same numbers",
        "the noise is drawn before the number of steps can matter",
    ],
    since="2026.1",
    cost="model",
    mutants=[
        "global-noise", "draws-for-every-step", "rows-share-their-noise", "frames-share-their-noise",
        "seeded-by-itself", "rollout-draws-globally", "last-step-left-out",
    ],
    draws=game([4, 1], [4, 4], [8, 2], [64, 4]),
    regions=REGIONS,
    spare=UNCALLED,
)  # fmt: skip
def the_generator_is_all_there_is(
    impl: Implementation, pace: list[int], batch: int, past: int, frames: int, latent: list[int], cache: str,
    seed: int,
) -> None:  # fmt: skip
    """Noise (B, T, ...) depends on the generator alone, bit for bit, and not on the number of steps; no two frames share theirs."""
    player = Player(impl, pace, batch, past, frames, latent, cache, seed)
    halfway = _Halfway()
    once, again = (player.play(halfway, outside=seeded) for seeded in (1, 2))
    other = player.ask(player.network(halfway), seed=seed + 1, outside=3)
    finer = player.play(halfway, steps=pace[1] * 2 if pace[1] < pace[0] else pace[1] // 2, outside=1)
    expect(again.result, once.result, "the same generator again")
    expect_that(not torch.equal(other, once.result), "another generator", got=other, want="another sample")
    first = 1 if impl.has("rollout") else frames  # what later frames draw may come after noise for past ones
    expect(finer.noise[:, :first], once.noise[:, :first], "the noise for another number of steps")
    drawn = once.noise.flatten(2).flatten(0, 1)
    alike = sum(torch.equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])
    expect(alike, 0, "frames with the noise of another")


class _Halfway:
    """Answers half of what it is shown, of which every number drawn remains a part."""

    def __call__(self, now: Frames, past: Frames, call: int) -> Tensor:
        return now.z / 2 if not len(past) else now.z / 2 + past.z.mean(1, keepdim=True) / 4
