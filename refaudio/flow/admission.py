"""Which method and guidance a model's objective allows; a mistake among them sounds like a bad model."""

import warnings

from .path import Objective, declared


class Mismatch(UserWarning):
    """A method or a guidance that a model was not trained for."""


def admit(model: object, method: str | None = None, w: float = 1.0) -> Objective:
    """The declared objective of a model; undeclared is a ValueError, what does not go together warns.

    A distilled denoiser has its guidance baked in and is sampled by ping-pong; on any other model ping-pong throws the
    state away at every step, and the spread of the data with it: 0.18 where they have 0.35, with 8 steps.
    """
    objective = declared(model)
    if objective.denoiser and method not in (None, "pingpong"):
        _warn(
            f"method={method!r} on {objective.name}, a distilled denoiser: it is sampled with method='pingpong'"
        )
    if not objective.denoiser and method == "pingpong":
        _warn(
            f"method='pingpong' on {objective.name}, which is no distilled denoiser: use 'euler' or 'dpmpp-2m'"
        )
    if objective.denoiser and w != 1:
        _warn(
            f"w={w!r} on {objective.name}, a distilled denoiser: its guidance is baked in, and more of it clips; use w=1"
        )
    return objective


def _warn(text: str) -> None:
    warnings.warn(text, Mismatch, stacklevel=4)
