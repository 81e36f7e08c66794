"""lucidrains' dreamer4: DynamicsWorldModel's `generate` and its loss in `forward`, on the kit's network.

The package needs twenty others at the top; these two methods need einops, einx and torch_einops_utils. The model around
them is hollow: labels reach the kit's network where the flow token would be made, and its answer leaves where the latent
head would be. Nothing is passed on that the code has no argument for: there is no generator, so its users seed torch.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from math import log2, prod
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from refaudio.conformance.bind import load_file, stub_imports

_package = find_spec("dreamer4")
if _package is None or _package.origin is None:
    raise ModuleNotFoundError("no module named 'dreamer4': pip install --no-deps dreamer4", name="dreamer4")
stub_imports(
    *"torchvision torchvision.models adam_atan2_pytorch x_mlps_pytorch x_mlps_pytorch.ensemble "
    "x_mlps_pytorch.normed_mlp x_mlps_pytorch.activations x_transformers vit_pytorch vit_pytorch.vit_with_decorr "
    "vit_pytorch.vivit_with_moss assoc_scan h_net_dynamic_chunking PoPE_pytorch discrete_continuous_embed_readout "
    "discrete_continuous_embed_readout.discrete_continuous_embed_readout memmap_replay_buffer hl_gauss_pytorch".split()
)
if not hasattr(sys.modules["torchvision.models"].VGG16_Weights, "DEFAULT"):
    sys.modules[
        "torchvision.models"
    ].VGG16_Weights.DEFAULT = None  # a default of LPIPSLoss, which is not called
dreamer4 = load_file(Path(_package.origin).parent / "dreamer4.py", "dreamer4.dreamer4")

IMPLEMENTATION = {
    "name": "dreamer4",
    "version": version("dreamer4"),
    "issues": "https://github.com/lucidrains/dreamer4/issues",
}
FAMILIES = ["SHORTCUT", "ROLLOUT"]
TIME = "data at 1"
STEP = "exponent"
PREDICTS = "data"
BRANCHES = "all frames"  # a batch is all of one kind: the mean over it is both
SIZES = {"reach": [None], "actions": [False], "steps": [2, 4, 8, 16, 32, 64]}

OFF = (
    "has_proprio predict_terminals video_has_multi_view has_aux_image_encoder should_pred_state has_aug_conditioning "
    "has_actor_transformer has_critic_transformer has_latent_ar has_lapo has_tem agent_predicts_state"
).split()
ABSENT = (
    "video_tokenizer spatial_pre_encoder action_pre_encoder flow_loss_normalizer shortcut_flow_loss_normalizer"
).split()
UNWEIGHTED = (
    "reward terminal discrete_action continuous_action state_pred agent_state_pred latent_ar latent_ar_sigreg "
    "lapo_action lapo_fdm lapo_raw_latent_fdm tem h_net"
).split()


class Hollow(dreamer4.DynamicsWorldModel):  # type: ignore[misc]
    """The world model without its networks; what its constructor says of the grid, it says here."""

    def __init__(self, k_max: int, features: int) -> None:
        nn.Module.__init__(self)
        assert dreamer4.is_power_two(k_max), "`max_steps` must be a power of 2"
        self.max_steps, self.latent_shape = k_max, (1, features)
        self.num_step_sizes_log2 = int(log2(k_max))
        self.prob_shortcut_train = 1.0 - self.num_step_sizes_log2**-1.0
        for name in (*OFF, *ABSENT):
            setattr(self, name, None if name in ABSENT else False)
        self.pred_orig_latent, self.num_video_views, self.num_agents = True, 1, 1

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")


class Generates(Hollow):
    """`generate`, whose passes go to the kit's network; with a cache it ends each frame with a pass over the clean one."""

    def __init__(
        self, network: Any, k_max: int, steps: int, rows: Sequence[int], frame: Sequence[int]
    ) -> None:
        super().__init__(k_max, prod(frame))
        self.network, self.steps, self.rows, self.frame, self.passes = network, steps, rows, frame, 0
        self.caches = hasattr(network, "begin")

    def forward(
        self, *, latents: Tensor, signal_levels: Tensor, step_sizes: int, time_cache: Any, **_: Any
    ) -> Any:
        """One pass: behind a cache the transformer reads the last frame alone; without one, all of them."""
        frames = latents.reshape(*self.rows, *self.frame) if self.rows else self._unflat(latents)
        levels = (signal_levels / self.max_steps).reshape(frames.shape[:2])
        steps = torch.full(frames.shape[:1], int(log2(step_sizes)))
        if not self.caches:
            return _answer(self.network(frames, levels, steps).reshape(latents.shape)), (None, None)
        self.passes += 1
        first = 0 if time_cache is None else -1
        cache = self.network.begin(len(frames), None) if time_cache is None else time_cache
        new = frames[:, first:], levels[:, first:], steps
        if self.passes % (self.steps + 1) == 0:  # nobody reads what it predicts; what it returns is kept
            return _answer(latents), (None, self.network.commit(*new, cache=cache))
        last = self.network(*new, cache=cache)
        whole = torch.cat([frames[:, : frames.shape[1] - last.shape[1]], last], 1)
        return _answer(whole.reshape(latents.shape)), (None, None)

    def _unflat(self, latents: Tensor) -> Tensor:
        return latents.reshape(*latents.shape[:2], *self.frame)


def _answer(data: Tensor) -> Any:
    return dreamer4.Predictions(data, None, None)


