"""Pages of calls: the true reason for waiting, stale times asked again, and calls that can be read afterwards."""

from __future__ import annotations

import re
from html import unescape

import pytest

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.case.commands import CompleteTask, StartCase
from tests.clock import Clock
from tests.integration.test_pages_of_tasks import client_of, database_url, gongdan, registered, send

__all__ = ["database_url", "gongdan"]  # fixtures
MISSED = {"direction": "outbound", "result": "no_answer"}


def _called(gongdan: Gongdan, case: str, task: int, **answers: str) -> int:
    data = {**MISSED, "started_at": gongdan.now(), **answers}
    asked = CompleteTask(case_id=case, task=task, data=data, actor="yue1", at=gongdan.now())
    return gongdan.dispatch(asked).opened[0]


def _note(text: str) -> str:
    """The warning above the form."""
    found = re.search(r'<p class="note warn"><svg.*?</svg>(.*?)</p>', text, re.DOTALL)
    return unescape(found.group(1)).strip() if found else ""


def test_the_page_says_why_a_call_waits(gongdan: Gongdan, settings: Settings, clock: Clock) -> None:
    case, task = registered(gongdan)
    second = _called(gongdan, case, task)
    holder, path = client_of(gongdan, settings, "yue1"), f"/tasks/{case}/{second}"
    assert _note(holder.get(path).text).startswith("两次拨打须有间隔")
    assert "免打扰" not in _note(holder.get(path).text)
    clock.advance(hours=2, minutes=1)
    assert _note(holder.get(path).text) == ""
    third = _called(
        gongdan, case, second, result="child_answered", promised_next_contact_at="2026-03-03T01:30:00+00:00"
    )
    assert _note(holder.get(f"/tasks/{case}/{third}").text).startswith(
        "已约定联系时间：请在 03-03 09:30 拨打"
    )


def test_quiet_hours_are_told_before_one_types(gongdan: Gongdan, settings: Settings, clock: Clock) -> None:
    case, task = registered(gongdan)
    second = _called(gongdan, case, task)
    clock.advance(hours=12, minutes=35)  # 21:35; the gap was over long ago
    path = f"/tasks/{case}/{second}"
    for locale, words in (("zh-Hans", "免打扰时段：03-03 09:00 之前"), ("en", "Quiet hours: do not call before"),
                          ("zh-Hant-HK", "免打擾時段：03-03 09:00 之前")):  # fmt: skip
        assert _note(client_of(gongdan, settings, "yue1", locale).get(path).text).startswith(words)


def test_a_gap_that_ends_in_quiet_hours_is_told_as_quiet_hours(
    gongdan: Gongdan, settings: Settings, clock: Clock
) -> None:
    clock.advance(hours=10, minutes=30)  # 19:30, so the gap ends at 21:30
    case, task = registered(gongdan)
    second = _called(gongdan, case, task)
    note = _note(client_of(gongdan, settings, "yue1").get(f"/tasks/{case}/{second}").text)
    assert note.startswith("免打扰时段：03-03 09:00 之前")
    assert "间隔" not in note


@pytest.mark.parametrize(("minutes", "asked"), [(9, False), (131, True)])
def test_a_time_that_the_page_filled_in_is_asked_again_when_it_is_old(
    gongdan: Gongdan, settings: Settings, clock: Clock, minutes: int, asked: bool
) -> None:
    case, task = registered(gongdan)
    holder, path = client_of(gongdan, settings, "yue1"), f"/tasks/{case}/{task}"
    first = holder.get(path).text
    offered = re.findall(r'name="(_offered_at|started_at)"[^>]* value="([^"]+)"', first)
    assert dict(offered)["started_at"] == "2026-03-02T09:00"
    assert send(holder, f"{path}/draft", **dict(offered), result="busy")[0] == 204
    clock.advance(minutes=minutes)
    text = holder.get(path).text
    assert ('id="asked-again"' in text) is asked
    assert ('value="2026-03-02T09:00"' in text) is not asked
    typed = {**dict(offered), "started_at": "2026-03-02T08:55"}
    assert send(holder, f"{path}/draft", **typed, result="busy")[0] == 204
    assert 'value="2026-03-02T08:55"' in holder.get(path).text  # what somebody typed is theirs


def test_a_page_that_lay_open_for_hours_is_asked_for_a_reason(
    gongdan: Gongdan, settings: Settings, clock: Clock
) -> None:
    case, task = registered(gongdan)
    holder, path = client_of(gongdan, settings, "yue1"), f"/tasks/{case}/{task}"
    clock.advance(hours=2)
    old = {**MISSED, "started_at": "2026-03-02T09:00"}
    status, text = send(holder, f"{path}/complete", **old)
    assert (status, 'id="err-started_late_reason"' in text) == (422, True)
    assert send(holder, f"{path}/complete", **old, started_late_reason="打完先接了别的电话")[0] == 303
    for page in (
        f"/cases/{case}",
        holder.get(f"/cases/{case}").text.partition('href="/tasks/')[2].partition('"')[0],
    ):
        text = holder.get(page if page.startswith("/") else f"/tasks/{page}").text
        calls = text.partition('id="calls"')[2].partition("</section>")[0]
        assert "去电 · 无人接听" in calls
        assert "补记原因" in calls
        assert "打完先接了别的电话" in calls
    timeline = holder.get(f"/cases/{case}").text.partition('id="timeline"')[2].partition("</section>")[0]
    for words in ("无人接听", "2026-03-02 09:00", "打完先接了别的电话"):
        assert f"<ins>{words}</ins>" in timeline


def test_the_caller_sees_when_and_in_which_language_the_customer_wants_to_be_called(
    gongdan: Gongdan, settings: Settings
) -> None:
    wishes = {"preferred_contact_window": {"from": "09:00", "to": "11:00"}, "preferred_language": "cantonese"}
    known = {"customer_name": "李四", "contact_phone": "13800138000", "complaint_recorded": True, **wishes}
    opened = gongdan.dispatch(
        StartCase(process="satisfaction_revisit", data=known, actor="system:test", at=gongdan.now())
    )
    text = client_of(gongdan, settings, "agent1").get(f"/tasks/{opened.case_id}/{opened.opened[0]}").text
    note = text.partition('id="wishes"')[2].partition("</p>")[0]
    assert "方便联系的时段：09:00–11:00" in note
    assert "沟通语言" in note
    assert "粤语" in note
