"""The owner's Cantonese process, as agents and supervisors see it."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from playwright.sync_api import expect

from engine.queries import work
from engine.storage.tables import history, sla_clock
from tests.browser.conftest import Desk, Site
from tests.browser.registering import ask_in_cantonese, choose, log_call, open_cantonese

Sit = Callable[..., Desk]


def _messages(site: Site, case: str) -> list[work.Message]:
    return [m for m in work.messages(site.gongdan.db, case) if m.kind == "sms"]


def _callback(desk: Desk, case: str) -> None:
    """Open the case's open task from the case page."""
    desk.open(f"/cases/{case}")
    desk.page.locator("#state a[id^=open-]").first.click()


def test_headset_noise_is_refused_as_a_reason(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    open_cantonese(agent)
    ask_in_cantonese(agent, reason="headset")
    agent.press("完成")
    expect(agent.page.locator("#errsum")).to_be_visible()
    expect(agent.page.locator("#field-reason")).to_contain_text("首问")
    # Nothing of it became history: the case was opened and its task taken, no more.
    rows = site.gongdan.db.rows(sa.select(sa.func.count()).select_from(history))
    assert rows[0][0] == 2


def test_chaoshan_dialect_gets_no_ticket(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    case = open_cantonese(agent)
    ask_in_cantonese(agent, language="chaoshan")
    agent.press("完成")
    agent.open(f"/cases/{case}")
    expect(agent.page.get_by_role("main")).to_contain_text("已建议使用普通话")
    expect(agent.page.locator("#state")).not_to_contain_text("粤语回访")


def test_two_failed_calls_send_two_texts_and_archive(site: Site, sit: Sit) -> None:
    agent, yue = sit("agent1"), sit("yue1")
    case = open_cantonese(agent)
    ask_in_cantonese(agent)
    agent.press("完成")
    expect(agent.page.get_by_role("status")).to_contain_text("询问语言并登记粤语需求")

    site.pass_time(minutes=30)
    _callback(yue, case)
    yue.press("领取")
    log_call(yue, "no_answer")
    first = _messages(site, case)
    assert len(first) == 1
    assert first[0].template == "sms_cantonese_1"

    site.pass_time(hours=3)
    _callback(yue, case)
    expect(yue.page.get_by_role("heading", level=1)).to_have_text("再次粤语回访")
    log_call(yue, "no_answer")
    second = _messages(site, case)[1:]
    assert len(second) == 1
    assert "两次" in second[0].body
    assert second[0].body.count("3月2日") == 2 or "2026-03-02" in second[0].body or "3月2日" in second[0].body

    yue.open(f"/cases/{case}")
    expect(yue.page.get_by_role("main")).to_contain_text(second[0].body)
    site.work()
    yue.page.reload()
    expect(yue.page.locator("#state")).to_contain_text("已发送")


def test_nobody_calls_for_two_hours(site: Site, sit: Sit) -> None:
    agent, yue, supervisor = sit("agent1"), sit("yue1"), sit("supervisor1")
    case = open_cantonese(agent)
    ask_in_cantonese(agent)
    agent.press("完成")
    _callback(yue, case)
    yue.page.clock.install()
    _callback(yue, case)
    expect(yue.page.locator("#side")).to_contain_text("计时中")

    site.pass_time(hours=2, minutes=1)
    yue.page.clock.fast_forward(11_000)  # one poll
    expect(yue.page.locator("#side")).to_contain_text("已超时")
    expect(yue.page.get_by_role("button", name="完成")).to_be_visible()

    clocks = site.gongdan.db.rows(
        sa.select(sla_clock.c.state).where(
            sla_clock.c.parameter == "CAN_CALLBACK_1", sla_clock.c.case_id == case
        )
    )
    assert [row.state for row in clocks] == ["breached"]
    assert _messages(site, case) == []

    supervisor.open("/notices/")
    expect(supervisor.page.get_by_role("main")).to_contain_text(case)
    supervisor.open("/board/")
    breaches = supervisor.page.get_by_role("region", name="最近超时")
    expect(breaches).to_contain_text(case)
    expect(breaches).to_contain_text("粤语首次回拨")


def test_another_agent_cannot_take_a_task_that_is_taken(site: Site, sit: Sit) -> None:
    first, second = sit("agent1"), sit("supervisor1")
    case = open_cantonese(first)
    first.page.get_by_role("button", name="退回").click()
    first.page.wait_for_url("**/")
    second.open("/?tab=queues")
    take = second.page.get_by_role("row").filter(has_text=case).get_by_role("button", name="领取")
    expect(take).to_be_visible()
    first.open("/?tab=queues")
    first.page.get_by_role("row").filter(has_text=case).get_by_role("button", name="领取").click()
    first.page.wait_for_url("**/tasks/**")
    take.click()
    expect(second.page.get_by_role("heading", level=1)).to_contain_text("有人先了一步")
    expect(second.page.get_by_role("main")).to_contain_text("陈小敏(坐席) 已于 03-02 09:00 领取此任务")
    second.page.get_by_role("link", name="查看此任务").click()
    expect(second.page.get_by_role("button", name="完成")).to_have_count(0)


def test_a_double_submit_completes_once(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    case = open_cantonese(agent)
    ask_in_cantonese(agent)
    form = agent.page.locator("form[data-draft]")
    sent = form.evaluate(
        """async (form) => {
            const body = new URLSearchParams(new FormData(form));
            const send = () => fetch(form.action, {method: 'POST', body});
            return (await Promise.all([send(), send()])).map((answer) => answer.status);
        }"""
    )
    assert sent == [200, 200]
    kinds = [
        row.command
        for row in site.gongdan.db.rows(sa.select(history.c.command).where(history.c.case_id == case))
    ]
    assert sum(b'"type":"complete"' in kind for kind in kinds) == 1


def test_a_draft_is_kept_and_comes_back(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    open_cantonese(agent)
    address = agent.page.url
    choose(agent, "language", "cantonese_guangzhou")
    expect(agent.page.locator("[data-draft-said]")).to_be_visible()
    agent.open("/")
    agent.page.goto(address)
    expect(agent.page.locator('input[name="language"][value="cantonese_guangzhou"]')).to_be_checked()


def test_waiting_for_the_customer_pauses_with_a_reason(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    open_cantonese(agent)
    agent.page.get_by_text("等待客户", exact=True).click()
    agent.page.get_by_label("等客户做什么？").fill("补充上月账单截图")
    agent.press("暂停计时")
    expect(agent.page.locator("#side")).to_contain_text("补充上月账单截图")
    agent.press("客户已回复，继续计时")
    expect(agent.page.locator("#side")).not_to_contain_text("补充上月账单截图")


def test_the_console_stays_quiet(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    case = open_cantonese(agent)
    for path in ("/", f"/cases/{case}", "/cases/", "/processes/cantonese_callback"):
        agent.open(path)
        agent.page.wait_for_load_state("networkidle")
    assert agent.complaints == []
