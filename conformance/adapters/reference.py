"""The reference library, bound as anybody's would be."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor

from refaudio import __version__, audio, losses, seeds
from refaudio.audio import transform
from refaudio.codeclm import delay as pattern_of_delays

from . import (
    reference_codec,
    reference_dynamics,
    reference_flow,
    reference_lm,
    reference_rollout,
    reference_solve,
    toy_trainer,
)

IMPLEMENTATION = {"name": "refaudio", "version": __version__}
FAMILIES = ("AUDIO CODEC DELAY TEXT LM STEREO PATH GRID SOLVE GUIDE SHORTCUT ROLLOUT LOSS SEED CKPT").split()
TIME = {"flow": reference_flow.TIME, "dynamics": "data at 1"}
PREDICTS = {"flow": reference_flow.PREDICTS, "dynamics": "data"}
STEP = "fraction"
BRANCHES = "all frames"
GRID = reference_flow.GRID
TIMES = reference_flow.TIMES
GUIDANCE = "w"
EOS = "staggered"
LOSS = "mean of channels"
ACCUMULATION = "global"
LENGTH = "ceil"
FLOOR, CAP, PEAK = transform.FLOOR, transform.CAP, 1.0
RATE, HOP = 44100, 512  # of the codec

change_speed = audio.change_speed
resample = audio.resample
normalize = audio.normalize
to_pcm16 = audio.to_pcm16
to_stereo = audio.to_stereo
validate = audio.validate
export = audio.export
load = audio.load

encode = reference_codec.encode
decode = reference_codec.decode
frames = reference_codec.frames
encode_at = reference_codec.encode_at
encode_batch = reference_codec.encode_batch
encode_long = reference_codec.encode_long
decode_chunked = reference_codec.decode_chunked
encode_chunked = reference_codec.encode_chunked
interleave = reference_codec.interleave
planes = reference_codec.planes
join_planes = reference_codec.join_planes
split_planes = reference_codec.split_planes

seed_all = seeds.seed_all
noise = seeds.noise
noise_batch = seeds.noise_batch
token_loss = losses.token_loss
weighted_mean = losses.weighted_mean
should_stop = losses.should_stop
step = toy_trainer.step
evaluate = toy_trainer.evaluate
collate = toy_trainer.collate
visible = pattern_of_delays.visible
TEXT_LIMIT = reference_lm.TEXT_LIMIT
encode_text = reference_lm.encode_text
train_text = reference_lm.train_text
logits = reference_lm.logits
begin = reference_lm.begin
advance = reference_lm.advance
null_text = reference_lm.null_text
attend = reference_lm.attend
rms_norm = reference_lm.rms_norm
published = reference_lm.published
init_projection = reference_lm.init_projection
init_attention = reference_lm.init_attention
init = reference_lm.init
expand_to_stereo = reference_lm.expand_to_stereo
load_model = reference_lm.load_model
add_noise = reference_dynamics.add_noise
ramp = reference_dynamics.ramp
step_sizes = reference_dynamics.step_sizes
sample_levels = reference_dynamics.sample_levels
embed_level = reference_dynamics.embed_level
shortcut_loss = reference_dynamics.shortcut_loss
denoise = reference_rollout.denoise
rollout = reference_rollout.rollout
interpolate = reference_flow.interpolate
target = reference_flow.target
to_data = reference_flow.to_data
to_noise = reference_flow.to_noise
adopt = reference_flow.adopt
sample_times = reference_flow.sample_times
shift = reference_flow.shift
grid = reference_flow.grid
check_grid = reference_flow.check_grid
sway = reference_flow.sway
sigmas = reference_flow.sigmas
sigma_to_time = reference_flow.sigma_to_time
published_grid = reference_flow.published_grid
solve = reference_solve.solve
integrate = reference_solve.integrate
watch = reference_solve.watch
vary = reference_solve.vary
inpaint = reference_solve.inpaint
admit = reference_solve.admit
guide_velocity = reference_solve.guide_velocity
guided = reference_solve.guided
rescale = reference_solve.rescale
guide_interval = reference_solve.guide_interval


def delay(codes: Tensor, delays: Sequence[int], bos: int, pad: int, eos: int | None) -> Tensor:
    return pattern_of_delays.delay(codes, delays, bos=bos, pad=pad, eos=eos)


def undelay(rows: Tensor, delays: Sequence[int], frames: int | None) -> Tensor:
    return pattern_of_delays.undelay(rows, delays, frames)


def make_config(codebooks: int, delays: Sequence[int]) -> list[int]:
    return list(pattern_of_delays.check_delays(delays, codebooks))


def delay_window(codes: Tensor, start: int, frames: int, delays: Sequence[int], bos: int, pad: int) -> Tensor:
    return pattern_of_delays.delay_window(codes, delays, start=start, frames=frames, bos=bos, pad=pad)


def rows_to_audio(codec: Any, rows: Tensor, delays: Sequence[int]) -> Tensor:
    audio: Tensor = codec.decode(pattern_of_delays.undelay(rows, delays))
    return audio


def stream(codec: Any, rows: Iterable[Tensor], delays: Sequence[int]) -> Iterator[Tensor]:
    for frame in pattern_of_delays.undelay_stream(rows, delays):
        yield codec.decode(frame[:, None])


def pattern(name: str) -> list[int]:
    return list(pattern_of_delays.pattern(name))


def seconds_to_frames(seconds: float) -> int:
    return audio.seconds_to_frames(seconds, RATE, HOP)


def export_batch(clips: Sequence[Tensor]) -> list[Tensor]:
    return [audio.export(clip) for clip in clips]


def save(path: str | os.PathLike[str], waveform: Tensor, rate: int) -> None:
    audio.save(path, waveform, rate)
