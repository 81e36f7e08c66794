"""Data computed back from a velocity are wrong without a word where there are as many items as frames, else an error.

facebookresearch/flow_matching, AffineProbPath.velocity_to_target, velocity_to_epsilon and their inverses: `sample` expands
the times of a batch over its items, these do not, so that times (B,) are broadcast along the last axis. One time for all,
without an axis, works.
"""

import sys
from importlib.metadata import version

import torch
from flow_matching.path import CondOTProbPath

path = CondOTProbPath()
torch.manual_seed(0)


def found(frames: int) -> str:
    """What becomes of two items of so many frames, mixed at two times."""
    data, noise, t = torch.randn(2, 3, frames), torch.randn(2, 3, frames), torch.tensor([0.25, 0.75])
    mixed = path.sample(x_0=noise, x_1=data, t=t)
    try:
        back = path.velocity_to_target(velocity=mixed.dx_t, x_t=mixed.x_t, t=mixed.t)
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    return f"data that are off by up to {float((back - data).abs().max()):.2f}"


got = {frames: found(frames) for frames in (2, 5)}
print(f"flow_matching {version('flow_matching')}: velocity_to_target of a batch of 2, times (2,)")
print("got ", f"2 frames: {got[2]}; 5 frames: {got[5]}")
print("want the data that were mixed")
sys.exit(0 if got[2].startswith("data that are off") and got[5].startswith("RuntimeError") else 1)
