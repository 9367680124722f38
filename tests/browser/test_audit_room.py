"""An auditor steps through a case's history on its diagram."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from playwright.sync_api import expect

from engine.storage.tables import history
from tests.browser.conftest import Desk, Site
from tests.browser.registering import QUESTION, ask_in_cantonese, log_call, open_cantonese

Sit = Callable[..., Desk]


def _finished(site: Site, sit: Sit) -> str:
    agent, yue = sit("agent1"), sit("yue1")
    case = open_cantonese(agent)
    ask_in_cantonese(agent)
    agent.press("完成")
    agent.page.wait_for_url("**/")
    site.pass_time(minutes=30)
    for _ in range(2):
        yue.open(f"/cases/{case}")
        yue.page.locator("#state a[id^=open-]").first.click()
        log_call(yue, "no_answer")
        site.pass_time(hours=3)
    return case


def test_step_through_a_history(site: Site, sit: Sit) -> None:
    case = _finished(site, sit)
    auditor = sit("auditor1")
    page = auditor.open("/audit/")
    page.get_by_role("link", name=case).click()
    expect(page.locator('[data-diagram][data-ready="yes"]').first).to_be_visible()

    page.locator("[data-step] a").filter(has_text="完成“询问语言并登记粤语需求”").click()
    what = page.locator("#what")
    expect(what).to_contain_text("陈小敏(坐席)")
    expect(what).to_contain_text("03-02 09:00")
    expect(what).to_contain_text(QUESTION)
    expect(what).to_contain_text("新任务：第一次粤语回访")
    expect(
        page.locator('[data-process="cantonese_callback"] .st-here[data-element-id="callback_1"]')
    ).to_have_count(1)

    page.get_by_role("link", name="下一步").click()
    expect(page.locator("#stepper")).to_contain_text("/")
    page.locator("[data-slider]").fill("1")
    expect(what).to_contain_text("建单：粤语回复")
    expect(page.locator('.st-here[data-element-id="register_request"]')).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(what).to_contain_text("领取")

    auditor.press("重放核验")
    expect(page.get_by_role("status")).to_contain_text("一致")
    assert auditor.complaints == []


def test_a_changed_byte_is_named(site: Site, sit: Sit) -> None:
    case = _finished(site, sit)
    with site.gongdan.db.begin() as connection:
        for (trigger,) in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'history'"
        ).all():
            connection.exec_driver_sql(f'DROP TRIGGER "{trigger}"')
        row = sa.select(history.c.effects).where(history.c.case_id == case, history.c.seq == 3)
        effects = connection.execute(row).scalar_one()
        connection.execute(
            sa.update(history)
            .where(history.c.case_id == case, history.c.seq == 3)
            .values(effects=effects.replace(b"callback_1", b"callback_2", 1))
        )
    auditor = sit("auditor1", scripts=False)
    auditor.open(f"/audit/{case}")
    auditor.press("重放核验")
    expect(auditor.page.get_by_role("status")).to_contain_text("第 3 步：内容与当初记录的不一致")


def test_stepping_works_by_links_alone(site: Site, sit: Sit) -> None:
    case = _finished(site, sit)
    auditor = sit("auditor1", scripts=False)
    page = auditor.open(f"/audit/{case}?step=1")
    expect(page.locator("#what")).to_contain_text("建单")
    page.get_by_role("link", name="下一步").click()
    expect(page.locator("#what")).to_contain_text("领取")
    expect(page.get_by_role("cell", name="询问语言并登记粤语需求")).to_be_visible()


def test_only_auditing_roles_enter(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    answer = agent.page.request.get(site.address + "/audit/")
    assert answer.status == 403
