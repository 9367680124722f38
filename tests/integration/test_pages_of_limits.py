"""Limits on pages: paused ones have no date, figures of the board lead to what they count, the bell can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from engine.app import open_gongdan
from engine.base.settings import Settings
from engine.case.commands import PauseClocks, ResumeClocks
from engine.people.directory import DEMO_PASSWORD
from tests.bpmn_text import bpmn, timer_on, user
from tests.casework import FILES, Desk
from tests.clock import Clock
from web import create_app

WAIT = bpmn(
    "wait",
    "start > answer > end; t_limit > end_late",
    user("answer", form="call", name="答复客户"),
    timer_on("answer", "t_limit", 'sla_due("COU_CLOSE_GENERAL", case_opened_at)', "timeDate"),
    startable="true",
    case_clocks="TEL_NETWORK_REPLY",
)


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """The small company with a process whose limits may pause, and demo accounts that sign in."""
    settings = Settings.from_env({}, var=tmp_path, demo=True, secret_key="s" * 32)
    gongdan = open_gongdan(settings, wall=lambda: clock.instant, synchronous="OFF")
    gongdan.releases.publish(FILES | {"bpmn/tests/wait.bpmn": WAIT}, "tests", "", clock.now)
    gongdan.people.ensure_demo()
    yield Desk(gongdan, clock)
    gongdan.close()


def signed_in(desk: Desk, name: str, locale: str = "zh-Hans") -> FlaskClient:
    client = create_app(desk.g, desk.g.settings).test_client()
    client.set_cookie("locale", locale)
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in").text)
    assert token is not None
    client.post("/sign-in", data={"name": name, "password": DEMO_PASSWORD, "csrf_token": token.group(1)})
    return client


def words(page: str) -> str:
    """The text of a page on one line."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


# ---------------------------------------------------------------- paused
def test_a_paused_limit_has_no_date_but_since_when_why_and_what_is_left(desk: Desk) -> None:
    case = desk.start("wait")
    task = desk.open(case)["answer"]
    pages = (f"/cases/{case}", f"/tasks/{case}/{task}")
    client = signed_in(desk, "supervisor1")
    for page in pages:
        assert "到期 03-05 09:00" not in words(client.get(page).text), "three working days end at 18:00"
        assert "到期 03-04 18:00" in words(client.get(page).text)
        assert "到期 03-04 09:00" in words(client.get(page).text)
    desk.clock.advance(hours=2)
    desk.g.dispatch(PauseClocks(case_id=case, reason="等客户提供账单", actor="agent1", at=desk.at))
    desk.clock.advance(days=1)
    client = signed_in(desk, "supervisor1")  # the session of yesterday has ended
    for page in pages:
        shown = words(client.get(page).text)
        assert "到期" not in shown
        assert shown.count("暂停于 03-02 11:00 · 等待客户：等客户提供账单") == 2
        assert "剩 46 小时" in shown, "of the 48 hours"
        assert "剩 22 个工作小时" in shown, "of three working days"
    assert "→ 2026-03-04" not in words(client.get(f"/cases/{case}/dossier").text)
    assert "→ 暂停于 2026-03-02 11:00" in words(client.get(f"/cases/{case}/dossier").text)


def test_a_limit_that_was_paused_says_how_long(desk: Desk) -> None:
    case = desk.start("wait")
    for hours, days in ((2, 1), (3, 2)):
        desk.clock.advance(hours=hours)
        desk.g.dispatch(PauseClocks(case_id=case, reason="等客户", actor="agent1", at=desk.at))
        desk.clock.advance(days=days)
        desk.g.dispatch(ResumeClocks(case_id=case, actor="agent1", at=desk.at))
    shown = words(signed_in(desk, "supervisor1").get(f"/cases/{case}").text)
    assert "到期 03-07 09:00" in shown, "48 hours and three days"
    assert "03-02 11:00 至 03-03 11:00 暂停 1天0小时：等待客户。" in shown
    assert "03-03 14:00 至 03-05 14:00 暂停 2天0小时：等待客户。" in shown


