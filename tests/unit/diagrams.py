"""Small BPMN files for tests, written as lists: a step a line, a flow a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" id="definitions" '
    'targetNamespace="http://gongdan/bpmn">\n'
)

Step = tuple[str, ...]
FlowLine = tuple[str, ...]


def properties(**values: str) -> str:
    """Engine properties of an element."""
    inner = "".join(
        f'<spiffworkflow:property name="{key}" value="{escape(value)}"/>' for key, value in values.items()
    )
    return (
        f"<bpmn:extensionElements><spiffworkflow:properties>{inner}</spiffworkflow:properties>"
        "</bpmn:extensionElements>"
    )


def element(step: Step, inner: str = "") -> str:
    """One flow node from ``(kind, id, name[, attributes])``."""
    kind, ident, name = step[:3]
    extra = f" {step[3]}" if len(step) > 3 else ""
    return f'<bpmn:{kind} id="{ident}" name="{escape(name)}"{extra}>{inner}</bpmn:{kind}>\n'


def flow_elements(flows: Iterable[FlowLine], prefix: str = "") -> str:
    """Sequence flows from ``(source, target[, name[, condition]])``; ids are ``source__target``."""
    result = []
    for line in flows:
        source, target = line[0], line[1]
        name = f' name="{escape(line[2])}"' if len(line) > 2 and line[2] else ""
        condition = (
            '<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">'
            f"{escape(line[3])}</bpmn:conditionExpression>"
            if len(line) > 3
            else ""
        )
        result.append(
            f'<bpmn:sequenceFlow id="{prefix}{source}__{target}"{name} sourceRef="{source}" '
            f'targetRef="{target}">{condition}</bpmn:sequenceFlow>\n'
        )
    return "".join(result)


def timer(expression: str, tag: str = "timeDate") -> str:
    """A timer event definition."""
    return (
        f'<bpmn:timerEventDefinition><bpmn:{tag} xsi:type="bpmn:tFormalExpression">'
        f"{escape(expression)}</bpmn:{tag}></bpmn:timerEventDefinition>"
    )


def process(
    ident: str,
    name: str,
    steps: Iterable[Step],
    flows: Iterable[FlowLine],
    *,
    lanes: Mapping[str, str] | None = None,
    inner: Mapping[str, str] | None = None,
    more: str = "",
) -> bytes:
    """A whole file. ``lanes`` maps a lane name to space-separated step ids; ``inner`` is XML in a step."""
    contents = dict(inner or {})
    lane_set = ""
    if lanes:
        rows = []
        for number, (lane, ids) in enumerate(lanes.items(), 1):
            refs = "".join(f"<bpmn:flowNodeRef>{ref}</bpmn:flowNodeRef>" for ref in ids.split())
            rows.append(f'<bpmn:lane id="lane_{number}" name="{lane}">{refs}</bpmn:lane>')
        lane_set = f'<bpmn:laneSet id="lanes_{ident}">{"".join(rows)}</bpmn:laneSet>\n'
    body = "".join(element(step, contents.get(step[1], "")) for step in steps)
    return (
        f'{HEAD}<bpmn:process id="{ident}" name="{escape(name)}" isExecutable="true">\n{more}{lane_set}'
        f"{body}{flow_elements(flows)}</bpmn:process>\n</bpmn:definitions>\n"
    ).encode()


def callback() -> bytes:
    """A callback process with four lanes, limits on two tasks, two ends and a long unhappy way."""
    steps: list[Step] = [
        ("startEvent", "start", "客户要求粤语服务"),
        ("userTask", "register_request", "登记粤语回复请求"),
        ("businessRuleTask", "language_route", "语言分流判断"),
        ("exclusiveGateway", "route", "如何处理?", 'default="route__advised"'),
        ("endEvent", "advised", "已建议使用普通话"),
        ("endEvent", "no_ticket", "不涉及业务,不建单"),
        ("userTask", "answer_online", "在线用普通话答复"),
        ("endEvent", "answered_online", "在线已答复"),
        ("userTask", "callback_1", "第一次粤语回访"),
        ("boundaryEvent", "limit_1", "首次回访2小时", 'attachedToRef="callback_1" cancelActivity="false"'),
        ("serviceTask", "alert_1", "提醒粤语专席班长"),
        ("endEvent", "alerted_1", "已提醒"),
        ("exclusiveGateway", "reached_1", "接通了吗?", 'default="reached_1__sms_1"'),
        ("serviceTask", "sms_1", "发送短信一:未能联系"),
        ("userTask", "callback_2", "第二次粤语回访"),
        ("boundaryEvent", "limit_2", "再次回访48小时", 'attachedToRef="callback_2" cancelActivity="false"'),
        ("serviceTask", "alert_2", "提醒粤语专席班长"),
        ("endEvent", "alerted_2", "已提醒"),
        ("exclusiveGateway", "reached_2", "接通了吗?", 'default="reached_2__sms_2"'),
        ("userTask", "record_answer", "记录答复内容"),
        ("callActivity", "archive", "归档与分析"),
        ("endEvent", "answered", "粤语已答复"),
        ("serviceTask", "sms_2", "发送短信二:两次未能联系"),
        ("endEvent", "unreachable", "两次未接通,归档"),
    ]
    flows: list[FlowLine] = [
        ("start", "register_request"),
        ("register_request", "language_route"),
        ("language_route", "route"),
        ("route", "callback_1", "登记粤语回访", 'route == "callback"'),
        ("route", "answer_online", "接受普通话", 'route == "online"'),
        ("route", "no_ticket", "不涉及业务", 'route == "none"'),
        ("route", "advised", "其他方言"),
        ("answer_online", "answered_online"),
        ("callback_1", "reached_1"),
        ("limit_1", "alert_1"),
        ("alert_1", "alerted_1"),
        ("reached_1", "record_answer", "接通", "reached"),
        ("reached_1", "sms_1", "未接通"),
        ("sms_1", "callback_2"),
        ("callback_2", "reached_2"),
        ("limit_2", "alert_2"),
        ("alert_2", "alerted_2"),
        ("reached_2", "record_answer", "接通", "reached"),
        ("reached_2", "sms_2", "未接通"),
        ("sms_2", "unreachable"),
        ("record_answer", "archive"),
        ("archive", "answered"),
    ]
    lanes = {
        "一线坐席": "start register_request language_route route advised no_ticket answer_online "
        "answered_online",
        "粤语专席": "callback_1 limit_1 reached_1 callback_2 limit_2 reached_2 record_answer",
        "系统": "alert_1 alerted_1 sms_1 alert_2 alerted_2 sms_2 unreachable archive answered",
    }
    inner = {
        "limit_1": timer('sla_due("CAN_CALLBACK_1", registered_at)'),
        "limit_2": timer('sla_due("CAN_CALLBACK_2", registered_at)'),
    }
    return process("cantonese_callback", "粤语回复", steps, flows, lanes=lanes, inner=inner)


def investigation() -> bytes:
    """Everything at once: sub-process with limits, loop back, parallel work, many lanes, a note."""
    sub_steps: list[Step] = [
        ("startEvent", "sub_start", ""),
        ("userTask", "verify", "核实网络情况"),
        ("exclusiveGateway", "clear", "情况清楚?", 'default="clear__ask"'),
        ("userTask", "ask", "向客户补充询问"),
        ("userTask", "handle", "处理故障"),
        ("endEvent", "sub_end", "处理完成"),
    ]
    sub_flows: list[FlowLine] = [
        ("sub_start", "verify"),
        ("verify", "clear"),
        ("clear", "handle", "清楚", "clear_enough"),
        ("clear", "ask", "不清楚"),
        ("ask", "verify"),
        ("handle", "sub_end"),
    ]
    sub = "".join(element(step) for step in sub_steps) + flow_elements(sub_flows)
    steps: list[Step] = [
        ("startEvent", "start", "受理网络类咨询"),
        ("callActivity", "record", "记录投诉"),
        ("exclusiveGateway", "on_spot", "能当场解答?", 'default="on_spot__dispatch"'),
        ("userTask", "answer_now", "当场解答客户"),
        ("userTask", "dispatch", "派单至网络运维"),
        ("boundaryEvent", "dispatch_late", "派单30分钟", 'attachedToRef="dispatch" cancelActivity="false"'),
        ("subProcess", "work", "运维核实与跟踪(至答复客户为止)"),
        ("boundaryEvent", "reply_late", "回复时限48小时", 'attachedToRef="work" cancelActivity="false"'),
        ("boundaryEvent", "stop_waiting", "客户撤回投诉", 'attachedToRef="work"'),
        ("serviceTask", "urge", "催办运维并提醒值班长"),
        ("endEvent", "urged", "已催办"),
        ("endEvent", "withdrawn", "客户撤回"),
        ("parallelGateway", "fork", ""),
        ("userTask", "reply", "将处理结果回复客户"),
        ("userTask", "recover", "核定服务补救方案"),
        ("parallelGateway", "join", ""),
        ("exclusiveGateway", "content", "客户满意?", 'default="content__escalate"'),
        ("userTask", "escalate", "升级至值班长复核"),
        ("exclusiveGateway", "again", "还需重办?", 'default="again__archive"'),
        ("callActivity", "archive", "归档与分析"),
        ("endEvent", "closed", "结案"),
    ]
    flows: list[FlowLine] = [
        ("start", "record"),
        ("record", "on_spot"),
        ("on_spot", "answer_now", "能", "can_answer"),
        ("on_spot", "dispatch", "不能"),
        ("answer_now", "archive"),
        ("dispatch", "work"),
        ("dispatch_late", "urge"),
        ("work", "fork"),
        ("reply_late", "urge"),
        ("urge", "urged"),
        ("stop_waiting", "withdrawn"),
        ("fork", "reply"),
        ("fork", "recover"),
        ("reply", "join"),
        ("recover", "join"),
        ("join", "content"),
        ("content", "archive", "满意", "satisfied"),
        ("content", "escalate", "不满意"),
        ("escalate", "again"),
        ("again", "dispatch", "重办", "rework"),
        ("again", "archive", "不再重办"),
        ("archive", "closed"),
    ]
    lanes = {
        "一线坐席": "start record on_spot answer_now fork reply join content archive closed",
        "派单员": "dispatch dispatch_late",
        "网络运维": "work reply_late stop_waiting withdrawn recover",
        "值班长": "escalate again",
        "系统": "urge urged",
    }
    inner = {
        "work": sub,
        "dispatch_late": timer('sla_due("COU_DISPATCH", now())'),
        "reply_late": timer('sla_due("TEL_NETWORK_REPLY", dispatched_at)'),
        "stop_waiting": '<bpmn:messageEventDefinition messageRef="withdraw"/>',
    }
    return process("network_fault", "网络类咨询", steps, flows, lanes=lanes, inner=inner)
