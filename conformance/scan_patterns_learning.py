"""The source patterns of `refaudio scan`, continued: training and sampling."""

from __future__ import annotations

import ast
import re

from .scan_patterns import pattern
from .scan_tree import Source, calls, dotted, last, number, says, words


@pattern(
    "codeclm:29",
    "init",
    "xavier counts the fans of a 3-D kernel wrongly",
    "xavier_ DenseGeneral|empty(|zeros(|randn(|rand(",
    r"xavier_",
    ast.Call,
)
def xavier_on_kernel(node: ast.AST, source: Source) -> bool:
    """xavier_uniform_ of a DenseGeneral, or of a tensor that is made with three dimensions."""
    if not calls(node, "xavier_uniform_", "xavier_normal_") or not node.args:
        return False
    made = source.assigned(dotted(node.args[0]), source.owner(node)) if dotted(node.args[0]) else []
    inner = (
        child
        for value in made
        for child in ast.walk(value)
        if calls(child, "empty", "zeros", "randn", "rand")
    )
    return "densegeneral" in words(source.scope(node)) or any(len(call.args) >= 3 for call in inner)


@pattern(
    "D2 #4",
    "guide_velocity or solve",
    "guidance below 1 is skipped",
    "cfg|guidance",
    r"(?:cfg|guidance)[^\n]*>\s?1(?:\.0?)?\b",
    ast.If,
    ast.IfExp,
    ast.Assign,
    ast.Return,
)
def guidance_above_one(node: ast.AST, source: Source) -> bool:
    """if cfg_scale > 1, where 0 and 0.5 mean something too."""
    test = node.test if isinstance(node, (ast.If, ast.IfExp)) else getattr(node, "value", None)
    asked = ast.walk(test) if isinstance(test, (ast.Compare, ast.BoolOp)) else ()
    return any(
        isinstance(child, ast.Compare)
        and isinstance(child.ops[0], ast.Gt)
        and number(child.comparators[0]) == 1
        and re.search("cfg|guidance", last(child.left).lower()) is not None
        for child in asked
    )


@pattern(
    "D0 #6",
    "seed_all",
    "seed + rank collides and overflows",
    "seed rank",
    r"seed\w*\([^\n]*(?:\+[^\n]*rank|rank[^\n]*\+)",
    ast.Call,
)
def seed_plus_rank(node: ast.AST, source: Source) -> bool:
    """np.random.seed(seed + rank)"""
    if not isinstance(node, ast.Call) or "seed" not in last(node):
        return False
    sums = (arg for arg in node.args if isinstance(arg, ast.BinOp) and isinstance(arg.op, ast.Add))
    return any(says(arg, "rank") for arg in sums)


@pattern(
    "codeclm:72",
    "should_stop or step",
    "a loss that was divided for accumulation meets a threshold",
    "accum",
    r"loss[^\n]*/[^\n]*accum",
    ast.Compare,
)
def divided_loss(node: ast.AST, source: Source) -> bool:
    """loss / accumulation < threshold, in one line or two."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        return False
    left = (
        node.left.func.value
        if calls(node.left, "item") and isinstance(node.left.func, ast.Attribute)
        else node.left
    )
    values = [left, *(source.assigned(dotted(left), source.scope(node)) if dotted(left) else [])]
    return any(
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.Div)
        and says(value.left, "loss")
        and says(value.right, "accum")
        for value in values
    )


@pattern(
    "D0 #8",
    "token_loss or step",
    "cross entropy over a selection that may be empty is NaN",
    "cross_entropy(",
    r"cross_entropy\(\s*[\w.]+\[[\w.]+\]",
    ast.Call,
)
def empty_selection(node: ast.AST, source: Source) -> bool:
    """cross_entropy(logits[mask], targets[mask]), the mask never asked whether it holds anything."""
    if not calls(node, "cross_entropy") or len(node.args) < 2:
        return False
    picked = [dotted(arg.slice) if isinstance(arg, ast.Subscript) else "" for arg in node.args[:2]]
    scope = source.scope(node)
    return bool(picked[0]) and picked[0] == picked[1] and not source.asked(picked[0], scope)


@pattern(
    "flow:8",
    "drop_condition",
    "the condition is dropped for a whole batch at once",
    "random()",
    r"random\(\)\s*<=?\s*[\w.]*(?:cond|cfg|drop)",
    ast.Compare,
)
def batch_dropout(node: ast.AST, source: Source) -> bool:
    """random.random() < uncond_fraction"""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], (ast.Lt, ast.LtE)):
        return False
    one = calls(node.left, "random") and not node.left.args
    return one and says(
        node.comparators[0], "uncond|(cond|cfg|prompt|text).*drop|drop.*(cond|cfg|prompt|text)"
    )


@pattern(
    "flow:9",
    "grid or solve",
    "n points are n - 1 steps",
    "linspace",
    r"linspace\(\s*[01](?:\.0?)?,\s*[01](?:\.0?)?,\s*[\w.]*steps\b",
    ast.Call,
)
def points_for_steps(node: ast.AST, source: Source) -> bool:
    """linspace(0, 1, steps)"""
    if not calls(node, "linspace") or len(node.args) < 3:
        return False
    return {number(arg) for arg in node.args[:2]} == {0.0, 1.0} and re.search(
        "steps$", last(node.args[2])
    ) is not None


@pattern(
    "D4 #2.4",
    "shortcut_loss",
    "a clamp hides a level that is not on the grid",
    "clamp|clip|maximum tau|signal",
    r"(?:tau|signal)\w* ?- ?[^\n]*(?:/ ?2|half)",
    ast.Call,
)
def clamped_half_step(node: ast.AST, source: Source) -> bool:
    """clamp(tau - d / 2, min=0)"""
    if not calls(node, "clamp", "clip", "maximum"):
        return False
    held = [*node.args[:1], *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
    return any(
        isinstance(arg, ast.BinOp)
        and isinstance(arg.op, ast.Sub)
        and says(arg.left, "tau|signal")
        and _is_half(arg.right)
        for arg in held
    )


@pattern(
    "D4 #8.1",
    "step_sizes",
    "the logarithm of a k_max that is no power of two is cut",
    "log2(",
    r"int\(\s*[\w.]*log2\([^\n]*k_?max",
    ast.Call,
)
def floored_log(node: ast.AST, source: Source) -> bool:
    """int(math.log2(k_max))"""
    return (
        calls(node, "int")
        and bool(node.args)
        and calls(node.args[0], "log2")
        and says(node.args[0], "k_?max")
    )


def _is_half(node: ast.AST) -> bool:
    return says(node, "half") or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and number(node.right) == 2
    )
