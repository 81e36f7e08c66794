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
    "add_noise": _function(
        "data noise tau",
        "frames (B, T, ...), noise alike, levels (), (B,) or (B, T) in the declared TIME -> noisy frames",
    ),
    "ramp": _function("tau", "levels in the declared TIME -> the weight of each in the loss"),
    "step_sizes": _function("k_max", "every step size of a grid of k_max steps, in the declared STEP"),
    "encode": _function(
        "audio", "waveform (C, N) at the codec's rate -> codes (C, T, K) int64, a plane a channel"
    ),
    "decode": _function("codes", "codes (C, T, K) -> waveform (C, T * HOP)"),
    "frames": _function("samples", "how many codec frames hold so many samples"),
    "encode_at": _function("audio rate", "waveform (C, N) at this rate -> codes (C, T, K)"),
    "encode_batch": _function("clips", "a list of waveforms (1, N) -> a list of their codes (1, T, K)"),
    "encode_long": _function(
        "audio", "waveform (C, N) -> codes (C, T, K), the way that long clips are coded"
    ),
    "decode_chunked": _function(
        "codec codes chunk",
        "codes (B, T, K) -> waveform (B, N), by codec.decode of some `chunk` frames at a time; codec also has "
        "hop, context, codebooks, rate, encode",
    ),
    "encode_chunked": _function(
        "codec audio chunk",
        "waveform (B, N) -> codes (B, T, K), by codec.encode of some `chunk` frames at a time",
    ),
    "interleave": _function("codes", "stereo codes (B, T, 2K), left then right -> L0 R0 L1 R1 .."),
    "planes": _function("codes", "stereo codes (B, T, 2K), L0 R0 L1 R1 .. -> left then right"),
    "join_planes": _function("codes", "the planes (2, T, K) of one clip -> (1, T, 2K), left then right"),
    "split_planes": _function("codes", "(1, T, 2K), left then right -> the planes (2, T, K) of one clip"),
    "encode_text": _function("text", "the ids of a text, as generation reads it"),
    "train_text": _function("text", "the ids of a text, as training reads it"),
    "logits": _function(
        "text mask rows",
        "text (B, S), mask (B, S), True is real, rows (B, R, K), BOS row first -> logits (B, R, K, V) of the rows that follow",
    ),
    "begin": _function("text mask", "the state of a generation from these texts, without rows"),
    "advance": _function(
        "state rows",
        "the next n rows (B, n, K) -> their logits (B, n, K, V), and the state that then knows them",
    ),
    "null_text": _function(
        "text mask", "the text (B, S) and mask that the unconditional branch reads in place of these"
    ),
    "attend": _function(
        "q k v mask scale",
        "attention: q (B, H, T, D), k, v (B, G, S, D), mask (B, T, S), True may be seen -> (B, H, T, D)",
    ),
    "rms_norm": _function("x weight eps", "x (B, T, D) of any precision, weight (D) -> the norm (B, T, D)"),
    "published": _function("name", "a published config by name, as the dict that LM-008 shows"),
    "init_projection": _function(
        "inputs outputs seed", "a fresh projection from axes `inputs` to axes `outputs`, as one weight"
    ),
    "init_attention": _function(
        "width heads features seed", "fresh kernels q and k (D, H, F), and the attention scale"
    ),
    "init": _function("codebooks seed", "a fresh model, as a callable logits(text, mask, rows)"),
    "expand_to_stereo": _function(
        "state codebooks",
        "a mono decoder's tensors, embeddings.k (V, D) and logits_dense (D, K, V) -> the stereo ones, left then right",
    ),
    "load_model": _function(
        "folder", "the model of a checkpoint's folder, as a callable logits(text, mask, rows)"
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
    "embed_level": _function(
        "tau d k_max",
        "levels (N,) and steps (N,) in the declared units -> what a freshly built network is told: vectors (N, D)",
    ),
    "shortcut_loss": _function(
        "network data tau d k_max",
        "data (B, T, ...), levels (B, T), steps (B,) or (B, T), through network(z, tau, d) -> the flow loss and the "
        "bootstrap loss apart, tensors to differentiate",
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

# Two families use one name for different things. An implementation that declares FAMILIES without the other one may
# use it: `step` is the training step of LOSS, or a language model's; `load` is AUDIO's, or a model's.
SHORT = {"advance": "step", "load_model": "load"}
