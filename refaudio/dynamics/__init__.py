"""Shortcut-forcing dynamics on latents (B, T, C, H, W) or (B, T, C): tau = 0 is noise, tau = 1 is data, K steps between.

`grid` holds the labels, `noise` the path, `shortcut` the objective.
"""

from .grid import Grid, Levels
from .noise import add_noise
from .shortcut import Losses, bootstrap_target, ramp, shortcut_loss

__all__ = ["Grid", "Levels", "Losses", "add_noise", "bootstrap_target", "ramp", "shortcut_loss"]
