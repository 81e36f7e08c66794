"""The fork, bound: its layout is converted here, its call sites are copied as they are."""

import fork
import torch

IMPLEMENTATION = {"name": "a fork", "version": "0.1"}
SIZES = {"delays": [fork.PATTERN]}


def delay(codes, delays, bos, pad, eos):
    if eos is not None:
        raise NotImplementedError("no row ends")
    return torch.stack([fork.to_decoder_input(item.T) for item in codes])


def undelay(rows, delays, frames):
    return torch.stack([fork.to_codes(item).T for item in rows])[:, :frames]
