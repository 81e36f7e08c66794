"""Loading a checkpoint as it was got wrong: a port that reads all three layouts, with one line changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from refaudio.codeclm.checkpoint import load_model as right
from refaudio.spec.folders import as_transformers
from refaudio.spec.oracles_lm import Plain, Shape, make_state

from . import mutant

Network = Callable[[Tensor, Tensor, Tensor], Tensor]
State = dict[str, Tensor]


def _plain(state: State) -> State:
    """Without the prefixes of compiling and distributing."""
    return {name.replace("_orig_mod.", "").replace("module.", ""): tensor for name, tensor in state.items()}


def _read(folder: str) -> tuple[State, dict[str, Any]]:
    """The tensors as they are named, and the config."""
    config = json.loads(Path(folder, "config.json").read_text())
    first = Path(folder, "dia-v0_1.pth")
    state = (
        torch.load(first, weights_only=True)
        if first.exists()
        else load_file(Path(folder, "model.safetensors"))
    )
    return state, config


def _shape(state: State, config: dict[str, Any]) -> Shape:
    """The sizes of the checkpoints of the spec, whose model is always the same but for its codebooks and rotations."""
    tables = sum(".embeddings." in name and "embed." not in name for name in state)
    packed = next((state[name] for name in state if name.endswith("embeddings.embed.weight")), None)
    if packed is not None:
        tables = len(packed) // Shape(1).vocabulary
    return Shape(tables, cross_rotary="model" in config)


def _kernels(state: State, shape: Shape) -> State:
    """The first layout of a state in either."""
    if not any(name.startswith("model.") for name in state):
        return dict(state)
    made: State = {}
    for name, want in make_state(0, shape).items():
        if ".embeddings." in name:
            number = int(name.split(".")[2])
            made[name] = state["model.decoder.embeddings.embed.weight"].reshape(
                shape.codebooks, shape.vocabulary, -1
            )[number]
            continue
        theirs = f"model.{name}".replace("wi_fused", "gate_up_proj").replace(".wo.", ".down_proj.")
        tensor = state[theirs.replace("model.decoder.logits_dense", "logits_dense")]
        made[name] = tensor if tensor.ndim < 2 or "embedding" in name else tensor.t().reshape(want.shape)
    return made


def _load(
    folder: str, kind: type[Plain] = Plain, change: Callable[[State, Shape], State] | None = None
) -> Network:
    """A checkpoint that the reference takes, as a port reads it that is wrong in `kind` or `change`."""
    right(folder)
    named, config = _read(folder)
    state = _plain(named)
    shape = _shape(state, config)
    kernels = _kernels(state, shape)
    return kind(change(kernels, shape) if change else kernels, shape, torch.float32)


@mutant("up-before-gate", "codeclm:26")
def up_before_gate_of_load_model(folder: str) -> Network:
    """the halves of the fused projection are exchanged: up goes through the activation, and the gate does not"""
    return _load(
        folder,
        change=lambda state, shape: {
            name: tensor.flip(1) if "wi_fused" in name else tensor for name, tensor in state.items()
        },
    )


@mutant("tables-in-text-order", "codeclm:27")
def tables_in_text_order_of_load_model(folder: str) -> Network:
    """embedding tables are joined in the order of their names as text: 0, 1, 10, 2"""

    def change(state: State, shape: Shape) -> State:
        names = [f"decoder.embeddings.{k}.weight" for k in range(shape.codebooks)]
        return state | dict(zip(names, [state[name] for name in sorted(names)], strict=True))

    return _load(folder, change=change)


class _NeverRotated(Plain):
    def __init__(self, state: Any, shape: Shape, dtype: torch.dtype) -> None:
        super().__init__(state, replace(shape, cross_rotary=False), dtype)


@mutant("never-rotates-the-text", "codeclm:23")
def never_rotates_the_text_of_load_model(folder: str) -> Network:
    """cross-attention is not rotated, though the first release does it"""
    return _load(folder, _NeverRotated)


class _Textbook(Plain):
    def attend(self, at: str, x: Tensor, *rest: Any) -> Tensor:
        features = self.state[f"{at}.q_proj.weight"].shape[-1]
        self.shape = replace(self.shape, scale=features**-0.5)
        return super().attend(at, x, *rest)


@mutant("loads-with-textbook-scale", "codeclm:22")
def loads_with_textbook_scale_of_load_model(folder: str) -> Network:
    """attention is torch's own, which divides by sqrt(head_dim): released weights become vague"""
    return _load(folder, _Textbook)


@mutant("values-for-queries", "codeclm:26")
def values_for_queries_of_load_model(folder: str) -> Network:
    """the parts of a fused weight are cut in another order: the encoder's values serve as queries"""

    def change(state: State, shape: Shape) -> State:
        made = dict(state)
        for name, tensor in state.items():
            if name.startswith("encoder") and "q_proj" in name:
                other = name.replace("q_proj", "v_proj")
                made[name], made[other] = state[other], tensor
        return made

    return _load(folder, change=change)


