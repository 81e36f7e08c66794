"""transformers' DAC: its feature extractor and DacModel, on random weights of the published strides at 44.1 kHz.

The feature extractor takes mono alone: a clip of two channels is two calls, as in transformers' own Dia processor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import DacConfig, DacFeatureExtractor, DacModel

IMPLEMENTATION = {
    "name": "DAC (transformers)",
    "version": transformers.__version__,
    "issues": "https://github.com/huggingface/transformers/issues",
}
FAMILIES = ["CODEC"]
RATE, HOP = 44100, 512

extractor = DacFeatureExtractor(sampling_rate=RATE, hop_length=HOP)


@lru_cache
def model() -> Any:
    """Few channels, and kernels of real gain: under the default ones everything is near silence."""
    torch.manual_seed(0)
    made = DacModel(DacConfig(encoder_hidden_size=4, decoder_hidden_size=48, sampling_rate=RATE))
    for module in made.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return made.eval()


def encode_at(audio: Tensor, rate: int) -> Tensor:
    planes = []
    for channel in audio:
        inputs = extractor(raw_audio=channel.numpy(), sampling_rate=rate, return_tensors="pt")
        planes.append(model().encode(inputs["input_values"]).audio_codes.transpose(1, 2))
    return torch.cat(planes)


def encode(audio: Tensor) -> Tensor:
    return encode_at(audio, RATE)


def encode_batch(clips: list[Tensor]) -> list[Tensor]:
    inputs = extractor(raw_audio=[clip[0].numpy() for clip in clips], sampling_rate=RATE, return_tensors="pt")
    codes = model().encode(inputs["input_values"]).audio_codes.transpose(1, 2)
    frames = [-(-int(mask.sum()) // HOP) for mask in inputs["padding_mask"]]
    return [plane[None, :count] for plane, count in zip(codes, frames, strict=True)]


def decode(codes: Tensor) -> Tensor:
    audio: Tensor = model().decode(audio_codes=codes.transpose(1, 2)).audio_values
    return audio
