"""The end of a script that makes songs: level, 16 bits and the file are one expression."""

import soundfile
import torch

SAMPLE_RATE = 44100


def write_song(output_BxCxN, path):
    """The decoder's output, of one song, to a WAV file."""
    output = output_BxCxN.squeeze(0)
    soundfile.write(
        path,
        output.to(torch.float32)
        .div(output.abs().max())
        .clamp(-1, 1)
        .mul(32767)
        .to(torch.int16)
        .T.cpu()
        .numpy(),
        SAMPLE_RATE,
    )
