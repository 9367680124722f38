"""The plain condition language of gateways and forms: a small part of Python's expressions.

Names, constants, comparisons, ``and``/``or``/``not``/``in``, ``+`` and ``-``, lists and tuples, constant
subscripts and calls of given functions by name; no attributes, no other arithmetic, no keyword arguments. An
expression is checked once and turned into nested closures, so that deciding one costs about a microsecond. What
is more than plain raises :class:`NotPlain`; the caller may then hand it to the script sandbox.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from engine.base.errors import GongdanError, InvalidFile, TechnicalFailure

from .comparisons import LENIENT, STRICT

Env = Mapping[str, Any]
Functions = Mapping[str, Callable[..., Any]]
Missing = Literal["error", "none"]
_Node = Callable[[Env, Functions], Any]

MAX_LENGTH = 2000  #: characters of one expression
MAX_NODES = 200  #: names, constants and operators of one expression
MAX_JOINED = 20_000  #: characters or items that ``+`` may join
MAX_DEPTH = 30  #: nesting of one expression


class ConditionError(GongdanError):
    """A condition that cannot be used, or not on this data."""


class NotPlain(ConditionError, InvalidFile):
    """The expression is more than the plain condition language."""


class BadCondition(ConditionError, InvalidFile):
    """The text is no expression at all."""


class ConditionFailed(ConditionError, TechnicalFailure):
    """A condition could not be decided on this data."""


class MissingName(ConditionFailed):
    """A condition uses a name that the data does not have."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked expression. ``names`` are the data it reads, ``calls`` the functions it uses."""

    source: str
    names: frozenset[str]
    calls: frozenset[str]
    missing: Missing
    _decide: _Node

    @property
    def calls_data_get(self) -> bool:
        """Whether it looks up names that may be absent, and so needs ``data_get`` bound to the data."""
        return "data_get" in self.calls

    def evaluate(self, env: Env, functions: Functions) -> Any:
        """The value of the expression on ``env``, as Python would give it.

        With ``missing="error"`` an absent name raises :class:`MissingName` and comparing what cannot be
        compared raises :class:`ConditionFailed`. With ``missing="none"`` an absent name is ``None``, and
        whatever cannot be ordered, searched, subscripted or added is simply false or ``None``.
        """
        try:
            return self._decide(env, functions)
        except (TypeError, LookupError, OverflowError) as error:
            raise ConditionFailed(f"condition {self.source!r} cannot be decided: {error}") from error


