"""PATH, in training: which times are drawn, and how they are moved for longer clips."""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from torch import Tensor

from . import draw
from .budget import Budget, budget
from .law import Implementation, decline, expect, expect_that, law
from .oracles_path import at_level, direction
from .seed import global_generators_kept, stir

COUNT = 4096
# Kolmogorov's bound: a right sampler strays further once in 2 exp(-2 * 3.2**2) = 2e-9 cases
FURTHEST = 3.2 / math.sqrt(COUNT)
CUT = 0.075  # stable-audio-tools' truncated logit-normal begins here, and is stretched to 0..1


def _normal_below(x: Tensor) -> Tensor:
    """The normal distribution function."""
    below: Tensor = torch.special.ndtr(x)
    return below


def share_below(times: str, level: Tensor) -> Tensor:
    """The share of drawn noise levels below this one, by the declared distribution."""
    if times == "uniform":
        return level
    if times == "log-snr":  # sigmoid(-N(-1.2, 2))
        return _normal_below((torch.logit(level) - 1.2) / 2)
    if times == "logit-normal":
        return _normal_below(torch.logit(level))
    lowest = _normal_below(
        torch.logit(torch.tensor(CUT, dtype=torch.float64))
    )  # 1 - z, z cut off and stretched
    z = CUT + (1 - CUT) * (1 - level)
    return 1 - (_normal_below(torch.logit(z)) - lowest) / (1 - lowest)


@law(
    "PATH-006",
    needs="sample_times",
    effect="training spends its steps at the wrong end of the path: fine detail, or structure, stays unlearnt",
    origin={
        "flow:5": "times have to stay in their documented range, with the documented mean: uniform 1/2, truncated logit-normal 0.538, log-SNR 0.676"
    },
    witnesses=[
        "closed form: the distribution function of each, against the order of the drawn times (Kolmogorov)",
        "stable-audio-tools' means, measured: 0.538 and 0.676",
    ],
    since="2026.1",
    mutants=[
        "times-not-turned",
        "times-not-stretched",
        "times-of-a-plain-normal",
        "one-time-a-batch",
        "times-past-the-noise",
        "times-as-a-column",
    ],
    draws={"seed": draw.seed()},
    regions={"any": lambda case: True},
)
def draws_declared_times(impl: Implementation, seed: int) -> None:
    """sample_times(B, generator): B times of 0..1, each drawn by itself from the distribution that TIMES names."""
    times = impl.convention("TIMES")
    if times is None:
        decline("TIMES is not declared: say which distribution the training times have")
    direction(impl)
    with global_generators_kept():
        stir(
            seed
        )  # where a trainer draws its times from is its own affair: many draw from the global generator
        drawn = impl.sample_times(COUNT, torch.Generator().manual_seed(seed))
    expect(tuple(drawn.shape), (COUNT,), "how many times")
    levels = at_level(impl, drawn.to(torch.float64)).flatten().sort().values
    inside = bool((levels >= 0).all() and (levels <= 1).all())
    expect_that(inside, "their range", got=[float(levels[0]), float(levels[-1])], want="all between 0 and 1")
    ranks = (torch.arange(COUNT, dtype=torch.float64) + 0.5) / COUNT
    strays = float((share_below(str(times), levels) - ranks).abs().max())
    expect_that(
        strays < FURTHEST,
        "their distribution",
        got=[float(levels.mean()), strays],
        want=f"shares that stray by less than {FURTHEST:.3f} from {times}",
    )


@law(
    "PATH-007",
    needs="shift",
    effect="long clips are trained and sampled with too little noise to hide their structure, or a run never reaches one of its ends",
    origin={
        "flow:6": "the shift has to keep 0 and 1, to increase, and to equal s t / (1 + (s - 1) t)",
    },
    witnesses=[
        "algebra: t / (1 - t), the ratio of noise to data, is multiplied by one s",
        "diffusers' exponential time_shift is the same function with s = exp(mu)",
    ],
    since="2026.1",
    mutants=[
        "shift-moves-the-ends",
        "shift-as-a-power",
        "shift-by-the-mean",
        "shift-back",
        "shift-falls-with-length",
        "shift-in-half",
    ],
    draws={
        "lengths": draw.Draw(
            st.lists(
                st.one_of(st.sampled_from([256, 1024, 4096]), st.integers(1, 8192)), min_size=2, max_size=2
            )
        ),
        "times": draw.Draw(
            st.lists(st.integers(1, 63).map(lambda n: n / 64), min_size=1, max_size=5, unique=True)
        ),
    },
    regions={
        "lengths apart": lambda case: abs(case["lengths"][0] - case["lengths"][1]) > 256,
        "beyond 4096": lambda case: max(case["lengths"]) > 4096,
        "several times": lambda case: len(case["times"]) > 1,
    },
    spare={"a very long clip": "code that shifts nothing keeps every other promise"},
)
def shifts_by_one_ratio(impl: Implementation, lengths: list[int], times: list[float]) -> None:
    """shift(t, length) (N,) is s t / (1 + (s - 1) t) with one s > 0 a length: it keeps 0, 1 and the order; a longer clip has no less noise."""
    levels = torch.tensor([0.0, 0.5, *sorted(times), 1.0])
    far = float(at_level(impl, impl.shift(at_level(impl, levels), 8192))[1])
    expect_that(far > 0.5, "a very long clip", got=far, want="moved to the noise")
    ratios = []
    for length in sorted(lengths):
        made = at_level(impl, impl.shift(at_level(impl, levels), length))
        ends = made[[0, -1]].double()
        expect(ends, torch.tensor([0.0, 1.0], dtype=torch.float64), "both ends", within=Budget(2.0**-22))
        half = float(made[1])
        ratios.append(half / max(1 - half, 1e-300))
        inside = levels[1:-1]
        exact, plain = (ratios[-1] * t / (1 + (ratios[-1] - 1) * t) for t in (inside.double(), inside))
        within = budget(exact, plain, "reduction")
        expect(made[1:-1], exact, "what one ratio makes of every time", within=within)
    expect_that(
        ratios[0] <= ratios[1] * (1 + 1e-6),
        "a longer clip",
        got=ratios,
        want="no less noise than a shorter one",
    )
