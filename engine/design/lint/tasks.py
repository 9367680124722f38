"""Rules on what steps refer to: forms, words, lanes, tables, processes, services, limits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.base.locales import NAME_PROPERTIES
from engine.base.sending import CASE, NOTICE
from engine.base.services import LEVELS, SERVICES, Recipient
from engine.base.texts import is_mail_address
from engine.bpmn.kinds import BY_PERSON, KINDS
from engine.bpmn.model import DiagramModel, Node
from engine.bpmn.properties import OF_PROCESS
from engine.forms.loading import PHONE
from engine.reports import REPORTS

from .catalogue.scripts import UNKNOWN_NAME
from .catalogue.tasks import (
    CALL_MISSING,
    DECISION_MISSING,
    EMPTY_TASK,
    LANE_REFERENCE,
    NOTICE_LEVEL,
    RECIPIENT,
    SERVICE,
    SERVICE_PROPERTY,
    TEMPLATE_KIND,
    UNDOCUMENTED,
    UNKNOWN_DECISION,
    UNKNOWN_FORM,
    UNKNOWN_LANE,
    UNKNOWN_PARAMETER,
    UNKNOWN_PROCESS,
    UNKNOWN_PROPERTY,
    UNKNOWN_REPORT,
    UNKNOWN_TEMPLATE,
    UNNAMED,
    USER_TASK_FORM,
    USER_TASK_LANE,
)
from .context import LintContext
from .expressions import read_expression
from .finding import Finding

_PROCESS_PROPERTIES = {one.name for one in OF_PROCESS} | set(NAME_PROPERTIES)


def people(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """User tasks have a form, words that exist, and a lane somebody works in."""
    for node in model.with_kind(*BY_PERSON):
        form = node.properties.get("form", "")
        if not form:
            yield USER_TASK_FORM.at(model.file, node.id, node.line)
        elif context.forms and form not in context.forms:
            yield UNKNOWN_FORM.at(model.file, node.id, node.line, name=form)
        if not node.lane:
            yield USER_TASK_LANE.at(model.file, node.id, node.line)
        for key in (k for k in node.listed("say") if not k.startswith("=")):  # "=name": chosen by data
            yield from _template(model.file, node, key, "say", context)


def met(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Steps meet clocks that there are."""
    for node in model.with_kind("userTask", "scriptTask"):
        for parameter in node.listed("meets"):
            if context.parameters and parameter not in context.parameters:
                yield UNKNOWN_PARAMETER.at(model.file, node.id, node.line, name=parameter)


