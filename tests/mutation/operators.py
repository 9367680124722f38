"""The kinds of fault: what one node of the code may become.

Each function of :data:`OPERATORS` looks at one node and gives what could stand there instead, with the kind of fault.
Faults that cannot matter are not made: in annotations, docstrings, texts of errors and of the log.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TypeVar

Fault = tuple[str, ast.AST]  #: the kind, and the node that stands there instead
N = TypeVar("N", bound=ast.AST)

SWAPS = frozenset({
    "swap arguments", "swap keyword values", "swap dict values", "swap elements", "swap unpacking", "swap fields",
})  # fmt: skip
_CONTRARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
}  # fmt: skip
_NEIGHBOUR: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
#: functions and methods without which the value is of the same type, or nearly
_PASSED = frozenset({"sorted", "reversed", "list", "set", "dict", "tuple", "abs", "int", "str"})
_PASSED_METHODS = frozenset({"strip", "rstrip", "lstrip", "lower", "casefold", "copy", "distinct"})
_CONDITIONS = frozenset({"where", "and_", "or_", "also"})  #: calls whose arguments are conditions


def _with(node: N, **fields: object) -> N:
    """A copy of a node in which some fields are others."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def _exchanged(items: list[ast.expr]) -> Iterator[list[ast.expr]]:
    """Two neighbours exchanged, in each way that is another text."""
    for at, (one, other) in enumerate(pairwise(items)):
        starred = isinstance(one, ast.Starred) or isinstance(other, ast.Starred)
        if not starred and ast.dump(one) != ast.dump(other):
            yield [*items[:at], other, one, *items[at + 2 :]]


def _without(items: list[N]) -> Iterator[list[N]]:
    for at in range(len(items) if len(items) > 1 else 0):
        yield items[:at] + items[at + 1 :]


def swaps(node: ast.AST) -> Iterator[Fault]:
    """Two neighbours stand in each other's place."""
    if isinstance(node, ast.Call):
        conditions_only = isinstance(node.func, ast.Attribute) and node.func.attr in _CONDITIONS
        for args in () if conditions_only else _exchanged(node.args):
            yield "swap arguments", _with(node, args=args)
        named = [(at, keyword) for at, keyword in enumerate(node.keywords) if keyword.arg]
        for (here, one), (there, other) in pairwise(named):
            if ast.dump(one.value) != ast.dump(other.value):
                keywords = list(node.keywords)
                keywords[here] = ast.keyword(one.arg, other.value)
                keywords[there] = ast.keyword(other.arg, one.value)
                yield "swap keyword values", _with(node, keywords=keywords)
    elif isinstance(node, ast.Dict):
        for values in _exchanged(node.values):
            yield "swap dict values", _with(node, values=values)
    elif isinstance(node, ast.Tuple | ast.List):
        kind = "swap unpacking" if isinstance(node.ctx, ast.Store) else "swap elements"
        for elts in _exchanged(node.elts):
            yield kind, _with(node, elts=elts)
    elif isinstance(node, ast.ClassDef) and not _by_name(node):
        for at, (field, following) in enumerate(pairwise(node.body)):
            if isinstance(field, ast.AnnAssign) and isinstance(following, ast.AnnAssign):
                body = [*node.body[:at], following, field, *node.body[at + 2 :]]
                yield "swap fields", _with(node, body=body)


def removals(node: ast.AST) -> Iterator[Fault]:
    """One of several is missing: of a set or list of constants, of a union, of the patterns of a match."""
    match node:
        case ast.Set():
            for elts in _without(node.elts):
                yield "remove from set", _with(node, elts=elts)
        case ast.List(ctx=ast.Load()) | ast.Tuple(ctx=ast.Load()) if all(map(_is_word, node.elts)):
            for elts in _without(node.elts):
                yield "remove from set", _with(node, elts=elts)
        case ast.BinOp(op=ast.BitOr()):
            yield "remove from set", node.left
            yield "remove from set", node.right
        case ast.MatchOr():
            for patterns in _without(node.patterns):
                yield "remove from set", _with(node, patterns=patterns)


def conditions(node: ast.AST) -> Iterator[Fault]:
    """A condition is its contrary, is joined the other way, or is missing."""
    match node:
        case ast.BoolOp(op=op, values=values):
            yield "and/or", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for rest in _without(values):
                yield "drop condition", ast.BoolOp(op, rest) if len(rest) > 1 else rest[0]
        case ast.Call(func=ast.Attribute(attr=name), args=args) if name in _CONDITIONS:
            for rest in _without(args):
                yield "drop condition", _with(node, args=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "negate", operand
        case ast.Compare(ops=[op], left=left, comparators=comparators):
            if (contrary := _CONTRARY.get(type(op))) is not None:
                yield "negate", ast.Compare(left, [contrary()], comparators)
            if (neighbour := _NEIGHBOUR.get(type(op))) is not None:
                yield "off by one", ast.Compare(left, [neighbour()], comparators)
        case ast.If() | ast.IfExp() | ast.While() if not isinstance(node.test, ast.Compare | ast.UnaryOp):
            yield "negate", _with(node, test=ast.UnaryOp(ast.Not(), node.test))


def values(node: ast.AST) -> Iterator[Fault]:
    """A constant is another one; the least is the greatest; a function that shapes a value is not called."""
    match node:
        case ast.Constant(value=bool() as value):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield "constant", ast.Constant(value + 1)
        case ast.Constant(value=str() as value):
            yield "constant", ast.Constant(f"{value}x")
        case ast.Call(func=ast.Name(id=("min" | "max") as name)):
            yield "min/max", _with(node, func=ast.Name("max" if name == "min" else "min"))
        case ast.Call(func=ast.Name(id=name), args=[only], keywords=[]) if name in _PASSED:
            yield "drop call", only
        case ast.Call(func=ast.Attribute(attr=name, value=value), args=[]) if name in _PASSED_METHODS:
            yield "drop call", value


def statements(node: ast.AST) -> Iterator[Fault]:
    """A statement is not executed, or a loop is left where it should go on."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Delete():
            yield "drop statement", ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "drop statement", ast.Pass()
        case ast.Continue():
            yield "early end", ast.Break()
        case ast.Break():
            yield "early end", ast.Continue()
        case ast.If(body=[*before, ast.Return()], orelse=[]):
            yield "early end", _with(node, body=[*before, ast.Pass()])
        case ast.For(body=body):
            yield "early end", _with(node, body=[*body, ast.Break()])


def _by_name(node: ast.ClassDef) -> bool:
    """Whether the fields of a class are given by name only: their order is nothing."""
    said = [
        *node.keywords,
        *(k for made in node.decorator_list if isinstance(made, ast.Call) for k in made.keywords),
    ]
    return any(keyword.arg == "kw_only" for keyword in said)


def _is_word(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute | ast.Name) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


OPERATORS: tuple[Callable[[ast.AST], Iterator[Fault]], ...] = (
    swaps,
    removals,
    conditions,
    values,
    statements,
)
