"""The laws of generative audio: numbered, property-based, each proven to bite.

A law speaks only to the implementation it is handed. It says what must hold, what one observes when it does not, who
was bitten, and which wrong implementations it catches.
"""

if __name__ == "spec":
    raise ImportError(
        "import this package under its parent, not by path: a second copy would register every law twice"
    )

from . import (
    audio,
    audio_disk,
    audio_files,
    audio_pcm,
    audio_speed,
    audio_time,
    ckpt,
    codec,
    codec_chunks,
    codec_edge,
    delay,
    delay_use,
    grid,
    grid_published,
    grid_solver,
    guide,
    lm,
    lm_parts,
    loss,
    loss_labels,
    loss_learnt,
    loss_mean,
    loss_step,
    path,
    path_training,
    rollout,
    rollout_past,
    seed,
    shortcut,
    shortcut_calls,
    shortcut_debts,
    shortcut_levels,
    shortcut_sampling,
    solve,
    solve_edit,
    solve_order,
    solve_runs,
    stereo,
    text,
)
from .law import AREAS, LAWS, Broken, Case, Declined, Implementation, Law, expect, find

VERSION = "2026.1"

# An area may take several modules; laws are told in the order of their ids.
_in_order = sorted(LAWS.items(), key=lambda item: (AREAS.index(item[1].area), item[0]))
LAWS.clear()
LAWS.update(_in_order)

__all__ = [
    "AREAS",
    "LAWS",
    "VERSION",
    "Broken",
    "Case",
    "Declined",
    "Implementation",
    "Law",
    "audio",
    "audio_disk",
    "audio_files",
    "audio_pcm",
    "audio_speed",
    "audio_time",
    "ckpt",
    "codec",
    "codec_chunks",
    "codec_edge",
    "delay",
    "delay_use",
    "expect",
    "find",
    "grid",
    "grid_published",
    "grid_solver",
    "guide",
    "lm",
    "lm_parts",
    "loss",
    "loss_labels",
    "loss_learnt",
    "loss_mean",
    "loss_step",
    "path",
    "path_training",
    "rollout",
    "rollout_past",
    "seed",
    "shortcut",
    "shortcut_calls",
    "shortcut_debts",
    "shortcut_levels",
    "shortcut_sampling",
    "solve",
    "solve_edit",
    "solve_order",
    "solve_runs",
    "stereo",
    "text",
]
