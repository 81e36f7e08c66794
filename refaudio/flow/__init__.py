"""Flow matching and diffusion: paths, time grids, solvers and guidance, which know nothing of any network's inside."""

from .admission import Mismatch, admit
from .edit import continuation, fit, inpaint, vary
from .grid import GRIDS, Grid
from .guidance import Guidance, guide, guided, null_of, rescale, s_to_w, strengthen, w_to_s, within
from .path import (
    CFM,
    OBJECTIVES,
    RECTIFIED_FLOW,
    RF_DENOISER,
    Objective,
    V,
    converted,
    declared,
)
from .solver import METHODS, Method, Progress, evaluations, solve

__all__ = [
    "CFM",
    "GRIDS",
    "METHODS",
    "OBJECTIVES",
    "RECTIFIED_FLOW",
    "RF_DENOISER",
    "Grid",
    "Guidance",
    "Method",
    "Mismatch",
    "Objective",
    "Progress",
    "V",
    "admit",
    "continuation",
    "converted",
    "declared",
    "evaluations",
    "fit",
    "guide",
    "guided",
    "inpaint",
    "null_of",
    "rescale",
    "s_to_w",
    "solve",
    "strengthen",
    "vary",
    "w_to_s",
    "within",
]
