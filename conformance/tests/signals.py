"""Two test signals (1, N) at 44.1 kHz, music-like and speech-like, of any seed: what a codec is measured on.

music: two triads a second, each of three notes with eight harmonics of amplitude h**-1.5 that decay the faster the
higher they are, a drum-like burst of noise on every attack, and a noise floor 34 dB below the peak of the mix.

speech: syllables of 120 to 300 ms: two in three are voiced, harmonics of a pitch between 85 and 230 Hz that glides,
shaped by the three formants of one of five vowels, up to 5 kHz; one in six is a fricative, noise from 3 to 8 kHz; one
in six is a pause.
"""

from __future__ import annotations

import numpy as np
import scipy.signal
import torch
from torch import Tensor

RATE = 44100
VOWELS = (  # Hz
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
)
BANDWIDTHS, WEIGHTS = (80, 100, 150), (1.0, 0.6, 0.3)


def music(seed: int, seconds: float = 4.0) -> Tensor:
    """Chords with decays and noise."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE)
    mix, t = np.zeros(count + RATE), np.arange(RATE) / RATE
    for start in range(0, count, RATE // 2):
        root, third = int(random.integers(48, 61)), int(random.integers(3, 5))
        for note in (root, root + third, root + 7):
            pitch = 440 * 2 ** ((note - 69) / 12)
            for h in range(1, 9):
                phase = random.uniform(0, 2 * np.pi)
                decay = h**-1.5 * np.exp(-t * (2 + h))
                mix[start : start + RATE] += decay * np.sin(2 * np.pi * pitch * h * t + phase)
        mix[start : start + RATE] += 0.3 * np.exp(-60 * t) * random.standard_normal(RATE)
    mix = mix[:count]
    return _clip(mix + 0.02 * np.abs(mix).max() * random.standard_normal(count))


def speech(seed: int, seconds: float = 4.0) -> Tensor:
    """A voiced harmonic with formants, bursts of noise, and pauses."""
    random = np.random.default_rng(seed)
    count, start = int(seconds * RATE), 0
    mix, base = np.zeros(count), random.uniform(100, 200)
    hiss = scipy.signal.butter(2, [3000, 8000], "band", fs=RATE, output="sos")
    while start < count:
        length = min(int(random.uniform(0.12, 0.3) * RATE), count - start)
        t = np.arange(length) / RATE
        envelope = np.sqrt(np.sin(np.pi * np.arange(length) / length))
        kind = random.integers(0, 6)
        if kind <= 3:
            pitch = base * (1 + 0.15 * random.uniform(-1, 1) + 0.1 * random.uniform(-1, 1) * t / 0.2)
            mix[start : start + length] += envelope * _vowel(pitch, VOWELS[random.integers(0, 5)])
        elif kind == 4:
            mix[start : start + length] += (
                0.3 * envelope * scipy.signal.sosfilt(hiss, random.standard_normal(length))
            )
        start += length
    return _clip(mix + 1e-4 * random.standard_normal(count))


def _vowel(pitch: np.ndarray, formants: tuple[int, ...]) -> np.ndarray:
    """Harmonics of a pitch that glides (N,), each as strong as three resonances let it be."""
    phase, sound = 2 * np.pi * np.cumsum(pitch) / RATE, np.zeros(len(pitch))
    for h in range(1, int(5000 / pitch.max()) + 1):
        away = [
            (h * pitch.mean() - formant) / width for formant, width in zip(formants, BANDWIDTHS, strict=True)
        ]
        gain = sum(weight / (1 + x * x) for weight, x in zip(WEIGHTS, away, strict=True))
        sound += gain / np.sqrt(h) * np.cos(h * phase)
    return sound


def _clip(mix: np.ndarray) -> Tensor:
    return torch.from_numpy(0.5 * mix / np.abs(mix).max()).to(torch.float32)[None]
