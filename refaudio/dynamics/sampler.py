"""Sampling: from noise to data in any power of two of steps up to K, all of them by one update, `advance`.

In x-space the exact step of size d from level tau is a mixture of where one stands and of the predicted data,

    z <- (1 - rho) z + rho f(z, tau, d)        rho = d / (1 - tau) = 2**e / (K - i)

which is the Euler step of the velocity (f - z) / (1 - tau). rho comes from integers and is 1 at the last step: the last
prediction is the sample, and no division needs an epsilon. Noise is drawn once; renewed or held between the steps, as
other renoising rules have it, it leads to other samples the more steps are taken.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import LONGEST, integer, listed
from .grid import Grid

Network = Callable[..., Tensor]
Generators = torch.Generator | Sequence[torch.Generator]


def advance(
    z: Float[Tensor, "B T *axes"], data: Float[Tensor, "B T *axes"], index: int, exponent: int, grid: Grid
) -> Float[Tensor, "B T *axes"]:
    """(1 - rho) z + rho data, rho = 2**exponent / (K - index): one step from level index / K; from the last one, data."""
    step, left = 1 << exponent, grid.k_max - index
    return data if step == left else z + step / left * (data - z)


def descend(
    predict: Network, noise: Float[Tensor, "B T *axes"], steps: int, grid: Grid
) -> Float[Tensor, "B T *axes"]:
    """noise (B, T, ...) -> data (B, T, ...) in `steps` calls predict(z, index, exponent), labels int64 (B, T).

    Between the calls the sample is kept in float32 at least; the network is handed the dtype of the noise.
    """
    z = noise.to(torch.promote_types(noise.dtype, torch.float32))
    for index, exponent in grid.plan(steps):
        labels = _label(index, noise), _label(exponent, noise)
        z = advance(z, predict(z.to(noise.dtype), *labels).to(z.dtype), index, exponent, grid)
    return z.to(noise.dtype)


@torch.no_grad()
def denoise(
    network: Network,
    noise: Float[Tensor, "B T *axes"],
    steps: int,
    grid: Grid,
    inputs: Sequence[Tensor | None] = (),
) -> Float[Tensor, "B T *axes"]:
    """noise (B, T, ...) -> data (B, T, ...), all frames together, in `steps` calls network(z, index, exponent, *inputs)."""
    _check("noise", noise)
    return descend(lambda z, index, exponent: network(z, index, exponent, *inputs), noise, steps, grid)


def draw(
    shape: Sequence[int],
    generator: Generators,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "B T *axes"]:
    """N(0, 1) of shape (B, T, ...), from one generator, or from a list of B: then a row does not depend on the others.

    Drawn in float32 where the generators are and then moved: neither dtype nor device changes the draw.
    """
    batch, *rest = (
        integer(f"shape[{i}]", size, least=0, most=LONGEST) for i, size in enumerate(listed("shape", shape))
    )
    if isinstance(generator, torch.Generator):
        drawn = torch.randn((batch, *rest), generator=generator, device=generator.device)
    elif len(generator) == batch:
        rows = [torch.randn(rest, generator=each, device=each.device) for each in generator]
        drawn = torch.stack(rows) if rows else torch.empty((0, *rest))
    else:
        raise ValueError(f"len(generator)={len(generator)} must be 1, or one a row: {batch}")
    return drawn.to(drawn.device if device is None else device, dtype)


def _label(value: int, frames: Tensor) -> Tensor:
    """The same label for every frame: int64 (B, T), filled where the frames are."""
    return torch.full(frames.shape[:2], value, dtype=torch.int64, device=frames.device)


def _check(name: str, frames: Tensor) -> None:
    if not frames.is_floating_point() or frames.ndim < 3:
        raise ValueError(f"{name}={frames.dtype} {tuple(frames.shape)} must be floating-point (B, T, ...)")
