"""A telephone's width: nothing runs out of the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Desk

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
