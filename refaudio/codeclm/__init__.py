"""Language models over codec codes (B, T, K): K codebooks a frame, delayed against each other into rows (B, R, K).

`refaudio.codeclm.delay` turns codes into rows and back, `refaudio.codeclm.patterns` has the published delays; the model is
Dia's: text (B, S) and rows to the logits (B, R, K, V) of the rows that follow.
"""

from .checkpoint import load_model, save_model
from .config import CodecLMConfig, Stack
from .fresh import initialise
from .guidance import guide
from .model import CodecLM
from .stereo import expand_to_stereo, stereo_model
from .text import cut_text, encode_text, null_text, pad_texts

__all__ = [
    "CodecLM",
    "CodecLMConfig",
    "Stack",
    "cut_text",
    "encode_text",
    "expand_to_stereo",
    "guide",
    "initialise",
    "load_model",
    "null_text",
    "pad_texts",
    "save_model",
    "stereo_model",
]
