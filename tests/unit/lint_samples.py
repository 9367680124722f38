"""One clean release, and for every lint rule a release that breaks it (and what was changed)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise

from engine.base.settings import CHECKOUT
from engine.design.layout import layout_bpmn
from tests.unit.diagrams import FlowLine, Step, process, properties, timer

Files = dict[str, bytes]
BPMN = "bpmn/general/callback.bpmn"
TABLE = "bpmn/decisions/route.dmn"
FORM = "forms/attempt.json"
TEMPLATE = "bpmn/templates/say_hello.json"
NS = "https://www.omg.org/spec/DMN/20191111/MODEL/"
DOC = "<bpmn:documentation>seed 000:7</bpmn:documentation>"

STEPS: list[Step] = [
    ("startEvent", "start", "开始"),
    ("scriptTask", "prepare", "准备"),
    ("businessRuleTask", "decide", "分流"),
    ("userTask", "call", "回访客户"),
    ("boundaryEvent", "late", "时限", 'attachedToRef="call" cancelActivity="false"'),
    ("serviceTask", "alert", "提醒值班长"),
    ("endEvent", "alerted", "已提醒"),
    ("exclusiveGateway", "reached_gate", "接通?", 'default="reached_gate__call"'),
    ("callActivity", "archive", "归档"),
    ("endEvent", "done", "完成"),
]
FLOWS: list[FlowLine] = [
    ("start", "prepare"),
    ("prepare", "decide"),
    ("decide", "call"),
    ("call", "reached_gate"),
    ("late", "alert"),
    ("alert", "alerted"),
    ("reached_gate", "call", "未接通"),
    ("reached_gate", "archive", "接通", "reached and attempts < 3"),
    ("archive", "done"),
]
INNER = {
    "prepare": '<bpmn:script>attempts = 0\nbegan_at = now()\nlanguage = "yue"</bpmn:script>',
    "decide": DOC + "<bpmn:extensionElements><spiffworkflow:calledDecisionId>route"
    "</spiffworkflow:calledDecisionId></bpmn:extensionElements>",
    "call": DOC + properties(form="attempt", say="say_hello"),
    "late": timer('sla_due("CAN_CALLBACK_1", began_at)'),
    "alert": DOC
    + properties(
        service="notice", template='"notice_late"', to='"supervisor"', level="breach", event='"late"'
    ),
}
LANES = {"一线坐席": "start call late done", "系统": "prepare decide alert alerted reached_gate archive"}


def diagram(
    steps: list[Step] | None = None,
    flows: list[FlowLine] | None = None,
    inner: Mapping[str, str] | None = None,
    *,
    lanes: Mapping[str, str] | None = None,
    ident: str = "callback",
) -> bytes:
    """The sample process, with other parts where given, drawn."""
    content = process(
        ident,
        "回访",
        STEPS if steps is None else steps,
        FLOWS if flows is None else flows,
        lanes=LANES if lanes is None else lanes,
        inner=INNER | dict(inner or {}),
        more=DOC,
    )
    return layout_bpmn(content)


def called() -> bytes:
    """The process the sample calls."""
    steps: list[Step] = [("startEvent", "s", "开始"), ("userTask", "t", "核对"), ("endEvent", "e", "完")]
    inner = {"t": DOC + properties(form="attempt")}
    lanes = {"一线坐席": "s t e"}
    content = process(
        "archive_it", "归档", steps, [("s", "t"), ("t", "e")], lanes=lanes, inner=inner, more=DOC
    )
    return layout_bpmn(content)


def table(
    *rows: tuple[str, str], policy: str = "UNIQUE", expression: str = "language", name: str = "route"
) -> bytes:
    """A decision table with one input and one output; rows are (input cell, output cell)."""
    rules = "".join(
        f'<rule id="r{number}"><inputEntry id="i{number}"><text><![CDATA[{cell}]]></text></inputEntry>'
        f'<outputEntry id="o{number}"><text>{output}</text></outputEntry></rule>'
        for number, (cell, output) in enumerate(rows)
    )
    return (
        f'<definitions xmlns="{NS}" id="d" name="d" namespace="n"><decision id="{name}" name="{name}">'
        f'<decisionTable id="t" hitPolicy="{policy}"><input id="in"><inputExpression id="ie"><text>{expression}'
        f'</text></inputExpression></input><output id="out" name="answer_kind"/>{rules}</decisionTable>'
        "</decision></definitions>"
    ).encode()


def template(key: str, kind: str) -> bytes:
    """A text of one word."""
    texts = dict.fromkeys(("zh-Hans", "zh-Hant-HK", "en"), "…")
    return json.dumps(
        {"key": key, "kind": kind, "version": 1, "source": "seed 000:7", "text": texts}
    ).encode()


def release(**changed: bytes) -> Files:
    """The clean release; keys name the constants above."""
    paths = {"bpmn": BPMN, "table": TABLE, "form": FORM, "template": TEMPLATE}
    return _clean() | {paths[name]: content for name, content in changed.items()}


@cache
def _clean() -> Files:
    label = dict.fromkeys(("zh-Hans", "zh-Hant-HK", "en"), "…")
    form = {
        "key": "attempt",
        "title": label,
        "source": "seed 000:7",
        "fields": [{"name": "reached", "label": label, "widget": "checkbox", "schema": {"type": "boolean"}}],
    }
    files = {
        BPMN: diagram(inner={}).replace(b'id="archive" name="\xe5\xbd\x92\xe6\xa1\xa3"', _CALL),
        "bpmn/shared/archive_it.bpmn": called(),
        TABLE: table(('"yue"', '"callback"'), ('? != "yue"', '"online"')),
        FORM: json.dumps(form).encode(),
        TEMPLATE: template("say_hello", "say"),
        "bpmn/templates/notice_late.json": template("notice_late", "notice"),
    }
    for path in ("bpmn/roles.json", "bpmn/decisions/sla.dmn", "bpmn/calendars/cn.json"):
        files[path] = (CHECKOUT / path).read_bytes()
    return files


_CALL = 'id="archive" calledElement="archive_it" name="归档"'.encode()


def changed(old: str, new: str, path: str = BPMN) -> Files:
    """The clean release with one text replaced in one file."""
    files = release()
    before = files[path]
    files[path] = before.replace(old.encode(), new.encode())
    if files[path] == before:
        raise ValueError(f"{path} does not hold {old!r}")
    return files


def with_steps(more: list[Step], flows: list[FlowLine], inner: Mapping[str, str] | None = None) -> Files:
    """The clean release with more steps in its diagram."""
    lanes = {**LANES, "一线坐席": LANES["一线坐席"] + " " + " ".join(step[1] for step in more)}
    content = diagram([*STEPS, *more], [*FLOWS, *flows], inner, lanes=lanes)
    return release(bpmn=content.replace('id="archive" name="归档"'.encode(), _CALL))


def cell(text: str) -> Files:
    """The clean release with a cell in its table."""
    return release(table=table((text, '"callback"'), ("-", '"online"')))


def timed(text: str, tag: str = "timeDate", *, interrupting: bool = False) -> Files:
    """The clean release with another timer."""
    files = changed(
        '<bpmn:timeDate xsi:type="bpmn:tFormalExpression">sla_due("CAN_CALLBACK_1", began_at)</bpmn:timeDate>',
        timer(text, tag)
        .removeprefix("<bpmn:timerEventDefinition>")
        .removesuffix("</bpmn:timerEventDefinition>"),
    )
    if interrupting:
        files[BPMN] = files[BPMN].replace(b' cancelActivity="false"', b"")
    return files


def started(text: str, tag: str = "timeCycle") -> Files:
    """The clean release with a timer on its start."""
    return {**release(), BPMN: diagram(inner={"start": timer(text, tag)})}


def linking(**given: str) -> Files:
    """The clean release with a service task that opens a case."""
    return {**release(), BPMN: diagram(inner={"alert": DOC + properties(service="case", **given)})}


def script(text: str) -> Files:
    """The clean release with another script."""
    return changed("attempts = 0\n", f"attempts = 0\n{text}\n")


def _merged(first: Files, path: str, content: bytes) -> Files:
    return {**first, path: content}


def _mutual() -> Files:
    files = release()
    path = "bpmn/shared/archive_it.bpmn"
    content = files[path].replace(
        b'<bpmn:userTask id="t"', b'<bpmn:callActivity calledElement="callback" id="t"'
    )
    return files | {path: content.replace(b"</bpmn:userTask>", b"</bpmn:callActivity>")}


def _parallel() -> Files:
    more: list[Step] = [
        ("parallelGateway", "fork", ""),
        ("userTask", "ask", "问"),
        ("userTask", "check", "查"),
        ("parallelGateway", "join", ""),
    ]
    flows: list[FlowLine] = [
        ("fork", "ask"),
        ("fork", "check"),
        ("ask", "join"),
        ("check", "join"),
        ("join", "decide"),
    ]
    inner = {"ask": DOC + properties(form="attempt"), "check": DOC + properties(form="attempt")}
    files = with_steps(more, flows, inner)
    files[BPMN] = files[BPMN].replace(
        b'sourceRef="prepare" targetRef="decide"', b'sourceRef="prepare" targetRef="fork"'
    )
    return files


def _automatic() -> Files:
    more: list[Step] = [("exclusiveGateway", "again", "再算?", 'default="again__decide"')]
    flows: list[FlowLine] = [("again", "decide", "否"), ("again", "prepare", "是", "attempts < 3")]
    files = with_steps(more, flows)
    files[BPMN] = files[BPMN].replace(
        b'sourceRef="prepare" targetRef="decide"', b'sourceRef="prepare" targetRef="again"'
    )
    return files


def _many() -> Files:
    steps: list[Step] = [("startEvent", "s", "开始"), *(("userTask", f"t{n}", "办") for n in range(201))]
    flows = [(a[1], b[1]) for a, b in pairwise(steps)]
    return {BPMN: process("callback", "长", steps, flows)}


def _attached(step: Step, inner: str = "") -> Callable[[], Files]:
    return lambda: with_steps([step], [(step[1], "alert")], {step[1]: inner})


SAMPLES: dict[str, Callable[[], Files]] = {
    "xml_size": lambda: release(bpmn=b"<a>" + b" " * 2_200_000 + b"</a>"),
    "xml_encoding": lambda: changed('encoding="UTF-8"', 'encoding="GB18030"'),
    "xml_doctype": lambda: release(bpmn=b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    "xml_instruction": lambda: changed("<bpmn:process ", "<?php 1 ?><bpmn:process "),
    "xml_depth": lambda: release(bpmn=b"<a>" * 70 + b"</a>" * 70),
    "xml_count": lambda: release(bpmn=b"<a>" + b"<b/>" * 60_000 + b"</a>"),
    "xml_syntax": lambda: changed("</bpmn:process>", ""),
    "xml_kind": lambda: release(bpmn=b"<html/>"),
    "xml_schema": lambda: changed("<bpmn:laneSet ", "<bpmn:surprise/><bpmn:laneSet "),
    "json_invalid": lambda: release(form=b'{"key": "attempt",}'),
    "form_invalid": lambda: release(form=b'{"key": "attempt"}'),
    "field_bounds": lambda: release(
        form=release()[FORM].replace(b'"checkbox", "schema": {"type": "boolean"}', b'"datetime"')
    ),
    "scenario_unreadable": lambda: release() | {"bpmn/scenarios/callback.json": b'[{"start": 5}]'},
    "template_invalid": lambda: release(template=b'{"key": "say_hello", "kind": "poem"}'),
    "roles_invalid": lambda: _merged(release(), "bpmn/roles.json", b"{}"),
    "calendar_invalid": lambda: _merged(release(), "bpmn/calendars/cn.json", b"{}"),
    "parameters_invalid": lambda: changed('"PT2H"', '"two hours"', "bpmn/decisions/sla.dmn"),
    "unknown_file": lambda: _merged(release(), "bpmn/notes.txt", b"hello"),
    "no_process": lambda: release(bpmn=diagram().split(b"<bpmn:collaboration")[0] + b"</bpmn:definitions>"),
    "several_processes": lambda: (
        changed(
            "</bpmn:definitions>",
            '<bpmn:process id="second"/></bpmn:definitions>'.replace("second", "zweite"),
        )
        | {}
    ),
    "file_name": lambda: release(bpmn=diagram(ident="return_call")),
    "not_executable": lambda: changed(' isExecutable="true"', ""),
    "duplicate_id": lambda: changed('id="alerted"', 'id="done"'),
    "missing_id": lambda: changed('<bpmn:endEvent id="alerted"', "<bpmn:endEvent"),
    "flow_end": lambda: changed('targetRef="alerted"', 'targetRef="alertet"'),
    "start_count": lambda: with_steps([("startEvent", "start_2", "又一个")], [("start_2", "prepare")]),
    "unreachable": lambda: with_steps([("endEvent", "nowhere", "到不了")], []),
    "dead_end": lambda: changed('sourceRef="archive"', 'sourceRef="call"'),
    "several_outgoing": lambda: with_steps([], [("call", "done")]),
    "boundary_host": lambda: changed('attachedToRef="call"', 'attachedToRef="done"'),
    "event_gateway": lambda: with_steps([("eventBasedGateway", "wait", "等")], [("wait", "done")]),
    "complex_gateway": lambda: with_steps([("complexGateway", "odd", "?")], [("odd", "done")]),
    "signal_event": _attached(
        ("intermediateThrowEvent", "sig", "发信号"), '<bpmn:signalEventDefinition id="sd"/>'
    ),
    "link_event": _attached(
        ("intermediateCatchEvent", "link", "接"), '<bpmn:linkEventDefinition id="ld" name="to_end"/>'
    ),
    "compensation": _attached(
        ("intermediateThrowEvent", "undo", "撤销"), '<bpmn:compensateEventDefinition id="cd"/>'
    ),
    "event_subprocess": lambda: with_steps([("subProcess", "esp", "事件", 'triggeredByEvent="true"')], []),
    "conditional_event": _attached(
        ("intermediateCatchEvent", "cond", "等条件"),
        '<bpmn:conditionalEventDefinition id="ced"><bpmn:condition>reached</bpmn:condition>'
        "</bpmn:conditionalEventDefinition>",
    ),
    "adhoc": lambda: with_steps([("adHocSubProcess", "adhoc", "随意")], [("adhoc", "done")]),
    "large_diagram": _many,
    "not_drawn": lambda: changed('bpmnElement="archive"', 'bpmnElement="archiv"'),
    "no_drawing": lambda: release(bpmn=diagram().split(b"<bpmndi:BPMNDiagram")[0] + b"</bpmn:definitions>"),
    "no_default": lambda: changed(' default="reached_gate__call"', ""),
    "unknown_default": lambda: changed(' default="reached_gate__call"', ' default="start__prepare"'),
    "condition_missing": lambda: with_steps([], [("reached_gate", "done")]),
    "condition_on_default": lambda: changed(
        'name="未接通" sourceRef="reached_gate" targetRef="call"/>',
        'name="未接通" sourceRef="reached_gate" targetRef="call"><bpmn:conditionExpression>True'
        "</bpmn:conditionExpression></bpmn:sequenceFlow>",
    ),
    "condition_ignored": lambda: changed(
        'sourceRef="call" targetRef="reached_gate"/>',
        'sourceRef="call" targetRef="reached_gate"><bpmn:conditionExpression>reached'
        "</bpmn:conditionExpression></bpmn:sequenceFlow>",
    ),
    "automatic_loop": _automatic,
    "loop_without_exclusive": lambda: changed(
        'sourceRef="alert" targetRef="alerted"', 'sourceRef="alert" targetRef="call"'
    ),
    "inclusive_loop": lambda: changed("exclusiveGateway", "inclusiveGateway"),
    "parallel_overwrite": _parallel,
    "timer_empty": lambda: timed(""),
    "timer_unquoted": lambda: timed("PT2H", "timeDuration"),
    "timer_negative": lambda: timed('"-PT1H"', "timeDuration"),
    "timer_invalid": lambda: timed('"P"', "timeDuration"),
    "timer_literal": lambda: timed('"PT2H"', "timeDuration"),
    "timer_wrong_kind": lambda: timed('sla_due("CAN_CALLBACK_1")', "timeDuration"),
    "timer_naive": lambda: timed('"2026-02-13T08:00:00"'),
    "timer_start": lambda: started('data_get("begins_at", None) or now()', "timeDate"),
    "limit_interrupts": lambda: timed('sla_due("CAN_CALLBACK_1")', interrupting=True),
    "parameter_kind": lambda: timed('sla_due("CAN_MAX_ATTEMPTS")'),
    "multi_instance_timer": lambda: _instances(),
    "prescript_timer": lambda: changed(
        '<spiffworkflow:properties><spiffworkflow:property name="form"',
        "<spiffworkflow:preScript>began_at = now()</spiffworkflow:preScript>"
        '<spiffworkflow:properties><spiffworkflow:property name="form"',
    ),
    "no_clock": lambda: _opened_by_people(),
    "user_task_form": lambda: changed('name="form" value="attempt"', 'name="form" value=""'),
    "unknown_form": lambda: changed('name="form" value="attempt"', 'name="form" value="atempt"'),
    "user_task_lane": lambda: changed("<bpmn:flowNodeRef>call</bpmn:flowNodeRef>", ""),
    "unknown_lane": lambda: changed('name="一线坐席"', 'name="一线座席"'),
    "lane_reference": lambda: changed(">start</bpmn:flowNodeRef>", ">started</bpmn:flowNodeRef>"),
    "unknown_template": lambda: changed('value="say_hello"', 'value="say_hallo"'),
    "template_kind": lambda: changed('value="say_hello"', 'value="notice_late"'),
    "unknown_decision": lambda: changed(">route<", ">rout<"),
    "decision_missing": lambda: changed(">route<", "><"),
    "unknown_process": lambda: changed('calledElement="archive_it"', 'calledElement="archive_them"'),
    "call_missing": lambda: changed(' calledElement="archive_it"', ""),
    "unknown_parameter": lambda: changed("CAN_CALLBACK_1", "CAN_CALLBACK_9"),
    "service": lambda: changed('name="service" value="notice"', 'name="service" value="pigeon"'),
    "service_property": lambda: changed(
        '<spiffworkflow:property name="to" value="&quot;supervisor&quot;"/>', ""
    ),
    "recipient": lambda: changed(
        'name="to" value="&quot;supervisor&quot;"', 'name="to" value="&quot;supervisors&quot;"'
    ),
    "notice_level": lambda: changed('value="breach"', 'value="panic"'),
    "unknown_report": lambda: changed(
        f'isExecutable="true">\n{DOC}', f'isExecutable="true">\n{DOC}{properties(report="weekly")}'
    ),
    "unknown_property": lambda: changed('name="say"', 'name="says"'),
    "unnamed": lambda: changed('name="回访客户"', 'name=""'),
    "undocumented": lambda: release(bpmn=diagram(inner={"call": properties(form="attempt")})),
    "empty_task": lambda: with_steps([("task", "nothing", "什么也不做")], [("nothing", "done")]),
    "script_missing": lambda: changed('attempts = 0\nbegan_at = now()\nlanguage = "yue"', ""),
    "too_much_script": lambda: script("\n".join(f"x{n} = {n}" for n in range(20_000))),
    "syntax": lambda: script("if attempts"),
    "forbidden_name": lambda: script("import os"),
    "unknown_function": lambda: script("due = sla_dew(1)"),
    "argument_count": lambda: script("due = sla_due()"),
    "reserved_name": lambda: script("case_no = 1"),
    "unknown_name": lambda: changed("reached and attempts", "reeched and attempts"),
    "approved_changed": lambda: changed(
        'name="form" value="attempt"',
        'name="approves" value="reached"/><spiffworkflow:property name="form" value="attempt"',
    ),
    "unset_name": lambda: script("seen = reached"),
    "slow_condition": lambda: changed("reached and attempts", "[n for n in (1, 2)] and attempts"),
    "decision_count": lambda: release(
        table=table(('"yue"', "1")).replace(b"</definitions>", b'<decision id="b" name="b"/></definitions>')
    ),
    "decision_name": lambda: release(table=table(("-", "1"), name="way")),
    "no_table": lambda: release(table=table()),
    "hit_policy": lambda: release(table=table(("-", "1"), policy="PRIORITY")),
    "cell_list": lambda: cell('"yue", "cmn"'),
    "cell_not": lambda: cell('not("yue")'),
    "cell_syntax": lambda: cell("[1..5]"),
    "cell_name": lambda: cell("yue"),
    "input_expression": lambda: release(table=table(("-", "1"), expression="lang uage")),
    "output_cell": lambda: release(table=table(("-", "hello world"))),
    "output_name": lambda: changed('id="out" name="answer_kind"', 'id="out"', TABLE),
    "large_table": lambda: release(table=table(*((f'"{n}"', "1") for n in range(3_000)))),
    "rule_width": lambda: changed(
        '<rule id="r0">', '<rule id="r0"><inputEntry id="x"><text>-</text></inputEntry>', TABLE
    ),
    "table_gap": lambda: release(table=table(('"yue"', "1"), ('"cmn"', "2"))),
    "table_overlap": lambda: release(table=table(('"yue"', "1"), ('? in ("yue", "cmn")', "2"), ("-", "3"))),
    "duplicate_process": lambda: _merged(release(), "bpmn/telecom/callback.bpmn", release()[BPMN]),
    "call_cycle": _mutual,
    "duplicate_subprocess": lambda: _inner_twice(),
    "instances_missing": lambda: looped("<bpmn:multiInstanceLoopCharacteristics/>"),
    "instances_twice": lambda: looped(
        many(CARDINALITY + "<bpmn:loopDataInputRef>reached</bpmn:loopDataInputRef>")
    ),
    "loop_missing": lambda: looped("<bpmn:standardLoopCharacteristics/>"),
    "loop_most": lambda: looped('<bpmn:standardLoopCharacteristics loopMaximum="0"/>'),
    "cancel_event": lambda: ended("<bpmn:cancelEventDefinition/>"),
    "event_reference": lambda: ended('<bpmn:errorEventDefinition errorRef="gone"/>'),
    "inner_end": lambda: _inner('<bpmn:startEvent id="inner_s"/>'),
    "engine_refuses": lambda: looped(
        '<bpmn:property id="prop"/><bpmn:dataInputAssociation id="reads"><bpmn:sourceRef>call</bpmn:sourceRef>'
        "<bpmn:targetRef>prop</bpmn:targetRef></bpmn:dataInputAssociation>"
    ),
    "unused_form": lambda: _merged(
        release(), "forms/other.json", release()[FORM].replace(b"attempt", b"other")
    ),
    "report_mark": lambda: _marked_once(),
    "unused_template": lambda: _merged(release(), "bpmn/templates/say_bye.json", template("say_bye", "say")),
    "unused_decision": lambda: _merged(
        release(), "bpmn/decisions/spare.dmn", table(("-", "1"), name="spare")
    ),
}


CARDINALITY = "<bpmn:loopCardinality>3</bpmn:loopCardinality>"


def many(inner: str) -> str:
    """A multi-instance marker."""
    return f"<bpmn:multiInstanceLoopCharacteristics>{inner}</bpmn:multiInstanceLoopCharacteristics>"


def looped(marker: str) -> Files:
    """The clean release with a loop marker on its user task."""
    return changed("</bpmn:userTask>", f"{marker}</bpmn:userTask>")


def ended(definition: str) -> Files:
    """The clean release whose last end event has a trigger."""
    files = release()
    content = files[BPMN].decode()
    element = re.search(r'<bpmn:endEvent id="done"[^>]*?(/>|>)', content)
    assert element is not None
    closed = element.group(1) == "/>"
    opened = element.group().removesuffix("/>").removesuffix(">") + ">" + definition
    files[BPMN] = content.replace(element.group(), opened + ("</bpmn:endEvent>" if closed else "")).encode()
    return files


def _inner(content: str) -> Files:
    return with_steps([("subProcess", "inner", "内层")], [("inner", "done")], {"inner": content})


def _marked_once() -> Files:
    """An answer that one of the two forms that ask it marks for reports."""
    form = release()[FORM]
    marked = form.replace(b'"widget":', b'"report": true, "widget":', 1)
    return release() | {"forms/b_first.json": marked.replace(b"attempt", b"b_first")}


def _inner_twice() -> Files:
    files = _inner('<bpmn:startEvent id="inner_s"/><bpmn:endEvent id="inner_e"/>')
    return _merged(files, "bpmn/telecom/again.bpmn", files[BPMN].replace(b'"callback"', b'"again"'))


def _opened_by_people() -> Files:
    files, path = release(), "bpmn/shared/archive_it.bpmn"
    content = files[path].decode()
    files[path] = content.replace(DOC, DOC + properties(startable="true"), 1).encode()
    return files


def _instances() -> Files:
    files = timed('sla_due("CAN_CALLBACK_1", began_at)', interrupting=True)
    many = (
        "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>3</bpmn:loopCardinality>"
        "</bpmn:multiInstanceLoopCharacteristics>"
    )
    files[BPMN] = files[BPMN].replace(b"</bpmn:userTask>", f"{many}</bpmn:userTask>".encode())
    return files
