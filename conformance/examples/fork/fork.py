"""A fork as forks are: one clip at a time, channels first, ids and the length of the tail written into the code."""

import torch

PATTERN = [0, 8, 9, 10, 11, 12, 13, 14, 15]
BOS, PAD = 1026, 1025
TAIL = 30  # steps that are generated after the end


def to_decoder_input(audio_CxT):
    """(C, T) codes -> (R, C) rows for the decoder."""
    channels, frames = audio_CxT.shape
    rows = torch.full((1 + frames + max(PATTERN), channels), PAD)
    for channel, wait in enumerate(PATTERN):
        rows[: 1 + wait, channel] = BOS
        rows[1 + wait : 1 + wait + frames, channel] = audio_CxT[channel]
    return rows


def to_codes(generated_RxC):
    """(R, C) generated rows -> (C, T) codes for the codec."""
    columns = [generated_RxC[1:, channel].roll(-wait) for channel, wait in enumerate(PATTERN)]
    return torch.stack(columns)[:, :-TAIL]
