"""Words of the rules on what the engine needs of an element before it takes the diagram at all."""

from __future__ import annotations

from engine.design.lint.finding import Rule

INSTANCES_MISSING = Rule(
    "instances_missing",
    "error",
    "多实例步骤没有写做几次,也没有写对哪个清单做",
    "the multi-instance step says neither how often it runs nor for which list",
    "在属性面板“多实例”里写循环次数(如 3 或 len(items)),或在文件里写 loopDataInputRef;不需要就去掉多实例标记",
    "write the loop cardinality (such as 3 or len(items)) under Multi-instance in the panel, or a loopDataInputRef "
    "in the file; or take the marker off",
)
INSTANCES_TWICE = Rule(
    "instances_twice",
    "error",
    "多实例步骤既写了次数又写了清单",
    "the multi-instance step has both a cardinality and a list",
    "只留一个:loopCardinality 或 loopDataInputRef",
    "keep one of the two: loopCardinality or loopDataInputRef",
)
LOOP_MISSING = Rule(
    "loop_missing",
    "error",
    "循环步骤没有写何时停止",
    "the loop step does not say when it stops",
    "在属性面板“循环”里写条件或最多次数,不需要就去掉循环标记",
    "write a condition or the most rounds under Loop in the panel; or take the marker off",
)
LOOP_MOST = Rule(
    "loop_most",
    "error",
    "循环的最多次数 {value} 不是正整数",
    "the most rounds of the loop, {value}, are no positive whole number",
    "写一个正整数,例如 3",
    "write a positive whole number, such as 3",
)
CANCEL_EVENT = Rule(
    "cancel_event",
    "error",
    "取消事件只能用在事务子流程上",
    "a cancel event belongs to a transaction",
    "改用错误事件,或把子流程改为事务",
    "use an error event, or make the sub-process a transaction",
)
EVENT_REFERENCE = Rule(
    "event_reference",
    "error",
    "事件引用的 {name} 在文件里没有定义",
    "the event refers to {name}, which the file does not define",
    "在属性面板里给事件选一个已有的定义,或新建一个",
    "choose one that exists for the event in the panel, or create it there",
)
INNER_END = Rule(
    "inner_end",
    "error",
    "子流程里没有结束事件",
    "the sub-process has no end event",
    "在子流程里画一个结束事件",
    "draw an end event inside it",
)
ENGINE_REFUSES = Rule(
    "engine_refuses",
    "error",
    "引擎读不懂这个元素的画法,发布时会拒绝",
    "the engine cannot read this element as it is drawn, so it would not be published",
    "删掉这个元素重新画,只用 docs/designers.md 所列能运行的元素;或撤销最近的改动",
    "delete the element and draw it again, with the elements that docs/designers.md lists as running; or undo the "
    "last change",
)
