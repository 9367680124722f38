"""A telephone's width: nothing runs out of the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from engine.case.commands import StartCase
from engine.proof import verifications
from engine.proof.verifications import PAGE, summary
from tests.browser.conftest import Desk, Site
from tests.browser.registering import open_cantonese

Sit = Callable[..., Desk]
#: how far the page and the steps reach beyond their room, in pixels
BEYOND = """() => {
  const steps = document.querySelector('.steps'), room = steps.getBoundingClientRect().right;
  const tables = [...steps.querySelectorAll('table')].map(t => t.getBoundingClientRect().right - room);
  return Math.max(document.documentElement.scrollWidth - document.body.clientWidth, ...tables);
}"""


@pytest.mark.parametrize("locale", ["zh-Hans", "en"])
@pytest.mark.parametrize("process", ["courier_complaint", "ecommerce_return_exchange"])
def test_the_list_of_steps_stays_in_its_card(sit: Sit, locale: str, process: str) -> None:
    agent = sit("agent1", locale=locale, width=390, height=844)
    page: Page = agent.open("/cases/new")
    page.locator(f'button[value="{process}"]').click()
    page.wait_for_load_state()
    number = page.url.split("/tasks/")[-1].split("/cases/")[-1].split("/")[0]
    agent.open(f"/cases/{number}")
    page.locator(".steps").evaluate("one => { one.open = true; one.classList.add('ready'); }")
    page.locator(".steps table").first.wait_for()
    assert page.evaluate(BEYOND) <= 0


#: how far tables reach beyond the room that they scroll in, and the page beyond its own
TABLES_BEYOND = """() => Math.max(document.documentElement.scrollWidth - document.body.clientWidth,
  ...[...document.querySelectorAll('.scroll')].map(one => one.scrollWidth - one.clientWidth))"""
#: pairs of cells of the work list that lie on one another
OVERLAPPING = """() => {
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  return [...document.querySelectorAll('table.cards tbody tr')].flatMap(row => {
    const boxes = [...row.cells].map(cell => cell.getBoundingClientRect()).filter(box => box.width && box.height);
    return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => !apart(a, b)));
  }).length;
}"""


@pytest.mark.parametrize("locale", ["zh-Hans", "en"])
def test_a_long_name_covers_nothing_in_the_work_list(site: Site, sit: Sit, locale: str) -> None:
    data = {"customer_name": "欧阳娜娜·阿不都热合曼 Christopher Wellington", "contact_phone": "13800138000"}
    at = site.gongdan.now()
    site.gongdan.dispatch(StartCase(process="general_complaint", data=data, actor="system:test", at=at))
    page = sit("agent1", locale=locale, width=390, height=844).open("/?tab=queues")
    assert page.locator("table.cards tbody tr").count() == 1
    assert page.evaluate(OVERLAPPING) == 0
    assert page.evaluate("(one => one.scrollWidth - one.clientWidth)(document.querySelector('.tabs'))") <= 0
    assert page.evaluate(TABLES_BEYOND) <= 0


@pytest.mark.parametrize("locale", ["zh-Hans", "en"])
def test_the_board_does_not_run_sideways(site: Site, sit: Sit, locale: str) -> None:
    at = site.gongdan.now()
    site.gongdan.dispatch(StartCase(process="cantonese_callback", data={}, actor="agent1", at=at))
    page = sit("supervisor1", locale=locale, width=390, height=844).open("/board/")
    assert page.evaluate("document.documentElement.scrollWidth - document.body.clientWidth") <= 0


@pytest.mark.parametrize("locale", ["zh-Hans", "en"])
@pytest.mark.parametrize(
    "path",
    [
        "/board/",
        "/board/limits?parameter=CASE_REPLY&state=running",
        "/cases/",
        "/audit/",
        "/audit/verifications",
        "/admin/people",
        "/account",
        "/outbox/",
        "/designer/",
    ],
)
def test_lists_are_read_without_scrolling_sideways(site: Site, sit: Sit, locale: str, path: str) -> None:
    data = {"customer_name": "欧阳娜娜·阿不都热合曼 Christopher Wellington", "contact_phone": "13800138000"}
    at = site.gongdan.now()
    site.gongdan.dispatch(StartCase(process="general_complaint", data=data, actor="system:test", at=at))
    open_cantonese(sit("agent1"))
    site.work()
    verifications.record(
        site.gongdan.db, at, "auditor1", PAGE, summary([], ["the log: why"] * 3), ["case"] * 20
    )
    page = sit("designer1" if path == "/designer/" else "admin1", locale=locale, width=390, height=844).open(
        path
    )
    assert page.locator("table.list tbody tr").count() > 0 or path == "/outbox/"
    assert page.evaluate(TABLES_BEYOND) <= 0
