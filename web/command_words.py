"""What history says of each command, in each language: a new command's words are a row here.

``{names}`` are filled by :mod:`web.history_text`. Behind a colon stands what sets one case of a command apart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The sentence of a command by language, and its tone: ``info``, ``ok``, ``warn``, ``bad`` or none."""

    text: dict[str, str]
    tone: str = ""


def _words(hans: str, hant: str, english: str, tone: str = "") -> Words:
    return Words({"zh-Hans": hans, "zh-Hant-HK": hant, "en": english}, tone)


WORDS = {
    "start": _words("建单：{process}", "建單：{process}", "Opened: {process}", "info"),
    "claim": _words("领取“{task}”", "領取「{task}」", "Took “{task}”"),
    "release": _words("退回“{task}”", "退回「{task}」", "Gave “{task}” back"),
    "assign": _words(
        "把“{task}”指派给{name}：{reason}",
        "把「{task}」指派給{name}：{reason}",
        "Gave “{task}” to {name}: {reason}",
    ),
    "complete": _words("完成“{task}”", "完成「{task}」", "Completed “{task}”", "ok"),
    "timer": _words("到时：{timer}", "到時：{timer}", "Time came: {timer}", "warn"),
    "warn": _words("时限临近：{limit}", "時限臨近：{limit}", "Limit near: {limit}", "warn"),
    "breach": _words("时限已过：{limit}", "時限已過：{limit}", "Limit passed: {limit}", "bad"),
    "reschedule": _words(
        "「{task}」改为 {at} 起可办：{reason}",
        "「{task}」改為 {at} 起可辦：{reason}",
        "“{task}” may be worked on from {at}: {reason}",
        "warn",
    ),
    "reschedule:at_once": _words(
        "「{task}」改为即刻可办：{reason}",
        "「{task}」改為即刻可辦：{reason}",
        "“{task}” may be worked on at once: {reason}",
        "warn",
    ),
    "move_clock": _words(
        "将时限“{limit}”改至 {due}：{reason}",
        "將時限「{limit}」改至 {due}：{reason}",
        "Moved the limit “{limit}” to {due}: {reason}",
        "warn",
    ),
    "pause": _words("等待客户：{reason}", "等待客戶：{reason}", "Waits for the customer: {reason}", "warn"),
    "resume": _words(
        "客户已回复，时限继续计时", "客戶已回覆，時限繼續計時", "The customer answered; limits run on", "info"
    ),
    "erase": _words(
        "销毁个人资料（{requested_by} 提出）：{reason}",
        "銷毀個人資料（{requested_by} 提出）：{reason}",
        "Erased personal data, as {requested_by} asked: {reason}",
        "warn",
    ),
    "amend": _words("更正数据：{reason}", "更正資料：{reason}", "Corrected data: {reason}", "warn"),
    "service_result": _words("{message}：{state}", "{message}：{state}", "{message}: {state}"),
    "service_result:opened": _words("开出工单 {number}", "開出工單 {number}", "Opened case {number}", "info"),
    "incident": _words(
        "异常 {action}：{detail}", "異常事件 {action}：{detail}", "Incident {action}: {detail}", "bad"
    ),
}
