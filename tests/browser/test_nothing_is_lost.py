"""What is typed is not lost without a word, and what is printed can be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.conftest import Desk
from tests.browser.registering import open_cantonese

Sit = Callable[..., Desk]
TEXT = "/designer/edit?path=forms/recourse_told.json&as=text"


@pytest.mark.usefixtures("site")
def test_leaving_a_typed_text_asks_first(sit: Sit) -> None:
    desk = sit("designer1")
    page = desk.open(TEXT)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.locator("#body").press_sequentially(" ")
    page.get_by_role("link", name="工作台").first.click(no_wait_after=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    expect(page.locator("#body")).to_be_visible()


@pytest.mark.usefixtures("site")
def test_throwing_a_draft_away_asks_first(sit: Sit) -> None:
    desk = sit("designer1")
    page = desk.open(TEXT)
    page.locator("#body").press_sequentially(" ")
    desk.press("保存草稿")
    page.once("dialog", lambda dialog: dialog.dismiss())
    desk.press("丢弃草稿")
    expect(page.locator("#body")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    desk.press("丢弃草稿")
    expect(page.get_by_role("status")).to_contain_text("草稿已丢弃")


@pytest.mark.usefixtures("site")
def test_throwing_a_draft_away_asks_first_without_scripts_too(sit: Sit) -> None:
    desk = sit("designer1", scripts=False)
    page = desk.open(TEXT)
    page.locator("#body").press_sequentially(" ")
    desk.press("保存草稿")
    desk.press("丢弃草稿")
    expect(page.get_by_role("main")).to_contain_text("不能恢复")
    page.get_by_role("link", name="保持原样").click()
    expect(page.get_by_role("button", name="丢弃草稿")).to_be_visible()
    desk.press("丢弃草稿")
    desk.press("丢弃")
    expect(page.get_by_role("status")).to_contain_text("草稿已丢弃")


@pytest.mark.usefixtures("site")
def test_a_dossier_prints_dark_on_white_with_full_dates_in_the_dark_theme(sit: Sit) -> None:
    case = open_cantonese(sit("agent1"))
    desk = sit("supervisor1", theme="dark")
    page = desk.open(f"/cases/{case}/dossier")
    assert _lightness(desk) == "dark"
    page.emulate_media(media="print")
    assert _lightness(desk) == "light"
    for moment in page.locator("time").all_inner_texts():
        assert moment.startswith("2026-")


def _lightness(desk: Desk) -> str:
    """Whether the page is drawn light or dark: by the colour of its cards."""
    colour = desk.page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    return "light" if colour == "rgb(255, 255, 255)" else "dark"
