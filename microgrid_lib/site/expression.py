"""Arithmetic expressions over channels, such as `-mccb_power` or `grid + pv - battery`.

The grammar is Python's for `+ - * /`, unary minus, brackets, numbers, names and the functions
`abs`, `min` and `max`; nothing else is accepted, and nothing is ever evaluated as Python.
"""

from __future__ import annotations

import ast
import operator
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
MAX_LENGTH = 500


class ExpressionError(ValueError):
    """An expression that isn't plain arithmetic; the text says which part."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes
    ----------
    text : str
        As written in the site file.
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

        Parameters
        ----------
        values
            A value for each of `names`.
        functions
            Implementations of `abs`, `min`, `max` for that kind of value.

        Returns
        -------
        T
            The value of the expression.
        """
        result: T = _evaluate(self._tree, values, functions or {})
        return result


def parse_expression(text: str) -> Expression:
    """Parse and check an expression.

    Raises
    ------
    ExpressionError
        It isn't plain arithmetic over names and numbers.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"is longer than {MAX_LENGTH} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{text!r} isn't an arithmetic expression") from None
    names: set[str] = set()
    _check(tree, names)
    if not names:
        raise ExpressionError(f"{text!r} names no channel")
    return Expression(text.strip(), frozenset(names), tree)


def _check(node: ast.expr, names: set[str]) -> None:
    match node:
        case ast.Name(id=name):
            names.add(name)
        case ast.Constant(value=value) if type(value) in (int, float):
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check(left, names)
            _check(right, names)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            _check(operand, names)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS and args:
            for argument in args:
                _check(argument, names)
        case _:
            raise ExpressionError(
                f"{ast.unparse(node)!r} isn't allowed; use names, numbers, + - * / ( ) "
                f"and {', '.join(FUNCTIONS)}"
            )


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
