"""Which names an expression or script surely has, reads without having, and leaves behind; by its syntax alone.

A read is guarded where a test before it says that the name is there: ``data_get("x", None)`` that holds, in an
``if``, before ``and``, or on the flow that a condition opens.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Names = frozenset[str]
_NOTHING: Names = frozenset()


@dataclass
class Reading:
    """What was read without being surely there: name → line, in the order of reading."""

    missing: dict[str, int] = field(default_factory=dict)


def after_script(tree: ast.Module, known: Names, reading: Reading) -> Names:
    """The names surely there when the script has run; unsure reads go into ``reading``."""
    return _block(tree.body, known, reading)


def after_expression(tree: ast.Expression, known: Names, reading: Reading) -> Names:
    """The names surely there when the expression has been evaluated: what it read must have been there."""
    return _read(tree.body, known, reading)


def proof(node: ast.expr, holds: bool) -> Names:
    """Names that must be there where the condition is true (or false); of what is nested without end, none."""
    try:
        return facts(node, holds)
    except RecursionError:
        return _NOTHING


def facts(node: ast.expr, holds: bool) -> Names:
    """As :func:`proof`, inside a script."""
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return facts(operand, not holds)
        case ast.BoolOp(op=op, values=values):
            if isinstance(op, ast.And) is holds:
                return frozenset[str]().union(*(facts(value, holds) for value in values))
            return frozenset.intersection(*(facts(value, holds) for value in values))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(left, op, right, holds)
        case ast.Call() if holds:
            return _asked(node, truthy=True)
    return _NOTHING


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr, holds: bool) -> Names:
    """``data_get("x", None) is not None``, ``data_get("x", 0) > 5``: the default would not have passed."""
    name = _asked(left, truthy=False)
    if not name:
        return _NOTHING
    try:
        default = ast.literal_eval(left.args[1]) if isinstance(left, ast.Call) and left.args[1:] else None
        other = ast.literal_eval(right)
        passes = _OPERATORS[type(op)](default, other)
    except (ValueError, TypeError, KeyError):
        return _NOTHING
    return name if bool(passes) is not holds else _NOTHING


_OPERATORS: dict[type[ast.cmpop], Callable[[Any, Any], object]] = {
    ast.Is: lambda a, b: a is b,
    ast.IsNot: lambda a, b: a is not b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
}


def _asked(node: ast.expr, *, truthy: bool) -> Names:
    """The name that ``data_get("name", literal)`` asks for; with ``truthy``, only where the default is false."""
    match node:
        case ast.Call(func=ast.Name(id="data_get"), args=[ast.Constant(value=str(name)), *rest]):
            default = rest[0] if rest else ast.Constant(None)
            if isinstance(default, ast.Constant) and not (truthy and default.value):
                return frozenset({name})
    return _NOTHING


def _block(body: Iterable[ast.stmt], known: Names, reading: Reading) -> Names:
    for statement in body:
        known = _statement(statement, known, reading)
    return known


def _statement(node: ast.stmt, known: Names, reading: Reading) -> Names:
    match node:
        case ast.Assign(targets=targets, value=value):
            known = _read(value, known, reading)
            return known | _bound(targets)
        case ast.AugAssign(target=target, value=value):
            known = _read(value, known, reading)
            if isinstance(target, ast.Name):
                _note(target.id, target.lineno, known, reading)
            return known | _bound([target])
        case ast.AnnAssign(target=target, value=value) if value is not None:
            return _read(value, known, reading) | _bound([target])
        case ast.If(test=test, body=body, orelse=orelse):
            known = _read(test, known, reading)
            yes = _block(body, known | facts(test, True), reading)
            no = _block(orelse, known | facts(test, False), reading)
            return yes & no
        case ast.For(target=target, iter=items, body=body, orelse=orelse):
            known = _read(items, known, reading)
            _block(body, known | _bound([target]), reading)
            return _block(orelse, known, reading)
        case ast.While(test=test, body=body):
            known = _read(test, known, reading)
            _block(body, known | facts(test, True), reading)
            return known
        case ast.FunctionDef(name=name):
            return known | {name}
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=last):
            tried = _block([*body, *orelse], known, reading)
            caught = [_block(handler.body, known, reading) for handler in handlers]
            return _block(last, frozenset.intersection(tried, *caught), reading)
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.expr):
            known = _read(part, known, reading)
    return known


def _read(node: ast.expr, known: Names, reading: Reading) -> Names:
    """Names surely there once ``node`` has been evaluated."""
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            _note(name, node.lineno, known, reading)
            return known | {name}
        case ast.BoolOp(op=op, values=[first, *others]):
            after = ahead = _read(first, known, reading)
            before = first
            for value in others:
                ahead = _read(value, ahead | facts(before, isinstance(op, ast.And)), reading)
                before = value
            return after
        case ast.IfExp(test=test, body=body, orelse=orelse):
            known = _read(test, known, reading)
            yes = _read(body, known | facts(test, True), reading)
            return yes & _read(orelse, known | facts(test, False), reading)
        case ast.Call(func=ast.Name(), args=args, keywords=keywords):  # the function's name is no datum
            for part in [*args, *(keyword.value for keyword in keywords)]:
                known = _read(part, known, reading)
            return known
        case ast.Lambda():
            return known
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            _comprehension(node, known, reading)
            return known
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.expr | ast.keyword):
            known = _read(inner.value if isinstance(inner, ast.keyword) else inner, known, reading)
    return known


def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, known: Names, reading: Reading
) -> None:
    for part in node.generators:
        known = _read(part.iter, known, reading) | _bound([part.target])
        for test in part.ifs:
            known = _read(test, known, reading)
    for value in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
        _read(value, known, reading)


def _bound(targets: Iterable[ast.expr]) -> Names:
    """Names that assigning to ``targets`` binds."""
    return frozenset(
        part.id
        for target in targets
        for part in ast.walk(target)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    )


def _note(name: str, line: int, known: Names, reading: Reading) -> None:
    if name not in known:
        reading.missing.setdefault(name, line)
