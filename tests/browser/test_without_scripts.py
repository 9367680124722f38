"""JavaScript switched off: everything an agent needs still works."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Desk, Site
from tests.browser.registering import QUESTION

Sit = Callable[..., Desk]


def test_a_request_is_registered_without_scripts(site: Site, sit: Sit) -> None:
    agent = sit("agent1", scripts=False)
    page = agent.open("/cases/new")
    page.get_by_role("button", name="粤语回复").click()
    case = page.url.split("/tasks/")[1].split("/")[0]
    # All questions are there; those that depend on others say when they apply.
    for field, value in {
        "language": "cantonese_guangzhou",
        "business_related": "true",
        "mandarin_accepted": "false",
        "reason": "language_need",
        "mandarin_refusal": "prefers_cantonese",
    }.items():
        page.locator(f'input[name="{field}"][value="{value}"]').check()
    page.locator('input[name="mandarin_offered"]').check()
    page.locator('input[name="user_number"]').fill("138")
    page.locator('textarea[name="question"]').fill(QUESTION)
    agent.press("完成")
    expect(page.locator("#errsum")).to_be_visible()
    expect(page.locator('textarea[name="question"]')).to_have_value(QUESTION)
    page.locator('input[name="user_number"]').fill("13823456789")
    agent.press("完成")
    expect(page.get_by_role("status")).to_contain_text("已完成")

    agent.open(f"/cases/{case}")
    expect(page.get_by_role("cell", name="第一次粤语回访")).to_be_visible()
    expect(page.locator(".canvas").first).to_be_hidden()


def test_rows_are_claimed_and_given_back_without_scripts(site: Site, sit: Sit) -> None:
    agent = sit("agent1", scripts=False)
    agent.open("/cases/new")
    agent.page.get_by_role("button", name="粤语回复").click()
    agent.open("/")
    agent.press("退回")
    agent.open("/?tab=queues")
    agent.press("领取下一件")
    expect(agent.page.get_by_role("button", name="退回")).to_be_visible()


def test_language_and_colours_are_chosen_without_scripts(site: Site, sit: Sit) -> None:
    agent = sit("agent1", scripts=False)
    agent.page.locator("details.menu summary").click()
    agent.page.locator("select[name=locale]").select_option("en")
    agent.page.locator("select[name=theme]").select_option("dark")
    agent.page.locator("details.menu").get_by_role("button", name="应用").click()
    expect(agent.page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(agent.page.locator("html")).to_have_attribute("lang", "en")
    expect(agent.page.get_by_role("navigation", name="Rooms")).to_contain_text("Inbox")
