"""Every page passes axe-core (WCAG 2.1 A and AA), in light and dark, wide and narrow, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine.proof import verifications
from engine.proof.verifications import PAGE, summary
from engine.proof.verify import DIVERGED, Verdict
from tests.browser.conftest import Desk, Site
from tests.browser.registering import ask_in_cantonese, open_cantonese

Sit = Callable[..., Desk]
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
#: what the drawing widgets bring along is theirs
EXCLUDED = [[".djs-container"], [".bio-properties-panel"]]


def _faults(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate(
        "([rules, excluded]) => axe.run({exclude: excluded}, {runOnly: {type: 'tag', values: rules}})",
        [RULES, EXCLUDED],
    )
    return [
        f"{page.url} {violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def _a_case(sit: Sit) -> tuple[str, str]:
    """A case whose request waits to be filled in, one whose callback waits."""
    agent = sit("agent1")
    first = open_cantonese(agent)
    second = open_cantonese(agent)
    ask_in_cantonese(agent)
    agent.press("完成")
    agent.page.wait_for_url("**/")
    return first, second


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 400)])
def test_pages_are_accessible(site: Site, sit: Sit, theme: str, width: int) -> None:
    first, second = _a_case(sit)
    site.pass_time(hours=3)
    found = summary([Verdict(second, DIVERGED, 1, 1, "the history is gone")], [])
    verifications.record(site.gongdan.db, site.gongdan.now(), "auditor1", PAGE, found, [first, second])
    desk = sit("admin1", theme=theme, width=width)
    paths = [
        "/",
        "/?tab=all",
        "/cases/",
        "/cases/new",
        f"/cases/{second}",
        f"/tasks/{first}/3",
        f"/tasks/{second}/{_open_task(site, second)}",
        "/board/",
        "/outbox/",
        "/notices/",
        "/processes/",
        "/processes/cantonese_callback",
        "/audit/",
        "/audit/verifications",
        f"/audit/{second}",
        "/designer/",
        "/designer/edit?path=bpmn/telecom/cantonese_callback.bpmn",
        "/designer/edit?path=forms/cantonese_request.json",
        "/admin/people",
        "/admin/people/agent1",
        "/admin/people/file",
        "/account",
        "/admin/incidents",
        "/no-such-page",
    ]
    faults: list[str] = []
    for path in paths:
        page = desk.open(path)
        page.wait_for_load_state("networkidle")
        faults += _faults(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        faults += [f"{path} is {wide} px too wide"] if wide > 0 else []
    guest = sit(None, theme=theme, width=width)
    guest.open("/sign-in")
    assert "\n".join(faults + _faults(guest.page)) == ""


def _open_task(site: Site, case: str) -> int:
    from engine.queries import work

    return next(task.task for task in work.tasks(site.gongdan.db, case) if task.state == "open")


def test_errors_in_a_form_are_announced_and_linked(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    open_cantonese(agent)
    agent.press("完成")
    summary = agent.page.locator("#errsum")
    expect(summary).to_be_focused()
    summary.get_by_role("link").first.click()
    assert _faults(agent.page) == []


def test_the_inbox_is_worked_by_keys(site: Site, sit: Sit) -> None:
    agent = sit("agent1")
    for _ in range(2):
        open_cantonese(agent)
    page = agent.open("/")
    page.keyboard.press("j")
    expect(page.locator("tbody tr").nth(0).locator("a")).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("tbody tr").nth(1).locator("a")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.press("Tab")
    page.locator("tbody tr a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/**")
