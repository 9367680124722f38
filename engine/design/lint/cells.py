"""Cells of decision tables as the engine reads them, and which cases a table leaves out or meets twice."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from engine.bpmn.conditions import ConditionError, compile_condition

from .expressions import read_expression

Fault = Literal["", "list", "not", "syntax"]
#: the name a cell's value gets; ``?`` outside quotes stands for it
VALUE = "dmninputexpr"
MAX_CASES = 50_000
OTHER = "其他/other"
_QUESTION = re.compile(r"""("(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')|\?""")


@dataclass(frozen=True)
class Cell:
    """One input cell. ``matches`` is None when it cannot be decided from its own value alone."""

    text: str
    any: bool
    fault: Fault
    names: tuple[str, ...]
    constants: tuple[object, ...]
    forbidden: tuple[str, ...]  #: names that reach for what a table must not have
    matches: Callable[[object], bool] | None


@lru_cache(maxsize=4096)
def read_cell(text: str) -> Cell:
    """A cell as SpiffWorkflow's decision engine takes it."""
    if text in ("", "-"):
        return Cell(text, True, "", (), (), (), lambda value: True)
    expression = _QUESTION.sub(lambda match: match.group(1) or VALUE, text)
    source = read_expression(expression)
    if VALUE not in source.reads and VALUE not in expression:
        if source.error is None and source.tree is not None:
            fault = _misread(source.tree)
            if fault:
                return Cell(text, False, fault, (), (), (), None)
            expression = f"{VALUE} == ({text})"
        else:
            expression = f"{VALUE} {text}"
        source = read_expression(expression)
    if source.error is not None or source.tree is None:
        return Cell(text, False, "syntax", (), (), (), None)
    if is_list(source.tree):  # "> 1,250" is true or false, and then 250: it would match whatever comes
        return Cell(text, False, "list", (), (), (), None)
    names = tuple(name for name in source.reads if name != VALUE)
    constants = tuple(
        node.value
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None)
    )
    forbidden = tuple(dict.fromkeys(name for name, _ in source.forbidden))
    return Cell(text, False, "", names, constants, forbidden, None if names else _matcher(expression))


def is_list(tree: ast.AST | None) -> bool:
    """Whether an expression is a list without brackets: what ``12,50`` and ``1,250`` are."""
    return isinstance(tree, ast.Expression) and isinstance(tree.body, ast.Tuple)


def _misread(tree: ast.AST) -> Fault:
    """Cells that are valid Python but compare with something nobody meant."""
    if is_list(tree):
        return "list"
    body = tree.body if isinstance(tree, ast.Expression) else None
    if isinstance(body, ast.UnaryOp) and isinstance(body.op, ast.Not):
        return "not"
    return ""


def _matcher(expression: str) -> Callable[[object], bool] | None:
    try:
        condition = compile_condition(expression)
    except ConditionError:
        return None
    if condition.calls:
        return None

    def matches(value: object) -> bool:
        try:
            return bool(condition.evaluate({VALUE: value}, {}))
        except ConditionError:
            return False

    return matches


@dataclass(frozen=True)
class Domain:
    """Values a column is tried with; between them nothing can change."""

    values: tuple[object, ...]

    @classmethod
    def of(cls, cells: list[Cell], choices: set[object] | None) -> Domain | None:
        """Values that tell the column's cells apart, or None when they cannot be counted up."""
        asked = [cell for cell in cells if not cell.any]
        if not asked:
            return cls(("-",))
        if any(cell.matches is None for cell in asked):
            return None
        constants = {_key(value): value for cell in asked for value in cell.constants}
        values = list(constants.values())
        found: dict[tuple[str, object], object] = {}
        for value in [*values, *(choices or ())]:
            found.setdefault(_key(value), value)
        if any(isinstance(value, bool) for value in values):
            for value in (True, False):
                found.setdefault(_key(value), value)
        for value in _between([v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]):
            found.setdefault(_key(value), value)
        if not choices and any(isinstance(value, str) for value in values):
            found.setdefault(_key(OTHER), OTHER)
        return cls(tuple(found.values()))


def _key(value: object) -> tuple[str, object]:
    # True == 1 in Python, but a table means different things by them
    return ("bool" if isinstance(value, bool) else "other", value)


def _between(numbers: Iterable[int | float]) -> list[float | int]:
    """A number below, above and between each of ``numbers``."""
    order = sorted({number for number in numbers if abs(number) < 1e15})
    if not order:
        return []
    return [order[0] - 1, *((a + b) / 2 for a, b in pairwise(order)), order[-1] + 1]


def gaps_and_overlaps(
    rows: list[list[Cell]], domains: list[Domain]
) -> tuple[tuple[object, ...] | None, tuple[int, int, tuple[object, ...]] | None]:
    """The first case that no rule matches, and the first that two rules match (their numbers from 0).

    A last rule that matches everything is a catch-all and overlaps nothing. Nothing is said of tables with
    more than 50,000 cases.
    """
    cases = 1
    for domain in domains:
        cases *= len(domain.values)
    if cases > MAX_CASES or not rows or len(rows) > 500:
        return None, None
    catch_all = len(rows) - 1 if all(cell.any for cell in rows[-1]) else -1
    masks: list[list[int]] = []
    for column, domain in enumerate(domains):
        masks.append(
            [
                sum(1 << number for number, row in enumerate(rows) if _matches(row[column], value))
                for value in domain.values
            ]
        )
    gap: tuple[object, ...] | None = None
    overlap: tuple[int, int, tuple[object, ...]] | None = None
    stack: list[tuple[int, int, tuple[object, ...]]] = [(0, (1 << len(rows)) - 1, ())]
    while stack and (gap is None or overlap is None):
        column, mask, case = stack.pop()
        if column < len(domains):
            options = zip(domains[column].values, masks[column], strict=True)
            stack += [(column + 1, mask & own, (*case, value)) for value, own in reversed(list(options))]
        elif not mask:
            gap = gap or case
        else:
            hits = [number for number in range(len(rows)) if mask >> number & 1 and number != catch_all]
            if len(hits) > 1 and overlap is None:
                overlap = (hits[0], hits[1], case)
    return gap, overlap


def _matches(cell: Cell, value: object) -> bool:
    return cell.any or (cell.matches is not None and cell.matches(value))
