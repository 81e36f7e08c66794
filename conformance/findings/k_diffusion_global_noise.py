"""Euler and Heun, which need no noise, draw some at every step from the global generator: other people's seeds move.

k-diffusion, sample_euler and sample_heun: eps = torch.randn_like(x) is drawn before it is known whether s_churn wants it.
"""

import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import torch

# The package imports what draws, trains and evaluates as well; what is not installed may be anything.
for name in (
    "skimage skimage.transform torchvision torchvision.transforms clip cleanfid cleanfid.inception_torchscript "
    "resize_right kornia kornia.augmentation jsonmerge dctorch dctorch.functional accelerate wandb natten flash_attn"
).split():
    try:
        __import__(name)
    except ImportError:
        sys.modules[name] = MagicMock()

from k_diffusion import sampling  # noqa: E402

moved = []
for sampler in sampling.sample_euler, sampling.sample_heun, sampling.sample_dpmpp_2m:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    sampler(lambda x, sigma: x * 0, torch.ones(1, 4), torch.tensor([2.0, 1.0, 0.0]), disable=True)
    if not torch.equal(before, torch.get_rng_state()):
        moved.append(sampler.__name__)
print(
    f"k-diffusion {version('k-diffusion')}: deterministic samplers after which the global generator has moved"
)
print("got ", moved)
print("want []")
sys.exit(0 if moved == ["sample_euler", "sample_heun"] else 1)
