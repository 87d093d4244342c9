"""Lengths that the graph says as sums and products of others: ``past + sequence``, ``2*batch``."""

import ast
import operator
from collections.abc import Callable, Mapping

OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def computed(text: str, lengths: Mapping[str, int]) -> int | None:
    """Return the length that *text* comes to; None where it is none, or one of its names has no length."""
    try:
        value = _value(ast.parse(text, mode="eval").body, lengths)
    except (SyntaxError, ValueError, KeyError, ZeroDivisionError, RecursionError):
        return None
    return value if value >= 0 else None


def _value(node: ast.expr, lengths: Mapping[str, int]) -> int:
    match node:
        case ast.BinOp(left, operation, right) if type(operation) in OPERATORS:
            return OPERATORS[type(operation)](_value(left, lengths), _value(right, lengths))
        case ast.Name(name):
            return lengths[name]
        case ast.Constant(int(number)):
            return number
    raise ValueError("not a length")
