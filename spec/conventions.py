"""What an implementation declares about itself: conventions on which right code differs."""

from __future__ import annotations

# name: allowed values. What is declared is probed before any law runs.
CONVENTIONS: dict[str, tuple[str, ...]] = {
    "TIME": ("data at 0", "data at 1"),
    "STEP": ("fraction", "grid units", "exponent"),
    "PREDICTS": ("data", "velocity", "noise", "v"),
    "GUIDANCE": ("w", "s"),  # w: 1 is neutral; s: 0 is neutral
    "EOS": ("staggered", "one row", "none"),
    "LENGTH": ("floor", "ceil", "round"),
    "CHANNELS": ("first", "last"),
    "LOSS": ("mean of channels", "mean of tokens"),  # a channel's labels first, or all labels alike
    "ACCUMULATION": ("global", "mean of means"),  # one count over all micro-batches and ranks, or one in each
}
