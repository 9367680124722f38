"""Rules on decision tables: hit policy, cells that mean what they say, gaps and overlaps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from engine.base.safe_parsing import dmn_namespace, line_of, local
from engine.bpmn.model import MAX_WRITTEN

from .catalogue.decisions import (
    CELL_LIST,
    CELL_NAME,
    CELL_NOT,
    CELL_SYNTAX,
    DECISION_COUNT,
    DECISION_NAME,
    HIT_POLICY,
    INPUT_EXPRESSION,
    LARGE_TABLE,
    NO_TABLE,
    OUTPUT_CELL,
    OUTPUT_NAME,
    RULE_WIDTH,
    TABLE_GAP,
    TABLE_OVERLAP,
)
from .catalogue.scripts import FORBIDDEN_NAME
from .catalogue.structure import MISSING_ID
from .cells import Cell, Domain, gaps_and_overlaps, is_list, read_cell
from .context import LintContext
from .expressions import ARGUMENTS, PYTHON, read_expression
from .finding import Finding

MAX_CELLS = 5_000
#: what the engine reads by its id
_NEED_ID = ("decisionTable", "input", "output", "rule", "inputEntry", "outputEntry")
_NAME = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass
class _Table:
    inputs: list[tuple[str, str]]
    outputs: list[str]
    rules: list[etree._Element]


def lint_decision(root: etree._Element, file: str, context: LintContext) -> Iterator[Finding]:
    """Findings on a DMN file."""
    space = f"{{{dmn_namespace(root)}}}"
    decisions = list(root.iter(f"{space}decision"))
    if len(decisions) != 1:
        yield DECISION_COUNT.at(file, count=len(decisions))
    for decision in decisions[:20]:
        ident = decision.get("id", "")
        stem = file.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
        if len(decisions) == 1 and ident != stem:
            yield DECISION_NAME.at(file, ident, line_of(decision), id=ident)
        table = decision.find(f"{space}decisionTable")
        if table is None or table.find(f"{space}rule") is None:
            yield NO_TABLE.at(file, ident, line_of(decision))
        else:
            yield from _lint_table(file, ident, table, space, context)


def _lint_table(
    file: str, decision: str, element: etree._Element, space: str, context: LintContext
) -> Iterator[Finding]:
    policy = element.get("hitPolicy", "UNIQUE").upper()
    if policy not in ("UNIQUE", "COLLECT") or element.get("aggregation"):
        shown = f"{policy} {element.get('aggregation', '')}".strip()
        yield HIT_POLICY.at(file, decision, line_of(element), policy=shown)
    texts = [text.text or "" for text in element.iter(f"{space}text")]
    if len(texts) > MAX_CELLS or sum(map(len, texts)) > MAX_WRITTEN:
        yield LARGE_TABLE.at(file, decision, line_of(element), count=len(texts), most=MAX_CELLS)
        return
    for part in element.iter(*(f"{space}{tag}" for tag in _NEED_ID)):
        if not part.get("id"):
            yield MISSING_ID.at(file, decision, line_of(part), kind=local(part))
    table = _Table(
        [
            ((column.findtext(f"{space}inputExpression/{space}text") or "").strip(), column.get("label", ""))
            for column in element.findall(f"{space}input")
        ],
        [column.get("name", "") for column in element.findall(f"{space}output")],
        element.findall(f"{space}rule"),
    )
    for expression, label in table.inputs:
        if not expression or read_expression(expression).error is not None:
            yield INPUT_EXPRESSION.at(file, decision, line_of(element), label=label or expression or "?")
        yield from _forbidden(file, decision, line_of(element), "input", expression)
    if not all(table.outputs):
        yield OUTPUT_NAME.at(file, decision, line_of(element))
    rows: list[list[Cell]] = []
    for rule in table.rules:
        cells = [read_cell(_text(entry, space)) for entry in rule.findall(f"{space}inputEntry")]
        outputs = [_text(entry, space) for entry in rule.findall(f"{space}outputEntry")]
        where = rule.get("id") or decision
        for count, wanted in ((len(cells), len(table.inputs)), (len(outputs), len(table.outputs))):
            if count != wanted:
                yield RULE_WIDTH.at(file, where, line_of(rule), count=count, wanted=wanted)
        for cell in cells:
            yield from _lint_cell(file, where, line_of(rule), cell, context)
        for text in outputs:
            output = read_expression(text)
            if text and (output.error is not None or is_list(output.tree)):
                yield OUTPUT_CELL.at(file, where, line_of(rule), text=text)
            yield from _forbidden(file, where, line_of(rule), "cell", text)
        rows.append(cells)
    if policy == "UNIQUE" and all(len(row) == len(table.inputs) for row in rows):
        yield from _coverage(file, decision, element, table, rows, context)


def _text(entry: etree._Element, space: str) -> str:
    return (entry.findtext(f"{space}text") or "").strip()


def _lint_cell(
    file: str, where: str, line: int | None, cell: Cell, context: LintContext
) -> Iterator[Finding]:
    if cell.fault == "list":
        yield CELL_LIST.at(file, where, line, text=cell.text)
    elif cell.fault == "not":
        yield CELL_NOT.at(file, where, line, text=cell.text)
    elif cell.fault == "syntax":
        yield CELL_SYNTAX.at(file, where, line, text=cell.text)
    else:
        for name in cell.forbidden:
            yield FORBIDDEN_NAME.at(file, where, line, what="cell", name=name)
        for name in cell.names:
            if name not in context.names | ARGUMENTS.keys() | PYTHON | _own_functions(file):
                yield CELL_NAME.at(file, where, line, text=cell.text, name=name)


def _forbidden(file: str, where: str, line: int | None, what: str, text: str) -> Iterator[Finding]:
    for name in dict.fromkeys(name for name, _ in read_expression(text).forbidden):
        yield FORBIDDEN_NAME.at(file, where, line, what=what, name=name)


def _own_functions(file: str) -> frozenset[str]:
    """Triage tables may ask whether a text mentions something (see ``engine.intake``)."""
    return frozenset({"mentions"}) if file.rpartition("/")[2].startswith("triage") else frozenset()


def _coverage(
    file: str,
    decision: str,
    element: etree._Element,
    table: _Table,
    rows: list[list[Cell]],
    context: LintContext,
) -> Iterator[Finding]:
    """Gaps and overlaps, where every cell is about values that can be counted up."""
    domains = []
    for number, (expression, _) in enumerate(table.inputs):
        choices = context.choices.get(expression) if _NAME.match(expression) else None
        domains.append(Domain.of([row[number] for row in rows], choices))
    if any(domain is None for domain in domains):
        return
    names = [label or expression for expression, label in table.inputs]
    gap, overlap = gaps_and_overlaps(rows, [domain for domain in domains if domain is not None])
    if gap is not None:
        case = ", ".join(f"{name} = {value}" for name, value in zip(names, gap, strict=True))
        yield TABLE_GAP.at(file, decision, line_of(element), case=case)
    if overlap is not None:
        first, second, values = overlap
        case = ", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
        yield TABLE_OVERLAP.at(
            file, decision, line_of(element), first=first + 1, second=second + 1, case=case
        )
