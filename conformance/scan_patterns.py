"""The source patterns of `refaudio scan`, sound: where a documented bug often lies, and what to bind.

A pattern is a suspicion. It names the document item (spec/sources.toml) that it comes from, and through it the law;
only the law, held to the running code, is a verdict.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from .scan_tree import Source, calls, calls_within, dotted, last, number, says


@dataclass(frozen=True)
class Pattern:
    """A suspicion: found by `finds` at nodes of these kinds.

    A file is parsed only where it has one needle of every group, and then only at the lines near a hint: parsing all
    of a large repository takes half a minute.
    """

    name: str
    key: str
    binds: str
    says: str
    needles: tuple[tuple[bytes, ...], ...]
    hint: re.Pattern[bytes]
    kinds: tuple[type[ast.AST], ...]
    finds: Callable[[ast.AST, Source], bool]


PATTERNS: list[Pattern] = []
Finder = Callable[[ast.AST, Source], bool]


def pattern(
    key: str, binds: str, says: str, needles: str, hint: str, *kinds: type[ast.AST]
) -> Callable[[Finder], Finder]:
    """Register a finder; needles are groups separated by spaces, alternatives within a group by |."""

    def register(finds: Finder) -> Finder:
        groups = tuple(tuple(word.encode() for word in group.split("|")) for group in needles.split())
        name, line = finds.__name__.replace("_", "-"), re.compile(hint.encode())
        PATTERNS.append(Pattern(name, key, binds, says, groups, line, kinds, finds))
        return finds

    return register


@pattern(
    "D3 #1",
    "normalize or export",
    "a division by the peak without a floor",
    "max(",
    r"abs[^\n]*max\(|max\([^\n]*abs",
    ast.BinOp,
    ast.AugAssign,
)
def peak_division(node: ast.AST, source: Source) -> bool:
    """x / x.abs().max(), or by a name for it that no condition looks at."""
    if not isinstance(node, (ast.BinOp, ast.AugAssign)) or not isinstance(node.op, ast.Div):
        return False
    below = node.right if isinstance(node, ast.BinOp) else node.value
    name, scope = dotted(below), source.scope(node)
    values = source.assigned(name, scope) if name else [below]
    return any(map(_is_peak, values)) and not (name and source.asked(name, scope))


@pattern(
    "D0 #25",
    "undelay or rows_to_audio",
    "a literal trim of 30",
    "30]|30,|=30|= 30",
    r"-\s?30\s*[\],]|(?:after_eos|trim|countdown|extra_steps)\w*\s*=\s*30\b",
    ast.Slice,
    ast.Assign,
    ast.keyword,
)
def trim_thirty(node: ast.AST, source: Source) -> bool:
    """[:-30], or 30 as the number of steps after the end."""
    if isinstance(node, ast.Slice):
        return number(node.upper) == -30
    if isinstance(node, ast.keyword):
        return number(node.value) == 30 and re.search("after_eos|trim|countdown", node.arg or "") is not None
    return (
        isinstance(node, ast.Assign)
        and number(node.value) == 30
        and any(
            re.search("after_eos|trim|countdown|extra_steps", last(target).lower()) for target in node.targets
        )
    )


@pattern(
    "codeclm:3",
    "undelay",
    "a slice [:-n] keeps nothing where n is 0",
    ":-|: -",
    r":\s?-[\w.]*(?:delay|pad|trim|crop|drop|tail|overlap|extra)",
    ast.Slice,
)
def slice_to_minus_n(node: ast.AST, source: Source) -> bool:
    """x[:-n] of a name that no condition looks at."""
    if not isinstance(node, ast.Slice) or not isinstance(node.upper, ast.UnaryOp):
        return False
    name = dotted(node.upper.operand)
    scope = source.scope(node)
    sure = [number(value) for value in source.assigned(name, scope)] if name else []
    return bool(
        name
        and isinstance(node.upper.op, ast.USub)
        and re.search("delay|pad|trim|crop|drop|tail|overlap|extra", name.lower())
        and not source.asked(name, scope)
        and not (sure and all(sure))
    )


@pattern(
    "D3 #10",
    "save or export",
    "the layout is guessed from the sizes",
    ".shape[|.size(",
    r"\.(?:shape\[|size\()[^\n]*[<>][^\n]*\.(?:shape\[|size\()",
    ast.Compare,
)
def guessed_layout(node: ast.AST, source: Source) -> bool:
    """x.shape[0] < x.shape[1], of one and the same x."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], (ast.Lt, ast.Gt, ast.LtE, ast.GtE)):
        return False
    left, right = _axis(node.left), _axis(node.comparators[0])
    return bool(left and right and left[0] == right[0] and left[1] != right[1])


