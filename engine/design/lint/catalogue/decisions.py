"""Words of the rules on decision tables."""

from __future__ import annotations

from engine.design.lint.finding import Rule

DECISION_COUNT = Rule(
    "decision_count",
    "error",
    "文件里有 {count} 个决策,应恰好一个",
    "the file has {count} decisions; exactly one is needed",
    "每个决策放在自己的文件里",
    "give each decision a file of its own",
)
DECISION_NAME = Rule(
    "decision_name",
    "warning",
    "文件名与决策编号 {id} 不同",
    "the file is not named after the decision {id}",
    "把文件改名为 {id}.dmn",
    "rename the file to {id}.dmn",
)
NO_TABLE = Rule(
    "no_table",
    "error",
    "决策里没有决策表,或表里没有规则",
    "the decision has no table, or the table has no rules",
    "加上 decisionTable 和规则",
    "add a decisionTable with rules",
)
HIT_POLICY = Rule(
    "hit_policy",
    "error",
    "命中策略 {policy} 不会按它的意思执行",
    "the hit policy {policy} is not carried out as it says",
    "用 UNIQUE(取第一条符合的规则),或不带聚合的 COLLECT",
    "use UNIQUE (the first rule that matches) or COLLECT without aggregation",
)
CELL_LIST = Rule(
    "cell_list",
    "error",
    "单元格 {text} 不会按它的意思判断:列表要写成 ? in (…),数字里不用逗号",
    "the cell {text} does not mean what it says: a list is written ? in (…), a number without commas",
    "写成 ? in (值, 值),或把数字写成 1250、12.5",
    "write ? in (value, value), or the number as 1250 or 12.5",
)
CELL_NOT = Rule(
    "cell_not",
    "error",
    "单元格 {text} 不会按“不是”判断",
    'the cell {text} does not mean "is not"',
    "写成 ? != 值,或 ? not in (…)",
    "write ? != value, or ? not in (…)",
)
CELL_SYNTAX = Rule(
    "cell_syntax",
    "error",
    "单元格 {text} 无法理解",
    "the cell {text} cannot be understood",
    '写成 "文字"、数字、> 3、? in (…) 或 -',
    'write "text", a number, > 3, ? in (…) or -',
)
CELL_NAME = Rule(
    "cell_name",
    "error",
    "单元格 {text} 里的 {name} 不是文字,而是数据名",
    "in the cell {text}, {name} is no text but a name of the data",
    "文字加引号;是/否写 True/False",
    "put texts in quotes; write True or False",
)
INPUT_EXPRESSION = Rule(
    "input_expression",
    "error",
    "输入列 {label} 没有有效的表达式",
    "the input column {label} has no valid expression",
    "写一个数据名",
    "write the name of a value",
)
OUTPUT_CELL = Rule(
    "output_cell",
    "error",
    "输出单元格 {text} 不是有效的表达式",
    "the output cell {text} is no valid expression",
    "文字加引号,数字里不用逗号",
    "put texts in quotes; write numbers without commas",
)
OUTPUT_NAME = Rule(
    "output_name",
    "error",
    "输出列没有名称",
    "an output column has no name",
    "给它一个名称(name)",
    "give it a name",
)
LARGE_TABLE = Rule(
    "large_table",
    "warning",
    "决策表太大({count} 个单元格,最多 {most} 个),没有检查",
    "the table is too large to check ({count} cells; at most {most})",
    "拆成几个决策表",
    "split it into several tables",
)
RULE_WIDTH = Rule(
    "rule_width",
    "error",
    "规则有 {count} 个单元格,列有 {wanted} 个",
    "the rule has {count} cells for {wanted} columns",
    "补齐或删去单元格",
    "add or remove cells",
)
TABLE_GAP = Rule(
    "table_gap",
    "warning",
    "没有规则符合这种情况:{case}",
    "no rule matches this case: {case}",
    "补一条规则,或最后加一条全为 - 的规则",
    "add a rule, or a last one with - everywhere",
)
TABLE_OVERLAP = Rule(
    "table_overlap",
    "warning",
    "两条规则({first} 和 {second})都符合这种情况:{case},只取前一条",
    "two rules ({first} and {second}) match this case: {case}; only the first counts",
    "把条件写成互不重叠,或把总括规则放在最后",
    "make the rules exclude each other, or put the catch-all rule last",
)
