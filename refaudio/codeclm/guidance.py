"""Classifier-free guidance of logits, in the two conventions that differ by one."""

from jaxtyping import Float
from torch import Tensor

from ..errors import real


def guide(
    cond: Float[Tensor, "*B V"], uncond: Float[Tensor, "*B V"], scale: float, convention: str
) -> Float[Tensor, "*B V"]:
    """Logits led away from those without text: "s" is cond + scale (cond - uncond), "w" is "s" of scale - 1.

    The neutral scale, 0 or 1, gives cond itself, bit for bit.
    """
    if convention not in ("s", "w"):
        raise ValueError(f"convention={convention!r} must be 's' or 'w'")
    strength = real("scale", scale, least=0.0, most=1e4) - (convention == "w")
    return cond if strength == 0 else cond + strength * (cond - uncond)
