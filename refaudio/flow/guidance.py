"""Classifier-free guidance, with the convention in the name of the argument.

w: u + w (c - u), 1 is neutral (stable-audio-tools, diffusers); s: c + s (c - u), 0 is neutral (DiffRhythm, F5-TTS). DiffRhythm's
4 is a 5 of the other.

>>> c, u = torch.tensor([3.0]), torch.tensor([1.0])
>>> guide(c, u, w=0.5), guide(c, u, w=s_to_w(4.0)), strengthen(c, u, s=4.0)
(tensor([2.]), tensor([11.]), tensor([11.]))
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import real
from .admission import admit
from .path import Objective

State = Float[Tensor, "B ..."]


def guide(cond: Float[Tensor, "..."], uncond: Float[Tensor, "..."], *, w: float) -> Float[Tensor, "..."]:
    """u + w (c - u) for every w: 0 is the unconditional answer, 1 the conditional one, and 0.5 lies halfway."""
    return uncond + w * (cond - uncond) if w != 1 else cond.clone()


def strengthen(cond: Float[Tensor, "..."], uncond: Float[Tensor, "..."], *, s: float) -> Float[Tensor, "..."]:
    """c + s (c - u) for every s: -1 is the unconditional answer, 0 the conditional one."""
    return cond + s * (cond - uncond)


def s_to_w(s: float) -> float:
    """w = 1 + s."""
    return 1 + s


def w_to_s(w: float) -> float:
    """s = w - 1."""
    return w - 1


def null_of(cond: Float[Tensor, "B ..."]) -> Float[Tensor, "B ..."]:
    """The null condition, exact zeros: through projections without bias they add exactly nothing."""
    return torch.zeros_like(cond)


def rescale(guided: State, cond: State, phi: float, *, axes: tuple[int, ...] = (1,)) -> State:
    """phi of the way to the conditional answer's standard deviation over `axes`: (B, C, L) -> (B, C, L).

    Axis 1 is stable-audio-tools' choice, the channels of each frame; Lin et al. (2023) take all but the batch. A
    frame without spread stays as it is.
    """
    phi = real("phi", phi, least=0.0, most=1.0)
    spread = guided.std(axes, keepdim=True)
    ratio = torch.where(spread > 0, cond.std(axes, keepdim=True) / spread, 1)
    return guided * (1 + phi * (ratio - 1))


def within(level: Float[Tensor, "B"], low: float, high: float, guided: State, cond: State) -> State:
    """Row i is guided where low <= level[i] <= high, else conditional: decided for each element, on its device."""
    inside = ((level >= low) & (level <= high)).reshape(-1, *[1] * (cond.ndim - 1))
    return torch.where(inside, guided, cond)


@dataclass(frozen=True)
class Guidance:
    """How strongly, on which noise levels, and how much of the spread is given back."""

    w: float = 1.0
    low: float = 0.0
    high: float = 1.0
    phi: float = 0.0


def guided(
    network: Callable[..., Tensor],
    cond: Float[Tensor, "B ..."],
    guidance: Guidance,
    objective: Objective | str,
    *,
    null: Float[Tensor, "B ..."] | None = None,
) -> Callable[[Tensor, Tensor], Tensor]:
    """network(x, t, cond) with guidance as a network(x, t): both halves in one batch, the second without condition.

    At w = 1 the second half is not asked. Levels are what the objective calls sigma: t for flows, sin(pi t / 2) for v.
    """
    spoken = admit(objective, w=guidance.w)
    nothing = null_of(cond) if null is None else null
    if nothing.shape != cond.shape:
        raise ValueError(f"null.shape={tuple(nothing.shape)} must be that of cond: {tuple(cond.shape)}")

    def answer(x: Tensor, t: Tensor) -> Tensor:
        if guidance.w == 1:
            return network(x, t, cond)
        both = network(torch.cat([x, x]), torch.cat([t, t]), torch.cat([cond, nothing]))
        c, u = (half.to(torch.promote_types(half.dtype, torch.float32)) for half in both.chunk(2))
        out = guide(c, u, w=guidance.w)
        if guidance.phi:
            out = rescale(out, c, guidance.phi)
        if (guidance.low, guidance.high) != (0, 1):
            out = within(spoken.sigma(t), guidance.low, guidance.high, out, c)
        return out

    return answer
