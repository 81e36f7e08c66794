"""transformers' MusicGen: the delay mask as `generate` builds, applies and reverts it.

The delays follow from the number of codebooks (0..K-1, in pairs for stereo), and one special id fills both ends.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.nn.functional import pad as padded
from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

from refaudio.spec.delay import PAD

IMPLEMENTATION = {
    "name": "transformers MusicGen",
    "version": transformers.__version__,
    "issues": "https://github.com/huggingface/transformers/issues",
}
FAMILIES = ["DELAY"]
EOS = "none"
SIZES = {
    "delays": [[0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 0, 1, 1], [0, 0, 1, 1, 2, 2, 3, 3], list(range(9))],
    "pattern": ["musicgen", "musicgen-stereo"],
}
NOT_CLAIMED = {"DELAY-008": "the delays follow from the number of codebooks: there are no others to permute"}


def delay(codes: Tensor, delays: list[int], bos: int, pad: int, eos: int | None) -> Tensor:
    if eos is not None:
        raise NotImplementedError("there is no EOS")
    (batch, frames, codebooks), count = codes.shape, codes.shape[1] + 1 + max(delays)
    model = _model(tuple(delays), frames)
    prompt = padded(codes, (0, 0, 1, 0), value=bos).transpose(1, 2).reshape(batch * codebooks, -1)
    prompt, mask = model.build_delay_pattern_mask(prompt, pad_token_id=bos, max_length=count)
    sampled = padded(prompt, (0, count - prompt.shape[-1]), value=bos)  # whatever is sampled after the prompt
    rows = model.apply_delay_pattern_mask(sampled, mask).reshape(batch, codebooks, count).transpose(1, 2)
    below = torch.arange(count)[:, None] > frames + torch.tensor(delays)
    named: Tensor = rows.masked_fill(
        below.to(rows.device) & (rows == bos), pad
    )  # its one special id reads PAD there
    return named


def undelay(rows: Tensor, delays: list[int], frames: int | None) -> Tensor:
    special = int(rows[0, 0, 0])
    if not bool((rows[:, 0] == special).all()):
        raise NotImplementedError("rows without a BOS row are not what generate reverts")
    batch, count, codebooks = rows.shape
    model = _model(tuple(delays), count - 1 - max(delays))
    output = rows.masked_fill(rows == PAD, special).transpose(1, 2).reshape(batch * codebooks, count)
    cut = 0 if bool((rows[:, -1] == PAD).any()) else max(delays) + 1  # what was asked for, and not reached
    _, mask = model.build_delay_pattern_mask(output[:, :1], pad_token_id=special, max_length=count + cut)
    output = model.apply_delay_pattern_mask(output, mask)
    output = output[output != special].reshape(batch, codebooks, -1)
    return output.transpose(1, 2)[:, :frames]


def rows_to_audio(codec: Any, rows: Tensor, delays: list[int]) -> Tensor:
    audio: Tensor = codec.decode(undelay(rows, delays, None))
    return audio


def pattern(name: str) -> list[int]:
    codebooks, channels = {"musicgen": (4, 1), "musicgen-stereo": (8, 2)}[name]
    prompt = torch.full((codebooks, 1), PAD)
    _, mask = _decoder(codebooks, channels).build_delay_pattern_mask(prompt, pad_token_id=PAD, max_length=32)
    return [int(above) - 1 for above in (mask == PAD).long().cumprod(-1).sum(-1)]


def _model(delays: tuple[int, ...], frames: int) -> Any:
    if frames < 1:
        raise NotImplementedError("generate is asked for one frame at least")
    codebooks = len(delays)
    if delays == tuple(range(codebooks)):
        return _decoder(codebooks, 1)
    if codebooks % 2 == 0 and delays == tuple(k // 2 for k in range(codebooks)):
        return _decoder(codebooks, 2)
    raise NotImplementedError("the delays are 0..K-1, or pairs of these for stereo")


@lru_cache
def _decoder(codebooks: int, channels: int) -> Any:
    small = {"hidden_size": 4, "ffn_dim": 4, "num_hidden_layers": 1, "num_attention_heads": 1}
    return MusicgenForCausalLM(
        MusicgenDecoderConfig(num_codebooks=codebooks, audio_channels=channels, **small)
    )
