"""A diagram with one of every kind of element that the designer's room can draw, each with what its panel can ask."""

from __future__ import annotations

from engine.design.layout import layout_bpmn
from tests.unit.diagrams import HEAD

PATH = "bpmn/general/every_element.bpmn"

_TASKS = (
    *("task", "userTask", "manualTask", "serviceTask", "scriptTask", "businessRuleTask", "sendTask"),
    *("receiveTask", "callActivity"),
)
_LOOPS = {
    "several": '<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality xsi:type="bpmn:tFormalExpression">2'
    "</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>",
    "again": "<bpmn:standardLoopCharacteristics/>",
}
_GATEWAYS = ("exclusive", "parallel", "inclusive", "eventBased", "complex")
_DATE = '<bpmn:timeDate xsi:type="bpmn:tFormalExpression">"2026-03-02"</bpmn:timeDate>'
_DEFINITIONS = {
    "timer": f'<bpmn:timerEventDefinition id="{{0}}_d">{_DATE}</bpmn:timerEventDefinition>',
    "message": '<bpmn:messageEventDefinition id="{0}_d" messageRef="a_message"/>',
    "signal": '<bpmn:signalEventDefinition id="{0}_d" signalRef="a_signal"/>',
    "error": '<bpmn:errorEventDefinition id="{0}_d" errorRef="an_error"/>',
    "escalation": '<bpmn:escalationEventDefinition id="{0}_d" escalationRef="an_escalation"/>',
    "conditional": '<bpmn:conditionalEventDefinition id="{0}_d"><bpmn:condition xsi:type="bpmn:tFormalExpression">'
    "a == 1</bpmn:condition></bpmn:conditionalEventDefinition>",
    "link": '<bpmn:linkEventDefinition id="{0}_d" name="link"/>',
    "compensate": '<bpmn:compensateEventDefinition id="{0}_d"/>',
    "cancel": '<bpmn:cancelEventDefinition id="{0}_d"/>',
    "terminate": '<bpmn:terminateEventDefinition id="{0}_d"/>',
}
_EVENTS = {
    "startEvent": ("", "timer", "message", "signal", "conditional"),
    "intermediateCatchEvent": ("timer", "message", "signal", "conditional", "link"),
    "intermediateThrowEvent": ("", "message", "signal", "escalation", "link", "compensate"),
    "boundaryEvent": ("timer", "message", "signal", "error", "escalation", "conditional", "compensate"),
    "endEvent": ("", "message", "signal", "error", "escalation", "compensate", "terminate"),
}


def every_element() -> bytes:
    """The file, drawn. Every element's id is its kind, with what triggers an event behind it."""
    steps = [f'<bpmn:{kind} id="{kind}"/>' for kind in _TASKS]
    steps += [f'<bpmn:userTask id="{name}">{loop}</bpmn:userTask>' for name, loop in _LOOPS.items()]
    steps += [f'<bpmn:{kind}Gateway id="{kind}Gateway"/>' for kind in _GATEWAYS]
    for kind, triggers in _EVENTS.items():
        for trigger in triggers:
            ident = f"{kind}_{trigger or 'none'}"
            host = ' attachedToRef="userTask"' if kind == "boundaryEvent" else ""
            inner = _DEFINITIONS[trigger].format(ident) if trigger else ""
            steps.append(f'<bpmn:{kind} id="{ident}"{host}>{inner}</bpmn:{kind}>')
    for kind in ("subProcess", "transaction", "adHocSubProcess"):
        steps.append(f'<bpmn:{kind} id="{kind}"><bpmn:task id="in_{kind}"/></bpmn:{kind}>')
    steps += [
        '<bpmn:dataObject id="an_object"/><bpmn:dataObjectReference id="dataObject" dataObjectRef="an_object"/>',
        '<bpmn:dataStoreReference id="dataStore"/>',
        '<bpmn:sequenceFlow id="plain_flow" sourceRef="task" targetRef="manualTask"/>',
        '<bpmn:sequenceFlow id="gateway_flow" sourceRef="exclusiveGateway" targetRef="sendTask"/>',
        '<bpmn:textAnnotation id="note"><bpmn:text>note</bpmn:text></bpmn:textAnnotation>',
        '<bpmn:association id="tie" sourceRef="note" targetRef="task"/>',
    ]
    flow_nodes = [step.split('id="')[1].split('"')[0] for step in steps if "bpmn:data" not in step[:12]][:-4]
    refs = "".join(f"<bpmn:flowNodeRef>{node}</bpmn:flowNodeRef>" for node in flow_nodes)
    return layout_bpmn(
        (
            f'{HEAD}<bpmn:message id="a_message" name="m"/><bpmn:signal id="a_signal" name="s"/>'
            '<bpmn:error id="an_error" name="e" errorCode="1"/>'
            '<bpmn:escalation id="an_escalation" name="x" escalationCode="1"/>'
            '<bpmn:collaboration id="together"><bpmn:participant id="pool" name="pool" processRef="every_element"/>'
            '<bpmn:participant id="stranger" name="stranger"/>'
            '<bpmn:messageFlow id="mail" sourceRef="stranger" targetRef="pool"/></bpmn:collaboration>'
            '<bpmn:process id="every_element" isExecutable="true"><bpmn:laneSet id="lanes">'
            f'<bpmn:lane id="lane" name="坐席">{refs}</bpmn:lane></bpmn:laneSet>{"".join(steps)}</bpmn:process>'
            "</bpmn:definitions>"
        ).encode(),
        PATH,
    )
