"""What an implementation declares about itself: conventions on which right code differs."""

from __future__ import annotations

# name: allowed values. What is declared is probed before any law runs.
CONVENTIONS: dict[str, tuple[str, ...]] = {
    "TIME": ("data at 0", "data at 1"),
    "STEP": ("fraction", "grid units", "exponent"),
    "PREDICTS": ("data", "velocity", "noise", "v"),
    "BRANCHES": ("all frames", "own frames"),  # what each branch of a shortcut loss is divided by
    "GRID": ("convergent", "fixed tail"),  # whether the last step narrows with the others
    "TIMES": ("uniform", "logit-normal", "trunc-logit-normal", "log-snr"),  # what training draws
    "GUIDANCE": ("w", "s"),  # w: 1 is neutral; s: 0 is neutral
    "EOS": ("staggered", "one row", "none"),
    "LENGTH": ("floor", "ceil", "round"),
    "CHANNELS": ("first", "last"),
    "LOSS": ("mean of channels", "mean of tokens"),  # a channel's labels first, or all labels alike
    "ACCUMULATION": ("global", "mean of means"),  # one count over all micro-batches and ranks, or one in each
}

# name: least and most, both allowed. Where none is declared, a law judges what is common to all of them.
NUMBERS: dict[str, tuple[float, float]] = {
    "FLOOR": (1e-8, 1e-3),  # peak below which audio is silence; lower, and the noise of a codec is amplified
    "CAP": (2.0, float("inf")),  # the largest gain that normalisation gives, as a ratio of amplitudes
    "PEAK": (0.5, 1.0),  # what a fused export normalises to
    "RATE": (1.0, 768_000.0),  # samples a second, and
    "TEXT_LIMIT": (8.0, 65_536.0),  # the most bytes of text that a language model reads
    "HOP": (1.0, 65_536.0),  # samples a frame, of the codec: `encode`, and what `seconds_to_frames` counts
    "FLOW": (1e-6, 1.0),  # the share of rows that learn from data, where it is not one of all step sizes
    "BOOTSTRAP": (1e-6, 1e6),  # what a bootstrap loss has been multiplied by, where it is not 1
}
