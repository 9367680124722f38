"""What is said of scenarios that stop a release: the words of each finding, in Chinese and English."""

from __future__ import annotations

from engine.lint.finding import Rule

_WHERE_ZH, _WHERE_EN = (
    "情景「{scenario}」第 {step} 步（{at}）：",
    "scenario '{scenario}', step {step} at {at}: ",
)
_MEND_ZH = "改回流程；或者流程确实要这样，就在 {file} 里改这一步"
_MEND_EN = "mend the process; or, when it is meant to be so, change this step in {file}"


def _failed(id: str, zh: str, en: str) -> Rule:
    return Rule(id, "error", _WHERE_ZH + zh, _WHERE_EN + en, _MEND_ZH, _MEND_EN)


NOT_OPEN = _failed(
    "scenario_not_open",
    "要完成 {element}，但打开的是 {open}",
    "'{element}' is not open, but {open} are",
)
DIFFERS = _failed(
    "scenario_differs", "{what} 应为 {expected}，实为 {found}", "{what} is {found}, not {expected}"
)
REFUSED = _failed(
    "scenario_refused",
    "表单应退回 {expected}，实际退回 {found}",
    "refused fields are {found}, not {expected}",
)
STOPPED = _failed("scenario_stopped", "引擎不接受：{problem}", "{problem}")
UNKNOWN = _failed("scenario_unknown", "看不懂：{problem}", "{problem}")
UNREACHED = Rule(
    "scenario_unreached",
    "error",
    "没有情景经过「{name}」",
    "no scenario passes '{name}'",
    "在 bpmn/scenarios/ 里加一个经过这里的情景；不会再走到的就删去",
    "add a scenario to bpmn/scenarios/ that passes here; delete what nobody reaches",
)
GONE = Rule(
    "scenario_gone",
    "error",
    "流程「{name}」原有情景，现在没有了",
    "process '{name}' had scenarios and has none any more",
    "把 bpmn/scenarios/{process}.json 里的情景放回去，流程改了就照着改；不再用的流程，连图一起删去",
    "put the scenarios of bpmn/scenarios/{process}.json back, changed where the process is; "
    "a process nobody needs goes with its diagram",
)
MISSING = Rule(
    "scenario_missing",
    "error",
    "流程「{name}」没有情景，没人知道它是否照画的走",
    "process '{name}' has no scenarios: nobody knows whether it runs as drawn",
    "写 bpmn/scenarios/{process}.json；来不及写的，发布时说明原因，原因记在版本里",
    "write bpmn/scenarios/{process}.json; or say why it cannot wait: the release keeps the reason",
)
