"""The properties that the engine reads of elements: what each holds, and how the modeler's panel asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Words = Mapping[str, str]  #: by language


@dataclass(frozen=True, slots=True)
class Property:
    """One property, with ``label`` and ``hint`` of the modeler's panel in each language.

    Without a label the panel does not offer it, and who wants it writes it into the diagram's text. ``choices``
    names the list that it is chosen from.
    """

    name: str
    label: Words = field(default_factory=dict)
    hint: Words = field(default_factory=dict)
    choices: str = ""
    expression: bool = False  #: it is evaluated, so that lint reads it
    needed_set: bool = False  #: an expression whose names must have been set before the step is reached
    flag: bool = False  #: it is "true" or absent


def _words(hans: str, hant: str, english: str) -> Words:
    return {"zh-Hans": hans, "zh-Hant-HK": hant, "en": english}


def _expression(name: str, label: Words, hint: Words, *, needed_set: bool = True) -> Property:
    return Property(name, label, hint, expression=True, needed_set=needed_set)


_LIMITS = _words("时限参数，逗号分隔", "時限參數，逗號分隔", "SLA parameters, separated by commas")

#: of a process; in addition it has its name in each language
OF_PROCESS = (
    Property(
        "startable", _words("可由人员新建工单", "可由人員新建工單", "People may open a case of it"), flag=True
    ),
    Property("complaint"),
    Property("case_clocks", _words("整张工单的时限", "整張工單的時限", "Clocks of the whole case"), _LIMITS),
    Property("facts"),
    Property(
        "report",
        _words("对应报表", "對應報表", "Report it is about"),
        _words(
            "报表名；其工单可直达该报表",
            "報表名；其工單可直達該報表",
            "Name of a report; its cases lead to it",
        ),
    ),
)
OF_USER_TASK = (
    Property("form", _words("表单", "表單", "Form"), choices="forms"),
    Property(
        "say",
        _words("话术", "話術", "Words to say"),
        _words("模板键，逗号分隔", "模板鍵，逗號分隔", "Template keys, separated by commas"),
    ),
    Property(
        "exclude",
        _words("回避人", "迴避人", "Not to be done by"),
        _words(
            "存放人员的数据名，逗号分隔",
            "存放人員的數據名，逗號分隔",
            "Data names that hold people, separated by commas",
        ),
    ),
    Property(
        "meets", _words("完成即满足的工单时限", "完成即滿足的工單時限", "Meets the case clocks"), _LIMITS
    ),
    _expression(
        "not_before",
        _words("不早于", "不早於", "Not before"),
        _words("得出时刻的表达式", "得出時刻的表達式", "Expression that gives an instant"),
    ),
    Property("approves"),
)
OF_SERVICE_TASK = (
    Property("service", _words("服务", "服務", "Service"), choices="services"),
    _expression(
        "template",
        _words("模板", "模板", "Template"),
        _words(
            '表达式，例如 "sms_callback_1"',
            '表達式，例如 "sms_callback_1"',
            'Expression, for example "sms_callback_1"',
        ),
    ),
    _expression(
        "to",
        _words("接收方", "接收方", "Recipient"),
        _words("表达式：号码、地址或岗位", "表達式：號碼、地址或崗位", "Expression: number, address or role"),
    ),
    _expression(
        "event",
        _words("事件键", "事件鍵", "Event key"),
        _words(
            "表达式；同一工单同一键只发一次",
            "表達式；同一工單同一鍵只發一次",
            "Expression; one send per key and case, ever",
        ),
    ),
    _expression(
        "withdraws",
        _words("撤回", "撤回", "Takes back"),
        _words(
            "表达式：还没发出的消息的事件键",
            "表達式：還沒發出的消息的事件鍵",
            "Expression: event keys of messages not sent yet",
        ),
        needed_set=False,
    ),
    Property("level", _words("通知级别", "通知級別", "Level of a notice"), choices="levels"),
    Property(
        "process",
        _words("所开工单的流程", "所開工單的流程", "Process of the new case"),
        _words("服务为 case 时", "服務為 case 時", "For the service case"),
        choices="processes",
    ),
    Property(
        "carries",
        _words("带过去的数据", "帶過去的數據", "Data that goes over"),
        _words("工单数据名，逗号分隔", "工單數據名，逗號分隔", "Names of case data, separated by commas"),
    ),
)
OF_SCRIPT_TASK = (Property("meets"),)
OF_DECISION = (Property("approves"),)
OF_END = (Property("outcome", _words("工单结果", "工單結果", "Outcome of the case")),)
