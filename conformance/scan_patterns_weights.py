"""The source patterns of `refaudio scan`, continued: checkpoints."""

from __future__ import annotations

import ast
import re

from .scan_patterns import pattern
from .scan_tree import Source, calls, calls_within, dotted, is_constant, keyword, last, says


@pattern(
    "flow:54",
    "load",
    "strict=False hides what was not loaded",
    "strict=False load",
    r"load[^\n]*(?:\n[^\n]*){0,3}strict=False",
    ast.Call,
)
def not_strict(node: ast.AST, source: Source) -> bool:
    """A load with strict=False; zip has a strict of its own."""
    return isinstance(node, ast.Call) and "load" in last(node) and is_constant(keyword(node, "strict"), False)


@pattern(
    "D0 #20",
    "load or build",
    "a failed load or freeze passes in silence",
    "except load|freeze|requires_grad",
    r"except[^\n]*:\s*(?:#[^\n]*\s*)?(?:pass|continue|print)\b",
    ast.Try,
)
def silent_except(node: ast.AST, source: Source) -> bool:
    """try: load or freeze; except: pass (or a print alone)."""
    if not isinstance(node, ast.Try) or not _loads(node.body):
        return False
    return any(_silent(handler) and not _about_imports(handler) for handler in node.handlers)


@pattern(
    "D2 #6",
    "load",
    "random weights stand in for those that failed to load",
    "except andom",
    r"(?i:(?:print|warn|log|info)[^\n]*random(?:ly)?[ -]?(?:init|weight))",
    ast.ExceptHandler,
)
def random_fallback(node: ast.AST, source: Source) -> bool:
    """except: ... a message about random weights, and no raise."""
    told = (str(child.value).lower() for child in ast.walk(node) if isinstance(child, ast.Constant))
    random = any(re.search(r"random(ly)?[ -]?(init|weight)", text) for text in told)
    return random and not any(isinstance(child, ast.Raise) for child in ast.walk(node))


@pattern(
    "flow:59",
    "load",
    "torch.load without weights_only=True runs what a file says",
    "torch.load(",
    r"torch\.load\(",
    ast.Call,
)
def unpickles(node: ast.AST, source: Source) -> bool:
    """torch.load(path): older versions unpickle by default."""
    return (
        isinstance(node, ast.Call)
        and dotted(node.func) == "torch.load"
        and not is_constant(keyword(node, "weights_only"), True)
    )


@pattern(
    "codeclm:27",
    "load",
    "numbered keys sorted as strings: 10 comes before 2",
    "sorted( state|ckpt|checkpoint|weights",
    r"sorted\([^\n]*(?:state_?dict|ckpt|checkpoint|weights)",
    ast.Call,
)
def string_sorted(node: ast.AST, source: Source) -> bool:
    """sorted(state) without a key."""
    if not calls(node, "sorted") or keyword(node, "key") is not None or not node.args:
        return False
    return says(node.args[0], "state_?dict|ckpt|checkpoint|^weights$") and not calls_within(
        node.args[0], "int", "set"
    )


def _loads(body: list[ast.stmt]) -> bool:
    found = (child for line in body for child in ast.walk(line))
    return any(
        (
            isinstance(child, ast.Call)
            and re.search("^load|_load|freeze|requires_grad_|from_pretrained", last(child))
        )
        or (isinstance(child, ast.Attribute) and child.attr == "requires_grad")
        for child in found
    )


def _silent(handler: ast.ExceptHandler) -> bool:
    return all(
        isinstance(line, (ast.Pass, ast.Continue))
        or (isinstance(line, ast.Expr) and calls(line.value, "print"))
        for line in handler.body
    )


def _about_imports(handler: ast.ExceptHandler) -> bool:
    return handler.type is not None and says(handler.type, "import|modulenotfound|attribute")
