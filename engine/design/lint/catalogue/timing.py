"""Words of the rules on timers."""

from __future__ import annotations

from engine.design.lint.finding import Rule

TIMER_EMPTY = Rule(
    "timer_empty",
    "error",
    "定时器没有时间",
    "the timer has no time",
    '写一个 timeDate,例如 sla_due("CAN_CALLBACK_1", registered_at)',
    'write a timeDate such as sla_due("CAN_CALLBACK_1", registered_at)',
)
TIMER_UNQUOTED = Rule(
    "timer_unquoted",
    "error",
    "定时器的内容是表达式,{text} 没有加引号",
    "a timer holds an expression, and {text} is not in quotes",
    '写成 "{text}",或用 sla_due("参数", 起点)',
    'write "{text}", or better sla_due("PARAMETER", start)',
)
TIMER_NEGATIVE = Rule(
    "timer_negative",
    "error",
    "负的时长 {text} 会被当成正的",
    "the negative duration {text} would count as a positive one",
    "写正的时长,或算出时刻写在 timeDate 里",
    "write a positive duration, or compute the instant and use timeDate",
)
TIMER_INVALID = Rule(
    "timer_invalid",
    "error",
    "{text} 不是有效的时间",
    "{text} is no valid time",
    '用 ISO 8601,例如 "PT2H" 或带时区的时刻',
    'use ISO 8601, such as "PT2H" or an instant with its zone',
)
TIMER_LITERAL = Rule(
    "timer_literal",
    "warning",
    "时限 {text} 写死在图里",
    "the limit {text} is written into the diagram",
    '在 bpmn/decisions/sla.dmn 里设参数,图里写 sla_due("参数", 起点)',
    'give it a row in bpmn/decisions/sla.dmn and write sla_due("PARAMETER", start)',
)
TIMER_WRONG_KIND = Rule(
    "timer_wrong_kind",
    "error",
    "{text} 不该写在 {kind} 里",
    "{text} does not belong in a {kind}",
    "时刻(如 sla_due(…))写在 timeDate,时长写在 timeDuration",
    "instants such as sla_due(…) go into timeDate, durations into timeDuration",
)
TIMER_NAIVE = Rule(
    "timer_naive",
    "error",
    "时刻 {text} 没有时区",
    "the instant {text} has no zone",
    "加上时区,例如 +08:00",
    "add the zone, such as +08:00",
)
TIMER_START = Rule(
    "timer_start",
    "error",
    "起始事件上的 {text} 不是软件能据以开单的节奏",
    "{text} on a start event is no rhythm by which the software opens cases",
    '在流程的起始事件上写 timeCycle param("参数"),参数须为每周或每月(R/P1W、R/P1M、day 5)',
    'on the start of the process, write a timeCycle param("PARAMETER") that is weekly or monthly (R/P1W, R/P1M, day 5)',
)
LIMIT_INTERRUPTS = Rule(
    "limit_interrupts",
    "warning",
    "时限 {parameter} 是目标,到时却会中断任务",
    "the limit {parameter} is a target, but its timer ends the task",
    '设为非中断(cancelActivity="false"),或在参数表里标为可中断',
    'make it non-interrupting (cancelActivity="false"), or mark the parameter interrupting',
)
PARAMETER_KIND = Rule(
    "parameter_kind",
    "error",
    "参数 {parameter} 不是时限({clock}),sla_due 用不了",
    "the parameter {parameter} is no time limit ({clock}), so sla_due cannot use it",
    '用 param("{parameter}"),或换一个时限参数',
    'use param("{parameter}"), or another parameter',
)
MULTI_INSTANCE_TIMER = Rule(
    "multi_instance_timer",
    "warning",
    "多实例任务上的中断定时器会丢掉已完成各份的结果",
    "an interrupting timer on a multi-instance task loses the results already given",
    "改为非中断,或把定时器放到外层子流程",
    "make it non-interrupting, or put the timer on a sub-process around it",
)
PRESCRIPT_TIMER = Rule(
    "prescript_timer",
    "warning",
    "前置脚本在边界定时器计算之后才运行",
    "the pre-script runs after its boundary timer has been computed",
    "把计算放到前一个脚本任务里",
    "compute it in a script task before this one",
)
NO_CLOCK = Rule(
    "no_clock",
    "warning",
    "投诉从这里开单,但开始时没有任何时限在计时:谁也看不到它会超时",
    "complaints are opened here, but no limit runs from their first minute: nobody would see them become late",
    "在流程属性 case_clocks 写整案时限(如 CASE_REPLY),或在第一步加 sla_due 边界定时器;不是投诉的流程写 complaint=false",
    "name a limit of the whole case in the process property case_clocks (such as CASE_REPLY), or put an sla_due timer "
    "on the first step; a process that is no complaint has complaint=false",
)
