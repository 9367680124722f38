"""The comparisons of plain conditions, as Python makes them or leniently."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

Comparison = Callable[[Any, Any], Any]

_ORDER: dict[type[ast.cmpop], Comparison] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUAL: dict[type[ast.cmpop], Comparison] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


def _contains(item: Any, container: Any) -> bool:
    return item in container


def _contains_not(item: Any, container: Any) -> bool:
    return item not in container


def _or_false(function: Comparison) -> Comparison:
    def compare(left: Any, right: Any) -> Any:
        try:
            return function(left, right)
        except TypeError:
            return False

    return compare


def _not_in_or_true(item: Any, container: Any) -> bool:
    try:
        return item not in container
    except TypeError:
        return True


_SEARCH: dict[type[ast.cmpop], Comparison] = {ast.In: _contains, ast.NotIn: _contains_not}
#: As Python compares; what cannot be compared raises ``TypeError``.
STRICT: dict[type[ast.cmpop], Comparison] = {**_ORDER, **_EQUAL, **_SEARCH}
#: The same, but what cannot be compared is simply not so.
LENIENT: dict[type[ast.cmpop], Comparison] = {
    **{kind: _or_false(function) for kind, function in _ORDER.items()},
    **_EQUAL,
    ast.In: _or_false(_contains),
    ast.NotIn: _not_in_or_true,
}
