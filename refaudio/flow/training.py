"""What training draws and bends: times by a named distribution, moved towards the noise for longer clips.

Both are said in noise levels, times that run from the data; an objective's `noise_level` makes them its own.

>>> LengthShift().shift(torch.tensor([0.0, 0.5, 1.0]), 1024)
tensor([0.0000, 0.6525, 1.0000])
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from ..errors import LONGEST, integer, positive

Levels = Float32[Tensor, "B"]

LEAST_LOGIT_NORMAL = 0.075  # stable-audio-tools cuts its logit-normal off below
LOG_SNR_MEAN, LOG_SNR_STD, LOG_SNR_EDGE = -1.2, 2.0, 1e-4


def uniform_times(count: int, generator: torch.Generator) -> Levels:
    """(B,) uniform in [0, 1): mean 1/2."""
    return _uniform(count, generator).float()


def logit_normal(count: int, generator: torch.Generator) -> Levels:
    """(B,) sigmoid(N(0, 1)): mean 1/2, few at either end. DiffRhythm's."""
    return torch.sigmoid(_normal(count, generator)).float()


def trunc_logit_normal(count: int, generator: torch.Generator) -> Levels:
    """(B,) 1 - z, z = sigmoid(N(0, 1)) above 0.075, stretched to [0, 1): mean 0.538. stable-audio-tools', for flows."""
    lowest = math.log(LEAST_LOGIT_NORMAL / (1 - LEAST_LOGIT_NORMAL))
    below = float(torch.special.ndtr(torch.tensor(lowest, dtype=torch.float64)))
    z = torch.sigmoid(torch.special.ndtri(below + (1 - below) * _uniform(count, generator)))
    return (1 - (z - LEAST_LOGIT_NORMAL) / (1 - LEAST_LOGIT_NORMAL)).clamp(0, 1).float()


def log_snr_normal(count: int, generator: torch.Generator) -> Levels:
    """(B,) sigmoid(-N(-1.2, 2)), kept 1e-4 from either end: mean 0.676. stable-audio-tools' `log_snr`."""
    ratio = LOG_SNR_MEAN + LOG_SNR_STD * _normal(count, generator)
    return torch.sigmoid(-ratio).clamp(LOG_SNR_EDGE, 1 - LOG_SNR_EDGE).float()


class Sampler(NamedTuple):
    """A distribution of training times: how it is drawn, between which levels, and its mean."""

    draw: Callable[[int, torch.Generator], Levels]
    low: float
    high: float
    mean: float


SAMPLERS = {
    "uniform": Sampler(uniform_times, 0.0, 1.0, 0.5),
    "logit-normal": Sampler(logit_normal, 0.0, 1.0, 0.5),
    "trunc-logit-normal": Sampler(trunc_logit_normal, 0.0, 1.0, 0.5377),
    "log-snr": Sampler(log_snr_normal, LOG_SNR_EDGE, 1 - LOG_SNR_EDGE, 0.6754),
}


@dataclass(frozen=True)
class LengthShift:
    """Longer clips need more noise for the same ruin: t' = s t / (1 + (s - 1) t), s = exp(m), m linear in the length.

    Both ends stay, the order stays, and s rises from exp(0.5) at 256 latent frames to exp(1.15) at 4096.
    """

    shortest: int = 256
    longest: int = 4096
    least: float = 0.5
    most: float = 1.15

    def factor(self, length: int) -> float:
        """s for this many latent frames."""
        inside = min(max(integer("length", length, least=1), self.shortest), self.longest)
        share = (inside - self.shortest) / (self.longest - self.shortest)
        return math.exp(self.least + (self.most - self.least) * share)

    def shift(self, t: Float[Tensor, "N"], length: int) -> Float[Tensor, "N"]:
        """Noise levels (N,) moved towards the noise: (N,) -> (N,)."""
        return shifted(t, self.factor(length))


def shifted(t: Float[Tensor, "..."], s: float) -> Float[Tensor, "..."]:
    """s t / (1 - t + s t): keeps 0 and 1 exactly, and the order of what lies between, for every s above 0.

    As 1 + (s - 1) t, the divisor rounds so that in float32 the noise can lie at 1.0000001, beyond all log(1 - t).
    """
    if not isinstance(t, Tensor) or not t.is_floating_point():
        raise ValueError(f"t={t!r} must be a float tensor of noise levels")
    s = positive("s", s)
    return s * t / (1 - t + s * t)


def _uniform(count: int, generator: torch.Generator) -> Tensor:
    count = _checked(count, generator)
    return torch.rand(count, generator=generator, dtype=torch.float64, device=generator.device)


def _normal(count: int, generator: torch.Generator) -> Tensor:
    count = _checked(count, generator)
    return torch.randn(count, generator=generator, dtype=torch.float64, device=generator.device)


def _checked(count: int, generator: torch.Generator) -> int:
    if not isinstance(generator, torch.Generator):
        raise ValueError(f"generator={generator!r} must be a torch.Generator: randomness is an argument")
    return integer("count", count, least=0, most=LONGEST)
