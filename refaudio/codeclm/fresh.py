"""How a fresh model begins: every tensor filled, every projection with its true fan-in, attention neither flat nor spiked.

A logit of attention is scale * q k, a sum over head_dim features. Ordinary weights make its standard deviation
scale * sqrt(head_dim): right under scale = head_dim ** -0.5, eleven times too much under Dia's scale of 1. The softmax
then picks one key, its gradients explode, and neither a warm-up nor clipping helps (a stereo fork lost a month to it).
So queries begin smaller by scale * sqrt(head_dim), and the standard deviation is 1 under any scale.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from .config import CodecLMConfig

HEAD = 0.5  # the logits' standard deviation: a loss of ln V + 1/8, where 1 would cost 1/2


@runtime_checkable
class Parts(Protocol):
    """What is asked of a model: its numbers, and its parts by the names that they have in a `CodecLM`."""

    config: CodecLMConfig

    def get_parameter(self, target: str) -> nn.Parameter:
        """One tensor by its name."""

    def get_submodule(self, target: str) -> nn.Module:
        """One part by its name."""

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Every tensor, with its name."""


@torch.no_grad()
def initialise(model: Parts, generator: torch.Generator) -> None:
    """Fill every parameter of the model: normal, of the standard deviations that `deviations` tells; norms 1.

    Drawn in float32 on the generator's device, in the order of the names: a seed means the same model on every device.
    """
    told = dict(deviations(model))
    for name, parameter in model.named_parameters():
        if name not in told:
            nn.init.ones_(parameter)  # the gain of a norm
            continue
        rows = told[name]
        drawn = torch.randn(parameter.shape, generator=generator, device=generator.device)
        parameter.copy_(drawn.mul_(rows.to(drawn.device)[:, None]))


def deviations(model: Parts) -> Iterator[tuple[str, Tensor]]:
    """The standard deviation of each row of each matrix (out, in), by name: gain / sqrt(in).

    Branches that are added to the residual begin at 1 / sqrt(how many there are), so that depth changes nothing.
    """
    config = model.config
    yield "encoder.embedding.weight", torch.ones(config.text_vocabulary)
    yield (
        "decoder.embedding.weight",
        _rows(model.get_parameter("decoder.embedding.weight"), config.codebooks**-0.5),
    )
    for side, stack, branches in (
        ("encoder", config.encoder, 2 * config.encoder.layers),
        ("decoder", config.decoder, 3 * config.decoder.layers),
    ):
        attention = "attention" if side == "encoder" else "self_attention"
        for i in range(stack.layers):
            layer = model.get_submodule(f"{side}.layers.{i}")
            at = f"{side}.layers.{i}"
            qkv = _fan(layer.get_submodule(attention).get_submodule("qkv"))
            qkv[: stack.heads * stack.head_dim] *= query_gain(config.scale, stack.head_dim)
            yield f"{at}.{attention}.qkv.weight", qkv
            yield (
                f"{at}.{attention}.out.weight",
                _fan(layer.get_submodule(f"{attention}.out"), branches**-0.5),
            )
            if side == "decoder":
                gain = query_gain(config.scale, config.cross_head_dim)
                yield f"{at}.cross_attention.q.weight", _fan(layer.get_submodule("cross_attention.q"), gain)
                yield f"{at}.cross_attention.kv.weight", _fan(layer.get_submodule("cross_attention.kv"))
                out = _fan(layer.get_submodule("cross_attention.out"), branches**-0.5)
                yield f"{at}.cross_attention.out.weight", out
            yield f"{at}.mlp.gate_up.weight", _fan(layer.get_submodule("mlp.gate_up"))
            yield f"{at}.mlp.down.weight", _fan(layer.get_submodule("mlp.down"), branches**-0.5)
    yield "head.weight", _fan(model.get_submodule("head"), HEAD)


def projection(
    inputs: Sequence[int], outputs: Sequence[int], generator: torch.Generator, *, gain: float = 1.0
) -> Tensor:
    """A fresh weight (prod(outputs), prod(inputs)) of standard deviation gain / sqrt(prod(inputs)).

    For kernels with head axes too: torch's own initialisers take the second axis for inputs and the others for a
    receptive field, and are off by up to eighty times.
    """
    fan = math.prod(inputs)
    drawn: Tensor = torch.randn(math.prod(outputs), fan, generator=generator) * gain * fan**-0.5
    return drawn


def query_gain(scale: float, head_dim: int) -> float:
    """The gain of queries under which the logits of attention begin with a standard deviation of 1."""
    deviation: float = scale * head_dim**0.5
    return 1 / deviation


def _fan(linear: nn.Module, gain: float = 1.0) -> Tensor:
    """gain / sqrt(inputs) for every row, counted on the two-dimensional weight."""
    weight = linear.get_parameter("weight")
    return _rows(weight, gain * weight.shape[1] ** -0.5)


def _rows(weight: Tensor, deviation: float) -> Tensor:
    return torch.full((len(weight),), deviation)