@lru_cache(maxsize=4096)
def compile_condition(expression: str, *, missing: Missing = "error") -> Condition:
    """Check ``expression`` and make it ready to run.

    Raises :class:`BadCondition` for what is no expression and :class:`NotPlain` for what is more than plain.
    """
    source = expression.strip()
    if len(source) > MAX_LENGTH:
        raise NotPlain(f"condition of {len(source)} characters; keep it under {MAX_LENGTH}")
    if "\\" in source:
        raise NotPlain(f"condition {source!r} has a backslash; write the character itself")
    flat = source.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    try:
        tree = ast.parse(flat, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "nested too deeply"
        raise BadCondition(f"condition {source!r} is no expression: {reason}") from None
    builder = _Builder(source, lenient=missing == "none")
    decide = builder.build(tree, 0)
    return Condition(source, frozenset(builder.names), frozenset(builder.calls), missing, decide)


class _Builder:
    """Turns a whitelisted syntax tree into closures, noting names and calls on the way."""

    def __init__(self, source: str, *, lenient: bool) -> None:
        self.source = source
        self.lenient = lenient
        self.operators = LENIENT if lenient else STRICT
        self.names: set[str] = set()
        self.calls: set[str] = set()
        self.nodes = 0

    def build(self, node: ast.expr, depth: int) -> _Node:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise NotPlain(f"condition {self.source!r} is too large; split it")
        match node:
            case ast.Constant(value=value) if value is None or isinstance(value, str | int | float):
                return _constant(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return _constant(-value)
            case ast.Name(id=name):
                self.names.add(name)
                return _name_or_none(name) if self.lenient else _name(name, self.source)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.build(operand, depth + 1)
                return lambda env, functions: not inner(env, functions)
            case ast.BoolOp(op=op, values=values):
                parts = [self.build(value, depth + 1) for value in values]
                return _all(parts) if isinstance(op, ast.And) else _any(parts)
            case ast.Compare():
                return self.compare(node, depth)
            case ast.BinOp(op=ast.Add() | ast.Sub() as op, left=left, right=right):
                return self.sum(op, self.build(left, depth + 1), self.build(right, depth + 1))
            case ast.List(elts=items):
                parts = [self.build(item, depth + 1) for item in items]
                return lambda env, functions: [part(env, functions) for part in parts]
            case ast.Tuple(elts=items):
                parts = [self.build(item, depth + 1) for item in items]
                return lambda env, functions: tuple([part(env, functions) for part in parts])
            case ast.Subscript(value=value, slice=index):
                return self.subscript(value, index, depth)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args, depth)
        part = ast.unparse(node)
        raise NotPlain(
            f"condition {self.source!r}: {part!r} is more than a plain condition "
            "(names, constants, comparisons, and/or/not/in, + and -, lists, constant subscripts, calls by name)"
        )

    def compare(self, node: ast.Compare, depth: int) -> _Node:
        for op, other in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.Is | ast.IsNot) and not _is_single(other):
                # Whether two equal numbers or texts are the same object is an accident of the interpreter.
                raise NotPlain(f"condition {self.source!r}: use 'is' with None, True and False only, else ==")
        left = self.build(node.left, depth + 1)
        steps = [
            (self.operators[type(op)], self.build(right, depth + 1))
            for op, right in zip(node.ops, node.comparators, strict=True)
        ]
        if len(steps) == 1:
            ((function, right),) = steps
            return lambda env, functions: function(left(env, functions), right(env, functions))

        def chain(env: Env, functions: Functions) -> Any:
            value = left(env, functions)
            result: Any = True
            for function, right in steps:
                following = right(env, functions)
                result = function(value, following)
                if not result:
                    return result
                value = following
            return result

        return chain

    def sum(self, op: ast.Add | ast.Sub, left: _Node, right: _Node) -> _Node:
        """``a + b`` and ``a - b`` of numbers, and joining two texts or two lists, within bounds."""
        plus, lenient, source = isinstance(op, ast.Add), self.lenient, self.source

        def add(env: Env, functions: Functions) -> Any:
            a, b = left(env, functions), right(env, functions)
            if isinstance(a, int | float) and isinstance(b, int | float):
                return a + b if plus else a - b
            joins = plus and type(a) is type(b) and isinstance(a, str | list)
            if joins and len(a) + len(b) <= MAX_JOINED:
                return a + b
            if lenient:
                return None
            if joins:
                raise ConditionFailed(
                    f"condition {source!r} joins more than {MAX_JOINED:,} characters or items"
                )
            raise ConditionFailed(
                f"condition {source!r} adds or subtracts what are not two numbers, texts or lists"
            )

        return add

    def subscript(self, value: ast.expr, index: ast.expr, depth: int) -> _Node:
        match index:
            case ast.Constant(value=str() | int() as key):
                pass
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)):
                key = -number
            case _:
                raise NotPlain(f"condition {self.source!r}: a subscript must be a constant")
        inner = self.build(value, depth + 1)
        if not self.lenient:
            return lambda env, functions: inner(env, functions)[key]

        def item(env: Env, functions: Functions) -> Any:
            try:
                return inner(env, functions)[key]
            except (TypeError, LookupError):
                return None

        return item

    def call(self, name: str, args: list[ast.expr], depth: int) -> _Node:
        self.calls.add(name)
        parts = [self.build(arg, depth + 1) for arg in args]
        source = self.source
        lenient = self.lenient

        def run(env: Env, functions: Functions) -> Any:
            function = functions.get(name)
            if function is None:
                raise ConditionFailed(f"condition {source!r} calls {name!r}, which is not available here")
            values = [part(env, functions) for part in parts]
            try:
                return function(*values)
            except (TypeError, ValueError, AttributeError, OverflowError) as error:
                if lenient:  # of what was left out or is still being typed a function has no value either
                    return None
                reason = f"{name} cannot use what it was given ({error})"
                raise ConditionFailed(f"condition {source!r}: {reason[:300]}") from error

        return run


def _is_single(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def _constant(value: Any) -> _Node:
    return lambda env, functions: value


def _name_or_none(name: str) -> _Node:
    return lambda env, functions: env.get(name)


def _name(name: str, source: str) -> _Node:
    def read(env: Env, functions: Functions) -> Any:
        try:
            return env[name]
        except KeyError:
            raise MissingName(
                f"condition {source!r} uses {name!r}, which the case does not have; "
                f'set it in a script first, or write data_get("{name}", None)'
            ) from None

    return read


def _all(parts: list[_Node]) -> _Node:
    def every(env: Env, functions: Functions) -> Any:
        value: Any = True
        for part in parts:
            value = part(env, functions)
            if not value:
                return value
        return value

    return every


def _any(parts: list[_Node]) -> _Node:
    def some(env: Env, functions: Functions) -> Any:
        value: Any = False
        for part in parts:
            value = part(env, functions)
            if value:
                return value
        return value

    return some
