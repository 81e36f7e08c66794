"""transformers' Dia: the processor as a user calls it, with a scripted audio tokenizer.

Delays are applied by `__call__` and reverted by `batch_decode`; `undelay` is the pair of static functions beneath.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor
from torch.nn.functional import pad as padded
from transformers import DiaConfig, DiaDecoderConfig, DiaFeatureExtractor, DiaProcessor, DiaTokenizer

from refaudio.spec import delay as spec  # its special ids are the defaults of the processor

IMPLEMENTATION = {
    "name": "transformers Dia",
    "version": transformers.__version__,
    "issues": "https://github.com/huggingface/transformers/issues",
}
FAMILIES = ["DELAY"]
EOS = "staggered"
SIZES = {"pattern": ["dia"]}
_processor = DiaProcessor(
    DiaFeatureExtractor(sampling_rate=44100, hop_length=1), DiaTokenizer(max_length=None), None
)


def make_config(codebooks: int, delays: list[int]) -> list[int]:
    try:
        config = DiaConfig(decoder_config=DiaDecoderConfig(num_channels=codebooks), delay_pattern=delays)
    except Exception as refused:
        raise refused.__cause__ or refused from None  # the ValueError of its own check comes wrapped
    return list(config.delay_pattern)


def delay(codes: Tensor, delays: list[int], bos: int, pad: int, eos: int | None) -> Tensor:
    clips = iter(codes.transpose(1, 2)[:, None])  # encoded one at a time
    _processor.audio_tokenizer = SimpleNamespace(
        config=SimpleNamespace(downsampling_ratios=[1]),
        device=codes.device,
        encode=lambda audio: SimpleNamespace(audio_codes=next(clips)),
    )
    ids = {"bos_token_id": bos, "pad_token_id": pad} | ({} if eos is None else {"eos_token_id": eos})
    inputs = _processor(
        text=["a"] * len(codes),
        audio=[np.zeros(codes.shape[1], np.float32)] * len(codes),
        audio_kwargs={"delay_pattern": delays, "generation": eos is None, **ids},
    )
    rows: Tensor = inputs["decoder_input_ids"].to(codes.device).long()  # int32 until `generate` does this
    return rows


def undelay(rows: Tensor, delays: list[int], frames: int | None) -> Tensor:
    batch, count, codebooks = rows.shape
    index = DiaProcessor.build_indices(batch, count, codebooks, delays, revert=True)
    codes = DiaProcessor.apply_audio_delay(rows, pad_token_id=-1, bos_token_id=-1, precomputed_idx=index)
    complete: Tensor = codes[
        :, (codes != -1).all(-1).all(0)
    ]  # what is past the end was filled with the pad id
    return complete[:, 1:][:, :frames]


def rows_to_audio(codec: Any, rows: Tensor, delays: list[int]) -> Tensor:
    if not bool((rows[:, 0] == spec.BOS).all()):
        raise NotImplementedError("rows without a BOS row are no output of generate")
    clips = []

    def decode(audio_codes: Tensor) -> SimpleNamespace:  # called for one clip at a time
        clips.append(audio_codes[0].t())
        return SimpleNamespace(audio_values=audio_codes)

    _processor.audio_tokenizer = SimpleNamespace(device=rows.device, decode=decode)
    _processor.batch_decode(_ended(rows, delays), delay_pattern=delays)
    audio: Tensor = codec.decode(torch.stack(clips))
    return audio


def pattern(name: str) -> list[int]:
    return list({"dia": DiaConfig()}[name].delay_pattern)


def _ended(rows: Tensor, delays: list[int]) -> Tensor:
    """With the staggered EOS frame that the output of `generate` ends in, but for a generation that was cut."""
    frames = rows.shape[1] - 1 - max(delays)
    if len(set(delays)) > 1 and not bool((rows[:, -1] == spec.PAD).any()):
        return rows  # every codebook still runs: stopped by max_time or a stopping criterion
    rows = padded(rows, (0, 0, 0, 1), value=spec.PAD)
    for k, d in enumerate(delays):
        rows[:, frames + 1 + d, k] = spec.EOS
    return rows
