"""Words of the rules on files as such."""

from __future__ import annotations

from engine.design.lint.finding import Rule

XML_SIZE = Rule(
    "xml_size",
    "error",
    "文件太大:{problem}",
    "the file is too large: {problem}",
    "拆分文件,或删去嵌入的图片",
    "split it, or remove embedded pictures",
)
XML_ENCODING = Rule(
    "xml_encoding",
    "error",
    "编码不是 UTF-8:{problem}",
    "the encoding is not UTF-8: {problem}",
    "另存为 UTF-8,并在 XML 声明里写 UTF-8",
    "save it as UTF-8 and declare UTF-8",
)
XML_DOCTYPE = Rule(
    "xml_doctype",
    "error",
    "不允许 DOCTYPE 和实体",
    "a DOCTYPE or entity is not allowed",
    "删除 <!DOCTYPE …>",
    "remove <!DOCTYPE …>",
)
XML_INSTRUCTION = Rule(
    "xml_instruction",
    "error",
    "不允许处理指令",
    "a processing instruction is not allowed",
    "删除 <?…?>(XML 声明除外)",
    "remove the <?…?> (other than the XML declaration)",
)
XML_DEPTH = Rule(
    "xml_depth",
    "error",
    "元素嵌套过深:{problem}",
    "the elements are nested too deeply: {problem}",
    "减少嵌套",
    "flatten the file",
)
XML_COUNT = Rule(
    "xml_count",
    "error",
    "元素或属性过多:{problem}",
    "too many elements or attributes: {problem}",
    "拆分图",
    "split the diagram",
)
XML_SYNTAX = Rule(
    "xml_syntax",
    "error",
    "XML 不完整:{problem}",
    "the XML is broken: {problem}",
    "改正这一行,或在建模器里重新导出",
    "mend this line, or export the file again from the modeler",
)
XML_KIND = Rule(
    "xml_kind",
    "error",
    "内容与扩展名不符:{problem}",
    "the content is not what the file name says: {problem}",
    "BPMN 2.0 用 .bpmn,DMN 1.1–1.3 用 .dmn",
    "use .bpmn for BPMN 2.0 and .dmn for DMN 1.1 to 1.3",
)
XML_SCHEMA = Rule(
    "xml_schema",
    "error",
    "不符合标准的结构:{problem}",
    "not as the standard's schema has it: {problem}",
    "改正这一行的元素,或在建模器里重新保存",
    "correct the element at this line, or save it again in the modeler",
)
JSON_INVALID = Rule(
    "json_invalid",
    "error",
    "JSON 有误:{problem}",
    "the JSON is not valid: {problem}",
    "改正这一行的逗号、引号或括号",
    "mend commas, quotes and brackets at this line",
)
FORM_INVALID = Rule(
    "form_invalid",
    "error",
    "表单不能用:{problem}",
    "the form cannot be used: {problem}",
    "按 docs/forms.md 改正",
    "correct it as docs/forms.md describes",
)
FIELD_BOUNDS = Rule(
    "field_bounds",
    "info",
    "字段 {field} 没有写 {keys}，按通用界限：日期在一年前至 60 天后之间，金额至多一千万元",
    "the field {field} has no {keys}; the usual bounds hold: a date from a year ago to 60 days ahead, "
    "an amount up to 10 million yuan",
    "写上最早和最晚（earliest、latest）或金额的 maximum",
    "say how early and late it may be (earliest, latest), or the maximum of the amount",
)
TEMPLATE_INVALID = Rule(
    "template_invalid",
    "error",
    "话术模板不能用:{problem}",
    "the text cannot be used: {problem}",
    "改正这个键",
    "correct this key",
)
ROLES_INVALID = Rule(
    "roles_invalid",
    "error",
    "角色文件不能用:{problem}",
    "the roles cannot be used: {problem}",
    "改正 roles.json",
    "correct roles.json",
)
CALENDAR_INVALID = Rule(
    "calendar_invalid",
    "error",
    "工作日历不能用:{problem}",
    "the calendar cannot be used: {problem}",
    "按 docs/time.md 改正",
    "correct it as docs/time.md describes",
)
PARAMETERS_INVALID = Rule(
    "parameters_invalid",
    "error",
    "时限表不能用:{problem}",
    "the table of limits cannot be used: {problem}",
    "按 docs/time.md 改正这一行",
    "correct the row as docs/time.md describes",
)
SCENARIO_UNREADABLE = Rule(
    "scenario_unreadable",
    "error",
    "情景文件不能用：{problem}",
    "the scenarios cannot be used: {problem}",
    "按 docs/scenarios.md 改正",
    "correct them as docs/scenarios.md describes",
)
UNKNOWN_FILE = Rule(
    "unknown_file",
    "info",
    "不检查这种文件",
    "files of this kind are not checked",
    "发布用的文件是 .bpmn、.dmn 和 .json",
    "a release is made of .bpmn, .dmn and .json files",
)
