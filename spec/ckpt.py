"""CKPT: published layouts of a language model's checkpoint, loaded whole or refused, to the function that they encode."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import draw, draw_lm
from .budget import budget, itself
from .folders import write_checkpoint
from .law import Implementation, expect, expect_refusal, law
from .oracles_lm import Plain, Shape, make_state

State = dict[str, Tensor]
Logits = Callable[[Tensor, Tensor, Tensor], Tensor]
FILES = {
    "layout": draw_lm.layout(),
    "codebooks": draw_lm.codebooks(1, 11, 2, 12),
    "seed": draw.seed(),
}
REGIONS = {
    "more than ten tables": lambda case: case["codebooks"] > 10,
    "one codebook": lambda case: case["codebooks"] == 1,
    **draw_lm.regions("layout", "transformers", "nari", "nari-first"),
}


def shape_of(codebooks: int, layout: str) -> Shape:
    """The tiny model of a checkpoint: the first release rotates cross-attention."""
    return Shape(codebooks, cross_rotary=layout == "nari-first")


def _asked(shape: Shape, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(5) < torch.tensor([5, 2])[:, None]
    text = torch.randint(3, shape.texts, mask.shape, generator=generator) * mask
    rows = torch.randint(shape.vocabulary, (2, 4, shape.codebooks), generator=generator)
    return text, mask, rows


def _loaded(
    impl: Implementation,
    state: State,
    shape: Shape,
    layout: str,
    change: Callable[[State], State] = dict,
    config: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> Logits:
    """What an implementation makes of a checkpoint on disk; `change` and `config` alter what is written there."""
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder), state, shape, layout, change, config)
        network: Logits = impl.load_model(folder)
    return network


WHOLE = "the shape of the logits of the whole checkpoint"
SPARE = {WHOLE: "that a whole checkpoint loads is judged by the call itself; what it loads to, by CKPT-001"}


def _strictly(load: Callable[[], Logits]) -> Logits:
    """Load, and say in Python's words for a wrong value what torch's strict loading and a dictionary say in theirs."""
    try:
        return load()
    except (RuntimeError, KeyError) as refused:
        raise ValueError(str(refused)) from refused


def _expect_logits(network: Logits, shape: Shape, seed: int) -> None:
    """It loaded, and answers."""
    text, mask, rows = _asked(shape, seed)
    expect(tuple(network(text, mask, rows).shape), (*rows.shape, shape.vocabulary), WHOLE)


@law(
    "CKPT-001",
    needs="load_model",
    effect="weights load without a word and speak noise: heads, gates, tables or rotations are not where the code looks",
    origin={
        "codeclm:26": "two layouts of the same weights are published under one name",
        "codeclm:27": "sorted as text, embedding table 10 comes before table 2",
        "codeclm:23": "the first release rotates cross-attention, the second does not",
        "codeclm:22": "its attention scale is 1.0",
    },
    witnesses=[
        "closed form in float64, from the kernels of the first release",
        "transformers' Dia, on the layout of its own",
    ],
    since="2026.1",
    cost="model",
    mutants=[
        "up-before-gate",
        "tables-in-text-order",
        "never-rotates-the-text",
        "loads-with-textbook-scale",
        "values-for-queries",
        "features-before-heads",
    ],
    draws=FILES,
    regions=REGIONS,
)
def loads_the_function(impl: Implementation, layout: str, codebooks: int, seed: int) -> None:
    """load_model(folder) gives the logits (B, R, K, V) that the checkpoint encodes, from each published layout."""
    shape = shape_of(codebooks, layout)
    state = make_state(seed, shape)
    asked = _asked(shape, seed)
    exact = Plain(state, shape)(*asked)
    within = budget(exact, Plain(state, shape, torch.float32)(*asked), "network")
    expect(_loaded(impl, state, shape, layout)(*asked), exact, "the logits", within=within)


@law(
    "CKPT-002",
    needs="load_model",
    effect="a part of the model is random, or weights of another model are taken in, and only the sound says so",
    origin={"codeclm:26": "a fork loads with strict=False, and tells nobody what was missing"},
    witnesses=[
        "definition: a parameter without a weight has no value",
        "torch's strict loading refuses the same",
    ],
    since="2026.1",
    cost="model",
    mutants=["not-strict", "ignores-strangers", "reshapes-what-does-not-fit"],
    draws={
        **FILES,
        "kind": draw.choice("missing", "stranger", "transposed"),
        "at": draw.integer(0, 1000),
    },
    regions=draw_lm.regions("kind", "missing", "stranger", "transposed"),
    spare=SPARE,
)
def refuses_misfits(impl: Implementation, layout: str, codebooks: int, seed: int, kind: str, at: int) -> None:
    """A checkpoint with a tensor too few, one too many or one of another shape is refused; without the fault it loads."""
    shape = shape_of(codebooks, layout)
    state = make_state(seed, shape)

    def spoilt(written: State) -> State:
        matrices = sorted(name for name, tensor in written.items() if tensor.ndim > 1)
        name = matrices[at % len(matrices)]
        if kind == "missing":
            return {key: tensor for key, tensor in written.items() if key != name}
        if kind == "stranger":
            return written | {name.replace("weight", "bias"): torch.zeros(3)}
        return written | {name: written[name].transpose(0, -1).contiguous()}

    _expect_logits(_loaded(impl, state, shape, layout), shape, seed)
    expect_refusal(
        lambda: _strictly(lambda: _loaded(impl, state, shape, layout, spoilt)),
        "a checkpoint that does not fit",
    )


@law(
    "CKPT-003",
    needs="load_model",
    effect="a run that was compiled or distributed cannot be loaded where it was not: a hundred missing keys, or none of the weights",
    origin={
        "codeclm:89": "torch.compile writes _orig_mod. and DDP writes module. before every name; upstream has a script for it"
    },
    witnesses=[
        "definition: a wrapper changes no weight",
        "torch removes DDP's prefix with a function of its own",
    ],
    since="2026.1",
    cost="model",
    mutants=["knows-no-prefix", "strips-one-prefix", "random-behind-a-prefix"],
    draws={**FILES, "prefix": draw.choice("_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module.")},
    regions={
        "two prefixes": lambda case: case["prefix"].count(".") > 1,
        "compiled": lambda case: case["prefix"] == "_orig_mod.",
        "distributed": lambda case: case["prefix"] == "module.",
    },
)
def sees_through_prefixes(impl: Implementation, layout: str, codebooks: int, seed: int, prefix: str) -> None:
    """Names that begin with _orig_mod. or module., or both, load as they do without."""
    shape = shape_of(codebooks, layout)
    state = make_state(seed, shape)
    asked = _asked(shape, seed)
    want = _loaded(impl, state, shape, layout)(*asked)
    prefixed = _loaded(
        impl, state, shape, layout, lambda written: {prefix + key: value for key, value in written.items()}
    )
    expect(prefixed(*asked), want, "the logits with a prefix", within=itself(want))


@law(
    "CKPT-004",
    needs="load_model",
    effect="a checkpoint is run with another delay pattern or channel count than it was trained with: noise with a rhythm",
    origin={
        "D1 #2": "a fork changed its pattern; the two lists that hold it had to agree, and old checkpoints became invalid"
    },
    witnesses=[
        "counting: a codebook has one table, one delay, and one slice of the head",
        "transformers' config refuses a pattern of another length",
    ],
    since="2026.1",
    cost="model",
    mutants=["repeats-the-pattern-on-load", "builds-what-the-config-says"],
    draws={
        **FILES,
        "kind": draw.choice("pattern and channels", "pattern alone"),
        "fewer": draw.choice(False, True),
    },
    regions={
        "pattern and channels": lambda case: case["kind"] == "pattern and channels",
        "pattern alone": lambda case: case["kind"] == "pattern alone",
    },
    spare=SPARE,
)
def config_and_weights_agree(
    impl: Implementation, layout: str, codebooks: int, seed: int, kind: str, fewer: bool
) -> None:
    """A config whose delays or channels are not as many as the weights have codebooks is refused; one that agrees loads."""
    shape = shape_of(codebooks, layout)
    state = make_state(seed, shape)
    other = codebooks - 1 if fewer and codebooks > 1 else codebooks + 1

    def altered(config: dict[str, Any]) -> dict[str, Any]:
        places = config if "delay_pattern" in config else config["data"]
        places["delay_pattern"] = list(range(other))
        if kind == "pattern and channels":
            if "data" in config:
                config["data"]["channels"] = other
            else:
                config["decoder_config"]["num_channels"] = other
        return config

    _expect_logits(_loaded(impl, state, shape, layout), shape, seed)
    expect_refusal(
        lambda: _strictly(lambda: _loaded(impl, state, shape, layout, config=altered)),
        "a config of another model",
    )
