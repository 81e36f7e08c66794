"""transformers' feature extraction where it normalises a waveform: Wav2Vec2, to zero mean and unit variance.

Most of its other extractors scale nothing (EnCodec, DAC, Dia), or normalise a spectrogram (SeamlessM4T, Whisper).
"""

from __future__ import annotations

import torch
import transformers
from torch import Tensor
from transformers import Wav2Vec2FeatureExtractor

IMPLEMENTATION = {
    "name": "transformers Wav2Vec2",
    "version": transformers.__version__,
    "issues": "https://github.com/huggingface/transformers/issues",
}
FAMILIES = ["AUDIO"]
_UNIT = "unit variance is its target, not a peak; its epsilon bounds the gain at 70 dB"
NOT_CLAIMED = dict.fromkeys(["AUDIO-002", "AUDIO-005", "AUDIO-006", "AUDIO-007"], _UNIT)
_extractor = Wav2Vec2FeatureExtractor(
    do_normalize=True
)  # its default, and that of most published checkpoints


def normalize(audio: Tensor, peak: float) -> Tensor:
    clips = list(audio.numpy())  # it takes mono clips: each channel is one
    inputs = _extractor(clips, sampling_rate=16000, return_tensors="pt")
    values: Tensor = torch.as_tensor(inputs["input_values"])
    return values
