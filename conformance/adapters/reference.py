"""The reference library, bound as anybody's would be."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor

from refaudio import __version__, audio, losses, seeds
from refaudio.audio import transform
from refaudio.codeclm import delay as pattern_of_delays

from . import reference_codec, reference_lm, toy_trainer
from .reference_dynamics import sample_levels  # noqa: F401
from .reference_rollout import denoise, rollout  # noqa: F401

IMPLEMENTATION = {"name": "refaudio", "version": __version__}
FAMILIES = ["AUDIO", "CODEC", "DELAY", "TEXT", "LM", "STEREO", "ROLLOUT", "LOSS", "SEED", "CKPT"]
EOS = "staggered"
TIME = {"dynamics": "data at 1"}
STEP = "fraction"
PREDICTS = {"dynamics": "data"}
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
