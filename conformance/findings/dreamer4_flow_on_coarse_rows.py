"""A batch of coarse steps gets the flow loss of dreamer4 on top of its bootstrap: one answer is pulled two ways.

DynamicsWorldModel.forward: the flow loss is taken of every batch. At a coarse step the bootstrap asks for where two half
steps lead, the flow loss for the mean of the data.
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
model = DynamicsWorldModel(
    dim=32, dim_latent=8, max_steps=64, num_latent_tokens=1, depth=1, prob_shortcut_train=1.0
)
losses = model(latents=torch.randn(4, 3, 1, 8), return_all_losses=True)[1]
flow, shortcut = float(losses.flow), float(losses.shortcut)
print(f"dreamer4 {version('dreamer4')}: the losses of a batch whose rows all have a step above 1/64")
print("got ", f"flow {flow:.4f}, bootstrap {shortcut:.4f}")
print("want", f"flow 0, bootstrap {shortcut:.4f}")
sys.exit(0 if flow > 0 and shortcut > 0 else 1)
