"""A velocity model is told one number without axes, although its wrapper documents a time for each item of the batch.

flow_matching, ODESolver.sample: torchdiffeq's t goes to the model as it is. A model that embeds t (batch_size), as
ModelWrapper.forward describes it, breaks, or has to know that it is being sampled and not trained.
"""

import sys
from importlib.metadata import version

import torch
from flow_matching.solver import ODESolver

seen = set()


def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    seen.add(tuple(t.shape))
    return x


x = torch.zeros(3, 2, 4)
ODESolver(velocity_model=model).sample(
    x_init=x, step_size=None, method="euler", time_grid=torch.linspace(0, 1, 5)
)
print(f"flow_matching {version('flow_matching')}: ODESolver.sample for a batch of 3, the shape of t")
print("got ", sorted(seen))
print("want [(3,)]")
sys.exit(0 if seen == {()} else 1)
