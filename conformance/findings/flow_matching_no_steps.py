"""A time grid of one time returns the noise as a sample, and an empty one crashes with an IndexError inside torchdiffeq.

flow_matching, ODESolver.sample, which looks at no grid: a grid that turns back is refused by an assertion further down.
"""

import sys
from importlib.metadata import version

import torch
from flow_matching.solver import ODESolver

noise = torch.ones(1, 4)
got = []
for times in [], [0.0]:
    try:
        made = ODESolver(velocity_model=lambda x, t: x).sample(
            x_init=noise, step_size=None, method="euler", time_grid=torch.tensor(times)
        )
        got.append("the noise" if torch.equal(made, noise) else "something else")
    except Exception as error:
        got.append(type(error).__name__)
print(f"flow_matching {version('flow_matching')}: ODESolver.sample on no time, and on one")
print("got ", ", ".join(got))
print("want an error that names the grid, twice")
sys.exit(0 if got[0] == "IndexError" and got[1] == "the noise" else 1)
