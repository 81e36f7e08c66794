"""The two published layouts of Dia's weights, as tables: nari's kernels (in, heads, features), and transformers'.

nari's matrices are (in, out) with the heads as axes, transformers' (out, in) without; heads stay head-major, gate rows
precede up rows, and no rotary permutation is needed: both pair the two halves. Which one a file has is told by its
keys: the same name on the Hub has held both.
"""

from collections.abc import Iterable
from typing import Literal

from ..weights.tables import Part, Rule, Table, join, reshape, rule, transpose
from .config import CodecLMConfig, Stack

Layout = Literal["nari", "transformers"]
LAYOUTS: tuple[Layout, ...] = ("nari", "transformers")
_MARKS: dict[Layout, tuple[str, ...]] = {
    "nari": ("decoder.embeddings.0.", ".mlp.wi_fused."),
    "transformers": ("model.decoder.embeddings.embed.", ".mlp.gate_up_proj."),
}


def sniff(keys: Iterable[str]) -> Layout:
    """Which layout these keys are of; ValueError where they are of none."""
    names = list(keys)
    for layout, marks in _MARKS.items():
        if any(mark in name for name in names for mark in marks):
            return layout
    shown = ", ".join(sorted(names)[:3]) or "none"
    raise ValueError(f"weights must be of Dia, in nari's or transformers' layout: their keys are {shown} ...")


def table(config: CodecLMConfig, layout: Layout, *, fused: bool = False) -> Table:
    """The table of a layout for a model of this size; fused: nari's optional q|k|v in one key."""
    if layout not in LAYOUTS:
        raise ValueError(f"layout={layout!r} must be one of {', '.join(LAYOUTS)}")
    return _nari(config, fused) if layout == "nari" else _transformers(config)


_NORMS = {
    "encoder": {"attention_norm": "pre_sa_norm", "mlp_norm": "post_sa_norm"},
    "decoder": {"self_norm": "pre_sa_norm", "cross_norm": "pre_ca_norm", "mlp_norm": "pre_mlp_norm"},
}
_SELF = {"encoder": "attention", "decoder": "self_attention"}


def _norms(prefix: str) -> list[Rule]:
    made = [rule(f"{prefix}encoder.embedding.weight", "encoder.embedding.weight")]
    for side, norms in _NORMS.items():
        made.append(rule(f"{prefix}{side}.norm.weight", f"{side}.norm.weight"))
        for ours, theirs in norms.items():
            key = f"{side}.layers.{{i}}"
            made.append(rule(f"{prefix}{key}.{theirs}.weight", f"{key}.{ours}.weight"))
    return made


def _transformers(config: CodecLMConfig) -> Table:
    made = _norms("model.")
    for side, stack in ("encoder", config.encoder), ("decoder", config.decoder):
        ours, theirs = f"{side}.layers.{{i}}", f"model.{side}.layers.{{i}}"
        inner = [stack.heads * stack.head_dim, *[stack.kv_heads * stack.head_dim] * 2]
        parts = [
            Part(f"{theirs}.self_attention.{name}_proj.weight", (), size)
            for name, size in zip("qkv", inner, strict=True)
        ]
        made += [
            join(parts, f"{ours}.{_SELF[side]}.qkv.weight"),
            rule(f"{theirs}.self_attention.o_proj.weight", f"{ours}.{_SELF[side]}.out.weight"),
            rule(f"{theirs}.mlp.gate_up_proj.weight", f"{ours}.mlp.gate_up.weight"),
            rule(f"{theirs}.mlp.down_proj.weight", f"{ours}.mlp.down.weight"),
        ]
    ours, theirs = "decoder.layers.{i}.cross_attention", "model.decoder.layers.{i}.cross_attention"
    size = config.cross_kv_heads * config.cross_head_dim
    made += [
        rule(f"{theirs}.q_proj.weight", f"{ours}.q.weight"),
        join([Part(f"{theirs}.{name}_proj.weight", (), size) for name in "kv"], f"{ours}.kv.weight"),
        rule(f"{theirs}.o_proj.weight", f"{ours}.out.weight"),
        rule("model.decoder.embeddings.embed.weight", "decoder.embedding.weight"),
        rule("logits_dense.weight", "head.weight"),
    ]
    return Table(*made)


def _nari(config: CodecLMConfig, fused: bool) -> Table:
    made = _norms("")
    for side, stack in ("encoder", config.encoder), ("decoder", config.decoder):
        key = f"{side}.layers.{{i}}"
        made += [
            _nari_qkv(key, side, stack, fused),
            rule(
                f"{key}.self_attention.o_proj.weight",
                f"{key}.{_SELF[side]}.out.weight",
                reshape(
                    (stack.heads, stack.head_dim, stack.width), (stack.heads * stack.head_dim, stack.width)
                ),
                transpose(),
            ),
            rule(
                f"{key}.mlp.wi_fused.weight",
                f"{key}.mlp.gate_up.weight",
                reshape((stack.width, 2, stack.hidden), (stack.width, 2 * stack.hidden)),
                transpose(),
            ),
            rule(f"{key}.mlp.wo.weight", f"{key}.mlp.down.weight", transpose()),
        ]
    key, width, memory = "decoder.layers.{i}.cross_attention", config.decoder.width, config.encoder.width
    heads, groups, dims = config.cross_heads, config.cross_kv_heads, config.cross_head_dim
    made += [
        _kernel(f"{key}.q_proj.weight", f"{key}.q.weight", width, heads, dims),
        join([_part(f"{key}.{name}_proj.weight", memory, groups, dims) for name in "kv"], f"{key}.kv.weight"),
        rule(
            f"{key}.o_proj.weight",
            f"{key}.out.weight",
            reshape((heads, dims, width), (heads * dims, width)),
            transpose(),
        ),
        rule(
            "decoder.embeddings.{*}.weight",
            "decoder.embedding.weight",
            reshape(
                (config.codebooks, config.vocabulary, width), (config.codebooks * config.vocabulary, width)
            ),
        ),
        _kernel("decoder.logits_dense.weight", "head.weight", width, config.codebooks, config.vocabulary),
    ]
    return Table(*made)


def _nari_qkv(key: str, side: str, stack: Stack, fused: bool) -> Rule:
    ours = f"{key}.{_SELF[side]}.qkv.weight"
    if fused:
        return rule(f"{key}.self_attention.qkv.linear.weight", ours)
    sizes = stack.heads, stack.kv_heads, stack.kv_heads
    return join(
        [
            _part(f"{key}.self_attention.{name}_proj.weight", stack.width, count, stack.head_dim)
            for name, count in zip("qkv", sizes, strict=True)
        ],
        ours,
    )


def _part(key: str, inputs: int, heads: int, features: int) -> Part:
    """A kernel (in, heads, features), as a part of a fused weight."""
    return Part(
        key, (reshape((inputs, heads, features), (inputs, heads * features)), transpose()), heads * features
    )


def _kernel(theirs: str, ours: str, inputs: int, heads: int, features: int) -> Rule:
    return rule(theirs, ours, *_part(theirs, inputs, heads, features).ops)
