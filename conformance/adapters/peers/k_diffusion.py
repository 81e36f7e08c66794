"""k-diffusion's samplers, as Stable Audio Open 1.0 is sampled with them: a v model behind VDenoiser, sigmas of 0.3 to 500.

A state of k-diffusion is data + sigma * noise, the kit's cos(pi t / 2) times that, with sigma = tan(pi t / 2). The samplers
take one Brownian tree an item, with a seed each (`BrownianTreeNoiseSampler(seed=[...])`); guidance is the model's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from refaudio.conformance.bind import stub_imports

# What evaluates, trains and draws images; nothing of it samples.
stub_imports(
    "skimage", "skimage.transform", "torchvision", "torchvision.transforms", "torchvision.transforms.functional",
    "clip", "cleanfid", "cleanfid.inception_torchscript", "clean_fid", "resize_right", "kornia", "kornia.augmentation", "jsonmerge",
    "dctorch", "dctorch.functional", "accelerate", "wandb", "PIL", "einops", "pywt", "natten", "flash_attn",
)  # fmt: skip

from k_diffusion import sampling  # noqa: E402
from k_diffusion.external import VDenoiser  # noqa: E402

IMPLEMENTATION = {
    "name": "k-diffusion",
    "version": version("k-diffusion"),
    "issues": "https://github.com/crowsonkb/k-diffusion/issues",
}
FAMILIES = ["SOLVE"]
TIME, PREDICTS = "data at 0", "v"
SAMPLERS = {
    "dpmpp-2m": sampling.sample_dpmpp_2m,
    "dpmpp-3m-sde": sampling.sample_dpmpp_3m_sde,
    "euler": sampling.sample_euler,
    "heun": sampling.sample_heun,
}
SIZES = {"method": ["dpmpp-2m", "euler", "heun"]}
Generators = Sequence[torch.Generator] | None


def sampled(
    network: Callable[..., Tensor], noise: Tensor, sigmas: Tensor, generator: Generators, method: str,
    callback: Callable[..., Any] | None = None,
) -> Tensor:  # fmt: skip
    named: dict[str, Any] = {"disable": True, "callback": callback}
    if method == "dpmpp-3m-sde" and generator is not None and len(sigmas) > 1:
        seeds = [each.initial_seed() for each in generator]
        spread = sigmas[sigmas > 0].min(), sigmas.max()
        named["noise_sampler"] = sampling.BrownianTreeNoiseSampler(noise, *spread, seed=seeds)
    return SAMPLERS[method](VDenoiser(network), noise, sigmas, **named)


def solve(
    network: Callable[..., Tensor],
    x: Tensor,
    steps: int,
    scale: float | None,
    generator: Generators,
    method: str,
) -> Tensor:
    if scale is not None:
        raise NotImplementedError("guidance is the model's own")
    sigmas = sampling.get_sigmas_polyexponential(steps, 0.3, 500, rho=1.0)
    return sampled(network, x * sigmas[0], sigmas, generator, method)


def watch(
    network: Callable[..., Tensor], x: Tensor, steps: int, callback: Callable[..., Any], method: str
) -> Tensor:
    sigmas = sampling.get_sigmas_polyexponential(steps, 0.3, 500, rho=1.0)
    given = [torch.Generator().manual_seed(i) for i in range(len(x))]
    return sampled(network, x * sigmas[0], sigmas, given, method, callback)


def integrate(
    network: Callable[..., Tensor], x: Tensor, times: Tensor, generator: Generators, method: str
) -> Tensor:
    sigmas = torch.tan(times * math.pi / 2)
    start = torch.cos(times[:1] * math.pi / 2)
    return sampled(network, x / start, sigmas, generator, method)


def vary(
    network: Callable[..., Tensor], data: Tensor, noise: Tensor, steps: int, strength: float, generator: Generators,
    method: str,
) -> Tensor:  # fmt: skip
    """As stable-audio-tools starts from audio: a sigma_max in place of 500, and data + sigma_max * noise."""
    highest = min(500.0, math.tan(strength * math.pi / 2)) if strength < 1 else 500.0
    if highest <= 0.3:
        raise NotImplementedError("sigmas begin above sigma_min")
    sigmas = sampling.get_sigmas_polyexponential(steps, 0.3, highest, rho=1.0)
    return sampled(network, data + noise * sigmas[0], sigmas, generator, method)
