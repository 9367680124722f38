"""Words of the rules on the shape of a process."""

from __future__ import annotations

from engine.design.lint.finding import Rule

NO_PROCESS = Rule(
    "no_process",
    "error",
    "文件里没有流程",
    "the file has no process",
    "画一个可执行流程(bpmn:process)",
    "draw one executable process (bpmn:process)",
)
SEVERAL_PROCESSES = Rule(
    "several_processes",
    "warning",
    "一个文件里有 {count} 个流程",
    "the file has {count} processes",
    "每个流程放在自己的文件里,共用步骤用调用活动",
    "give each process a file of its own and join them by call activities",
)
FILE_NAME = Rule(
    "file_name",
    "warning",
    "文件名与流程编号 {id} 不同",
    "the file is not named after the process {id}",
    "把文件改名为 {id}.bpmn",
    "rename the file to {id}.bpmn",
)
NOT_EXECUTABLE = Rule(
    "not_executable",
    "info",
    "流程未标为可执行",
    "the process is not marked executable",
    '设置 isExecutable="true"',
    'set isExecutable="true"',
)
DUPLICATE_ID = Rule(
    "duplicate_id",
    "error",
    "编号 {id} 用了 {count} 次,引擎会悄悄丢掉其中之一",
    "the id {id} is used {count} times; one of them is silently lost",
    "给每个元素自己的编号",
    "give every element an id of its own",
)
MISSING_ID = Rule(
    "missing_id",
    "error",
    "{kind} 没有编号",
    "a {kind} has no id",
    "给它一个编号",
    "give it an id",
)
FLOW_END = Rule(
    "flow_end",
    "error",
    "连线的 {end} 缺失或不指向同一层的元素",
    "the {end} of the flow is missing or names nothing on its level",
    "把连线重新连到元素上",
    "connect the flow to an element again",
)
START_COUNT = Rule(
    "start_count",
    "error",
    "流程有 {count} 个开始事件,应恰好一个",
    "there are {count} start events; exactly one is needed",
    "保留一个开始事件",
    "keep exactly one start event",
)
UNREACHABLE = Rule(
    "unreachable",
    "warning",
    "从开始走不到这里",
    "nothing leads here from the start",
    "连上它,或删除它",
    "connect it, or remove it",
)
DEAD_END = Rule(
    "dead_end",
    "warning",
    "到这里就断了:没有出线,也不是结束事件",
    "the way ends here without an end event",
    "连到下一步,或连到结束事件",
    "connect it to the next step or to an end event",
)
SEVERAL_OUTGOING = Rule(
    "several_outgoing",
    "error",
    "有 {count} 条出线,引擎只接受一条",
    "{count} flows leave it; the engine accepts one",
    "用网关分支",
    "branch with a gateway",
)
BOUNDARY_HOST = Rule(
    "boundary_host",
    "error",
    "边界事件没有贴在任何活动上",
    "the boundary event sits on no activity",
    "把它贴到任务或子流程上(attachedToRef)",
    "attach it to a task or sub-process (attachedToRef)",
)
EVENT_GATEWAY = Rule(
    "event_gateway",
    "error",
    "事件网关与定时器一起用不可靠",
    "event-based gateways are unreliable with timers",
    "改用任务加边界定时器",
    "use a task with boundary timers instead",
)
COMPLEX_GATEWAY = Rule(
    "complex_gateway",
    "error",
    "引擎会悄悄丢掉复杂网关",
    "the engine silently drops complex gateways",
    "改用排他、并行或包容网关",
    "use exclusive, parallel or inclusive gateways",
)
SIGNAL_EVENT = Rule(
    "signal_event",
    "error",
    "信号事件会被悄悄跳过",
    "signal events are silently passed through",
    "改用消息,或直接连线",
    "use a message, or connect the steps directly",
)
LINK_EVENT = Rule(
    "link_event",
    "error",
    "链接事件会被悄悄跳过",
    "link events are silently passed through",
    "直接画连线",
    "draw the flow itself",
)
COMPENSATION = Rule(
    "compensation",
    "error",
    "补偿事件会被悄悄跳过",
    "compensation is silently passed through",
    "把撤销步骤画成普通路径",
    "draw the undoing steps as an ordinary path",
)
EVENT_SUBPROCESS = Rule(
    "event_subprocess",
    "error",
    "事件子流程不论怎样设置都会中断(isInterrupting 被忽略)",
    "an event sub-process interrupts whatever it says (isInterrupting is ignored)",
    "改用非中断的边界事件",
    "use a non-interrupting boundary event",
)
CONDITIONAL_EVENT = Rule(
    "conditional_event",
    "error",
    "条件事件不会被及时检查",
    "conditional events are not checked in time",
    "用网关判断,或用定时器",
    "decide with a gateway, or use a timer",
)
ADHOC = Rule(
    "adhoc",
    "error",
    "不支持即席子流程",
    "ad-hoc sub-processes are not supported",
    "画出步骤的顺序",
    "draw the order of the steps",
)
NOT_DRAWN = Rule(
    "not_drawn",
    "error",
    "会执行,但图上看不见",
    "is executed but not drawn",
    "在图上画出来,或用 layout 重新排版",
    "draw it, or lay the diagram out again with `layout`",
)
LARGE_DIAGRAM = Rule(
    "large_diagram",
    "warning",
    "这一层有 {count} 个元素,超过 {most} 个就看不清了",
    "one level has {count} elements; with more than {most} nobody can read it",
    "用子流程或调用活动拆分",
    "split it with sub-processes or call activities",
)
NO_DRAWING = Rule(
    "no_drawing",
    "warning",
    "文件里没有图形",
    "the file has no drawing",
    "用 layout 命令生成图形",
    "let the `layout` command draw it",
)
