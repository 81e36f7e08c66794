"""A trainer in one file: labels, mask, condition dropout, loss and backward are one function."""

import torch
import wandb
from flash_attn import flash_attn_func
from flash_attn.bert_padding import unpad_input
from torch.nn import functional as F

BOS, PAD, EOS = 1026, 1025, 1024
CHANNEL_WEIGHTS = [4.0] + [1.0] * 8
DROP_TEXT = 0.1


def attention(q, k, v, mask):
    q, k, v = (unpad_input(each, mask)[0] for each in (q, k, v))
    return flash_attn_func(q, k, v, causal=True)


def train_step(model, micro_batches):
    """Backward over the micro-batches of one optimizer step -> the loss for the log."""
    weights, logged = torch.tensor(CHANNEL_WEIGHTS), 0.0
    for text, rows, lengths in micro_batches:
        inputs, labels = rows[:, :-1], rows[:, 1:]
        if weights.shape != labels.shape[2:] or not weights.sum() > 0:
            raise ValueError(f"CHANNEL_WEIGHTS={CHANNEL_WEIGHTS} must be one a channel, not all of them 0")
        text = text.masked_fill(torch.rand(len(text), 1) < DROP_TEXT, 0)
        logits = model(inputs, text).float()
        real = (torch.arange(1, rows.shape[1]) < lengths[:, None]).unsqueeze(-1)
        mask = real & (labels < EOS)  # no special tokens in the loss
        each = F.cross_entropy(logits.flatten(0, 2), labels.flatten(), reduction="none").view_as(labels)
        channels = (each * mask).sum((0, 1)) / mask.sum((0, 1)).clamp(min=1)
        loss = (channels * weights).sum() / weights.sum()
        (loss / len(micro_batches)).backward()
        logged += loss.item() / len(micro_batches)
    return logged


def main(model, loader, optimizer):
    wandb.init(project="songs")
    for micro_batches in loader:
        wandb.log({"loss": train_step(model, micro_batches)})
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
