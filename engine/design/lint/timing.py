"""Rules on timers: expressions that mean what they say, limits that come from the table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from engine.bpmn.diagrams import rhythm_of
from engine.bpmn.model import DiagramModel, Node, Scope, Timer
from engine.sla.durations import Duration, Moment

from .catalogue.timing import (
    LIMIT_INTERRUPTS,
    MULTI_INSTANCE_TIMER,
    NO_CLOCK,
    PARAMETER_KIND,
    PRESCRIPT_TIMER,
    TIMER_EMPTY,
    TIMER_INVALID,
    TIMER_LITERAL,
    TIMER_NAIVE,
    TIMER_NEGATIVE,
    TIMER_START,
    TIMER_UNQUOTED,
    TIMER_WRONG_KIND,
)
from .context import LintContext, may_wait
from .expressions import read_expression
from .finding import Finding, Rule, Severity

_DURATION = re.compile(
    r"-?P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+(\.\d+)?D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?\Z"
)
_LOOKS_LIKE_TIME = re.compile(r"(R\d*/.*|-?P[\dTYMWDHS.]*|\d{4}-\d\d-\d\d([T ].*)?|T?\d\d:\d\d.*)\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d)\Z")


def timers(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Each timer holds an expression that gives a time of the right kind."""
    for node in model.nodes() if model.readable else ():
        for timer in node.timers:
            yield from _timer(model.file, node, timer, context)


def _timer(file: str, node: Node, timer: Timer, context: LintContext) -> Iterator[Finding]:
    def say(rule: Rule, **values: str) -> Finding:
        return rule.at(file, node.id, timer.line, None, **values)

    text = timer.text
    if not text:
        yield say(TIMER_EMPTY)
        return
    if node.kind == "startEvent":
        if not _opens_cases(node, timer, context):
            yield say(TIMER_START, text=text)
        return
    if _LOOKS_LIKE_TIME.match(text):
        yield say(TIMER_NEGATIVE if text.startswith("-") else TIMER_UNQUOTED, text=text)
        return
    source = read_expression(text)
    if isinstance(source.constant, str):
        yield from _literal(say, timer, source.constant, file, node, context)
    elif source.constant is not None:
        yield say(TIMER_INVALID, text=text)
    calls = {name for name, _, _ in source.calls}
    if timer.kind != "timeDate" and calls & {"sla_due", "after", "outside_quiet_hours", "now"}:
        yield say(TIMER_WRONG_KIND, text=text, kind=timer.kind)
    for parameter, _ in source.constants_of("sla_due"):
        known = context.parameters.get(parameter)
        if known is None:
            continue
        if known.clock == "manual" or not isinstance(known.limit, Duration | Moment):
            yield say(PARAMETER_KIND, parameter=parameter, clock=known.clock)
        elif node.kind == "boundaryEvent" and node.interrupting and not known.interrupting:
            yield say(LIMIT_INTERRUPTS, parameter=parameter)


def _opens_cases(node: Node, timer: Timer, context: LintContext) -> bool:
    """Whether the timer on a start event is a rhythm; an unknown parameter is another rule's."""
    parameter = rhythm_of(timer.text)
    if parameter is None or timer.kind != "timeCycle" or node.scope.parent is not None:
        return False
    known = context.parameters.get(parameter)
    return known is None or known.rhythm is not None


def _literal(
    say: Callable[..., Finding], timer: Timer, value: str, file: str, node: Node, context: LintContext
) -> Iterator[Finding]:
    """A quoted time: well formed, of the right kind, and better a parameter."""
    body = value.rpartition("/")[2] if timer.kind == "timeCycle" else value
    if body.startswith("-"):
        yield say(TIMER_NEGATIVE, text=value)
    elif _DATE.match(value):
        if timer.kind != "timeDate":
            yield say(TIMER_WRONG_KIND, text=value, kind=timer.kind)
        elif not _ZONE.search(value):
            yield say(TIMER_NAIVE, text=value)
    elif not _DURATION.match(body):
        yield say(TIMER_INVALID, text=value)
    elif timer.kind == "timeDate":
        yield say(TIMER_WRONG_KIND, text=value, kind=timer.kind)
    else:
        # where a table of limits stands beside the diagram there is no excuse
        severity: Severity = "error" if context.parameters else "warning"
        yield TIMER_LITERAL.at(file, node.id, timer.line, severity, text=value)


def around_timers(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """What the engine does oddly next to a boundary timer."""
    for node in model.nodes():
        limits = [event for event in node.boundary if event.timers]
        if node.multiple and any(event.interrupting for event in limits):
            yield MULTI_INSTANCE_TIMER.at(model.file, node.id, node.line)
        if limits and node.extension("preScript"):
            yield PRESCRIPT_TIMER.at(model.file, node.id, node.line)


def first_minute(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """A process that people open complaints of has a limit from the first minute."""
    for process in model.processes:
        opens = process.properties.get("startable") == "true"
        if not opens or process.properties.get("complaint") == "false":
            continue
        if not process.properties.get("case_clocks", "").strip() and not _limited_from_start(process.scope):
            yield NO_CLOCK.at(model.file, process.id, process.line)


def _limited_from_start(scope: Scope) -> bool:
    """Whether every first step that may take time is under a limit."""
    seen: set[str] = set()
    ahead = [node for node in scope.nodes.values() if node.kind == "startEvent"]
    found = False
    while ahead:
        node = ahead.pop()
        if node.id in seen:
            continue
        seen.add(node.id)
        timers = (timer for event in node.boundary for timer in event.timers)
        if any(list(read_expression(timer.text).constants_of("sla_due")) for timer in timers):
            found = True
        elif node.inner is not None:
            if not _limited_from_start(node.inner):
                return False
            found = True
        elif node.kind == "callActivity" or may_wait(node.kind, node.events):
            return False
        else:
            ahead += [scope.nodes[flow.target] for flow in node.outgoing if flow.target in scope.nodes]
    return found


CHECKS = (timers, around_timers, first_minute)
