"""Arithmetic expressions over channels, such as `-mccb_power` or `grid + pv - battery`.

The grammar is Python's for `+ - * /`, unary signs, brackets, numbers, names and the functions
`abs`, `min` and `max`; nothing else is accepted, and nothing is ever evaluated as Python.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
FUNCTIONS = ("abs", "min", "max")
_NUMERIC: dict[str, Callable[..., Any]] = {"abs": abs, "min": min, "max": max}
MAX_LENGTH = 500
# Evaluation recurses: far below Python's own limit, so that a notebook's deep stack is no matter.
MAX_DEPTH = 60
_FOREIGN = re.compile(r"[^A-Za-z0-9_.+\-*/(), ]")
_ALLOWED = f"use names, numbers, + - * / ( ) and {', '.join(FUNCTIONS)}"


class ExpressionError(ValueError):
    """An expression that isn't plain arithmetic; the text says which part."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes
    ----------
    text : str
        As written in the site file, each run of white space as one space.
    names : frozenset of str
        Channels (or roles) it refers to.
    """

    text: str
    names: frozenset[str]
    _tree: ast.expr

    @property
    def is_name(self) -> bool:
        """Whether it is a single channel, unchanged."""
        return isinstance(self._tree, ast.Name)

    def evaluate(
        self, values: Mapping[str, T], functions: Mapping[str, Callable[..., T]] | None = None
    ) -> T:
        """Compute with whatever supports arithmetic: numbers, arrays, Ibis columns.

        Division by a channel that is 0 does what that kind of value does: numbers raise
        `ZeroDivisionError`, arrays and columns give no finite value.

        Parameters
        ----------
        values
            A value for each of `names`.
        functions
            Implementations of `abs`, `min`, `max` for that kind of value; default: those of
            numbers.

        Returns
        -------
        T
            The value of the expression.
        """
        result: T = _evaluate(self._tree, values, functions or _NUMERIC)
        return result


def parse_expression(text: str) -> Expression:
    """Parse and check an expression.

    Raises
    ------
    ExpressionError
        It isn't plain arithmetic over names and numbers, names nothing, is longer than
        `MAX_LENGTH` or nested deeper than `MAX_DEPTH`, or has a constant part without a finite
        value (`1 / 0`, `1e999`).
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"is {len(text)} characters long; at most {MAX_LENGTH} are allowed")
    plain = " ".join(text.split())
    foreign = _FOREIGN.search(plain)
    if foreign:
        raise ExpressionError(f"{foreign.group()!r} isn't allowed in {plain!r}; {_ALLOWED}")
    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{plain!r} isn't an arithmetic expression; {_ALLOWED}") from None
    names: set[str] = set()
    _check(tree, names, plain, 1)
    if not names:
        raise ExpressionError(f"{plain!r} names no channel")
    return Expression(plain, frozenset(names), tree)


def _check(node: ast.expr, names: set[str], text: str, depth: int) -> bool:
    """Check a part, collect its names, and say whether it is constant."""
    if depth > MAX_DEPTH:
        raise ExpressionError(f"is nested deeper than {MAX_DEPTH} levels")
    parts: list[ast.expr]
    match node:
        case ast.Name(id=name):
            names.add(name)
            return False
        case ast.Constant(value=value) if type(value) in (int, float):
            parts = []
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            parts = [left, right]
        case ast.UnaryOp(op=unary, operand=operand) if type(unary) in _UNARY:
            parts = [operand]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            if (len(args) != 1) if name == "abs" else (len(args) < 2):
                count = "one value" if name == "abs" else "two or more values"
                raise ExpressionError(f"{_source(text, node)!r}: {name} takes {count}")
            parts = args
        case _:
            raise ExpressionError(f"{_source(text, node)!r} isn't allowed; {_ALLOWED}")
    constant = [_check(part, names, text, depth + 1) for part in parts]
    divides = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and constant[1]
    if divides and _evaluate(parts[1], {}, _NUMERIC) == 0:
        raise ExpressionError(f"{_source(text, node)!r} divides by 0")
    if not all(constant):
        return False
    try:
        finite = math.isfinite(_evaluate(node, {}, _NUMERIC))
    except OverflowError:
        finite = False
    if not finite:
        raise ExpressionError(f"{_source(text, node)!r} isn't a finite number")
    return True


def _source(text: str, node: ast.expr) -> str:
    part = ast.get_source_segment(text, node) or text
    return part if len(part) <= 60 else part[:57] + "..."


def _evaluate(
    node: ast.expr, values: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> Any:
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=value):
            return value
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](
                _evaluate(left, values, functions), _evaluate(right, values, functions)
            )
        case ast.UnaryOp(op=unary, operand=operand):
            return _UNARY[type(unary)](_evaluate(operand, values, functions))
        case ast.Call(func=ast.Name(id=name), args=args):
            return functions[name](*(_evaluate(a, values, functions) for a in args))
    raise AssertionError(ast.dump(node))
