"""A mono model made stereo: codebooks left, then right, and the same function where both sides are equal.

The input of a decoder is the sum of its codebooks' embeddings, so each side's are half of mono's: doubling them without
halving shifts every activation (measured: logits move by a quarter of their range). The head is repeated as it is.

Equal sides get equal gradients for ever: it takes real stereo, or noise, for them to part.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import integer
from .model import CodecLM
from .patterns import check_delays

HEAD = "decoder.logits_dense.weight"
_TABLE = re.compile(r"decoder\.embeddings\.(0|[1-9][0-9]*)\.weight")


def expand_to_stereo(state: Mapping[str, Tensor], codebooks: int) -> dict[str, Tensor]:
    """Weights in nari's layout, `codebooks` of them mono -> twice as many; those that are stereo already as they are.

    ValueError where the tables and the head say neither, or do not agree: nothing is guessed.
    """
    codebooks = integer("codebooks", codebooks, least=1)
    found = _count(state)
    if found == 2 * codebooks:
        return dict(state)
    if found != codebooks:
        raise ValueError(
            f"codebooks={codebooks} must be mono's: the state has {found}, neither that nor twice that"
        )
    made = dict(state)
    for k in range(codebooks):
        half = state[f"decoder.embeddings.{k}.weight"] / 2
        made[f"decoder.embeddings.{k}.weight"] = half
        made[f"decoder.embeddings.{k + codebooks}.weight"] = half.clone()
    made[HEAD] = torch.cat([state[HEAD], state[HEAD]], dim=1)
    return made


def stereo_model(model: CodecLM, delays: tuple[int, ...] | None = None) -> CodecLM:
    """A stereo copy of a mono model, with mono's delays for both sides or those given, one for each of 2K codebooks."""
    mono = model.config
    delays = mono.delays * 2 if delays is None else check_delays(delays, 2 * mono.codebooks)
    config = replace(mono, delays=delays)
    with torch.device("meta"):
        made = CodecLM(config)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state["decoder.embedding.weight"] = torch.cat([state["decoder.embedding.weight"] / 2] * 2)
    state["head.weight"] = torch.cat([state["head.weight"]] * 2)
    made.load_state_dict(state, assign=True)
    return made.train(model.training)


def _count(state: Mapping[str, Tensor]) -> int:
    """How many codebooks a state has, by its tables, which have to be 0..n-1 and alike, and by its head."""
    tables = {int(match[1]): state[name] for name in state if (match := _TABLE.fullmatch(name))}
    if sorted(tables) != [*range(len(tables))] or not tables:
        raise ValueError(f"state must have {_TABLE.pattern} for 0, 1, 2, ...: it has {sorted(tables)}")
    shapes = {(*table.shape,) for table in tables.values()}
    if len(shapes) > 1 or HEAD not in state:
        raise ValueError(f"state must have tables of one shape and {HEAD}: the shapes are {sorted(shapes)}")
    (vocabulary, width), head = shapes.pop(), state[HEAD]
    if head.shape != (width, len(tables), vocabulary):
        raise ValueError(
            f"{HEAD}: {tuple(head.shape)} must be {(width, len(tables), vocabulary)}, as the tables have it"
        )
    return len(tables)
