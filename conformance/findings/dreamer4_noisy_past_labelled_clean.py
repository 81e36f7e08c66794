"""Without a time cache dreamer4 shows past frames a tenth noise, and labels them with 63/64, as if they were clean.

DynamicsWorldModel.generate(use_time_cache=False), context_signal_noise=0.1: the noise is mixed in, the label is not
changed. With the cache, which is the default, the noise has no effect at all: past frames stay clean.
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
model = DynamicsWorldModel(dim=32, dim_latent=8, max_steps=64, num_latent_tokens=16, depth=1)
seen, forward = [], model.forward


def listening(**given):
    seen.append((given["latents"].clone(), given["signal_levels"]))
    return forward(**given)


model.forward = listening
made = model.generate(2, num_steps=4, batch_size=64, use_time_cache=False, store_agent_embed=False)
latents, levels = seen[-1]  # frame 1 is denoised; frame 0 is past
clean = made[:, 0]
inside = clean.abs() < 1  # what is handed out is clipped to -1 .. 1
noise = float((latents[:, 0, 0] - 0.9 * clean)[inside].std())
label = int(levels[0, 0])
print(
    f"dreamer4 {version('dreamer4')}: generate(2, num_steps=4, use_time_cache=False), frame 0 as frame 1 sees it"
)
print("got ", f"{noise:.3f} noise, labelled {label}/64")
print("want", f"{1 - label / 64:.3f} noise under that label, or the label 58/64")
sys.exit(0 if label == 63 and 0.09 < noise < 0.11 else 1)
