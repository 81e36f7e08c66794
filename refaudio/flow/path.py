"""What a flow model speaks: which way its time runs, how data and noise are mixed, and what the network answers.

The state is x_t = alpha(t) data + sigma(t) noise and the network's answer a data + b noise, both with coefficients of
time alone: data and noise, a velocity, or another objective's answer follow from (x_t, answer) by a 2 x 2 inverse.

| objective | time 0 | x_t | the network answers |
|---|---|---|---|
| `V` | data | cos(pi t / 2) data + sin(pi t / 2) noise | cos(pi t / 2) noise - sin(pi t / 2) data |
| `RECTIFIED_FLOW`, `RF_DENOISER` | data | (1 - t) data + t noise | noise - data |
| `CFM` | noise | t data + (1 - t) noise | data - noise |

A wrong direction or sign changes neither shapes nor spreads: nothing here is guessed, and a model that does not say
what it speaks is refused.

>>> data, noise, t = torch.tensor([[4.0]]), torch.tensor([[8.0]]), torch.tensor([0.25])
>>> RECTIFIED_FLOW.interpolate(data, noise, t), RECTIFIED_FLOW.target(data, noise, t)
(tensor([[5.]]), tensor([[4.]]))
>>> CFM.interpolate(data, noise, t), CFM.target(data, noise, t)
(tensor([[7.]]), tensor([[-4.]]))
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import real, unknown

Time = Literal["data at 0", "data at 1"]
Predicts = Literal["velocity", "v"]
State = Float[Tensor, "B ..."]
Times = Float[Tensor, "B"] | Float[Tensor, ""] | float  # one time an element, or one for all
Network = Callable[..., Tensor]  # network(x, t, ...) with t (B,)

_QUARTER = math.pi / 2


@dataclass(frozen=True)
class Objective:
    """One objective: where on the path the data lie, what the network answers, and what it has to be sampled with.

    `denoiser` marks a network that was post-trained to name the data in one step: it is sampled by ping-pong, and an
    ODE solver on it, or ping-pong on any other, is a mistake.
    """

    name: str
    time: Time
    predicts: Predicts
    denoiser: bool = False

    def alpha(self, t: Tensor) -> Tensor:
        """How much of the data is in x_t: 1 where the data are, 0 where the noise is, both exactly."""
        clean = 1 - t if self.time == "data at 0" else t
        return clean if self.predicts == "velocity" else torch.sin(_QUARTER * clean)

    def sigma(self, t: Tensor) -> Tensor:
        """How much of the noise is in x_t: 0 where the data are, 1 where the noise is, both exactly."""
        noisy = self.noise_level(t)
        return noisy if self.predicts == "velocity" else torch.sin(_QUARTER * noisy)

    def noise_level(self, t: Tensor) -> Tensor:
        """Times counted from the data, and back: t where the data are at 0, 1 - t where they are at 1."""
        return t if self.time == "data at 0" else 1 - t

    def log_snr(self, t: Tensor) -> Tensor:
        """lambda(t) = log(alpha / sigma), from -inf at the noise to inf at the data; half the log of the power ratio."""
        return self.alpha(t).log() - self.sigma(t).log()

    def time_of_log_snr(self, log_snr: Tensor) -> Tensor:
        """The time at which log(alpha / sigma) has this value: the inverse of `log_snr`."""
        if self.predicts == "velocity":
            return self.noise_level(torch.sigmoid(-log_snr))
        return self.noise_level(torch.atan(torch.exp(-log_snr)) / _QUARTER)

    def interpolate(self, data: State, noise: State, t: Times) -> State:
        """x_t = alpha(t) data + sigma(t) noise: data and noise (B, ...), t (B,) -> (B, ...)."""
        alpha, sigma, _, _ = self._coefficients(data, noise, t)
        return alpha * data + sigma * noise

    def target(self, data: State, noise: State, t: Times) -> State:
        """What the network learns to answer at (x_t, t): data and noise (B, ...), t (B,) -> (B, ...).

        For a flow d x_t / dt; for v the same up to the factor pi / 2.
        """
        _, _, a, b = self._coefficients(data, noise, t)
        return a * data + b * noise

    def to_data(self, x: State, out: State, t: Times) -> State:
        """The data that x_t and the network's answer imply: x and out (B, ...), t (B,) -> (B, ...)."""
        _, sigma, _, b = self._coefficients(x, out, t)
        return self._determinant * (b * x - sigma * out)

    def to_noise(self, x: State, out: State, t: Times) -> State:
        """The noise that x_t and the network's answer imply: x and out (B, ...), t (B,) -> (B, ...)."""
        alpha, _, a, _ = self._coefficients(x, out, t)
        return self._determinant * (alpha * out - a * x)

    def to_velocity(self, x: State, out: State, t: Times) -> State:
        """d x_t / dt in this objective's own time, for an ODE solver: x and out (B, ...), t (B,) -> (B, ...)."""
        _, _, a, _ = self._coefficients(x, out, t)
        wide = out.to(a.dtype)
        return wide if self.predicts == "velocity" else self._towards_noise * _QUARTER * wide

    @property
    def _towards_noise(self) -> int:
        """1 where time runs from the data to the noise, -1 where it runs the other way."""
        return 1 if self.time == "data at 0" else -1

    @property
    def _determinant(self) -> int:
        """Of (x_t, answer) in (data, noise): alpha b - sigma a. v is a quarter turn, whichever way time runs."""
        return self._towards_noise if self.predicts == "velocity" else 1

    def _coefficients(
        self, first: Tensor, second: Tensor, t: Tensor | float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """alpha, sigma, a, b at t, (B, 1, ...) each, in a dtype that lifts half precision to float32.

        Computed in t's own dtype where that is wider: t is the number that a half-precision cast hurts most.
        """
        t = _times(first, second, t)
        dtype = torch.promote_types(_wide(first), _wide(second))
        alpha, sigma = self.alpha(t), self.sigma(t)
        if self.predicts == "velocity":
            a, b = torch.full_like(t, -self._towards_noise), torch.full_like(t, self._towards_noise)
        else:
            a, b = -sigma, alpha
        return alpha.to(dtype), sigma.to(dtype), a.to(dtype), b.to(dtype)


V = Objective("v", "data at 0", "v")
RECTIFIED_FLOW = Objective("rectified_flow", "data at 0", "velocity")
RF_DENOISER = Objective("rf_denoiser", "data at 0", "velocity", denoiser=True)
CFM = Objective("cfm", "data at 1", "velocity")

OBJECTIVES = {objective.name: objective for objective in (V, RECTIFIED_FLOW, RF_DENOISER, CFM)}


def declared(model: object) -> Objective:
    """The objective that a model declares: an Objective, its name, or anything with either as `.objective`.

    What declares nothing is refused: sampled in the wrong direction a model makes noise of the right spread.
    """
    said = getattr(model, "objective", model)
    if isinstance(said, Objective):
        return said
    if isinstance(said, str):
        if said not in OBJECTIVES:
            raise unknown("objective", said, OBJECTIVES)
        return OBJECTIVES[said]
    raise ValueError(
        f"objective={said!r} must be declared, as one of {', '.join(OBJECTIVES)}: a sampler cannot guess it"
    )


def converted(network: Network, have: Objective, want: Objective) -> Network:
    """The network of one objective as one of another: network(x, t, ...) speaking `have` -> the same speaking `want`.

    It is asked at the state and time of equal signal-to-noise ratio, and its answer taken for the data and noise it
    implies. Between the two flow directions that is t' = 1 - t and u = -v, exactly.
    """

    def mirrored(x: Tensor, t: Tensor, *rest: object, **named: object) -> Tensor:
        return -network(x, 1 - t, *rest, **named)

    def answer(x: Tensor, t: Tensor, *rest: object, **named: object) -> Tensor:
        t = _times(x, x, t)
        at = have.time_of_log_snr(want.log_snr(t))
        scale = _norm(have, at) / _norm(want, t)
        state, at = scale.to(_wide(x)) * x, at.flatten().expand(len(x))
        out = network(state, at, *rest, **named)
        return want.target(have.to_data(state, out, at), have.to_noise(state, out, at), t.flatten())

    if have.predicts != want.predicts:
        return answer
    return network if have.time == want.time else mirrored


def _norm(objective: Objective, t: Tensor) -> Tensor:
    """By how much states of equal signal-to-noise ratio differ between objectives."""
    return torch.hypot(objective.alpha(t), objective.sigma(t))


def _times(x: Tensor, other: Tensor, t: Tensor | float) -> Tensor:
    """t as (B, 1, ...) or (1, ...) against x (B, ...), in float32 or wider; values are not looked at: no host sync."""
    for tensor in x, other:
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise ValueError(
                f"dtype={kind} must be a floating-point type: data, noise and states are tensors"
            )
    if x.shape != other.shape or not x.ndim:
        raise ValueError(f"shapes={tuple(x.shape)}, {tuple(other.shape)} must be one: (B, ...)")
    if not isinstance(t, Tensor):
        t = torch.tensor(real("t", t, least=0.0, most=1.0), dtype=torch.float64, device=x.device)
    if not t.is_floating_point():
        raise ValueError(f"t.dtype={t.dtype} must be a floating-point type: times lie between 0 and 1")
    if t.ndim and t.shape != x.shape[:1]:
        raise ValueError(
            f"t.shape={tuple(t.shape)} must be () or ({len(x)},): one time an element of the batch"
        )
    return t.to(_wide(t)).reshape(-1, *[1] * (x.ndim - 1))


def _wide(x: Tensor) -> torch.dtype:
    return torch.promote_types(x.dtype, torch.float32)