# ---------------------------------------------------------------- the board
def test_every_figure_of_the_board_leads_to_what_it_counts(desk: Desk) -> None:
    late = [desk.start(received_at="2018-01-01T00:00:00+00:00") for _ in range(3)]
    soon, paused = desk.start(), desk.start("wait")
    desk.wake()
    desk.claim(late[0])
    desk.claim(soon, actor="agent2")
    desk.g.dispatch(PauseClocks(case_id=paused, reason="等客户", actor="agent1", at=desk.at))
    for name in ("supervisor1", "manager1"):
        client = signed_in(desk, name)
        board = client.get("/board/").text
        links = re.findall(r'<a href="([^"]+)">(?:<b[^>]*>)?(\d+)<', board)
        found: dict[frozenset[str], int] = {}
        for href, number in links:
            page = client.get(unescape(href))
            assert page.status_code == 200, href
            if "outbox" not in href and "incidents" not in href:
                found[_parts(unescape(href))] = len(re.findall(r"\bdata-open[ >]", page.text))
                assert found[_parts(unescape(href))] == int(number), href
        assert found[_parts("/?tab=overdue")] == 3
        assert found[_parts("/?tab=soon")] == 1
        assert found[_parts("/cases/?state=open&waiting=1")] == 1
        assert found[_parts("/?tab=overdue&held=agent1")] == 1
        assert found[_parts("/?role=agent&unit=&tab=all&free=1")] == 3
        assert found[_parts("/board/limits?parameter=REG_TEL_REPLY&state=breached")] == 3
        assert found[_parts("/board/limits?parameter=TEL_NETWORK_REPLY&state=paused")] == 1
        assert "暂停于" in client.get("/board/limits?parameter=TEL_NETWORK_REPLY&state=paused").text
    assert (
        signed_in(desk, "agent1").get("/board/limits?parameter=REG_TEL_REPLY&state=breached").status_code
        == 403
    )
    assert client.get("/board/limits?parameter=REG_TEL_REPLY&state=met").status_code == 404


def _parts(address: str) -> frozenset[str]:
    """An address, whatever the order of what it asks."""
    return frozenset(re.split("[?&]", address))


def test_the_limits_behind_a_figure_are_listed_page_after_page(desk: Desk) -> None:
    for day in range(1, 61):
        desk.start(received_at=f"2018-01-{1 + day % 28:02}T00:00:00+00:00")
    desk.wake()
    client, seen = signed_in(desk, "supervisor1"), []
    address: str | None = "/board/limits?parameter=REG_TEL_REPLY&state=breached"
    while address:
        page = client.get(address).text
        seen += re.findall(r'data-open href="/cases/([^"]+)"', page)
        following = re.search(r'<a href="([^"]+)">下一页</a>', page)
        address = unescape(following.group(1)) if following else None
    assert len(seen) == len(set(seen)) == 60


# ---------------------------------------------------------------- the bell
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("zh-Hans", "时限已过：电信监管答复期限"),
        ("zh-Hant-HK", "時限已過：電信監管答覆期限"),
        ("en", "Limit passed: Regulator's limit"),
    ],
)
def test_many_breaches_are_one_line_that_leads_to_them(desk: Desk, locale: str, said: str) -> None:
    late = [desk.start(received_at="2018-01-01T00:00:00+00:00") for _ in range(30)]
    desk.wake()
    client = signed_in(desk, "supervisor1", locale)
    page = client.get("/notices/").text
    assert words(page).count(said) == 1
    assert 'href="/board/limits?parameter=REG_TEL_REPLY&amp;state=breached">30' in page
    assert page.count(f'href="/cases/{late[-1]}"') == 1
    assert re.search(r'class="count bad">1<', client.get("/notices/bell").text)


def test_who_holds_the_work_is_told_of_its_case(desk: Desk) -> None:
    case = desk.start(received_at="2026-02-15T02:00:00+00:00")
    desk.claim(case)
    desk.clock.advance(hours=1)
    desk.wake()
    page = signed_in(desk, "agent1").get("/notices/").text
    assert "时限已过：电信监管答复期限" in words(page)
    assert "您的任务" in words(page)
    assert f'href="/cases/{case}"' in page
    assert "/board/limits" not in page


def test_the_list_says_which_limit_it_is(desk: Desk) -> None:
    desk.start(received_at="2018-01-01T00:00:00+00:00")
    desk.start()
    page = unescape(signed_in(desk, "agent1").get("/?tab=queues").text)
    assert re.findall(r'<td title="([^"]+)">', page) == ["电信监管答复期限 · 整张工单", "粤语首次回拨"]
