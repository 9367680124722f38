"""Small BPMN diagrams from one line of text, so that a test shows the diagram it is about.

``bpmn("main", "start > call > x_again > end; x_again > call: again")`` draws a loop. A flow path is written with
``>``, paths are separated by ``;``, and what follows ``:`` is the condition of the path's last flow. What is not
declared as a node takes its kind from its name: ``start…``, ``end…``, ``x_…`` (exclusive gateway), ``p_…`` (parallel
gateway), everything else a user task. The flow without condition out of an exclusive gateway is its default.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" '
    'id="definitions_{id}" targetNamespace="http://example.org/tests">'
)


@dataclass(frozen=True)
class Node:
    """One element: its tag, attributes and what stands inside it."""

    id: str
    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    inner: str = ""
    name: str = ""

    def xml(self, default: str | None) -> str:
        """The element; ``default`` is the default flow of a gateway."""
        given = {"id": self.id, **({"name": self.name} if self.name else {}), **self.attributes}
        if default is not None:
            given["default"] = default
        shown = "".join(f" {key}={quoteattr(value)}" for key, value in given.items())
        return f"<bpmn:{self.tag}{shown}>{self.inner}</bpmn:{self.tag}>"


# ---------------------------------------------------------------- nodes
def user(node_id: str, *, many: str = "", name: str = "", **properties: str) -> Node:
    """A user task with extension properties such as ``form``; ``many`` is :func:`many`'s text."""
    return Node(node_id, "userTask", inner=_properties(properties) + many, name=name)


def manual(node_id: str) -> Node:
    """A manual task."""
    return Node(node_id, "manualTask")


def script(node_id: str, text: str) -> Node:
    """A script task."""
    return Node(node_id, "scriptTask", inner=f"<bpmn:script>{escape(text)}</bpmn:script>")


def service(node_id: str, **properties: str) -> Node:
    """A service task for the outbox: ``service``, ``template``, ``to``, ``event``, ``level``."""
    return Node(node_id, "serviceTask", inner=_properties(properties))


def rule(node_id: str, decision: str) -> Node:
    """A business rule task that asks decision table ``decision``."""
    called = f"<spiffworkflow:calledDecisionId>{decision}</spiffworkflow:calledDecisionId>"
    return Node(
        node_id, "businessRuleTask", inner=f"<bpmn:extensionElements>{called}</bpmn:extensionElements>"
    )


def call(node_id: str, process: str) -> Node:
    """A call activity."""
    return Node(node_id, "callActivity", {"calledElement": process})


def end(node_id: str, **properties: str) -> Node:
    """An end event with properties such as ``outcome``."""
    return Node(node_id, "endEvent", inner=_properties(properties))


def stop(node_id: str) -> Node:
    """A terminate end event."""
    return Node(node_id, "endEvent", inner="<bpmn:terminateEventDefinition/>")


def sub(node_id: str, flows: str, *nodes: Node, many: str = "") -> Node:
    """An embedded sub-process."""
    return Node(node_id, "subProcess", inner=many + _body(flows, nodes))


def timer_on(
    attached: str, node_id: str, due: str, kind: str = "timeDuration", *, interrupting: bool = False
) -> Node:
    """A boundary timer on ``attached``. ``due`` is an expression: quote literals (``'"PT2H"'``)."""
    attributes = {"attachedToRef": attached, "cancelActivity": "true" if interrupting else "false"}
    return Node(node_id, "boundaryEvent", attributes, _timer(kind, due))


def wait(node_id: str, due: str, kind: str = "timeDuration") -> Node:
    """An intermediate timer."""
    return Node(node_id, "intermediateCatchEvent", inner=_timer(kind, due))


def begins(rhythm: str) -> Node:
    """The start event ``start`` of a process that the software opens by the rhythm of a parameter."""
    return Node("start", "startEvent", inner=_timer("timeCycle", f'param("{rhythm}")'))


def many(count: str = "", *, over: str = "", item: str = "", into: str = "", sequential: bool = False) -> str:
    """Multi-instance: ``count`` times, or once for each ``item`` of data ``over``, results gathered in ``into``."""
    how = "true" if sequential else "false"
    inner = (
        f'<bpmn:loopCardinality xsi:type="bpmn:tFormalExpression">{count}</bpmn:loopCardinality>'
        if count
        else ""
    )
    inner += f"<bpmn:loopDataInputRef>{over}</bpmn:loopDataInputRef>" if over else ""
    inner += f"<bpmn:loopDataOutputRef>{into}</bpmn:loopDataOutputRef>" if into else ""
    inner += f'<bpmn:inputDataItem id="{item}" name="{item}"/>' if item else ""
    inner += f'<bpmn:outputDataItem id="{item}_out" name="{item}_out"/>' if into else ""
    return (
        f'<bpmn:multiInstanceLoopCharacteristics isSequential="{how}">{inner}'
        "</bpmn:multiInstanceLoopCharacteristics>"
    )


