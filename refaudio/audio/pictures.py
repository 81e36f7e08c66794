"""Pictures of audio and of training, as PNG files: `pip install "refaudio[plot]"`.

Drawn without pyplot, which keeps figures alive and belongs to the main thread: a training loop may draw thousands.
"""

import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from .atomic import write_whole
from .waveform import sample_rate, validate

WINDOW, HOP = 1024, 256  # samples of a spectrum, and from one to the next
RANGE = 90.0  # decibels below the loudest point that are told apart
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def decibel_spectrogram(audio: Float[Tensor, "C N"]) -> Float[Tensor, "C F L"]:
    """Power of audio (C, N) in dB below its loudest point: (C, 513, 1 + N // 256), 0 at most and -90 at least."""
    padded = torch.nn.functional.pad(validate(audio).to(torch.float32), (WINDOW // 2, WINDOW // 2))
    window = torch.hann_window(WINDOW, device=audio.device)
    spectrum = torch.stft(padded, WINDOW, HOP, window=window, center=False, return_complex=True)
    power = spectrum.abs().square()
    loudest = power.amax().clamp(min=torch.finfo(power.dtype).tiny)
    return (10 * torch.log10(power / loudest)).clamp(min=-RANGE)


def spectrogram(path: str | os.PathLike[str], audio: Float[Tensor, "C N"], rate: int) -> Path:
    """Draw audio (C, N), a panel a channel, over seconds and kilohertz, into a PNG file."""
    rate = sample_rate("rate", rate)
    levels = decibel_spectrogram(audio).cpu()
    channels, samples = audio.shape
    figure = _figure(height=1.0 + 2 * channels)
    for number, level in enumerate(levels, 1):
        axes = figure.add_subplot(channels, 1, number)
        extent = (0, samples / rate, 0, rate / 2000)
        axes.imshow(level.numpy(), origin="lower", aspect="auto", extent=extent, vmin=-RANGE, vmax=0)
        axes.set_ylabel("kHz")
    axes.set_xlabel("seconds")
    return _written(path, figure)


def curves(path: str | os.PathLike[str], values: Mapping[str, Sequence[float]]) -> Path:
    """Draw named sequences over their index into a PNG file, such as losses; a value that is not finite is a gap."""
    if not values:
        raise ValueError("values={} must name one sequence at least")
    figure = _figure(height=4.0)
    axes = figure.add_subplot()
    for name, sequence in values.items():
        drawn = [value if math.isfinite(value) else math.nan for value in map(float, sequence)]
        axes.plot(range(len(drawn)), drawn, label=name)
    axes.legend(loc="upper right")
    axes.grid(alpha=0.3)
    return _written(path, figure)


def _figure(height: float) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as missing:
        raise ImportError('pictures need matplotlib: pip install "refaudio[plot]"') from missing
    figure = Figure(figsize=(8, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _written(path: str | os.PathLike[str], figure: Any) -> Path:
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise ValueError(f"path={str(target)!r} must end in .png")
    memory = io.BytesIO()
    figure.savefig(memory, format="png", dpi=100)
    write_whole(target, memory.getvalue(), _check)
    return target


def _check(written: str) -> None:
    """OSError unless what is on the disk begins as a PNG does."""
    with Path(written).open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            raise OSError(f"{written} was not written as a PNG: the disk lost something")
