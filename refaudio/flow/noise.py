"""The noise of stochastic solvers: one generator an element, so that a song does not depend on its batch."""

from collections.abc import Sequence
from typing import SupportsIndex

import torch
from torch import Tensor

from .. import seeds
from ..errors import integer

Generators = SupportsIndex | torch.Generator | Sequence[torch.Generator] | None


class Noise:
    """Fresh noise like x (B, ...), element i from a generator of its own: a list of B, or streams of (seed, i)."""

    def __init__(self, generator: Generators, x: Tensor) -> None:
        self._like = x
        self._generators = _each(generator, len(x))

    def draw(self) -> Tensor:
        """N(0, 1) like x, in float32 or wider; drawn in float32 where the generators live."""
        dtype = torch.promote_types(self._like.dtype, torch.float32)
        shape = self._like.shape[1:]
        rows = [
            torch.randn(shape, generator=each, device=each.device, dtype=torch.float32)
            for each in self._generators
        ]
        return torch.stack(rows).to(self._like.device, dtype) if rows else self._like.to(dtype)


def _each(generator: Generators, count: int) -> list[torch.Generator]:
    if generator is None:
        raise ValueError(
            "generator=None must be a seed or a list of generators, one an element: this method draws noise"
        )
    if isinstance(generator, torch.Generator):
        generator = [generator]
    if not isinstance(generator, Sequence):
        seed = integer("generator", generator)
        # path (0, i): (i,) is the stream from which `seeds.noise` takes the element's first noise
        return [seeds.generator(seed, 0, i) for i in range(count)]
    known = list(generator)
    if len(known) != count:
        raise ValueError(
            f"generator={known!r} must have one generator an element: got {len(known)} for {count}"
        )
    return known