def _seed(generator: torch.Generator) -> None:
    """There is no generator to hand over: whoever wants a run again seeds torch, and Python for the coin of a batch."""
    seed = int(torch.randint(2**62, (), generator=generator))
    random.seed(seed)
    torch.manual_seed(seed)


def denoise(network: Any, shape: Sequence[int], steps: int, k_max: int, generator: torch.Generator) -> Tensor:
    """Each of the B * T frames is a clip of one."""
    batch, frames, *frame = shape
    model = Generates(network, k_max, steps, (batch, frames), frame)
    _seed(generator)
    made: Tensor = model.generate(
        1, num_steps=steps, batch_size=batch * frames, use_time_cache=False, store_agent_embed=False
    )
    return made.reshape(*shape)


def rollout(
    network: Any,
    context: Tensor,
    frames: int,
    steps: int,
    actions: Tensor | None,
    k_max: int,
    window: int | None,
    generator: torch.Generator,
) -> Tensor:
    batch, past, *frame = context.shape
    model = Generates(network, k_max, steps, (), frame)
    _seed(generator)
    made: Tensor = model.generate(
        past + frames,
        num_steps=steps,
        batch_size=batch,
        prompt_latents=context.reshape(batch, past, 1, prod(frame)) if past else None,
        use_time_cache=model.caches,
        store_agent_embed=False,
    )
    return made[:, past:].reshape(batch, frames, *frame)


class Trains(Hollow):
    """`forward`'s loss: labels are read off the flow token, and the prediction takes the place of the latent tokens."""

    def __init__(self, network: Any, k_max: int, data: Tensor) -> None:
        frame = data.shape[2:]
        super().__init__(k_max, prod(frame))
        self.network, self.frame = network, frame
        self.width = max(2, prod(frame) + prod(frame) % 2)
        self.loss_weight_fn = dreamer4.ramp_weight
        self.latent_flow_loss_weight = self.shortcut_loss_weight = 1.0
        for name in UNWEIGHTED:
            setattr(self, f"{name}_loss_weight", torch.zeros(1))
        self.zero, self.action_embedder = torch.tensor(0.0), SimpleNamespace(has_actions=False)
        self.agent_learned_embed = torch.zeros(1, self.width, dtype=data.dtype)
        self.register_tokens = torch.zeros(0, self.width, dtype=data.dtype)

    def _wide(self, tokens: Tensor, width: int) -> Tensor:
        return torch.nn.functional.pad(tokens, (0, width - tokens.shape[-1]))

    def signal_levels_embed(self, index: Tensor) -> Tensor:
        return self._wide(index[..., None].to(torch.float32), self.width // 2)

    step_size_embed = signal_levels_embed

    def latents_to_spatial_tokens(self, latents: Tensor) -> Tensor:
        return self._wide(latents, self.width)

    def to_latent_pred(self, tokens: Tensor) -> Tensor:
        return tokens[..., : prod(self.frame)]

    def transformer(self, tokens: Tensor, **_: Any) -> Any:
        """Tokens (B, T, S, D): the flow token, one latent token, and the agent's."""
        flow, latent, agent = tokens[:, :, :1], tokens[:, :, 1:2], tokens[:, :, 2:]
        level, exponent = flow[:, :, 0, 0], flow[:, 0, 0, self.width // 2]
        z = self.to_latent_pred(latent).reshape(*tokens.shape[:2], *self.frame).to(torch.float32)
        data = self.network(z, level / self.max_steps, exponent.round().to(torch.int64))
        latent = self._wide(data.reshape(*tokens.shape[:2], 1, -1), self.width)
        return torch.cat([flow, latent, agent], 2), SimpleNamespace(h_net_loss=0.0)


def _grid_of_some(k_max: int) -> None:
    if k_max == 1:
        raise NotImplementedError("a grid of one step has no shortcut: the constructor divides by log2 of it")


@contextmanager
def _drawn(coin: bool, *drawn: Tensor) -> Iterator[None]:
    """What `forward` draws, in its order: whether the batch is bootstrapped, then its labels."""
    kept, left = (dreamer4.sample_prob, dreamer4.randint), list(drawn)
    dreamer4.sample_prob, dreamer4.randint = lambda prob: coin, lambda *_, **__: left.pop(0)
    try:
        yield
    finally:
        dreamer4.sample_prob, dreamer4.randint = kept


def shortcut_loss(network: Any, data: Tensor, tau: Tensor, d: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
    _grid_of_some(k_max)
    data = data.to(torch.float32)  # as its data come; levels are float32, and lerp refuses to mix
    model = Trains(network, k_max, data)
    index = (tau * k_max).round().to(torch.int64).reshape(data.shape[:2])
    coarse = bool((d > 0).any())
    if coarse and not bool((d > 0).all()):
        raise NotImplementedError("one coin decides for the whole batch")
    with _drawn(coarse, *([d, index] if coarse else [index])):
        _, losses = model(latents=data.reshape(*data.shape[:2], 1, -1), return_all_losses=True)
    return losses.flow, losses.shortcut


def sample_levels(batch: int, frames: int, k_max: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    heard: list[tuple[Tensor, Tensor]] = []

    def network(z: Tensor, tau: Tensor, exponent: Tensor) -> Tensor:
        heard.append((tau, exponent))
        return z

    _grid_of_some(k_max)
    data = torch.zeros(batch, frames, 2)
    model = Trains(network, k_max, data)
    _seed(generator)
    model(latents=data.reshape(batch, frames, 1, -1), return_all_losses=True)
    return heard[0]


def ramp(tau: Tensor) -> Tensor:
    weight: Tensor = dreamer4.ramp_weight(tau)
    return weight
