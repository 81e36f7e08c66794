"""The functions that an implementation can bind: their parameters, in order, and what they take and give."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """One function of the spec, called with positional arguments in this order."""

    parameters: tuple[str, ...]
    says: str


def _function(parameters: str, says: str) -> Function:
    return Function(tuple(parameters.split()), says)


FUNCTIONS = {
    "change_speed": _function("audio factor", "waveform (C, N) -> (C, M), played `factor` times as fast"),
    "resample": _function("audio rate new_rate", "waveform (C, N) at one rate -> (C, M) at another"),
    "normalize": _function("audio peak", "waveform (C, N) -> (C, N), its largest sample at `peak`"),
    "to_pcm16": _function("audio", "waveform (C, N) -> 16-bit integers (C, N)"),
    "to_stereo": _function("audio", "waveform (C, N) -> (2, N)"),
    "seconds_to_frames": _function("seconds", "how many codec frames so many seconds are asked as"),
    "validate": _function(
        "audio", "returns quietly, or raises what the code raises for audio that it will not take"
    ),
    "export": _function("audio", "one expression: waveform (C, N) -> normalised 16-bit integers (C, N)"),
    "export_batch": _function("clips", "a list of waveforms -> a list of what export makes of each"),
    "save": _function("path audio rate", "write a waveform (C, N)"),
    "load": _function("path", "the waveform (C, N) float32 of a file, and its rate"),
    "delay": _function(
        "codes delays bos pad eos",
        "codes (B, T, K) int64, one delay a codebook, and the special ids (eos may be None) -> rows (B, R, K)",
    ),
    "undelay": _function(
        "rows delays frames",
        "rows (B, R, K), BOS row first -> codes (B, T, K); frames is how many are wanted, or None for all",
    ),
    "make_config": _function(
        "codebooks delays",
        "the delays that a config of so many codebooks has in effect, or ValueError",
    ),
    "rows_to_audio": _function(
        "codec rows delays",
        "rows (B, R, K) -> waveform (B, N), by codec.decode(codes (B, T, K)) -> (B, N)",
    ),
    "stream": _function(
        "codec rows delays",
        "an iterator of rows (B, K), BOS row first -> an iterator of waveform chunks (B, n)",
    ),
    "visible": _function(
        "delays frames",
        "bool (T, K, T, K): whether predicting code (t1, c1) may see code (t, c)",
    ),
    "delay_window": _function(
        "codes start frames delays bos pad",
        "the rows of a training window codes[:, start : start + frames]",
    ),
    "pattern": _function(
        "name",
        "the delays of a published checkpoint: dia, musicgen, musicgen-stereo, moshi",
    ),
    "token_loss": _function(
        "logits targets mask weights",
        "logits (B, R, K, V), labels and mask (B, R, K), a weight a channel -> the loss, a tensor to differentiate",
    ),
    "weighted_mean": _function(
        "values weights mask",
        "values (B, T), weights (B,), (B, 1) or (B, T), mask (B, T) -> one tensor",
    ),
    "should_stop": _function(
        "losses threshold",
        "the losses of all micro-batches and ranks of one step -> whether training may stop",
    ),
    "step": _function(
        "network batches accumulation weights ids unconditional reduce",
        "one optimizer step's backward over micro-batches (text, rows, lengths) through network(rows, text) -> the "
        "reported loss; ids = (bos, pad, eos), reduce sums a tensor over ranks",
    ),
    "evaluate": _function(
        "network batches weights ids unconditional",
        "the loss that evaluation reports of such batches",
    ),
    "collate": _function(
        "clips window delays bos pad eos",
        "clips (T, K), cropped to the window -> inputs, targets and mask, (B, R, K) each",
    ),
    "seed_all": _function(
        "seed rank",
        "seed the global generators of Python, numpy and torch, for one rank of a run",
    ),
    "noise": _function(
        "seed index shape",
        "the float32 normal noise of element `index`, of this shape",
    ),
    "noise_batch": _function(
        "seed count shape",
        "the noise of a whole batch: (count, *shape)",
    ),
    "interpolate": _function(
        "data noise t", "the state x_t (B, D, L) of data and noise (B, D, L), at a time an item (B,)"
    ),
    "target": _function("data noise t", "what the network learns to answer at (x_t, t): (B, D, L)"),
    "to_data": _function("x out t", "the data that a state and the network's answer to it imply: (B, D, L)"),
    "to_noise": _function(
        "x out t", "the noise that a state and the network's answer to it imply: (B, D, L)"
    ),
    "adopt": _function(
        "network objective",
        "network(x, t) that speaks v, rectified_flow or cfm -> one that speaks the code's own convention",
    ),
    "sample_times": _function("count generator", "the training times (B,) of a batch"),
    "shift": _function("t length", "times (N,) as they are moved for a clip of so many latent frames"),
    "grid": _function(
        "steps start",
        "the times that n steps visit (n + 1,), from the noise level `start` (1: plain generation) to the data",
    ),
    "check_grid": _function("times", "a list of times of the caller's own, given back, or a refusal"),
    "sway": _function("steps coefficient", "n + 1 equally spaced times, swayed"),
    "sigmas": _function("steps low high", "n noise-to-data ratios from high to low, and 0: (n + 1,)"),
    "sigma_to_time": _function(
        "sigma", "noise-to-data ratios (N,) -> the times of the path at which they hold"
    ),
    "published_grid": _function(
        "grid steps",
        "the n + 1 times of stable-audio-flow, stable-audio-v, flow-match-euler, f5 or diffrhythm",
    ),
    "solve": _function(
        "network x steps scale generator method",
        "noise x (B, C, L) -> data, in n steps of network(x, t), t (B,); with guidance `scale` (None: without) network(x, t, "
        "cond), cond zero in rows without condition; generator: one an element; ddim and dpmpp-3m-sde: the network predicts v",
    ),
    "integrate": _function(
        "network x times generator method",
        "the same on n + 1 times given in the declared TIME, from the noise to the data",
    ),
    "watch": _function(
        "network x steps callback method",
        "solve, with a callback at each step, called with whatever the code hands it",
    ),
    "vary": _function(
        "network data noise steps strength generator method",
        "data (B, C, L), mixed with noise to the level `strength` of 0..1 -> a variation",
    ),
    "inpaint": _function(
        "network data noise keep steps generator method",
        "data and noise (B, C, L), keep (B, L), True where data stay -> (B, C, L)",
    ),
    "admit": _function(
        "objective method scale",
        "what the code does when a model of this objective (v, rectified_flow, rf_denoiser, None: undeclared) is sampled so: "
        "nothing, a warning, or a refusal",
    ),
    "guide_velocity": _function("cond uncond scale", "the guided answer (B, C, L), in the declared GUIDANCE"),
    "guided": _function(
        "network x t cond scale",
        "one guided evaluation of network(x, t, cond) at x (B, C, L), t (B,), cond (B, S, D)",
    ),
    "rescale": _function(
        "guided cond phi", "the guided answer, phi of the way to the spread of the conditional one"
    ),
    "guide_interval": _function(
        "cond uncond scale levels low high",
        "guided where low <= levels (B,) <= high, conditional elsewhere",
    ),
}