# ---------------------------------------------------------------- diagrams
def bpmn(
    process: str, flows: str, *nodes: Node, lanes: Mapping[str, str] | None = None, **properties: str
) -> bytes:
    """A diagram file with one process. ``lanes`` maps lane names to comma-separated element ids."""
    return definitions(process_xml(process, flows, *nodes, lanes=lanes, **properties), process)


def definitions(processes: str, name: str = "d") -> bytes:
    """A diagram file around the text of its processes."""
    return f"{_HEAD.format(id=name)}{processes}</bpmn:definitions>".encode()


def process_xml(
    process: str, flows: str, *nodes: Node, lanes: Mapping[str, str] | None = None, **properties: str
) -> str:
    """One executable process."""
    drawn = "".join(
        f'<bpmn:lane id="lane_{n}" name={quoteattr(lane)}>'
        + "".join(f"<bpmn:flowNodeRef>{e.strip()}</bpmn:flowNodeRef>" for e in members.split(","))
        + "</bpmn:lane>"
        for n, (lane, members) in enumerate((lanes or {}).items())
    )
    lane_set = f'<bpmn:laneSet id="lanes">{drawn}</bpmn:laneSet>' if drawn else ""
    return (
        f'<bpmn:process id="{process}" isExecutable="true">'
        f"{_properties(properties)}{lane_set}{_body(flows, nodes)}</bpmn:process>"
    )


def _body(flows: str, nodes: tuple[Node, ...]) -> str:
    found = {node.id: node for node in nodes}
    links: list[tuple[str, str, str]] = []
    for part in flows.split(";"):
        path, _, condition = part.partition(":")
        stops = [name.strip() for name in path.split(">")]
        for name in stops:
            found.setdefault(name, _guessed(name))
        steps = list(pairwise(stops))
        links += [(a, b, condition.strip() if n == len(steps) - 1 else "") for n, (a, b) in enumerate(steps)]
    splits = Counter(source for source, _, _ in links)
    defaults: dict[str, str] = {}
    drawn = []
    for number, (source, target, condition) in enumerate(links):
        flow = f"f{number}_{source}_{target}"
        if found[source].tag == "exclusiveGateway" and splits[source] > 1 and not condition:
            defaults[source] = flow
        inner = (
            '<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">'
            f"{escape(condition)}</bpmn:conditionExpression>"
            if condition
            else ""
        )
        drawn.append(
            f'<bpmn:sequenceFlow id="{flow}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'
        )
    return "".join(node.xml(defaults.get(node.id)) for node in found.values()) + "".join(drawn)


def _guessed(name: str) -> Node:
    kinds = {"start": "startEvent", "end": "endEvent", "x_": "exclusiveGateway", "p_": "parallelGateway"}
    return Node(name, next((tag for prefix, tag in kinds.items() if name.startswith(prefix)), "userTask"))


def _properties(properties: Mapping[str, str]) -> str:
    if not properties:
        return ""
    inner = "".join(
        f'<spiffworkflow:property name="{name}" value={quoteattr(value)}/>'
        for name, value in properties.items()
    )
    return (
        "<bpmn:extensionElements><spiffworkflow:properties>"
        f"{inner}</spiffworkflow:properties></bpmn:extensionElements>"
    )


def _timer(kind: str, due: str) -> str:
    return (
        f'<bpmn:timerEventDefinition><bpmn:{kind} xsi:type="bpmn:tFormalExpression">{escape(due)}</bpmn:{kind}>'
        "</bpmn:timerEventDefinition>"
    )


# ---------------------------------------------------------------- decision tables
def dmn(decision: str, inputs: list[str], outputs: list[str], *rules: list[str]) -> bytes:
    """A decision table; each rule lists the cells of its inputs, then of its outputs."""
    columns = "".join(
        f'<input id="in_{n}"><inputExpression id="e_{n}" typeRef="string"><text>{name}</text></inputExpression></input>'
        for n, name in enumerate(inputs)
    ) + "".join(f'<output id="out_{n}" name="{name}" typeRef="string"/>' for n, name in enumerate(outputs))
    rows = "".join(
        f'<rule id="r{r}">'
        + "".join(
            f'<inputEntry id="i{r}_{n}"><text>{"" if c == "-" else escape(c)}</text></inputEntry>'
            for n, c in enumerate(cells[: len(inputs)])
        )
        + "".join(
            f'<outputEntry id="o{r}_{n}"><text>{escape(c)}</text></outputEntry>'
            for n, c in enumerate(cells[len(inputs) :])
        )
        + "</rule>"
        for r, cells in enumerate(rules)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" '
        f'namespace="http://example.org/tests"><decision id="{decision}" name="{decision}">'
        f'<decisionTable id="t" hitPolicy="UNIQUE">{columns}{rows}</decisionTable></decision></definitions>'
    ).encode()
