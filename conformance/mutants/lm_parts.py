"""Norms, configs and fresh weights of a language model as they were got wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from refaudio.conformance.adapters import reference_lm as right

from . import mutant


@mutant("norm-in-half-precision", "codeclm:25")
def in_half_precision_of_rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """squares are taken in the dtype of the features: beyond 256, float16 makes them infinite and the norm zero"""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight.to(x.dtype)


@mutant("subtracts-the-mean", "codeclm:25")
def subtracts_the_mean_of_rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """the norm is a layer norm: the mean is subtracted first"""
    wide = x.float() - x.float().mean(-1, keepdim=True)
    return wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * weight


@mutant("eps-outside-the-root", "codeclm:25")
def eps_outside_the_root_of_rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """eps is added to the root, not inside it: quiet features come out louder"""
    wide = x.float()
    return wide / (wide.square().mean(-1, keepdim=True).sqrt() + eps) * weight


@mutant("one-rotation-for-both", "codeclm:23")
def one_rotation_for_both_of_published(name: str) -> dict[str, Any]:
    """cross-attention is rotated for no checkpoint, as the later code has it, whichever weights are loaded"""
    return right.published(name) | {"cross_rotary": False}


@mutant("textbook-scale-in-the-config", "codeclm:22")
def textbook_scale_in_the_config_of_published(name: str) -> dict[str, Any]:
    """the attention scale is left at 1 / sqrt(head_dim), since no config names another"""
    return right.published(name) | {"scale": 128**-0.5}


@mutant("fans-of-a-kernel", "codeclm:29")
def fans_of_a_kernel_of_init_projection(inputs: Sequence[int], outputs: Sequence[int], seed: int) -> Tensor:
    """xavier_uniform_ is called on the kernel with its head axes, and takes them for a receptive field"""
    kernel = torch.empty(*inputs, *outputs)
    return torch.nn.init.xavier_uniform_(kernel, generator=torch.Generator().manual_seed(seed))


@mutant("variance-for-deviation", "codeclm:29")
def variance_for_deviation_of_init_projection(
    inputs: Sequence[int], outputs: Sequence[int], seed: int
) -> Tensor:
    """the variance that was wanted is given as the standard deviation"""
    fan = math.prod(inputs)
    return torch.randn(math.prod(outputs), fan, generator=torch.Generator().manual_seed(seed)) / fan


@mutant("one-head-only", "codeclm:29")
def one_head_only_of_init_projection(inputs: Sequence[int], outputs: Sequence[int], seed: int) -> Tensor:
    """a kernel is made for the first of its output axes alone, and broadcast over the others"""
    generator = torch.Generator().manual_seed(seed)
    fan = math.prod(inputs)
    return (
        torch.randn(outputs[0] if len(outputs) > 1 else outputs[0] - 1, fan, generator=generator) * fan**-0.5
    )


@mutant("scale-of-one-with-ordinary-weights", "codeclm:22", "codeclm:29")
def scale_of_one_with_ordinary_weights_of_init_attention(
    width: int, heads: int, features: int, seed: int
) -> tuple[Tensor, Tensor, float]:
    """the published scale of 1 with weights of gain 1: logits deviate by the root of their features"""
    generator = torch.Generator().manual_seed(seed)
    q, k = torch.randn(2, width, heads, features, generator=generator) * width**-0.5
    return q, k, 1.0


Network = Callable[[Tensor, Tensor, Tensor], Tensor]


@mutant("a-norm-is-left-empty", "codeclm:29")
def a_norm_is_left_empty_of_init(codebooks: int, seed: int) -> Network:
    """one gain is allocated and never filled: it holds whatever memory held"""
    fresh: Any = right.init(codebooks, seed)
    with torch.no_grad():
        fresh.decoder.norm.weight = torch.nn.Parameter(torch.empty_like(fresh.decoder.norm.weight))
    return fresh


@mutant("loud-head", "codeclm:29")
def loud_head_of_init(codebooks: int, seed: int) -> Network:
    """the head begins with a deviation of 1, not of 1 / sqrt(inputs): a fresh model is sure of arbitrary codes"""
    fresh: Any = right.init(codebooks, seed)
    with torch.no_grad():
        fresh.head.weight.mul_(2 * fresh.head.weight.shape[1] ** 0.5)
    return fresh
