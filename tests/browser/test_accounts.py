"""A password is given and changed, a second step set up and recovered: in a browser, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pyotp import TOTP

from engine.people.directory import DEMO_PASSWORD
from tests.browser.conftest import Desk, Site
from tests.browser.test_accessibility import _faults
from tests.people import OTHER

Sit = Callable[..., Desk]


def enter(page: Page, name: str, password: str) -> None:
    """Fill in the sign-in page."""
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + "/sign-in")
    page.locator("input[name=name]:visible").fill(name)
    page.locator("input[name=password]:visible").fill(password)
    page.locator("button.primary").click()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_administrator_resets_a_password_and_its_owner_chooses_another(
    site: Site, sit: Sit, scripts: bool
) -> None:
    agent, admin = sit("agent1", scripts=scripts), sit("admin1", scripts=scripts)
    page = admin.open("/admin/people?q=陈小敏")
    page.get_by_role("link", name="agent1").click()
    page.get_by_role("button", name="一次性密码").click()
    secret = page.locator("#one-time").inner_text()
    assert agent.open("/").url.endswith("/sign-in"), "they are out at once"
    enter(agent.page, "agent1", DEMO_PASSWORD)
    expect(agent.page.get_by_role("alert")).to_be_visible()
    enter(agent.page, "agent1", secret)
    agent.page.wait_for_url("**/account")
    assert agent.open("/cases/new").url.endswith("/account"), "nothing else comes first"
    for field, text in (("password", secret), ("new", OTHER), ("again", OTHER)):
        agent.page.locator(f"input[name={field}]").fill(text)
    agent.page.get_by_role("button", name="更改密码").click()
    expect(agent.page.get_by_text("密码已更改")).to_be_visible()
    agent.open("/")
    expect(agent.page.get_by_role("heading", level=1)).to_be_visible()
    assert agent.page.url == site.address + "/"


def test_a_second_step_is_set_up_used_and_recovered(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    page = agent.open("/account/second-step")
    page.locator("input[name=password]").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="继续").click()
    expect(page.locator(".qr svg")).to_be_visible()
    faults = _faults(page)
    phone = TOTP(page.locator("code.secret").inner_text().replace(" ", ""))
    page.locator("input[name=code]").fill(phone.at(site.clock.instant))
    page.get_by_role("button", name="从现在起使用").click()
    expect(page.locator(".codes li")).to_have_count(10)
    codes = page.locator(".codes code").all_inner_texts()
    page.get_by_role("button", name="我已保存好").click()
    page.wait_for_url(site.address + "/")
    site.clock.advance(minutes=1)
    beside = sit(None)
    beside.open("/sign-in")
    enter(beside.page, "agent1", DEMO_PASSWORD)
    beside.page.locator("input[name=code]").fill(phone.at(site.clock.instant))
    faults += _faults(beside.page)
    beside.page.locator("button.primary").click()
    beside.page.wait_for_url(site.address + "/")
    lost = sit(None)
    lost.open("/sign-in")
    enter(lost.page, "agent1", DEMO_PASSWORD)
    lost.page.locator("input[name=code]").fill(codes[4])
    lost.page.locator("button.primary").click()
    expect(lost.page.get_by_text("还剩 9 个")).to_be_visible()
    expect(lost.open("/account").locator("tr", has_text="本机")).to_have_count(1)
    assert lost.page.locator("button", has_text="退出该处").count() == 2
    assert faults == []


def test_switching_off_asks_in_the_page_and_throws_out_at_once(site: Site, sit: Sit) -> None:
    agent, admin = sit("agent2"), sit("admin1")
    page = admin.open("/admin/people/agent2")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="停用").click()
    expect(page.get_by_text("账号已停用")).to_be_visible()
    assert agent.open("/").url.endswith("/sign-in")
