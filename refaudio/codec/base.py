"""What every codec does: a waveform (C, N) to codes (C, T, K) and back, a plane a channel, checked at its edge."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64, Integer
from torch import Tensor

from ..audio.waveform import validate
from ..errors import integer
from .chunks import decode_chunked, encode_chunked

CHANNELS = 2  # left before right; which of six to keep is not a codec's to choose (document D0, item 24)


class Codec(ABC):
    """Waveform (C, N) <-> codes (C, T, K), T = ceil(N / hop): every channel is coded by itself.

    rate: samples a second. hop: samples a frame. codebooks: K. size: codes are 0..size-1. context: how many frames to
    either side a frame may depend on, in both directions.
    """

    rate: int
    hop: int
    codebooks: int
    size: int
    context: int

    @abstractmethod
    def _encode(self, audio: Tensor) -> Tensor:
        """A whole number of hops (C, T * hop), T from 1 -> codes (C, T, K)."""

    @abstractmethod
    def _decode(self, codes: Tensor) -> Tensor:
        """Codes (C, T, K), T from 1 -> (C, T * hop)."""

    def frames(self, samples: int) -> int:
        """How many frames hold so many samples, the last one perhaps in part: ceil(samples / hop)."""
        return -(-integer("samples", samples, least=0) // self.hop)

    def samples(self, frames: int) -> int:
        """How many samples so many frames are decoded to: frames * hop."""
        return integer("frames", frames, least=0) * self.hop

    def encode(
        self, audio: Float[Tensor, "C N"], rate: int, *, chunk: int | None = None
    ) -> Int64[Tensor, "C T K"]:
        """audio (C, N) at the codec's rate, one or two channels -> codes (C, ceil(N / hop), K).

        The last frame is filled up with silence. chunk: so many frames at a time, for long clips; the same codes.
        """
        validate(audio)
        if integer("rate", rate) != self.rate:
            raise ValueError(
                f"rate={rate} must be {self.rate}, the codec's: refaudio.audio.resample converts"
            )
        if len(audio) > CHANNELS:
            raise ValueError(
                f"audio.shape={tuple(audio.shape)} must have one or two channels: mix it down first"
            )
        if chunk is None:
            return self._filled(audio)
        return encode_chunked(self._filled, audio, hop=self.hop, context=self.context, chunk=chunk)

    def decode(self, codes: Integer[Tensor, "C T K"], *, chunk: int | None = None) -> Float[Tensor, "C N"]:
        """codes (C, T, K) -> audio (C, T * hop); no frames are no samples, of the same rank.

        A waveform that was encoded comes back up to hop - 1 samples longer: cut it to its own length.
        """
        self.check_codes(codes)
        if not codes.shape[1]:
            return torch.zeros(len(codes), 0, device=codes.device)
        with torch.no_grad():
            if chunk is None:
                return self._decode(codes)
            return decode_chunked(self._decode, codes, hop=self.hop, context=self.context, chunk=chunk)

    def encode_batch(
        self, clips: Sequence[Float[Tensor, "C N"]], rate: int, *, chunk: int | None = None
    ) -> list[Int64[Tensor, "C T K"]]:
        """Each clip as `encode` codes it alone, whatever the lengths of the others.

        One at a time: clips padded to one length see silence where they would end, and their last frames differ.
        """
        return [self.encode(clip, rate, chunk=chunk) for clip in clips]

    def check_codes(self, codes: Tensor) -> None:
        """ValueError unless codes are integers (C, T, K), one or two channels, all in 0..size-1.

        What is not a code is counted and never replaced: a special id that reaches a codec was left in by somebody.
        """
        if not isinstance(codes, Tensor) or codes.is_floating_point() or codes.dtype == torch.bool:
            raise ValueError(f"codes={getattr(codes, 'dtype', type(codes).__name__)} must be integers")
        if codes.ndim != 3 or codes.shape[2] != self.codebooks or not 1 <= len(codes) <= CHANNELS:
            raise ValueError(
                f"codes.shape={tuple(codes.shape)} must be (C, T, {self.codebooks}), C one or two channels"
            )
        wrong = (codes < 0) | (codes >= self.size)
        if wrong.any():
            first = wrong.nonzero()[0].tolist()
            raise ValueError(
                f"codes must be in 0..{self.size - 1}: {int(wrong.sum())} of {codes.numel()} are not, "
                f"the first {int(codes[tuple(first)])} at {first}; remove special ids before decoding"
            )

    def _filled(self, audio: Tensor) -> Tensor:
        """The codes of audio whose last frame is filled up with silence."""
        missing = -audio.shape[1] % self.hop
        with torch.no_grad():
            return self._encode(torch.nn.functional.pad(audio, (0, missing)))
