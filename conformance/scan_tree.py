"""What a source pattern asks of a syntax tree: names, calls, the function around a node, what was assigned in it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TypeGuard

Function = ast.FunctionDef | ast.AsyncFunctionDef


_GIVES = (ast.Assign, ast.AnnAssign, ast.NamedExpr)


class Source:
    """One module: its nodes, the scope around each, and what that scope does with a name."""

    def __init__(self, text: bytes) -> None:
        self.tree = ast.parse(text)
        self.parents: dict[ast.AST, ast.AST] = {}
        self.given: dict[ast.AST, dict[str, list[ast.expr]]] = {}  # by scope: what each name is given there

    def near(self, lines: set[int]) -> Iterator[ast.AST]:
        """Every node of the functions, or other statements of a module or class, that these lines lie in."""
        return self._within(self.tree, self.tree.body, lines)

    def _within(self, owner: ast.AST, body: list[ast.stmt], lines: set[int]) -> Iterator[ast.AST]:
        for statement in body:
            if any(statement.lineno <= line <= (statement.end_lineno or line) for line in lines):
                self.parents[statement] = owner
                if isinstance(statement, ast.ClassDef):
                    yield from self._within(statement, statement.body, lines)
                else:
                    yield from self._nodes(statement)

    def _nodes(self, statement: ast.AST) -> Iterator[ast.AST]:
        """The nodes of a statement; their parents are known from then on."""
        for node in ast.walk(statement):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            yield node

    def scope(self, node: ast.AST) -> ast.AST:
        """The function around a node, or the module."""
        while node is not self.tree:
            node = self.parents[node]
            if isinstance(node, Function):
                break
        return node

    def owner(self, node: ast.AST) -> ast.AST:
        """The class around a node, or the module: where an attribute of self lives."""
        while node is not self.tree and not isinstance(node, ast.ClassDef):
            node = self.parents[node]
        return node

    def assigned(self, name: str, where: ast.AST) -> list[ast.expr]:
        """The values that a name, or a dotted name, is given in a scope."""
        if where not in self.given:
            self.given[where] = defaultdict(list)
            for node in ast.walk(where):
                if isinstance(node, _GIVES) and node.value is not None:
                    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                        self.given[where][dotted(target)].append(node.value)
        return self.given[where].get(name, []) if name else []

    def asked(self, name: str, where: ast.AST) -> bool:
        """Whether a condition in the scope looks at the name."""
        tests = (
            node.test
            for node in ast.walk(where)
            if isinstance(node, (ast.If, ast.IfExp, ast.Assert, ast.While))
        )
        return any(dotted(node) == name for test in tests for node in ast.walk(test))


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a name or an attribute of one, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def last(node: ast.AST) -> str:
    """The last word of a name, of an attribute of anything, or of what is called."""
    if isinstance(node, ast.Call):
        return last(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def words(node: ast.AST) -> set[str]:
    """Every name and attribute below a node, in lower case."""
    return {last(child).lower() for child in ast.walk(node) if isinstance(child, (ast.Name, ast.Attribute))}


def says(node: ast.AST, pattern: str) -> bool:
    """Whether a name or attribute below the node holds the pattern."""
    return any(re.search(pattern, word) for word in words(node))


def calls(node: ast.AST, *names: str) -> TypeGuard[ast.Call]:
    """Whether the node itself is a call of something that ends in one of these names."""
    return isinstance(node, ast.Call) and last(node) in names


def calls_within(node: ast.AST, *names: str) -> bool:
    """Whether the node or anything below it calls one of these names."""
    return any(calls(child, *names) for child in ast.walk(node))


def number(node: ast.AST | None) -> float | None:
    """The value of a literal number, with its sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = number(node.operand)
        return None if value is None else -value
    plain = (
        isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
    )
    return float(node.value) if plain else None  # type: ignore[union-attr]


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument."""
    return next((entry.value for entry in call.keywords if entry.arg == name), None)


def is_constant(node: ast.AST | None, value: object) -> bool:
    """Whether the node is this very literal."""
    return isinstance(node, ast.Constant) and node.value is value
