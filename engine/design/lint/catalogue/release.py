"""Words of the rules on several files together."""

from __future__ import annotations

from engine.design.lint.finding import Rule

DUPLICATE_PROCESS = Rule(
    "duplicate_process",
    "error",
    "流程 {id} 在 {other} 里也有",
    "the process {id} is also in {other}",
    "删除或改名其中一个",
    "remove or rename one of them",
)
CALL_CYCLE = Rule(
    "call_cycle",
    "error",
    "流程互相调用成圈,会一直转下去:{loop}",
    "the processes call each other in a circle and would run for ever: {loop}",
    "去掉其中一个调用",
    "remove one of the calls",
)
UNUSED_FORM = Rule(
    "unused_form",
    "info",
    "没有任务使用这个表单",
    "no task uses this form",
    "删除它,或在任务上引用它",
    "remove it, or name it in a task",
)
UNUSED_TEMPLATE = Rule(
    "unused_template",
    "info",
    "没有步骤使用这个模板",
    "no step uses this text",
    "删除它,或引用它",
    "remove it, or refer to it",
)
UNUSED_DECISION = Rule(
    "unused_decision",
    "info",
    "没有步骤使用这个决策表",
    "no step uses this table",
    "删除它,或引用它",
    "remove it, or refer to it",
)
DUPLICATE_SUBPROCESS = Rule(
    "duplicate_subprocess",
    "error",
    "子流程编号 {id} 在 {other} 里也有,引擎分不清",
    "the sub-process id {id} is used in {other} too; the engine cannot tell them apart",
    "给其中一个换一个编号",
    "give one of the two another id",
)
REPORT_MARK = Rule(
    "report_mark",
    "error",
    "{name} 在这里的报表标记(report)与 {other} 里的不同,报表按名称统计",
    "the mark for reports of {name} differs from that in {other}; reports count by name",
    "每个表单给它同样的 report",
    "give it the same report in every form",
)
