"""What pages say of each kind of entry of the security log, by language: a new kind's words are a row here.

``{names}`` are the fields of the event; a code among their values has its words below.
"""

from __future__ import annotations

from typing import Any

from engine.operations import bursts
from engine.people.security_log import Entry
from engine.release.second_person import KINDS as GUARDED

from .i18n import listed, locale, pick

Texts = dict[str, str]


def _texts(hans: str, hant: str, english: str) -> Texts:
    return {"zh-Hans": hans, "zh-Hant-HK": hant, "en": english}


#: kind → its name, and what else it says
WORDS: dict[str, tuple[Texts, Texts]] = {
    "signed_in": (_texts("登录", "登入", "Signed in"), _texts("凭{means}", "憑{means}", "by {means}")),
    "sign_in_failed": (_texts("登录失败", "登入失敗", "Sign-in failed"), _texts("{reason}", "{reason}", "{reason}")),
    "locked_out": (_texts("暂停登录", "暫停登入", "Has to wait"), _texts("{limit}", "{limit}", "{limit}")),
    "unlocked": (_texts("解除暂停", "解除暫停", "May try again"), _texts("", "", "")),
    "signed_out": (_texts("退出", "登出", "Signed out"), _texts("", "", "")),
    "sessions_ended": (
        _texts("结束会话", "結束工作階段", "Sessions ended"), _texts("{which}", "{which}", "{which}")),
    "account_added": (
        _texts("新增账号", "新增帳號", "Account added"),
        _texts("{roles} {skills} {departments}", "{roles} {skills} {departments}", "{roles} {skills} {departments}")),
    "account_changed": (
        _texts("更改账号", "更改帳號", "Account changed"), _texts("{changed}", "{changed}", "{changed}")),
    "account_switched": (
        _texts("启用或停用账号", "啟用或停用帳號", "Account switched on or off"),
        _texts("启用：{on}", "啟用：{on}", "on: {on}")),
    "password_changed": (
        _texts("更改密码", "更改密碼", "Password changed"), _texts("{means}", "{means}", "{means}")),
    "second_factor": (_texts("第二验证", "第二驗證", "Second factor"), _texts("{done}", "{done}", "{done}")),
    "refused": (
        _texts("拒绝访问", "拒絕存取", "Refused"),
        _texts("{method} {path}（{status}）", "{method} {path}（{status}）", "{method} {path} ({status})")),
    "published": (
        _texts("发布流程", "發布流程", "Release published"),
        _texts("{note}（{many} 个文件：{files}）", "{note}（{many} 個檔案：{files}）",
               "{note} ({many} files: {files})")),
    "proposed": (
        _texts("发布申请", "發布申請", "Release proposed"),
        _texts("涉及{kinds}，等待另一人批准：{note}（{many} 个文件：{files}；{digest}）",
               "涉及{kinds}，等待另一人批准：{note}（{many} 個檔案：{files}；{digest}）",
               "changes {kinds}, waits for a second person: {note} ({many} files: {files}; {digest})")),
    "approved": (
        _texts("批准发布申请", "批准發布申請", "Proposal approved"),
        _texts("由{author}提出，成为第 {release} 版（{digest}）", "由{author}提出，成為第 {release} 版（{digest}）",
               "proposed by {author}, is release {release} ({digest})")),
    "proposal_refused": (
        _texts("驳回发布申请", "駁回發布申請", "Proposal refused"),
        _texts("由{author}提出：{why}（{digest}）", "由{author}提出：{why}（{digest}）",
               "proposed by {author}: {why} ({digest})")),
    "taken_back": (
        _texts("撤回发布申请", "撤回發布申請", "Proposal taken back"),
        _texts("{instead}", "{instead}", "{instead}")),
    "downloaded": (
        _texts("下载", "下載", "File taken along"), _texts("{file} {path}", "{file} {path}", "{file} {path}")),
    "exported": (
        _texts("导出", "匯出", "Exported"),
        _texts("至 {to}，电话遮盖：{masked}", "至 {to}，電話遮蓋：{masked}", "to {to}, numbers masked: {masked}")),
    "erasing": (
        _texts("销毁个人资料", "銷毀個人資料", "Personal data erased"),
        _texts("{requested_by} 提出：{reason}", "{requested_by} 提出：{reason}", "as {requested_by} asked: {reason}")),
    "setting_changed": (
        _texts("更改设置", "更改設定", "Setting changed"), _texts("{was} → {now}", "{was} → {now}", "{was} → {now}")),
    "verified": (
        _texts("核验", "核驗", "Verified"),
        _texts("发现 {wrong} 处（{channel}）", "發現 {wrong} 處（{channel}）", "{wrong} findings ({channel})")),
    "backed_up": (_texts("备份", "備份", "Backed up"), _texts("", "", "")),
    "restored": (
        _texts("恢复备份", "還原備份", "Restored"),
        _texts("覆盖原库：{force}", "覆蓋原庫：{force}", "in place of another: {force}")),
    "drilled": (
        _texts("演练恢复", "演練還原", "Restored for a trial"),
        _texts("发现 {findings} 处，数据为 {hours} 小时前", "發現 {findings} 處，資料為 {hours} 小時前",
               "{findings} findings, data {hours} hours old")),
    "keys_exported": (_texts("导出密钥", "匯出密鑰", "Keys written out"), _texts("{keys}", "{keys}", "{keys}")),
    "key_rotated": (
        _texts("更换密钥", "更換密鑰", "Key changed"),
        _texts("{rows} 行已更新，未能更新：{left}", "{rows} 行已更新，未能更新：{left}",
               "{rows} rows found anew, not: {left}")),
    "log_cut": (
        _texts("删除到期记录", "刪除到期紀錄", "Old entries taken away"),
        _texts("{many} 条，至第 {last} 条", "{many} 條，至第 {last} 條", "{many} of them, up to number {last}")),
    "burst": (_texts("警报", "警報", "Alert"), _texts("", "", "")),
}  # fmt: skip
#: codes within entries → what they mean
CODES: dict[str, Texts] = {
    "password": _texts("密码", "密碼", "password"),
    "unknown": _texts("没有这个账号", "沒有這個帳號", "no such account"),
    "off": _texts("账号已停用", "帳號已停用", "account switched off"),
    "all": _texts("全部", "全部", "all"),
    "own": _texts("本人更改", "本人更改", "changed by themself"),
    "reset": _texts("由他人重置", "由他人重設", "reset by somebody else"),
    "page": _texts("页面", "頁面", "page"),
    "command line": _texts("命令行", "命令列", "command line"),
    "True": _texts("是", "是", "yes"),
    "False": _texts("否", "否", "no"),
    **{kind: one.name for kind, one in GUARDED.items()},
    "None": _texts("（保密）", "（保密）", "(secret)"),
}


def name(kind: str) -> str:
    """What a kind of entry is called."""
    return pick(WORDS[kind][0]) if kind in WORDS else kind


def told(entry: Entry) -> str:
    """What an entry says beside who, when and what it is about."""
    if entry.kind == "burst" and entry.detail.get("rule") in bursts.RULES:
        return bursts.words(entry, locale())
    values = {key: _value(value) for key, value in entry.detail.items()}
    try:
        return pick(WORDS[entry.kind][1]).format(**values).strip()
    except (KeyError, IndexError, ValueError):  # written by another version, or past the software
        return listed(f"{key}: {value}" for key, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return listed(map(_value, value))
    if isinstance(value, dict):
        return listed(
            f"{key}: {' → '.join(map(_value, both)) if isinstance(both, list) else _value(both)}"
            for key, both in value.items()
        )
    return pick(CODES[str(value)]) if str(value) in CODES else str(value)