@pattern(
    "flow:75",
    "to_pcm16 or export",
    "a cast to int16 without a clip wraps around",
    "int16",
    r"(?:astype|to|type)\([^\n]*(?:int16|i2)",
    ast.Call,
)
def cast_without_clip(node: ast.AST, source: Source) -> bool:
    """(x * 32767).astype(np.int16), with no clip in sight."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return False
    text = node.args[0].value if isinstance(node.args[0], ast.Constant) else last(node.args[0])
    if node.func.attr not in ("astype", "to", "type") or text not in ("int16", "<i2"):
        return False
    values = [node.func.value]
    for child in ast.walk(node.func.value):
        values += source.assigned(dotted(child), source.scope(node)) if dotted(child) else []
    scaled = any(
        isinstance(child, ast.BinOp) and isinstance(child.op, ast.Mult)
        for value in values
        for child in ast.walk(value)
    )
    return scaled and not any(calls_within(value, *_CLIPS) for value in values)


@pattern(
    "flow:91",
    "save, from a worker thread",
    "signal.alarm works in the main thread alone",
    "signal.",
    r"signal\.(?:alarm|setitimer)\(",
    ast.Call,
)
def alarm(node: ast.AST, source: Source) -> bool:
    """signal.alarm, signal.setitimer."""
    return isinstance(node, ast.Call) and dotted(node.func) in ("signal.alarm", "signal.setitimer")


@pattern(
    "D0 #1",
    "change_speed",
    "len() of (channels, samples) is the number of channels",
    "interp( len(",
    r"(?:np|numpy)\.interp\(",
    ast.Call,
)
def speed_by_len(node: ast.AST, source: Source) -> bool:
    """np.interp beside the len of what it interpolates."""
    if (
        not calls(node, "interp")
        or dotted(node.func) not in ("np.interp", "numpy.interp")
        or len(node.args) < 3
    ):
        return False
    name = dotted(node.args[2])
    lens = (child for child in ast.walk(source.scope(node)) if calls(child, "len") and child.args)
    return bool(name) and any(dotted(call.args[0]) == name for call in lens)


@pattern(
    "D0 #24",
    "to_stereo",
    "channels beyond the second are dropped in silence",
    ":2|:\x202",
    r">\s?2\b[^\n]*:\s*\n(?:[^\n]*\n){0,3}?[^\n]*\[:\s?2\b",
    ast.If,
)
def first_two_channels(node: ast.AST, source: Source) -> bool:
    """if x.shape[0] > 2: x = x[:2]"""
    if (
        not isinstance(node, ast.If)
        or not isinstance(node.test, ast.Compare)
        or number(node.test.comparators[0]) != 2
    ):
        return False
    axis = _axis(node.test.left)
    if axis is None or any(isinstance(child, ast.Raise) for child in ast.walk(node)):
        return False
    cut = (child for line in node.body for child in ast.walk(line) if isinstance(child, ast.Subscript))
    firsts = (
        (child, child.slice.elts[0] if isinstance(child.slice, ast.Tuple) else child.slice) for child in cut
    )
    return any(
        isinstance(first, ast.Slice) and number(first.upper) == 2 and dotted(child.value) == axis[0]
        for child, first in firsts
    )


@pattern(
    "codeclm:55",
    "decode or generate",
    "squeeze() without a dimension also drops a batch or a length of 1",
    ".squeeze()",
    r"(?:decode|audio|wav)[^\n]*\.squeeze\(\)",
    ast.Call,
)
def bare_squeeze(node: ast.AST, source: Source) -> bool:
    """decode(codes).squeeze()"""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "squeeze"
        and not (node.args or node.keywords)
        and says(node.func.value, "decode|audio|wav")
    )


@pattern(
    "D0 #23",
    "rate, or save at another rate",
    "44100 beside a configured rate",
    "44100 sample_rate|sampling_rate",
    r"\b44100\b",
    ast.Constant,
)
def fixed_rate(node: ast.AST, source: Source) -> bool:
    """The literal in a function that also reads a rate from somewhere."""
    scope = source.scope(node)
    if not isinstance(node, ast.Constant) or node.value != 44100 or scope is source.tree:
        return False
    return any(
        isinstance(child, ast.Attribute) and child.attr in ("sample_rate", "sampling_rate")
        for child in ast.walk(scope)
    )


_CLIPS = ("clip", "clamp", "clamp_", "minimum", "clip_")


def _is_peak(node: ast.AST) -> bool:
    """abs(...).max() or max(abs(...)), bare: no sum, no clamp, no second argument around it."""
    while (
        isinstance(node, ast.Call)
        and last(node) in ("item", "float", "cpu")
        and isinstance(node.func, ast.Attribute)
    ):
        node = node.func.value
    if not calls(node, "max", "amax", "absmax") or not calls_within(node, "abs", "fabs", "abs_"):
        return False
    return not any(
        isinstance(child, ast.Constant) and isinstance(child.value, float) for child in ast.walk(node)
    )


def _axis(node: ast.AST) -> tuple[str, float | None] | None:
    """(x, axis) of x.shape[axis] or x.size(axis)."""
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "shape"
    ):
        return dotted(node.value.value), number(node.slice)
    if calls(node, "size") and isinstance(node.func, ast.Attribute) and node.args:
        return dotted(node.func.value), number(node.args[0])
    return None
