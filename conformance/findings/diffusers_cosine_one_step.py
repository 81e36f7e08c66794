"""In one step Stable Audio Open is handed noise of spread 500 and told that its spread is 0.3: a burst of noise.

diffusers, CosineDPMSolverMultistepScheduler._compute_exponential_sigmas: the ramp is made from sigma_min to sigma_max and
turned round, and a ramp of one point holds its beginning. The Karras schedule of the same class starts at sigma_max.
"""

import sys

import diffusers
from diffusers import CosineDPMSolverMultistepScheduler

starts = {}
for schedule in "exponential", "karras":
    scheduler = CosineDPMSolverMultistepScheduler(sigma_schedule=schedule)
    scheduler.set_timesteps(1)
    starts[schedule] = round(float(scheduler.sigmas[0]), 3)
print(f"diffusers {diffusers.__version__}: CosineDPMSolverMultistepScheduler, the first sigma of one step")
print("got ", starts, "for noise of spread", round(scheduler.init_noise_sigma, 3))
print("want 500 in both")
sys.exit(0 if starts == {"exponential": 0.3, "karras": 500.0} else 1)
