"""Rollout: frames one after another, each denoised in sight of those before it.

Past frames are shown slightly noisy, as a network that makes mistakes will find its own, and are labelled exactly as
they are shown: with level i / K on the grid and the finest step, a pair that training visits. Their noise is drawn once,
when a frame becomes past; the frame that is handed out is clean.

A network either is shown its past at every step, network(z, index, exponent, *inputs) with frames (B, T, ...) of which
the last is to be denoised; or it keeps a cache of its own (`CachedNetwork`), which passes that denoise leave alone and
which `commit` alone extends, by one entry a frame.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import LONGEST, integer
from .grid import Grid
from .noise import _blend
from .sampler import Generators, Network, _check, _label, descend, draw


@runtime_checkable
class CachedNetwork(Protocol):
    """A network that remembers: z (B, T, ...) are frames that follow those in the cache, with labels (B, T)."""

    def begin(self, batch: int, window: int | None) -> Any:
        """An empty cache for so many rows; `window` is how many frames attention reaches, its own included."""
        ...

    def commit(self, z: Tensor, index: Tensor, exponent: Tensor, *inputs: Tensor, cache: Any) -> Any:
        """The cache with these frames in it."""
        ...

    def __call__(self, z: Tensor, index: Tensor, exponent: Tensor, *inputs: Tensor, cache: Any) -> Tensor:
        """The data that these frames are predicted to be; the cache stays as it was."""
        ...


@dataclass(frozen=True)
class Sampling:
    """How frames are sampled: `steps` network calls each, with past frames at signal level `context`, 0.9 in the paper.

    The level is the grid's nearest, 58/64 at K = 64, and at most (K - 1)/K: data without noise is no level that training
    knows. `window` is how many frames the network is shown or reaches, the one to be denoised included; None is all.
    """

    grid: Grid
    steps: int = 4
    context: float = 0.9
    window: int | None = None

    def __post_init__(self) -> None:
        self.grid.plan(self.steps)
        if not self.context_index:
            raise ValueError(
                f"context={self.context} must leave signal on a grid of {self.grid.k_max}: its nearest level is 0, noise"
            )
        if self.window is not None:
            integer("window", self.window, least=1)

    @property
    def context_index(self) -> int:
        """The index of past frames on the grid."""
        return self.grid.nearest(self.context)


def rollout(
    network: Network,
    context: Float[Tensor, "B N *axes"],
    frames: int,
    sampling: Sampling,
    generator: Generators,
    inputs: Sequence[Tensor] = (),
) -> Float[Tensor, "B T *axes"]:
    """context (B, N, ...), N from 0 -> the `frames` that follow, (B, T, ...), as `stream` yields them."""
    made = list(stream(network, context, frames, sampling, generator, inputs))
    return torch.stack(made, 1) if made else context[:, :0].clone()


def stream(
    network: Network,
    context: Float[Tensor, "B N *axes"],
    frames: int,
    sampling: Sampling,
    generator: Generators,
    inputs: Sequence[Tensor] = (),
) -> Iterator[Float[Tensor, "B *axes"]]:
    """Yield the `frames` that follow context (B, N, ...), (B, ...) each, as soon as it is denoised.

    `inputs` (actions, ..) are (B, N + frames, ...): the network gets those of the frames that it is shown. Noise comes
    from the generator, or from one for each row: then a row does not depend on the batch it is in.
    """
    _check("context", context)
    total = context.shape[1] + integer("frames", frames, least=0, most=LONGEST)
    for i, given in enumerate(inputs):
        if tuple(given.shape[:2]) != (len(context), total):
            raise ValueError(
                f"inputs[{i}].shape={tuple(given.shape)} must be (B, N + frames, ...) = {(len(context), total)}"
            )
    return _stream(network, context, total, sampling, generator, inputs)


def _stream(
    network: Network,
    context: Tensor,
    total: int,
    sampling: Sampling,
    generator: Generators,
    inputs: Sequence[Tensor],
) -> Iterator[Tensor]:
    past, done = _past(network, len(context), sampling.window), context.shape[1]
    frame, first = context, 0  # what is about to be past
    for t in range(done, total):
        with torch.no_grad():  # and not over the yield, behind which the caller goes on
            if t > first:
                seen = [given[:, first:t] for given in inputs]
                past.commit(*_corrupted(frame, sampling, generator), *seen)
            noise = draw((len(context), 1, *context.shape[2:]), generator)
            noise = noise.to(context.device, context.dtype)
            now = [given[:, t : t + 1] for given in inputs]
            frame = descend(partial(past.predict, now), noise, sampling.steps, sampling.grid)
            first = t
        yield frame[:, 0].clone()  # the caller's, whatever becomes of it


def _corrupted(clean: Tensor, sampling: Sampling, generator: Generators) -> tuple[Tensor, Tensor, Tensor]:
    """Clean frames as the network will see them from now on: (z, index, exponent)."""
    noise = draw(clean.shape, generator, device=clean.device, dtype=clean.dtype)
    index = _label(sampling.context_index, clean)
    level = sampling.grid.tau(index, torch.promote_types(clean.dtype, torch.float32))
    return _blend(clean, noise, level.reshape(*level.shape, *[1] * (clean.ndim - 2))), index, _label(0, clean)


class _Cached:
    """The past is in the network's cache."""

    def __init__(self, network: CachedNetwork, batch: int, window: int | None) -> None:
        self.network, self.cache = network, network.begin(batch, window)

    def commit(self, *frames: Tensor) -> None:
        self.cache = self.network.commit(*frames, cache=self.cache)

    def predict(self, inputs: Sequence[Tensor], *frame: Tensor) -> Tensor:
        return self.network(*frame, *inputs, cache=self.cache)


class _Shown:
    """The past is shown at every step, as far as the window reaches."""

    def __init__(self, network: Network, window: int | None) -> None:
        self.network, self.window = network, window
        self.held: tuple[Tensor, ...] = ()

    def commit(self, *frames: Tensor) -> None:
        joined = self._joined(frames)
        first = 0 if self.window is None else max(0, joined[0].shape[1] - (self.window - 1))
        self.held = tuple(part[:, first:] for part in joined)

    def predict(self, inputs: Sequence[Tensor], *frame: Tensor) -> Tensor:
        return self.network(*self._joined((*frame, *inputs)))[:, -1:]

    def _joined(self, frames: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if not self.held:
            return frames
        return tuple(torch.cat(pair, 1) for pair in zip(self.held, frames, strict=True))


def _past(network: Network, batch: int, window: int | None) -> _Cached | _Shown:
    """The frames so far, and what the network says of the next one; frames are (z, index, exponent, *inputs)."""
    return _Cached(network, batch, window) if isinstance(network, CachedNetwork) else _Shown(network, window)
