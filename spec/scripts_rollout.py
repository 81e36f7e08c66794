"""Networks that a sampler plays with: one that is shown its past at every step, one that keeps it in a cache of its own.

Both keep every call in the spec's units (tau = 0 is noise, d a fraction of the way, data predicted). A past that is shown
and one from a cache look alike to a law: `Ask.past` holds the frames before the one that was to be denoised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .draw_rollout import patterns
from .law import Implementation, expect_that
from .scripts_dynamics import Units, _spread, over
from .seed import global_generators_kept


@dataclass(frozen=True)
class Frames:
    """Frames as a network was given them: z (B, T, ...), tau and d (B, T), NaN where none was given; actions (B, T) or None."""

    z: Tensor
    tau: Tensor
    d: Tensor
    actions: Tensor | None

    def __len__(self) -> int:
        return self.z.shape[1]

    def cut(self, first: int, last: int | None) -> Frames:
        """Frames first..last."""
        actions = None if self.actions is None else self.actions[:, first:last]
        return Frames(self.z[:, first:last], self.tau[:, first:last], self.d[:, first:last], actions)


def joined(parts: list[Frames]) -> Frames:
    """Frames one after another."""
    acted = [part.actions for part in parts]
    actions = torch.cat([a for a in acted if a is not None], 1) if all(a is not None for a in acted) else None
    z, tau, d = (torch.cat([getattr(part, name) for part in parts], 1) for name in ("z", "tau", "d"))
    return Frames(z, tau, d, actions)


@dataclass(frozen=True)
class Ask:
    """One prediction: the frames to be denoised, those before them, in a cache or shown, and the data answered."""

    now: Frames
    past: Frames
    data: Tensor


Predict = Callable[
    [Frames, Frames, int], Tensor
]  # now, past, number of the call -> data (B, T, ...) in float64


@dataclass(eq=False)
class Shown:
    """A network network(z, tau, d[, actions]) that sees all it is shown; the last `latest` frames are to be denoised.

    `latest` None means all of them: then there is no past.
    """

    units: Units
    predict: Predict
    latest: int | None = 1
    asked: list[Ask] = field(default_factory=list)

    def __call__(self, z: Tensor, tau: Any = None, d: Any = None, actions: Any = None) -> Tensor:
        return self._answer([], z, tau, d, actions)

    def _answer(self, cache: list[Frames], z: Tensor, tau: Any, d: Any, actions: Any) -> Tensor:
        given = self._heard(z, tau, d, actions)
        first = 0 if self.latest is None else max(0, len(given) - self.latest)
        now, past = given.cut(first, None), joined([*cache, given.cut(0, first)])
        data = self.predict(now, past, len(self.asked))
        self.asked.append(Ask(now, past, data.clone()))
        whole = torch.cat([given.z[:, :first], data], 1)
        return self.units.answer(given.z, over(given.tau, given.z), whole).to(z.dtype)

    def _heard(self, z: Tensor, tau: Any, d: Any, actions: Any) -> Frames:
        lead = z.shape[:2]
        missing = torch.full(lead, float("nan"), dtype=torch.float64)
        level = missing if tau is None else self.units.level(_spread(tau, lead))
        step = missing if d is None else self.units.read(_spread(d, lead))
        acted = None if actions is None else actions.detach().to("cpu", torch.float64).clone()
        return Frames(z.detach().to("cpu", torch.float64, copy=True), level, step, acted)


@dataclass(eq=False)
class Remembering(Shown):
    """The same with a cache of its own: `begin` makes one, predictions leave it alone, `commit` puts frames into it."""

    begun: int = 0

    def begin(self, batch: int, window: int | None) -> list[Frames]:
        """An empty cache; `window` is how far it is to reach."""
        self.begun += 1
        return []

    def commit(
        self, z: Tensor, tau: Any = None, d: Any = None, actions: Any = None, *, cache: list[Frames]
    ) -> list[Frames]:
        """The same cache, with these frames in it."""
        cache.append(self._heard(z, tau, d, actions))
        return cache

    def __call__(
        self, z: Tensor, tau: Any = None, d: Any = None, actions: Any = None, *, cache: Any = None
    ) -> Tensor:
        return self._answer(cache or [], z, tau, d, actions)


@dataclass(frozen=True)
class Played:
    """What a sampler did: at each of its steps the frames z (B, T, ...), their labels, and the data answered; and its result."""

    z: list[Tensor]
    tau: list[Tensor]
    d: list[Tensor]
    data: list[Tensor]
    result: Tensor

    @property
    def noise(self) -> Tensor:
        """What the frames were before the first step."""
        return self.z[0]


@dataclass(frozen=True)
class Player:
    """One case of sampling: `play` hands a network to whichever grain is bound, and lays the calls of all frames side by side."""

    impl: Implementation
    pace: Sequence[int]
    batch: int
    past: int
    frames: int
    latent: Sequence[int]
    cache: str
    seed: int
    window: int | None = None
    acted: bool = False
    loud: bool = False

    @property
    def context(self) -> Tensor:
        """The frames before the first one that is made: float32 (B, N, ...)."""
        if self.loud:
            return patterns(self.seed, self.batch, self.past + self.frames, self.latent)[:, : self.past]
        generator = torch.Generator().manual_seed(self.seed)
        return 0.3 * torch.rand((self.batch, self.past, *self.latent), generator=generator)

    @property
    def actions(self) -> Tensor | None:
        """An action for each frame, no two alike: float32 (B, N + T), or None."""
        count = self.past + self.frames
        return torch.arange(1.0, 1 + self.batch * count).reshape(self.batch, count) if self.acted else None

    def network(self, predict: Predict) -> Shown:
        """The scripted network of this case."""
        units = Units.of(self.impl, self.pace[0])
        if not self.impl.has("rollout"):
            return Shown(units, predict, latest=None)
        return (Remembering if self.cache == "own" else Shown)(units, predict)

    def ask(
        self, network: Shown, steps: int | None = None, seed: int | None = None, outside: int = 0
    ) -> Tensor:
        """The sample of the bound grain, all frames together or one after another; `outside` seeds the global generator."""
        k_max, planned = self.pace
        steps = planned if steps is None else steps
        generator = torch.Generator().manual_seed(self.seed if seed is None else seed)
        with global_generators_kept():
            torch.manual_seed(outside)
            if not self.impl.has("rollout"):
                shape = (self.batch, self.frames, *self.latent)
                return self.impl.denoise(network, shape, steps, k_max, generator)
            return self.impl.rollout(
                network, self.context, self.frames, steps, self.actions, k_max, self.window, generator
            )

    def play(self, predict: Predict, steps: int | None = None, outside: int = 0) -> Played:
        """What the sampler did, in as many calls a frame as it took: whether they are right, a law of its own says."""
        network = self.network(predict)
        result = self.ask(network, steps, outside=outside)
        turns, calls = self.frames if self.impl.has("rollout") else 1, len(network.asked)
        whole = calls > 0 and calls % turns == 0
        expect_that(whole, "calls of the network", got=calls, want=f"as many for each of {turns}")
        sides = [network.asked[s :: calls // turns] for s in range(calls // turns)]
        parts = [
            [torch.cat([getattr(ask.now, name) for ask in side], 1) for side in sides]
            for name in ("z", "tau", "d")
        ]
        return Played(*parts, [torch.cat([ask.data for ask in side], 1) for side in sides], result)
