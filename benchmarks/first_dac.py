"""DAC at its published size, decoding half a second: refaudio over either library, beside both, on the same weights.

descript's own network computes each kernel anew from its weight norm, as it is shipped; refaudio folds it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from refaudio.benchmarks.interleave import interleave
from refaudio.codec import DAC, DACConfig
from refaudio.conformance.bind import stub_imports

FRAMES, ROUNDS = 43, 12
CLOSE = 1e-3
Row = dict[str, object]


def rows() -> Iterator[Row]:
    """One row an implementation; ImportError where a library is missing."""
    stub_imports("argbind", "ffmpy", "flatten_dict", "randomname", "torch.utils.tensorboard")
    config = DACConfig.dac_44khz()
    codes = torch.randint(
        0, config.size, (1, FRAMES, config.codebooks), generator=torch.Generator().manual_seed(0)
    )
    arms = _arms(config, codes)
    seconds = FRAMES * config.hop / config.rate
    work = f"DAC decode, {seconds:.2f} s of audio, {config.rate} Hz, float32"
    heard = {name: arm() for name, arm in arms.items()}
    for name, audio in heard.items():
        if (far := float((audio - heard["refaudio"]).abs().max())) > CLOSE:
            raise RuntimeError(f"{name} and refaudio differ by {far:.3g}: they are not doing the same work")
    best = interleave(arms, rounds=ROUNDS)
    for name in arms:
        if name != "control":
            yield {
                "workload": work,
                "implementation": name,
                "seconds": best[name],
                "ratio": best[name] / best["refaudio"],
                "control": best["control"] / best["refaudio"],
                "times real time": round(seconds / best[name], 2),
            }


def _arms(config: DACConfig, codes: Tensor) -> dict[str, Callable[[], Tensor]]:
    torch.manual_seed(0)
    theirs = _descript(config)
    state = dict(theirs.state_dict())
    over_transformers, over_descript = DAC(config), DAC(config, backend="descript")
    over_transformers.fill(state)
    over_descript.fill(state)
    books = codes.transpose(1, 2)
    other = over_transformers.network

    @torch.no_grad()
    def descript() -> Tensor:
        audio: Tensor = theirs.decode(theirs.quantizer.from_codes(books)[0])[:, 0]
        return audio

    @torch.no_grad()
    def transformers() -> Tensor:
        audio: Tensor = other.decode(audio_codes=books).audio_values
        return audio

    def ours() -> Tensor:
        return over_transformers.decode(codes)

    return {
        "refaudio": ours,
        "control": ours,
        "refaudio over descript": lambda: over_descript.decode(codes),
        f"transformers {version('transformers')}": transformers,
        f"descript-audio-codec {version('descript-audio-codec')}": descript,
    }


def _descript(config: DACConfig) -> Any:
    from dac.model import DAC as Network

    return Network(n_codebooks=config.codebooks, sample_rate=config.rate).eval()
