"""Words of the rules on branching and looping."""

from __future__ import annotations

from engine.design.lint.finding import Rule

NO_DEFAULT = Rule(
    "no_default",
    "warning",
    "网关没有默认出线:没有条件成立时案件会卡住",
    "the gateway has no default flow: where no condition holds, the case gets stuck",
    "把其中一条出线设为默认",
    "make one of its flows the default",
)
UNKNOWN_DEFAULT = Rule(
    "unknown_default",
    "error",
    "默认出线 {flow} 不是这个网关的出线",
    "the default flow {flow} does not leave this gateway",
    "选一条它自己的出线作默认",
    "choose one of its own flows",
)
CONDITION_MISSING = Rule(
    "condition_missing",
    "error",
    "分支没有条件,也不是默认分支",
    "the branch has no condition and is not the default",
    "写上条件,或把它设为默认",
    "give it a condition, or make it the default",
)
CONDITION_ON_DEFAULT = Rule(
    "condition_on_default",
    "warning",
    "默认分支上的条件会被忽略",
    "a condition on the default branch is ignored",
    "删除这个条件",
    "remove the condition",
)
CONDITION_IGNORED = Rule(
    "condition_ignored",
    "warning",
    "条件写在 {kind} 的出线上,不会被检查",
    "a condition on a flow leaving a {kind} is not checked",
    "在排他网关后写条件",
    "put conditions behind an exclusive gateway",
)
AUTOMATIC_LOOP = Rule(
    "automatic_loop",
    "error",
    "这个循环里没有人工任务也没有等待,会一直转下去({loop})",
    "the loop has no person and no waiting in it and would run for ever ({loop})",
    "在循环里放一个用户任务或定时器",
    "put a user task or a timer into the loop",
)
LOOP_WITHOUT_EXCLUSIVE = Rule(
    "loop_without_exclusive",
    "error",
    "循环不经过排他网关,引擎会崩溃({loop})",
    "the loop passes no exclusive gateway, which the engine cannot follow ({loop})",
    "用排他网关决定是否回去",
    "let an exclusive gateway decide whether to go back",
)
INCLUSIVE_LOOP = Rule(
    "inclusive_loop",
    "info",
    "循环里有包容网关,轮次多了会变慢",
    "there is an inclusive gateway in a loop; with many rounds it becomes slow",
    "循环里用排他网关或并行网关",
    "use exclusive or parallel gateways in loops",
)
PARALLEL_OVERWRITE = Rule(
    "parallel_overwrite",
    "warning",
    "并行分支都写 {name},汇合时后到的覆盖先到的",
    "parallel branches both write {name}; at the join the last one wins",
    "各分支用不同的名称,汇合后再合并",
    "use a name for each branch and merge them after the join",
)
