"""0 steps give silence, as a success: the only sigma is the 0 at the end, and the noise is multiplied by it.

k-diffusion, get_sigmas_polyexponential and every sampler: no number of steps and no list of sigmas is looked at. Sigmas
that turn back are walked as they are.
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

noise = torch.randn(1, 2, 4, generator=torch.Generator().manual_seed(0))
sigmas = sampling.get_sigmas_polyexponential(0, 0.3, 500.0)
made = sampling.sample_euler(lambda x, sigma: x, noise * sigmas[0], sigmas, disable=True)
print(f"k-diffusion {version('k-diffusion')}: sample_euler in 0 steps")
print("got ", f"sigmas {sigmas.tolist()}, latents of spread {float(made.std()):.2f}")
print("want an error")
sys.exit(0 if not made.any() else 1)
