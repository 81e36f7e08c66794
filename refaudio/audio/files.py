"""Save and load: audio (C, N) with its rate to a WAV or FLAC file and back, whole and read back, or not at all.

soundfile encodes into memory and Python writes: on a full disk libsndfile alone leaves the half of a file that reads
like a whole one. Nothing here needs torchaudio, a signal or an alarm, so any thread may call it.
"""

import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ..errors import unknown
from .atomic import write_whole
from .pcm import ClippedAudio, clipping, from_pcm16, quantize
from .waveform import check_finite, check_shape, loudest, sample_rate, validate

FORMATS = {
    ".wav": ("PCM_16", "FLOAT"),
    ".flac": ("PCM_16",),
}  # the first is what is written unless asked for another
LARGEST_WAV = 2**32 - 2**12  # bytes: a header counts them in 32 bits


@dataclass(frozen=True)
class Saved:
    """What was written, for a log or a second look: a silent file has a peak of 0."""

    path: Path
    frames: int
    channels: int
    rate: int
    peak: float
    rms: float
    clipped: int


def save(
    path: str | os.PathLike[str], audio: Shaped[Tensor, "C N"], rate: int, subtype: str = "PCM_16"
) -> Saved:
    """Write audio (C, N), floating-point or int16, to a .wav or .flac file under its own rate; N frames of C channels.

    ValueError before anything is touched, OSError when writing fails: then there is no file, or the one that was
    there before. Samples beyond full scale are clipped with a ClippedAudio, and kept in subtype "FLOAT".
    """
    target = _target(path, subtype)
    rate = sample_rate("rate", rate)
    samples, clipped = _samples(audio, subtype)
    if target.suffix.lower() == ".wav" and samples.numel() * samples.element_size() > LARGEST_WAV:
        raise ValueError(
            f"audio.shape={tuple(samples.shape)} must fit the 4 GiB of a WAV file: save it as .flac"
        )
    if clipped:
        warnings.warn(clipping(clipped, samples.numel()), ClippedAudio, stacklevel=2)
    floats = from_pcm16(samples) if samples.dtype == torch.int16 else samples
    rms = float(torch.linalg.vector_norm(floats)) / floats.numel() ** 0.5
    channels, frames = samples.shape
    saved = Saved(target, frames, channels, rate, loudest(floats), rms, clipped)
    write_whole(target, _encoded(samples, saved, subtype), lambda written: _check(written, saved))
    return saved


def load(path: str | os.PathLike[str]) -> tuple[Float[Tensor, "C N"], int]:
    """The audio (C, N) of a file as float32, and its rate; ValueError if it is empty, not audio, or not finite."""
    source = _path(path)
    if not source.is_file():
        raise FileNotFoundError(f"path={str(source)!r} must be an audio file that exists")
    soundfile = _soundfile()
    try:
        with soundfile.SoundFile(source) as file:
            sixteen = file.subtype == "PCM_16"
            array, rate = file.read(dtype="int16" if sixteen else "float32", always_2d=True), file.samplerate
    except soundfile.LibsndfileError as refused:
        raise ValueError(f"path={str(source)!r} must be an audio file: {refused}") from refused
    audio = torch.from_numpy(array).T.contiguous()
    check_shape(audio, str(source))
    audio = from_pcm16(audio) if sixteen else audio  # the scale of to_pcm16, and not 32768: no step is lost
    check_finite(audio, str(source))
    return audio, int(rate)


def _soundfile() -> ModuleType:
    import soundfile  # a library in C, not needed to change a tensor

    module: ModuleType = soundfile
    return module


def _path(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, (str, os.PathLike)) or "\0" in str(path) or not Path(path).name:
        raise ValueError(f"path={path!r} must name a file")
    return Path(path)


def _target(path: str | os.PathLike[str], subtype: str) -> Path:
    target = _path(path)
    known = FORMATS.get(target.suffix.lower())
    if known is None:
        raise ValueError(f"path={str(target)!r} must end in {' or '.join(FORMATS)}")
    if subtype not in known:
        raise unknown("subtype", subtype, known)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path={str(target)!r} must lie in a folder that exists")
    return target


def _samples(audio: Tensor, subtype: str) -> tuple[Tensor, int]:
    """What is written, still (C, N), and how many samples of it were clipped."""
    if subtype == "PCM_16":
        codes, clipped = quantize(audio)
        return codes.cpu(), clipped
    if isinstance(audio, Tensor) and audio.dtype == torch.int16:
        return from_pcm16(audio).cpu(), 0
    return validate(audio).detach().to("cpu", torch.float32), 0


def _encoded(samples: Tensor, saved: Saved, subtype: str) -> bytes:
    """The bytes of the file. soundfile wants (N, C), and takes a short (C, N) for N channels without a word."""
    soundfile, memory = _soundfile(), io.BytesIO()
    container = saved.path.suffix[1:].upper()
    try:
        soundfile.write(memory, samples.T.numpy(), saved.rate, format=container, subtype=subtype)
    except soundfile.LibsndfileError as refused:
        held = f"{saved.channels} channels at {saved.rate} Hz"
        raise ValueError(f"audio={held} must fit into {container}: {refused}") from refused
    return memory.getvalue()


def _check(written: str, saved: Saved) -> None:
    """OSError unless the header on the disk says what was to be written."""
    info = _soundfile().info(written)
    found = (info.frames, info.channels, info.samplerate)
    if found != (saved.frames, saved.channels, saved.rate):
        raise OSError(
            f"{saved.path} was written as (frames, channels, rate) = {found}: the disk lost something"
        )
