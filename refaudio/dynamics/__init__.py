"""Shortcut-forcing dynamics on latents (B, T, C, H, W) or (B, T, C): tau = 0 is noise, tau = 1 is data, K steps between.

`grid` holds the labels, `embedding` what a network is told of them, `noise` the path, `shortcut` the objective, `sampler`
the one update from noise to data, and `rollout` frames one after another.
"""

from .embedding import LevelEmbedding
from .grid import Grid, Levels
from .noise import add_noise
from .rollout import CachedNetwork, Sampling, rollout, stream
from .sampler import advance, denoise, draw
from .shortcut import Losses, bootstrap_target, ramp, shortcut_loss

__all__ = [
    "CachedNetwork",
    "Grid",
    "LevelEmbedding",
    "Levels",
    "Losses",
    "Sampling",
    "add_noise",
    "advance",
    "bootstrap_target",
    "denoise",
    "draw",
    "ramp",
    "rollout",
    "shortcut_loss",
    "stream",
]
