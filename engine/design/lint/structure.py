"""Rules on the shape of a process: ids, flows, starts, ends, and elements the engine does not run as drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.base.safe_parsing import BPMN, BPMNDI, line_of, local
from engine.bpmn.kinds import CONTAINERS, EVENTS, GATEWAYS, KINDS
from engine.bpmn.model import DiagramModel, Node, Other, Scope

from .catalogue import RULES
from .catalogue.structure import (
    BOUNDARY_HOST,
    COMPENSATION,
    CONDITIONAL_EVENT,
    DEAD_END,
    DUPLICATE_ID,
    EVENT_SUBPROCESS,
    FILE_NAME,
    FLOW_END,
    LARGE_DIAGRAM,
    LINK_EVENT,
    MISSING_ID,
    NO_DRAWING,
    NO_PROCESS,
    NOT_DRAWN,
    NOT_EXECUTABLE,
    SEVERAL_OUTGOING,
    SEVERAL_PROCESSES,
    SIGNAL_EVENT,
    START_COUNT,
    UNREACHABLE,
)
from .context import LintContext
from .finding import Finding
from .graph import reachable

#: nodes of one scope beyond which nobody can read it, and branch-by-branch checks would take too long
LARGE = 200

_BY_EVENT = {
    "signal": SIGNAL_EVENT,
    "link": LINK_EVENT,
    "compensate": COMPENSATION,
    "conditional": CONDITIONAL_EVENT,
}


def processes(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """One process a file, of the file's name, marked executable."""
    if not model.processes:
        yield NO_PROCESS.at(model.file)
    if len(model.processes) > 1:
        yield SEVERAL_PROCESSES.at(model.file, count=len(model.processes))
    for process in model.processes:
        stem = model.file.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
        if len(model.processes) == 1 and process.id and stem != process.id:
            yield FILE_NAME.at(model.file, process.id, process.line, id=process.id)
        if process.element.get("isExecutable") not in ("true", "1"):
            yield NOT_EXECUTABLE.at(model.file, process.id, process.line)


def ids(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Every element has an id of its own (drawing and model each by themselves)."""
    seen: Counter[str] = Counter()
    lines: dict[str, int | None] = {}
    for element in model.root.iter("*"):
        ident = element.get("id")
        if ident and element.tag.startswith((f"{{{BPMN}}}", f"{{{BPMNDI}}}")):
            seen[ident] += 1
            lines[ident] = line_of(element)
    for ident, count in seen.items():
        if count > 1:
            yield DUPLICATE_ID.at(model.file, ident, lines[ident], id=ident, count=count)
    for scope in model.scopes:
        for part in scope.contents:
            if not part.id and not isinstance(part, Other):
                kind = local(part.element)
                yield MISSING_ID.at(model.file, scope.id, part.line, kind=kind)


def flows(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Flows lead from an element to an element of the same scope; only gateways branch."""
    for scope in model.scopes:
        for flow in scope.flows:
            for end, ref in (("sourceRef", flow.source), ("targetRef", flow.target)):
                if ref not in scope.nodes:
                    yield FLOW_END.at(model.file, flow.id, flow.line, end=end)
        for node in scope.nodes.values():
            if node.kind not in GATEWAYS and len(node.outgoing) > 1:
                yield SEVERAL_OUTGOING.at(model.file, node.id, node.line, count=len(node.outgoing))
            if node.kind == "boundaryEvent" and not _hosted(node, scope):
                yield BOUNDARY_HOST.at(model.file, node.id, node.line)


def _hosted(node: Node, scope: Scope) -> bool:
    host = scope.nodes.get(node.attached_to or "")
    return host is not None and host.kind not in EVENTS | GATEWAYS


def starts_and_ends(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """One start, everything reachable from it, every way leading to an end event."""
    for scope in model.scopes:
        starts = [node for node in scope.nodes.values() if node.kind == "startEvent"]
        if len(starts) != 1 and scope.kind != "adHocSubProcess":
            yield START_COUNT.at(model.file, scope.id, scope.line, count=len(starts))
        if not starts:
            continue
        free = [n for n in scope.nodes.values() if n.element.get("triggeredByEvent") == "true"]
        seen = reachable([*starts, *free], scope.steps)
        for node in scope.nodes.values():
            if node not in seen:
                yield UNREACHABLE.at(model.file, node.id, node.line)
            elif not node.outgoing and node.kind != "endEvent" and node not in free:
                yield DEAD_END.at(model.file, node.id, node.line)


def unsupported(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """Elements that the engine drops or runs otherwise than drawn."""
    for node in model.nodes():
        if refused := KINDS[node.kind].finding:
            yield RULES[refused].at(model.file, node.id, node.line)
        for event in node.events:
            if event in _BY_EVENT:
                yield _BY_EVENT[event].at(model.file, node.id, node.line)
        if node.element.get("isForCompensation") == "true":
            yield COMPENSATION.at(model.file, node.id, node.line)
        if node.kind in CONTAINERS and node.element.get("triggeredByEvent") == "true":
            yield EVENT_SUBPROCESS.at(model.file, node.id, node.line)


def drawing(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """What runs is drawn."""
    if not model.processes or not any(scope.nodes for scope in model.scopes):
        return
    if not model.drawing.planes:
        yield NO_DRAWING.at(model.file)
        return
    for scope in model.scopes:
        for node in scope.nodes.values():
            if node.id not in model.drawing.named:
                yield NOT_DRAWN.at(model.file, node.id, node.line)
        for flow in scope.flows:
            if flow.id not in model.drawing.named:
                yield NOT_DRAWN.at(model.file, flow.id, flow.line)


def size(model: DiagramModel, context: LintContext) -> Iterator[Finding]:
    """A diagram fits the eye."""
    for scope in model.scopes:
        if len(scope.nodes) > LARGE:
            yield LARGE_DIAGRAM.at(model.file, scope.id, scope.line, count=len(scope.nodes), most=LARGE)


CHECKS = (size, processes, ids, flows, starts_and_ends, unsupported, drawing)
