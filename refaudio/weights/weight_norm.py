"""Weight norm folded into plain weights, and spelt out again, in both spellings of torch.

weight_g and weight_v (torch.nn.utils.weight_norm), parametrizations.weight.original0 and original1
(torch.nn.utils.parametrizations.weight_norm). weight = v * (g / |v|), the norm over every dimension where g has size
1: dimension 0 is kept, which is the input channel of a ConvTranspose and the output channel of a Conv.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
from torch import Tensor

from .tables import Problems, State

SPELLINGS = {
    "weight_g": ("weight_g", "weight_v"),
    "parametrizations": ("parametrizations.weight.original0", "parametrizations.weight.original1"),
}


def fold(state: Mapping[str, Tensor]) -> tuple[State, Problems]:
    """Every pair (g, v) as one weight, everything else as it is, and what could not be folded, a line each.

    The very numbers that torch's own modules compute from the pair, half precision in float32.
    """
    made, problems = dict(state), Problems()
    for key in state:
        for ends in SPELLINGS.values():
            end = next((end for end in ends if key == end or key.endswith(f".{end}")), None)
            if end is None:
                continue
            stem = key.removesuffix(end)
            g, v = (state.get(stem + name) for name in ends)
            made.pop(key)
            if g is None or v is None:
                missing = stem + ends[g is not None]
                problems.append(f"missing {missing}, the other half of {key}")
            elif end == ends[0] and (problem := _fold(stem, g, v, made)):
                problems.append(problem)
    return made, problems


def unfold(
    state: Mapping[str, Tensor], weights: Iterable[str], spelling: Literal["weight_g", "parametrizations"]
) -> State:
    """The named weights as pairs again: g = |v| over all dimensions but 0, v = weight.

    The function that they compute is the same, and folding gives the same bits; a pair that was folded before may
    have had another v: its length does not matter to the function, and is lost.
    """
    if spelling not in SPELLINGS:
        raise ValueError(f"spelling={spelling!r} must be one of {', '.join(SPELLINGS)}")
    made = dict(state)
    for key in weights:
        v = made.pop(key)
        stem = key.removesuffix("weight")
        ones = v.new_ones(len(v), *[1] * (v.ndim - 1))
        made[stem + SPELLINGS[spelling][0]] = torch._weight_norm_interface(v, ones)[
            1
        ]  # |v|, as torch takes it
        made[stem + SPELLINGS[spelling][1]] = v
    return made


def _fold(stem: str, g: Tensor, v: Tensor, made: State) -> str | None:
    """Put the weight of a pair into made, or say why there is none."""
    wide = torch.promote_types(v.dtype, torch.float32)
    kept = [size for size in g.shape if size != 1]
    fits = g.ndim in (0, v.ndim) and all(a in (1, b) for a, b in zip(g.shape, v.shape, strict=g.ndim > 0))
    if not fits or len(kept) > 1:
        return f"misshapen {stem}weight: g {tuple(g.shape)} does not scale v {tuple(v.shape)} along one dimension"
    if f"{stem}weight" in made:
        return f"ambiguous {stem}weight: there beside its g and v, or in both spellings"
    dim = next((i for i, size in enumerate(g.shape) if size == v.shape[i]), -1)
    made[f"{stem}weight"] = torch._weight_norm(v.to(wide), g.to(wide), dim).to(v.dtype)
    if not v.is_meta and not bool(torch.norm_except_dim(v, 2, dim).all()):
        return f"not finite {stem}weight: a row of v is all zero, and has no direction"
    return None
