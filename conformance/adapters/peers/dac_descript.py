"""DAC in its authors' library: preprocess, encode, decode and compress, on random weights of the published strides.

`compress` is how the library codes long clips, and its only way from a file to codes. Clips of several lengths are
refused by AudioSignal.batch, in a RuntimeError: encode_batch is left out.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from refaudio.conformance.bind import stub_imports

stub_imports("argbind", "ffmpy", "flatten_dict", "randomname", "torch.utils.tensorboard")

from audiotools import AudioSignal  # noqa: E402
from dac.model import DAC  # noqa: E402

IMPLEMENTATION = {
    "name": "DAC (descript)",
    "version": version("descript-audio-codec"),
    "issues": "https://github.com/descriptinc/descript-audio-codec/issues",
}
FAMILIES = ["CODEC"]
RATE, HOP = 44100, 512


@lru_cache
def model() -> Any:
    """Few channels, and kernels of real gain: under the default ones everything is near silence."""
    torch.manual_seed(0)
    made = DAC(encoder_dim=4, decoder_dim=48, sample_rate=RATE)
    for name, kernel in made.named_parameters():
        if name.endswith("weight_v"):
            torch.nn.init.normal_(kernel)
    module: Any
    for module in made.modules():
        if hasattr(module, "weight_g"):
            summed = module.weight_v.shape[0] * 2  # a transposed kernel is two strides long
            if isinstance(module, torch.nn.Conv1d):
                summed = module.weight_v[0].numel()
            with torch.no_grad():
                module.weight_g.fill_((module.weight_v[0].numel() / summed / 3) ** 0.5)
    return made.eval()


def encode_at(audio: Tensor, rate: int) -> Tensor:
    codes: Tensor = model().encode(model().preprocess(audio[:, None], rate))[1]
    return codes.transpose(1, 2)


def encode(audio: Tensor) -> Tensor:
    return encode_at(audio, RATE)


def encode_long(audio: Tensor) -> Tensor:
    codes: Tensor = model().compress(AudioSignal(audio, RATE)).codes
    return codes.transpose(1, 2)


def decode(codes: Tensor) -> Tensor:
    latents = model().quantizer.from_codes(codes.transpose(1, 2))[0]
    audio: Tensor = model().decode(latents)[:, 0]
    return audio
