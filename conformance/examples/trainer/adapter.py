"""The trainer, bound on a machine that has neither flash_attn nor wandb: its settings are set, its step is called."""

from refaudio.conformance.bind import stub_imports

stub_imports("wandb", "flash_attn", "flash_attn.bert_padding")

import train  # noqa: E402

IMPLEMENTATION = {"name": "a trainer", "version": "0.1"}
LOSS, ACCUMULATION = "mean of channels", "mean of means"


def step(network, batches, accumulation, weights, ids, unconditional, reduce):
    train.BOS, train.PAD, train.EOS = ids
    train.CHANNEL_WEIGHTS, train.DROP_TEXT = weights, unconditional
    return train.train_step(network, batches)
