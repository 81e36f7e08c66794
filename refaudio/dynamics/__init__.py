"""Shortcut-forcing dynamics on latents (B, T, C, H, W) or (B, T, C): tau = 0 is noise, tau = 1 is data, K steps between.

`grid` holds the labels, `embedding` tells the network, `noise` is the path, `shortcut` the objective.
"""

from .embedding import LevelEmbedding
from .grid import Grid, Levels
from .noise import add_noise
from .shortcut import Losses, bootstrap_target, ramp, shortcut_loss

__all__ = [
    "Grid",
    "LevelEmbedding",
    "Levels",
    "Losses",
    "add_noise",
    "bootstrap_target",
    "ramp",
    "shortcut_loss",
]
