"""What is said of scenarios that stop a release: the words of each finding, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from engine.base.instants import SHANGHAI
from engine.design.lint.finding import Rule
from engine.release.scenario_files import instant

INSTANTS = frozenset({"due", "timers", "not_before"})  #: expectations that give an instant by name
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STEP = "情景「{scenario}」第 {step} 步（{at}）：", "scenario '{scenario}', step {step} at {at}: "
_OPENING = "情景「{scenario}」开单时（{at}）：", "scenario '{scenario}', when the case opens at {at}: "
_MEND_ZH = "改回流程；或者流程确实要这样，就在 {file} 里改这一步"
_MEND_EN = "mend the process; or, when it is meant to be so, change this step in {file}"


def _failed(id: str, zh: str, en: str) -> Rule:
    return Rule(id, "error", zh, en, _MEND_ZH, _MEND_EN)


NOT_OPEN = _failed(
    "scenario_not_open",
    "要完成 {element}，但打开的是：{open}",
    "'{element}' is not open; open are: {open}",
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


def differs(expectation: str, want: object, got: object) -> Rule:
    """What is not as written: of an expectation by name only the entries that differ, instants in local time."""
    pairs = {expectation: (want, got)}
    if isinstance(want, Mapping) and isinstance(got, Mapping):
        pairs = {
            name: (want.get(name, ()), got.get(name, ()))
            for name in {**want, **got}
            if name not in want or name not in got or want[name] != got[name]
        }
    told = [(name, *_pair(*pair, expectation in INSTANTS)) for name, pair in pairs.items()]
    return _failed(
        "scenario_differs",
        "；".join(f"{name} 应为 {wanted[0]}，实为 {found[0]}" for name, wanted, found in told),
        "; ".join(f"{name} is {found[1]}, not {wanted[1]}" for name, wanted, found in told),
    )


def refuses(want: object, got: object) -> Rule:
    """A form that refuses other fields than written."""
    wanted, found = _words_of(want), _words_of(got)
    return _failed(
        "scenario_refused",
        f"表单应退回：{wanted[0]}；实际退回：{found[0]}",
        f"refused fields are {found[1]}, not {wanted[1]}",
    )


def located(rule: Rule, step: int) -> Rule:
    """The rule with its place in front: the scenario and its step, or the opening of the case before the first."""
    zh, en = _STEP if step else _OPENING
    return replace(rule, zh=zh + rule.zh, en=en + rule.en)


def _words_of(value: object) -> tuple[str, str]:
    """A value as a scenario writes it, in Chinese and English: lists without brackets."""
    if isinstance(value, list | tuple):
        items = [str(item) for item in value]
        return "、".join(items) or "没有", ", ".join(items) or "nothing"
    plain = "null" if value is None else str(value)
    return plain, plain


def _pair(want: object, got: object, instants: bool) -> tuple[tuple[str, str], tuple[str, str]]:
    if not instants:
        return _words_of(want), _words_of(got)
    local = [instant(value).astimezone(SHANGHAI) for value in (want, got) if value]
    alike = len({at.year for at in local}) == 1 and not any(at.second for at in local)
    told = [_moment(at, brief=alike) for at in local]
    return told[0] if want else _words_of(()), told[-1] if got else _words_of(())


def _moment(at: datetime, *, brief: bool) -> tuple[str, str]:
    """``3月2日 12:00``; with year and seconds where these tell two instants apart."""
    if brief:
        return f"{at.month}月{at.day}日 {at:%H:%M}", f"{at.day} {_MONTHS[at.month - 1]} {at:%H:%M}"
    return (
        f"{at.year}年{at.month}月{at.day}日 {at:%H:%M:%S}",
        f"{at.day} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S}",
    )