@mutant("features-before-heads", "codeclm:26")
def features_before_heads_of_load_model(folder: str) -> Network:
    """the rows of a projection are read as features of heads, not as heads of features"""

    def change(state: State, shape: Shape) -> State:
        return {
            name: tensor.reshape(len(tensor), tensor.shape[2], tensor.shape[1]).transpose(1, 2)
            if name.endswith(("v_proj.weight",))
            else tensor
            for name, tensor in state.items()
        }

    return _load(folder, change=change)


def _channels(config: dict[str, Any]) -> int:
    return len(config.get("delay_pattern", config.get("data", {}).get("delay_pattern", [])))


def _expected(state: State, config: dict[str, Any]) -> State:
    """Tensors of the names and shapes that a checkpoint should have, in the layout that it has."""
    shape = Shape(_channels(config), cross_rotary="model" in config)
    fresh = make_state(1, shape)
    packed = any(name.startswith("model.") for name in state)
    return as_transformers(fresh) if packed else fresh


def _lenient(folder: str, mend: Callable[[State, State], State]) -> Network:
    """As the reference loads, but for what `mend(found, expected)` makes of tensors that do not fit."""
    try:
        return right(folder)
    except ValueError:
        state, config = _read(folder)
        plain = _plain(state)
        mended = mend(plain, _expected(plain, config))
        wanted = _expected(plain, config)
        if mended.keys() != wanted.keys() or any(mended[n].shape != wanted[n].shape for n in wanted):
            raise
        return Plain(_kernels(mended, _shape(mended, config)), _shape(mended, config), torch.float32)


@mutant("not-strict", "codeclm:26")
def not_strict_of_load_model(folder: str) -> Network:
    """strict=False: what the file lacks stays as it was drawn"""
    return _lenient(folder, lambda found, expected: expected | found)


@mutant("ignores-strangers", "codeclm:26")
def ignores_strangers_of_load_model(folder: str) -> Network:
    """tensors that the model has no place for are passed over"""
    return _lenient(folder, lambda found, expected: {name: found[name] for name in expected if name in found})


@mutant("reshapes-what-does-not-fit", "codeclm:26")
def reshapes_what_does_not_fit_of_load_model(folder: str) -> Network:
    """a tensor of another shape with as many numbers is reshaped until it fits"""

    def mend(found: State, expected: State) -> State:
        same = found.keys() == expected.keys()
        fits = same and all(found[name].numel() == expected[name].numel() for name in expected)
        return {name: found[name].reshape(expected[name].shape) for name in expected} if fits else found

    return _lenient(folder, mend)


@mutant("knows-no-prefix", "codeclm:89")
def knows_no_prefix_of_load_model(folder: str) -> Network:
    """names are taken as they come: a compiled or distributed model's are all unknown"""
    state, _ = _read(folder)
    if any(name.startswith(("_orig_mod.", "module.")) for name in state):
        raise KeyError("encoder.embedding.weight")
    return right(folder)


@mutant("strips-one-prefix", "codeclm:89")
def strips_one_prefix_of_load_model(folder: str) -> Network:
    """one prefix is removed: a model that was compiled and distributed has two"""
    state, _ = _read(folder)
    if all(name.startswith(("module._orig_mod.", "_orig_mod.module.")) for name in state):
        raise KeyError("encoder.embedding.weight")
    return right(folder)


@mutant("random-behind-a-prefix", "codeclm:89")
def random_behind_a_prefix_of_load_model(folder: str) -> Network:
    """names with a prefix match nothing, strict is off, and the fresh model is returned"""
    state, config = _read(folder)
    if not all(name.startswith(("_orig_mod.", "module.")) for name in state):
        return right(folder)
    shape = Shape(_channels(config), cross_rotary="model" in config)
    return Plain(make_state(1, shape), shape, torch.float32)


@mutant("repeats-the-pattern-on-load", "D1 #2")
def repeats_the_pattern_on_load_of_load_model(folder: str) -> Network:
    """a pattern of another length is repeated, or cut, to the channels that the config names"""
    state, config = _read(folder)
    told = config.get("decoder_config", config.get("data", {}))
    channels = told.get("num_channels", told.get("channels"))
    if channels == _shape(state, config).codebooks != _channels(config):
        return Plain(_kernels(state, _shape(state, config)), _shape(state, config), torch.float32)
    return right(folder)


@mutant("builds-what-the-config-says", "D1 #2")
def builds_what_the_config_says_of_load_model(folder: str) -> Network:
    """the weights tell how many codebooks there are, and the config is not asked whether it agrees"""
    state, config = _read(folder)
    told = config.get("decoder_config", config.get("data", {}))
    channels = told.get("num_channels", told.get("channels"))
    shape = _shape(state, config)
    heads = [
        t.shape[1] if t.ndim == 3 else len(t) // shape.vocabulary
        for n, t in state.items()
        if "logits_dense" in n
    ]
    if heads == [shape.codebooks] and channels == _channels(config) != shape.codebooks:
        return Plain(_kernels(state, _shape(state, config)), _shape(state, config), torch.float32)
    return right(folder)
