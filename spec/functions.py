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
    "denoise": _function(
        "network shape steps k_max generator",
        "noise of this shape (B, T, ...) -> data alike, in so many of K steps; calls network(z, tau, d)",
    ),
    "rollout": _function(
        "network context frames steps actions k_max window generator",
        "context (B, N, ...) -> the frames that follow (B, T, ...), one by one; calls network(z, tau, d) on all frames in "
        "sight and, with actions (B, N + T), network(z, tau, d, actions); or, where the network has them, cache = "
        "network.begin(B, window), network(z, tau, d, cache=cache), cache = network.commit(z, tau, d, cache=cache)",
    ),
    "sample_levels": _function(
        "batch frames k_max generator",
        "training labels of a batch: levels (B, T), and steps (B,) or (B, T), in the declared TIME and STEP",
    ),
}
