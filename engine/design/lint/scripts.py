"""Rules on scripts, conditions and other expressions: valid, allowed, and about names that exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from engine.base.safe_parsing import BPMN, line_of
from engine.bpmn.conditions import ConditionError, NotPlain, compile_condition
from engine.bpmn.kinds import DECIDING, KINDS
from engine.bpmn.model import MAX_WRITTEN, DiagramModel

from .catalogue.scripts import (
    ARGUMENT_COUNT,
    FORBIDDEN_NAME,
    RESERVED_NAME,
    SCRIPT_MISSING,
    SLOW_CONDITION,
    SYNTAX,
    TOO_MUCH_SCRIPT,
    UNKNOWN_FUNCTION,
    UNKNOWN_NAME,
)
from .catalogue.tasks import UNKNOWN_PARAMETER
from .context import LintContext
from .expressions import ARGUMENTS, KEPT, PYTHON, Source, read_expression, read_script
from .finding import Finding


@dataclass(frozen=True)
class Text:
    """An expression or script of a diagram: what it is, where it stands, and its text."""

    what: str
    element: str
    line: int | None
    text: str
    script: bool

    @property
    def source(self) -> Source:
        """The text, parsed."""
        return read_script(self.text) if self.script else read_expression(self.text)


def texts(model: DiagramModel) -> Iterator[Text]:
    """All expressions and scripts of a diagram but timers that hold no expression."""
    for node in model.nodes():
        if node.script is not None:
            yield Text("script", node.id, node.script[1], node.script[0].strip("\n"), True)
        for tag in ("preScript", "postScript"):
            if text := node.extension(tag):
                yield Text(tag, node.id, node.line, text, True)
        if node.kind in DECIDING and len(node.outgoing) > 1:
            for flow in node.outgoing:
                if flow.condition is not None:
                    yield Text("condition", flow.id, flow.line, flow.condition, False)
        for timer in node.timers:
            if timer.text:
                yield Text("timer", node.id, timer.line, timer.text, False)
        for loop in (node.loop("multiInstance"), node.loop("standard")):
            for kind in ("loopCardinality", "completionCondition", "loopCondition"):
                found = None if loop is None else loop.find(f"{{{BPMN}}}{kind}")
                if found is not None and (text := (found.text or "").strip()):
                    yield Text(kind, node.id, line_of(found), text, False)
        for one in KINDS[node.kind].properties:
            if one.expression and (text := node.properties.get(one.name, "").strip()):
                yield Text(one.name, node.id, node.line, text, False)


def scripts(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Scripts and expressions are valid and use what a diagram may use."""
    for node in model.with_kind("scriptTask"):
        if node.script is None or not node.script[0].strip():
            yield SCRIPT_MISSING.at(model.file, node.id, node.line)
    if not model.readable:
        yield TOO_MUCH_SCRIPT.at(model.file, count=f"{model.written:,}", most=f"{MAX_WRITTEN:,}")
        return
    names = context.names_in(model)
    for text in texts(model):
        yield from _check(model.file, text, context, names)


def _check(file: str, text: Text, context: LintContext, names: set[str]) -> Iterator[Finding]:
    source = text.source

    def at(line: int) -> int | None:
        return None if text.line is None else text.line + (line - 1 if text.script else 0)

    if source.error is not None:
        reason, line = source.error
        if text.what != "timer" or not text.text[:1].isdigit():
            yield SYNTAX.at(file, text.element, at(line), what=text.what, at=line, reason=reason)
        return
    for name, line in source.forbidden:
        yield FORBIDDEN_NAME.at(file, text.element, at(line), what=text.what, name=name)
    for name, arguments, line in source.calls:
        if name in ARGUMENTS:
            fewest, most = ARGUMENTS[name]
            starred = any(isinstance(argument, ast.Starred) for argument in arguments)
            if not fewest <= len(arguments) <= most and not starred:
                wanted = str(fewest) if fewest == most else f"{fewest}–{most}"
                yield ARGUMENT_COUNT.at(
                    file, text.element, at(line), name=name, count=len(arguments), wanted=wanted
                )
        elif name not in PYTHON and name not in {bad for bad, _ in source.forbidden}:
            yield UNKNOWN_FUNCTION.at(file, text.element, at(line), what=text.what, name=name)
    for name, line in source.binds.items():
        if name in KEPT or name in PYTHON or (name.startswith("__") and name.endswith("__")):
            yield RESERVED_NAME.at(file, text.element, at(line), name=name)
    if context.parameters:
        for function in ("sla_due", "param"):
            for parameter, line in source.constants_of(function):
                if parameter not in context.parameters:
                    yield UNKNOWN_PARAMETER.at(file, text.element, at(line), name=parameter)
    if context.whole:
        called = {name for name, _, _ in source.calls}
        for name, line in source.reads.items():
            if name not in names and name not in called | PYTHON | set(source.binds):
                yield UNKNOWN_NAME.at(file, text.element, at(line), what=text.what, name=name)
    if text.what == "condition":
        yield from _plain(file, text)


def _plain(file: str, text: Text) -> Iterator[Finding]:
    try:
        compile_condition(text.text)
    except NotPlain:
        yield SLOW_CONDITION.at(file, text.element, text.line, text=text.text)
    except ConditionError as error:
        yield SYNTAX.at(file, text.element, text.line, what="condition", at=1, reason=error)


CHECKS = (scripts,)
