"""What several tests do in the browser: register a Cantonese request, log a call."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Desk

QUESTION = "上个月流量费多扣了三十元，想用粤语问清楚原因。"


def open_cantonese(desk: Desk) -> str:
    """Open a case of the Cantonese process; returns its number. The first task is on screen."""
    desk.open("/cases/new")
    desk.page.get_by_role("button", name="粤语回复").click()
    desk.page.wait_for_url("**/tasks/**")
    return desk.page.url.split("/tasks/")[1].split("/")[0]


def choose(desk: Desk, field: str, value: str) -> None:
    """Choose a radio option by its value; questions that depend on it appear at once."""
    option = desk.page.locator(f'input[name="{field}"][value="{value}"]')
    option.check()
    expect(desk.page.locator("#form-body .htmx-request, .htmx-request#form-body")).to_have_count(0)


def ask_in_cantonese(
    desk: Desk, *, language: str = "cantonese_guangzhou", reason: str = "language_need"
) -> None:
    """Fill in the request: Mandarin was offered and refused."""
    choose(desk, "language", language)
    choose(desk, "business_related", "true")
    if language == "cantonese_guangzhou":
        desk.page.locator('input[name="mandarin_offered"]').check()
        choose(desk, "mandarin_accepted", "false")
        choose(desk, "reason", reason)
        if reason == "language_need":
            choose(desk, "mandarin_refusal", "prefers_cantonese")
            desk.page.locator('input[name="user_number"]').fill("13823456789")
            desk.page.locator('textarea[name="question"]').fill(QUESTION)


def log_call(desk: Desk, result: str) -> None:
    """Log a call with ``result`` and complete the task."""
    choose(desk, "result", result)
    desk.press("完成")
