"""Start from somebody's audio, or keep a part of it: variations, inpainting and continuation of latents (B, D, L)."""

import warnings
from collections.abc import Callable, Iterable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..errors import LONGEST, integer, real
from . import grid as grids
from .noise import Generators
from .path import Objective, declared
from .solver import Progress, solve

Latents = Float[Tensor, "B D L"]
Keep = Bool[Tensor, "B L"]


def vary(
    network: Callable[..., Tensor],
    data: Float[Tensor, "B ..."],
    noise: Float[Tensor, "B ..."],
    strength: float,
    steps: int,
    objective: Objective | str,
    method: str = "euler",
    *,
    grid: Callable[[int, float], Tensor] = grids.uniform,
    generator: Generators = None,
    callback: Callable[[Progress], object] | None = None,
) -> Float[Tensor, "B ..."]:
    """A variation of data: mix them with noise at level `strength`, and run n steps from there: (B, ...) -> (B, ...).

    Strength 1 is plain generation from that noise, 0 the data themselves.
    """
    spoken = declared(objective)
    if real("strength", strength, least=0.0, most=1.0) == 0:
        return data.to(torch.promote_types(data.dtype, torch.float32), copy=True)
    times = grids.times(grid(steps, strength), spoken)
    x = spoken.interpolate(data, noise, float(times[0]))
    return solve(network, x, times, spoken, method, generator=generator, callback=callback)


def inpaint(
    network: Callable[..., Tensor],
    data: Latents,
    noise: Latents,
    keep: Keep,
    times: Iterable[float] | Tensor,
    objective: Objective | str,
    method: str = "euler",
    *,
    generator: Generators = None,
    callback: Callable[[Progress], object] | None = None,
) -> Latents:
    """Make the frames where keep (B, L) is False, around those where it is True: (B, D, L), kept frames exactly data's.

    The network sees the kept frames on their own path at every time, as in training: data and noise mixed.
    """
    if data.shape != noise.shape or keep.shape != (len(data), data.shape[-1]):
        raise ValueError(
            f"shapes={tuple(data.shape)}, {tuple(noise.shape)}, {tuple(keep.shape)} of data, noise and keep must be "
            f"(B, D, L), (B, D, L) and (B, L); refaudio.flow.fit cuts or fills data to a number of frames"
        )
    spoken, kept = declared(objective), keep[:, None]
    dtype = torch.promote_types(noise.dtype, torch.float32)

    def around(x: Tensor, t: Tensor) -> Tensor:
        known = spoken.interpolate(data, noise, t)
        return network(torch.where(kept, known.to(x.dtype), x), t)

    made = solve(around, noise, times, spoken, method, generator=generator, callback=callback)
    return torch.where(kept, data.to(dtype), made)


def continuation(batch: int, frames: int, known: int) -> Keep:
    """The mask that keeps the first `known` of `frames` frames: bool (B, L)."""
    kept = torch.zeros(integer("batch", batch, least=0), integer("frames", frames, least=0), dtype=torch.bool)
    kept[:, : integer("known", known, least=0, most=frames)] = True
    return kept


def fit(data: Latents, keep: Keep, frames: int) -> tuple[Float[Tensor, "B D M"], Bool[Tensor, "B M"]]:
    """Cut data (B, D, L) and keep (B, L) to so many frames, or fill up with frames that are to be made; both say so."""
    missing = integer("frames", frames, least=0, most=LONGEST) - data.shape[-1]
    if missing:
        what = "cut" if missing < 0 else "filled up with frames to be made"
        warnings.warn(f"data have {data.shape[-1]} frames and {frames} are wanted: {what}", stacklevel=2)
    spare = (0, max(0, missing))
    return (
        torch.nn.functional.pad(data[..., :frames], spare),
        torch.nn.functional.pad(keep[..., :frames], spare, value=False),
    )