def lanes(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Lanes are known, and list what exists."""
    for process in model.processes:
        nodes = {node.id for node in process.scope.all_nodes()}
        for name in dict.fromkeys(process.lanes.values()):
            if context.lanes and name not in context.lanes:
                yield UNKNOWN_LANE.at(model.file, process.id, process.line, name=name)
        for ref, lane in process.lanes.items():
            if ref not in nodes:
                yield LANE_REFERENCE.at(model.file, process.id, process.line, lane=lane, ref=ref)


def references(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Decision tables, called processes and limits exist."""
    for node in model.with_kind("businessRuleTask"):
        decision = node.extension("calledDecisionId") or ""
        if not decision:
            yield DECISION_MISSING.at(model.file, node.id, node.line)
        elif context.decisions and decision not in context.decisions:
            yield UNKNOWN_DECISION.at(model.file, node.id, node.line, name=decision)
    for node in model.with_kind("callActivity"):
        called = node.element.get("calledElement", "")
        if not called:
            yield CALL_MISSING.at(model.file, node.id, node.line)
        elif context.processes and called not in context.processes:
            yield UNKNOWN_PROCESS.at(model.file, node.id, node.line, name=called)
    for process in model.processes:
        for parameter in process.properties.get("case_clocks", "").split(","):
            name = parameter.strip()
            if name and context.parameters and name not in context.parameters:
                yield UNKNOWN_PARAMETER.at(model.file, process.id, process.line, name=name)
        report = process.properties.get("report")
        if report is not None and report not in REPORTS:
            yield UNKNOWN_REPORT.at(model.file, process.id, process.line, name=report)


def services(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Service tasks say what to send, to whom and with which words."""
    for node in model.with_kind("serviceTask", "sendTask") if model.readable else ():
        kind = node.properties.get("service", "")
        service = SERVICES.get(kind)
        if service is None:
            yield SERVICE.at(
                model.file, node.id, node.line, value=kind or "(空/empty)", known=", ".join(SERVICES)
            )
            continue
        for name in (*service.needs, *({"event"} & node.properties.keys())):
            if not node.properties.get(name, "").strip():
                yield SERVICE_PROPERTY.at(model.file, node.id, node.line, name=name)
        if kind == CASE:
            yield from _linked(model, node, context)
        level = node.properties.get("level", "info")
        if kind == NOTICE and level not in LEVELS:
            yield NOTICE_LEVEL.at(model.file, node.id, node.line, value=level)
        to = read_expression(node.properties.get("to", "")).constant
        if isinstance(to, str) and not _reaches(service.recipient, to, context):
            yield RECIPIENT.at(model.file, node.id, node.line, kind=kind, value=to or "(空/empty)")
        literal = read_expression(node.properties.get("template", "")).constant
        if isinstance(literal, str):
            yield from _template(model.file, node, literal, service.texts, context)


def _reaches(recipient: Recipient, to: str, context: LintContext) -> bool:
    """Whether a recipient that the diagram itself names can be reached; without a list of roles any word may be one."""
    role = to.partition("@")[0]  # a role, or one of a department: specialist@om
    is_role = role in context.roles if context.roles else bool(to)
    match recipient:
        case Recipient.PHONE:
            return re.fullmatch(PHONE, to) is not None
        case Recipient.MAIL:
            return is_mail_address(to) if "." in to else is_role
        case Recipient.ROLE:
            return is_role and "." not in to
    return True


def _linked(model: DiagramModel, node: Node, context: LintContext) -> Iterator[Finding]:
    """A case that is opened is of a known process and begins with data that somebody gives."""
    process = node.properties.get("process", "")
    if process and context.processes and process not in context.processes:
        yield UNKNOWN_PROCESS.at(model.file, node.id, node.line, name=process)
    for name in node.listed("carries"):
        if context.whole and name not in context.names_in(model):
            yield UNKNOWN_NAME.at(model.file, node.id, node.line, what="carries", name=name)


def _template(file: str, node: Node, key: str, kind: str, context: LintContext) -> Iterator[Finding]:
    if not context.templates:
        return
    if key not in context.templates:
        yield UNKNOWN_TEMPLATE.at(file, node.id, node.line, name=key)
    elif kind and context.templates[key] != kind:
        yield TEMPLATE_KIND.at(file, node.id, node.line, name=key, kind=context.templates[key], wanted=kind)


def properties(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Properties are ones the engine reads (a misspelt one would do nothing)."""
    for node in model.nodes():
        known = {one.name for one in KINDS[node.kind].properties}
        for name in node.properties:
            if name not in known:
                yield UNKNOWN_PROPERTY.at(model.file, node.id, node.line, kind=node.kind, name=name)
    for process in model.processes:
        for name in process.properties:
            if name not in _PROCESS_PROPERTIES:
                yield UNKNOWN_PROPERTY.at(model.file, process.id, process.line, kind="process", name=name)


def words(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Steps have names and say where they come from; steps that do nothing are told."""
    for process in model.processes:
        if not process.documentation:
            yield UNDOCUMENTED.at(model.file, process.id, process.line)
    for node in model.nodes():
        kind = KINDS[node.kind]
        if kind.idle:
            yield EMPTY_TASK.at(model.file, node.id, node.line, kind=node.kind)
        branching = kind.decides and len(node.outgoing) > 1
        if not node.name.strip() and (branching or kind.needs_name):
            yield UNNAMED.at(model.file, node.id, node.line)
        if kind.needs_documentation and not node.documentation:
            yield UNDOCUMENTED.at(model.file, node.id, node.line)


CHECKS = (people, met, lanes, references, services, properties, words)
