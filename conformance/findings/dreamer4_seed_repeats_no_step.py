"""`seed` does not repeat a training step of dreamer4: whether a batch is bootstrapped is up to a generator of Python.

DynamicsWorldModel.forward(seed=...) seeds torch around each of its draws, and sample_prob draws from random.random. There
is no argument for a generator; levels otherwise come from the global one.
"""

import sys
from importlib.metadata import version
from unittest.mock import MagicMock

import torch

# The package imports more than is needed here; what is not installed may be anything.
for name in "torchvision", "torchvision.models", "torchvision.transforms", "ema_pytorch", "cv2", "imageio":
    sys.modules.setdefault(name, MagicMock())

try:
    from dreamer4 import DynamicsWorldModel
except ImportError as missing:
    print(f"dreamer4 is not installed, or not all that it needs: {missing}")
    sys.exit(0)

torch.manual_seed(0)
model = DynamicsWorldModel(dim=32, dim_latent=8, max_steps=8, num_latent_tokens=1, depth=1)
latents = torch.randn(4, 3, 1, 8)
found = {round(float(model(latents=latents, seed=7)), 6) for _ in range(40)}
print(f"dreamer4 {version('dreamer4')}: the loss of one batch, forty times with seed=7")
print("got ", sorted(found))
print("want one number")
sys.exit(0 if len(found) > 1 else 1)
