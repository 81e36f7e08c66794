"""Flow matching and diffusion: paths, time grids, solvers and guidance, which know nothing of any network's inside."""

from .grid import GRIDS, Grid
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

__all__ = [
    "CFM",
    "GRIDS",
    "OBJECTIVES",
    "RECTIFIED_FLOW",
    "RF_DENOISER",
    "Grid",
    "Objective",
    "V",
    "converted",
    "declared",
]
