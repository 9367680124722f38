"""Words of the rules on what steps refer to."""

from __future__ import annotations

from engine.design.lint.finding import Rule

USER_TASK_FORM = Rule(
    "user_task_form",
    "error",
    "用户任务没有表单",
    "the user task has no form",
    "设置扩展属性 form",
    "set its property form",
)
UNKNOWN_FORM = Rule(
    "unknown_form",
    "error",
    "没有表单 {name}",
    "there is no form {name}",
    "新建 forms/{name}.json,或改成已有的表单",
    "make forms/{name}.json, or name an existing form",
)
USER_TASK_LANE = Rule(
    "user_task_lane",
    "error",
    "用户任务不在任何泳道里,没有人会看到它",
    "the user task is in no lane, so nobody is asked to do it",
    "把它放进办理人的泳道(flowNodeRef)",
    "put it into the lane of whoever does it (flowNodeRef)",
)
UNKNOWN_LANE = Rule(
    "unknown_lane",
    "error",
    "泳道 {name} 不在 bpmn/roles.json 里",
    "the lane {name} is not in bpmn/roles.json",
    "改成已有的泳道名,或在 roles.json 里加上",
    "use a lane of roles.json, or add it there",
)
LANE_REFERENCE = Rule(
    "lane_reference",
    "warning",
    "泳道 {lane} 里的 {ref} 不存在",
    "the lane {lane} lists {ref}, which does not exist",
    "从泳道里删掉它",
    "remove it from the lane",
)
UNKNOWN_TEMPLATE = Rule(
    "unknown_template",
    "error",
    "没有话术或短信模板 {name}",
    "there is no text {name}",
    "新建 bpmn/templates/{name}.json,或改成已有的模板",
    "make bpmn/templates/{name}.json, or name an existing text",
)
TEMPLATE_KIND = Rule(
    "template_kind",
    "warning",
    "模板 {name} 是 {kind},这里需要 {wanted}",
    "the text {name} is for {kind}, but {wanted} is needed here",
    "换一个 {wanted} 模板",
    "use a text of kind {wanted}",
)
UNKNOWN_DECISION = Rule(
    "unknown_decision",
    "error",
    "没有决策表 {name}",
    "there is no decision table {name}",
    "新建 bpmn/decisions/{name}.dmn,或改成已有的决策表",
    "make bpmn/decisions/{name}.dmn, or name an existing table",
)
DECISION_MISSING = Rule(
    "decision_missing",
    "error",
    "业务规则任务没有指定决策表",
    "the business rule task names no decision table",
    "设置 spiffworkflow:calledDecisionId",
    "set spiffworkflow:calledDecisionId",
)
UNKNOWN_PROCESS = Rule(
    "unknown_process",
    "error",
    "没有流程 {name}",
    "there is no process {name}",
    "改成已有流程的编号",
    "name an existing process",
)
CALL_MISSING = Rule(
    "call_missing",
    "error",
    "调用活动没有指定流程",
    "the call activity names no process",
    "设置 calledElement",
    "set calledElement",
)
UNKNOWN_PARAMETER = Rule(
    "unknown_parameter",
    "error",
    "时限表里没有参数 {name}",
    "the table of limits has no parameter {name}",
    "在 bpmn/decisions/sla.dmn 里加上,或改成已有的参数",
    "add it to bpmn/decisions/sla.dmn, or name an existing one",
)
SERVICE = Rule(
    "service",
    "error",
    "服务任务的 service 是 {value},只能是 {known} 之一",
    "service is {value}; it must be one of {known}",
    "设置扩展属性 service",
    "set the property service",
)
SERVICE_PROPERTY = Rule(
    "service_property",
    "error",
    "服务任务缺少 {name}",
    "the service task lacks {name}",
    "设置扩展属性 {name}(docs/designers.md)",
    "set the property {name} (docs/designers.md)",
)
RECIPIENT = Rule(
    "recipient",
    "error",
    "{kind} 的收件人写成了 {value},谁也收不到",
    "the {kind} is for {value}, which reaches nobody",
    "短信写电话号码,邮件写邮箱地址或 bpmn/roles.json 里的角色,提醒写角色",
    "an sms goes to a phone number, mail to an address or a role of bpmn/roles.json, a notice to a role",
)
NOTICE_LEVEL = Rule(
    "notice_level",
    "error",
    "通知级别是 {value},只能是 info、warn、breach",
    "the level is {value}; it must be info, warn or breach",
    "改成三者之一",
    "use one of the three",
)
UNKNOWN_REPORT = Rule(
    "unknown_report",
    "error",
    "没有报表 {name}",
    "there is no report {name}",
    "写已有的报表名(docs/reports.md)",
    "name a report of docs/reports.md",
)
UNKNOWN_PROPERTY = Rule(
    "unknown_property",
    "warning",
    "引擎不认识 {kind} 的属性 {name}",
    "the engine knows no property {name} of a {kind}",
    "检查拼写,或删除",
    "check the spelling, or remove it",
)
UNNAMED = Rule(
    "unnamed",
    "info",
    "没有名称",
    "has no name",
    "给它一个办理人看得懂的名称",
    "give it a name that those who work it understand",
)
UNDOCUMENTED = Rule(
    "undocumented",
    "info",
    "没有说明,也没有出处",
    "has no documentation and no source",
    "在 bpmn:documentation 里写明做法和出处",
    "write what is done and where the rule comes from into bpmn:documentation",
)
EMPTY_TASK = Rule(
    "empty_task",
    "warning",
    "这个步骤什么也不做:{kind} 会被直接跳过",
    "the step does nothing: a {kind} is passed at once",
    "改成用户任务、服务任务或脚本任务",
    "make it a user task, a service task or a script task",
)
APPROVED_CHANGED = Rule(
    "approved_changed",
    "error",
    "{name} 审批以后在这里又可以改，之后没有再审批",
    "{name} was approved, can be changed here, and is not approved again",
    "只读显示（readonly），或在后面再次审批（approves）",
    "show it readonly, or lead to a new approval (approves)",
)
