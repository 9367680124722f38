"""Words of the rules on scripts and expressions."""

from __future__ import annotations

from engine.design.lint.finding import Rule

SCRIPT_MISSING = Rule(
    "script_missing",
    "error",
    "脚本任务没有脚本",
    "the script task has no script",
    "写上脚本,或删除这个步骤",
    "write the script, or remove the step",
)
TOO_MUCH_SCRIPT = Rule(
    "too_much_script",
    "error",
    "脚本和表达式共 {count} 个字符,最多 {most} 个",
    "scripts and expressions have {count} characters together; at most {most} are allowed",
    "把计算放到决策表里,或拆分流程",
    "compute in decision tables, or split the process",
)
SYNTAX = Rule(
    "syntax",
    "error",
    "{what} 第 {at} 行语法有误:{reason}",
    "the {what} is not valid, line {at}: {reason}",
    "改正这一行",
    "correct this line",
)
FORBIDDEN_NAME = Rule(
    "forbidden_name",
    "error",
    "{what} 里不能用 {name}",
    "the {what} must not use {name}",
    "只用数据名、普通运算和引擎给的函数",
    "use data names, plain operations and the engine's functions only",
)
UNKNOWN_FUNCTION = Rule(
    "unknown_function",
    "error",
    "{what} 调用了不存在的函数 {name}",
    "the {what} calls {name}, which does not exist",
    "用引擎给的函数:now、sla_due、param、after、outside_quiet_hours、local_date、local_text、later、"
    "hours_between、data_get",
    "use the engine's: now, sla_due, param, after, outside_quiet_hours, local_date, local_text, later, "
    "hours_between, data_get",
)
ARGUMENT_COUNT = Rule(
    "argument_count",
    "error",
    "{name} 的参数个数不对(给了 {count} 个)",
    "{name} is called with {count} arguments",
    "应有 {wanted} 个",
    "give it {wanted}",
)
RESERVED_NAME = Rule(
    "reserved_name",
    "error",
    "脚本不能给 {name} 赋值,它是引擎的名称",
    "a script must not assign {name}, which is the engine's",
    "换一个名称",
    "use another name",
)
UNKNOWN_NAME = Rule(
    "unknown_name",
    "warning",
    "{what} 用到 {name},但没有表单、脚本或决策表给出它",
    "the {what} reads {name}, which no form, script or table provides",
    '检查拼写,或先在脚本里赋值,或写 data_get("{name}", 默认值)',
    'check the spelling, or set it in a script first, or write data_get("{name}", default)',
)
UNSET_NAME = Rule(
    "unset_name",
    "warning",
    "{what} 用到 {name},但有的路径到这里时它还没有值(没有填写、没有赋值,或再次填写时留空)",
    "the {what} reads {name}, which some way to here leaves unset (not asked, not answered, not computed)",
    '写 data_get("{name}", 默认值),或先在脚本里赋值,或让表单必填',
    'write data_get("{name}", default), or set it in a script before, or require it in the form',
)
SLOW_CONDITION = Rule(
    "slow_condition",
    "info",
    "条件不够简单,要在沙箱里算,较慢:{text}",
    "the condition is more than plain and runs in the slower sandbox: {text}",
    "只用名称、常量、比较和 and/or/not,算术放到脚本里",
    "use names, constants, comparisons and and/or/not; compute in a script",
)
