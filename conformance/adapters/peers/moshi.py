"""moshi: the rows of a text-to-speech prefix, the un-delay of the logits, and LMGen's ring of rows. There is no EOS.

LMModel.forward trains on rows that end with the clip, and masks the frames that are thereby incomplete; the rows that
keep every code are those of a prefix (tts.py), which LMGen feeds with the initial token up to each delay.
The package pins a torch of its own time: pip install --no-deps moshi, and einops.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from refaudio.conformance.bind import stub_imports

stub_imports("sentencepiece", "sphn")

from moshi.models import loaders, tts  # noqa: E402
from moshi.models.lm import LMGen, LMModel  # noqa: E402
from moshi.models.lm_utils import _undelay_sequence  # noqa: E402

IMPLEMENTATION = {
    "name": "moshi",
    "version": version("moshi"),
    "issues": "https://github.com/kyutai-labs/moshi/issues",
}
FAMILIES = ["DELAY"]
EOS = "none"
SIZES = {"pattern": ["moshi"]}


def make_config(codebooks: int, delays: list[int]) -> list[int]:
    return list(_model(codebooks, delays, device="meta").delays[1:])  # the first stream is text


def delay(codes: Tensor, delays: list[int], bos: int, pad: int, eos: int | None) -> Tensor:
    if eos is not None:
        raise NotImplementedError("there is no EOS")
    rows = torch.stack([tts._delayed(item.t(), delays, pad).t() for item in codes])
    rows = torch.nn.functional.pad(rows, (0, 0, 1, 0), value=bos)  # LMGen starts with a row of initial tokens
    offsets = torch.arange(rows.shape[1], device=rows.device)[:, None]
    is_init = offsets <= torch.tensor(delays, device=rows.device)  # as in LMGen._step
    return torch.where(is_init, bos, rows)


def undelay(rows: Tensor, delays: list[int], frames: int | None) -> Tensor:
    codes, mask = _undelay_sequence(delays, rows[:, 1:].transpose(1, 2), fill_value=-1)
    valid: Tensor = codes[..., mask.all(1).all(0)]  # the frames whose every codebook moshi marks as valid
    return valid.transpose(1, 2)[:, :frames]


def stream(codec: Any, rows: Iterator[Tensor], delays: list[int]) -> Iterator[Tensor]:
    batch = len(next(rows))  # the BOS row: LMGen brings its own
    model = _model(len(delays), delays)
    model.forward_text = lambda ids, *_: (torch.zeros(len(ids), 1, 4), torch.zeros(len(ids), 1, 1, 5))
    generation = LMGen(model, use_sampling=False)
    with generation.streaming(batch):
        for row in rows:
            no_input = torch.zeros((batch, 0, 1), dtype=torch.int64)
            tokens = generation.step(no_input, depformer_replace_tokens=row.cpu()[..., None])
            if tokens is None:
                continue
            yield codec.decode(tokens[:, 1:].transpose(1, 2).to(row.device))


def rows_to_audio(codec: Any, rows: Tensor, delays: list[int]) -> Tensor:
    """The file is what was streamed: there is no other decoder."""
    chunks = list(stream(codec, iter(rows.unbind(1)), delays))
    if not chunks:
        raise NotImplementedError("nothing is decoded before there is a frame")
    return torch.cat(chunks, dim=1)


def pattern(name: str) -> list[int]:
    return list({"moshi": loaders._lm_kwargs}[name]["delays"])


def _model(codebooks: int, delays: list[int], device: str = "cpu") -> Any:
    """The smallest LMModel with these audio streams behind its text stream; its network is never asked."""
    sizes = {"card": 2048, "text_card": 4, "dim": 4, "num_heads": 1, "hidden_scale": 1, "num_layers": 1}
    depth = {"depformer_dim": 4, "depformer_num_layers": 1, "depformer_num_heads": 1}
    streams = {"n_q": codebooks, "dep_q": codebooks, "context": 8, "device": device}
    return LMModel([0, *delays], **streams, **sizes, **depth).eval()
