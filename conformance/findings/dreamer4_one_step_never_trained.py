"""dreamer4 never trains the single step from noise to data, and all steps of a batch are fine, or none is.

DynamicsWorldModel.forward draws log2 of the step below log2(max_steps); generate refuses one step since there is no row for
it. The paper draws from {1/K, .., 1} with equal chances, for each example.
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


class Heard(Exception):
    pass


class Listener(torch.nn.Module):
    def forward(self, exponents):
        raise Heard(exponents.tolist())


model.step_size_embed = Listener()
batches = []
for _ in range(500):
    try:
        model(latents=torch.zeros(16, 1, 1, 8))
    except Heard as heard:
        batches.append(heard.args[0])
drawn = sorted({2**e for batch in batches for e in batch})
mixed = sum(len({e == 0 for e in batch}) > 1 for batch in batches)
print(
    f"dreamer4 {version('dreamer4')}: the steps of 500 batches of 16, in eighths, and how many batches have fine and coarse ones"
)
print("got ", drawn, mixed)
print("want [1, 2, 4, 8], and nearly all")
sys.exit(0 if drawn == [1, 2, 4] and mixed == 0 else 1)
