"""The ramp of dreamer4 weighs the flow loss alone: levels near noise count ten times as much in the bootstrap as in the paper.

DynamicsWorldModel.forward: loss_weight_fn is applied to the flow losses, and the bootstrap is left as it is.
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
LATENTS = torch.randn(4, 3, 1, 8)


def bootstrap(weight: float) -> float:
    """The bootstrap loss of one and the same batch when every level has this weight."""
    model = DynamicsWorldModel(
        dim=32, dim_latent=8, max_steps=64, num_latent_tokens=1, depth=1, prob_shortcut_train=1.0,
        loss_weight_fn=lambda times: torch.full_like(times, weight),
    )  # fmt: skip
    with torch.no_grad():
        for value in model.parameters():
            value.copy_(torch.full_like(value, 0.01))
    return float(model(latents=LATENTS, seed=1, return_all_losses=True)[1].shortcut)


whole, tenth = bootstrap(1.0), bootstrap(0.1)
print(f"dreamer4 {version('dreamer4')}: the bootstrap loss with a weight of 1, then of .1 for every level")
print("got ", f"{whole:.6f}, {tenth:.6f}")
print("want", f"{whole:.6f}, {whole / 10:.6f}")
sys.exit(0 if whole == tenth > 0 else 1)
