"""Whoever types loses no letter: sessions that end, servers that die, networks that go, at a person's pace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect
from werkzeug.serving import make_server

from engine.people.directory import DEMO_PASSWORD
from engine.queries import drafts
from tests.browser.conftest import Desk, Quiet, Site
from tests.browser.registering import ask_in_cantonese, choose, open_cantonese
from web import create_app

Sit = Callable[..., Desk]
FIRST, SECOND = "客户说上个月多扣了三十元。", "还问什么时候退回来？"
PACE = 40  #: milliseconds between two letters


@contextmanager
def stopped(site: Site, other: Flask | None = None) -> Iterator[None]:
    """The server is down for the block, and up again at the same address; ``other``: with other pages."""
    port = site.server.server_port
    app = other or site.server.app
    site.server.shutdown()
    site.server.server_close()
    try:
        yield
    finally:
        site.server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
        threading.Thread(target=site.server.serve_forever, daemon=True).start()


def at_the_form(desk: Desk) -> Page:
    """The first form of a case, with the question asked for."""
    open_cantonese(desk)
    ask_in_cantonese(desk)
    desk.page.locator('textarea[name="question"]').fill("")
    return desk.page


def write(page: Page, text: str) -> None:
    """Type at the end of the question, letter by letter."""
    page.locator('textarea[name="question"]').press("End")
    page.locator('textarea[name="question"]').press_sequentially(text, delay=PACE)


def kept(site: Site, name: str = "agent1") -> str:
    """The question as the server has it in the draft of the only case."""
    with site.gongdan.db.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT case_id, task FROM draft").all()
    found = [drafts.form(site.gongdan.db, case, task, name) for case, task in rows]
    return next((text for draft in found if draft for field, text in draft.pairs if field == "question"), "")


def until_kept(page: Page, site: Site, text: str) -> None:
    """Wait until the server has ``text``."""
    for _ in range(100):
        if kept(site) == text:
            return
        page.wait_for_timeout(200)
    assert kept(site) == text


def until_nothing_is_left(page: Page) -> None:
    """Wait until the browser keeps no text any more."""
    for _ in range(50):
        left = page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('gongdan'))")
        if not left:
            return
        page.wait_for_timeout(100)
    assert left == []


def sign_in_at(page: Page, name: str = "agent1") -> None:
    """Fill in the sign-in page."""
    page.locator("input[name=name]:visible").fill(name)
    page.locator("input[name=password]:visible").fill(DEMO_PASSWORD)
    page.locator("button.primary").click()


def trouble(page: Page, words: str) -> None:
    """The page says ``words`` about the server."""
    expect(page.locator("#trouble")).to_be_visible()
    expect(page.locator("#trouble")).to_contain_text(words)


def test_an_ended_session_is_told_and_the_text_is_saved_after_sign_in_beside_it(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    expect(page.get_by_text("草稿已保存")).to_be_visible()
    site.gongdan.people.end_sessions("agent1")
    write(page, SECOND)
    trouble(page, "您在这个浏览器里已退出登录。您填写的内容留在这个浏览器里")
    expect(page.get_by_text("草稿已保存")).to_be_hidden()
    page.wait_for_timeout(11_000)  # the parts that ask by themselves hear of it too, and leave the page alone
    expect(page.locator('textarea[name="question"]')).to_have_value(FIRST + SECOND)
    assert kept(site) == FIRST
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="重新登录").click()
    beside = opened.value
    sign_in_at(beside)
    expect(beside).to_have_url(page.url)
    expect(beside.locator('textarea[name="question"]')).to_have_value(FIRST + SECOND)
    until_kept(page, site, FIRST + SECOND)
    expect(page.locator("#trouble")).to_be_hidden()
    page.bring_to_front()
    write(page, "谢谢")
    until_kept(page, site, FIRST + SECOND + "谢谢")


def test_an_answer_sent_while_signed_out_stands_in_the_task_after_sign_in(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    site.gongdan.people.end_sessions("agent1")
    desk.press("完成")
    trouble(page, "没有提交。您在这个浏览器里已退出登录。")
    desk.open(page.locator("#trouble a").get_attribute("href") or "")
    sign_in_at(page)
    expect(page.locator('textarea[name="question"]')).to_have_value(FIRST)
    expect(page.locator(".restored")).to_contain_text("已恢复您")
    desk.press("完成")
    expect(page.get_by_role("status").first).to_contain_text("已完成")


def test_who_signs_in_beside_after_sending_is_told_that_and_nothing_of_the_server(
    site: Site, sit: Sit
) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    site.gongdan.people.end_sessions("agent1")
    desk.press("完成")
    trouble(page, "没有提交。您在这个浏览器里已退出登录。")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="重新登录").click()
    sign_in_at(opened.value)
    page.bring_to_front()
    trouble(page, "您已重新登录：请再提交一次。")
    expect(page.locator("#trouble")).not_to_contain_text("服务器")


def test_an_answer_sent_while_signed_out_is_carried_on_without_scripts(site: Site, sit: Sit) -> None:
    desk = sit("agent1", scripts=False)
    open_cantonese(desk)
    task, page = desk.page.url, desk.page
    page.locator('textarea[name="question"]').fill(FIRST)
    site.gongdan.people.end_sessions("agent1")
    desk.press("完成")
    expect(page.locator(".note.warn")).to_contain_text("您填写的内容没有丢失")
    page.locator("input[name=name]:visible").fill("agent1")
    page.locator("input[name=password]:visible").fill("wrong password")
    page.locator("button.primary").click()
    sign_in_at(page)
    expect(page).to_have_url(task)
    expect(page.locator('textarea[name="question"]')).to_have_value(FIRST)
    expect(page.get_by_role("status").first).to_contain_text("还没有任何记录")


def test_an_expired_cookie_is_called_that_and_loses_nothing(sit: Sit) -> None:
    desk = sit("agent1", scripts=False)
    open_cantonese(desk)
    task, page = desk.page.url, desk.page
    page.locator('textarea[name="question"]').fill(FIRST)
    page.context.clear_cookies(name="gongdan")
    desk.press("完成")
    expect(page.locator("main")).to_contain_text("您已退出登录：没有任何记录。")
    expect(page.locator("main")).not_to_contain_text("重新登录过")
    sign_in_at(page, "agent2")
    expect(page.get_by_role("status").first).to_contain_text("此前在这里填写的内容属于 陈小敏")
    expect(page.locator("body")).not_to_contain_text(FIRST)
    desk.open("/")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="退出登录").click()
    page.goto(task)
    sign_in_at(page)
    expect(page).to_have_url(task)


def test_any_other_form_sent_while_signed_out_is_shown_and_sent_again(site: Site, sit: Sit) -> None:
    desk = sit("agent1", scripts=False)
    case = open_cantonese(desk)
    page = desk.page
    page.locator("details summary", has_text="等").first.click()
    page.locator('form[action$="/pause"] input[name="reason"]').fill("请客户寄发票")
    site.gongdan.people.end_sessions("agent1")
    page.locator('form[action$="/pause"] button').click()
    sign_in_at(page)
    expect(page.locator("main")).to_contain_text("请客户寄发票")
    desk.press("现在提交")
    desk.open(f"/cases/{case}")
    expect(page.locator("main")).to_contain_text("请客户寄发票")


def test_a_server_that_dies_is_told_and_gets_the_text_when_it_is_back(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    with stopped(site):
        write(page, SECOND)
        trouble(page, "无法连接服务器。您填写的内容留在这个浏览器里")
        desk.press("完成")
        trouble(page, "没有提交。无法连接服务器。")
        expect(page.locator('textarea[name="question"]')).to_have_value(FIRST + SECOND)
    until_kept(page, site, FIRST + SECOND)
    trouble(page, "服务器已恢复")
    desk.press("完成")
    expect(page.get_by_role("status").first).to_contain_text("已完成")


def test_who_presses_and_leaves_at_once_has_sent_it(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    page.route("**/signed-in", lambda route: None)  # a slow answer: the page is left before it comes
    page.get_by_role("button", name="完成", exact=True).click()
    desk.open("/")
    for _ in range(50):
        with site.gongdan.db.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT state FROM task ORDER BY task").all()
        if rows[0][0] == "completed":
            break
        page.wait_for_timeout(100)
    assert rows[0][0] == "completed"
    assert kept(site) == ""


def test_a_page_closed_while_the_server_was_away_is_found_again(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    task = page.url
    with stopped(site):
        write(page, FIRST)
        page.close()
    desk.page = page.context.new_page()
    desk.page.goto(task)
    expect(desk.page.locator(".restored")).to_contain_text("已恢复您")
    expect(desk.page.locator('textarea[name="question"]')).to_have_value(FIRST)
    assert kept(site) == FIRST


def test_what_waits_in_the_browser_opens_after_the_key_of_sessions_was_changed(site: Site, sit: Sit) -> None:
    page = at_the_form(sit("agent1"))
    address, context, was = page.url, page.context, site.gongdan.settings
    changed = replace(was, secret_key="n" * 32, secret_key_fallbacks=("x" * 32, was.secret_key))
    with stopped(site, create_app(site.gongdan, changed)):
        write(page, FIRST)
        page.wait_for_timeout(500)
        page.close()
    again = context.new_page()
    again.goto(address)
    expect(again.locator('textarea[name="question"]')).to_have_value(FIRST)
    until_kept(again, site, FIRST)


def test_without_a_network_nothing_is_lost(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    page.context.set_offline(True)
    write(page, FIRST)
    trouble(page, "无法连接服务器")
    page.context.set_offline(False)
    until_kept(page, site, FIRST)
    expect(page.locator("#trouble")).to_be_hidden()


@pytest.mark.parametrize(
    ("status", "words"), [(500, "服务器目前无法处理"), (413, "未能保存为草稿"), (422, "未能保存为草稿")]
)
def test_a_draft_that_is_refused_is_told_and_tried_again(
    site: Site, sit: Sit, status: int, words: str
) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    page.route("**/draft", lambda route: route.fulfill(status=status, body=""))
    write(page, FIRST)
    trouble(page, words)
    expect(page.get_by_text("草稿已保存")).to_be_hidden()
    page.unroute("**/draft")
    page.get_by_role("button", name="立即重试").click()
    until_kept(page, site, FIRST)


def test_a_long_draft_is_kept_and_one_too_long_is_told_in_words(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    box = page.locator('textarea[name="question"]')
    box.evaluate("box => box.removeAttribute('maxlength')")
    long = "长" * 20_000
    box.fill(long)
    until_kept(page, site, long)
    box.fill("长" * 100_000)
    trouble(page, "200000")


def test_somebody_else_at_the_same_browser_sees_nothing_of_it(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    task = page.url
    site.gongdan.people.end_sessions("agent1")
    write(page, FIRST)
    trouble(page, "已退出登录")
    beside = page.context.new_page()
    beside.goto(f"{site.address}/sign-in?next={task.removeprefix(site.address)}")
    sign_in_at(beside, "agent2")
    trouble(page, "现在这个浏览器里登录的是别人")
    assert kept(site, "agent2") == ""
    expect(beside.locator("body")).not_to_contain_text(FIRST)
    stored = beside.evaluate("JSON.stringify(Object.entries(localStorage))")
    assert "gongdan typed agent1" in stored
    assert FIRST[:4] not in stored
    beside.locator("details.menu summary").click()
    beside.get_by_role("button", name="退出登录").click()
    expect(beside.locator("input[name=password]").first).to_be_visible()
    beside.goto(task)
    sign_in_at(beside)
    expect(beside.locator('textarea[name="question"]')).to_have_value(FIRST)


def test_signing_out_saves_what_was_typed_and_leaves_nothing_in_the_browser(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="退出登录").click()
    expect(page.locator("input[name=password]").first).to_be_visible()
    assert kept(site) == FIRST
    until_nothing_is_left(page)


def test_nothing_stays_in_the_browser_of_what_the_server_has(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    until_kept(page, site, FIRST)
    until_nothing_is_left(page)
    write(page, SECOND)
    desk.press("完成")
    expect(page.get_by_role("status").first).to_contain_text("已完成")
    until_nothing_is_left(page)


def test_a_restored_draft_is_announced_and_can_be_thrown_away(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    until_kept(page, site, FIRST)
    page.reload()
    expect(page.locator(".restored")).to_contain_text("已恢复您 03-02 09:0")
    page.once("dialog", lambda dialog: dialog.accept())
    desk.press("丢弃草稿")
    expect(page.locator(".restored")).to_have_count(0)
    expect(page.locator('textarea[name="question"]')).to_have_count(0)
    assert kept(site) == ""


def test_two_windows_do_not_overwrite_each_other_unasked(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    until_kept(page, site, FIRST)
    page.route("**/draft", lambda route: route.abort())
    write(page, "第一个窗口")
    other = page.context.new_page()
    other.route("**/draft", lambda route: route.abort())
    other.goto(page.url)
    expect(other.get_by_role("button", name="改用另一份草稿")).to_have_count(0)
    other.unroute("**/draft")
    write(other, "第二个窗口")
    until_kept(page, site, other.locator('textarea[name="question"]').input_value())
    page.unroute("**/draft")
    page.bring_to_front()
    trouble(page, "在另一窗口填写的草稿")
    assert kept(site).endswith("第二个窗口")
    page.get_by_role("button", name="保留这里的内容").click()
    until_kept(page, site, FIRST + "第一个窗口")


def test_a_window_that_nobody_types_in_shows_what_another_saved(site: Site, sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    write(page, FIRST)
    until_kept(page, site, FIRST)
    other = page.context.new_page()
    other.goto(page.url)
    write(page, SECOND)
    expect(other.locator('textarea[name="question"]')).to_have_value(FIRST + SECOND)


def test_an_error_goes_when_its_field_is_right_and_not_before(sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    page.locator('input[name="user_number"]').fill("138")
    desk.press("完成")
    number, question = page.locator("#field-user_number"), page.locator("#field-question")
    for field in (number, question):
        expect(field.locator(".err")).to_be_visible()
    page.locator('input[name="user_number"]').press("End")
    page.locator('input[name="user_number"]').press_sequentially("23456789", delay=PACE)
    expect(number.locator(".err")).to_have_count(0)
    expect(number.locator("[aria-invalid]")).to_have_count(0)
    expect(question.locator(".err")).to_be_visible()
    expect(page.locator("#errsum li")).to_have_count(1)
    choose(desk, "mandarin_refusal", "prefers_cantonese")
    expect(question.locator(".err")).to_be_visible()
    write(page, FIRST)
    expect(page.locator("#errsum")).to_have_count(0)
    expect(page.locator('textarea[name="question"]')).to_have_value(FIRST)


def test_scripts_that_come_late_leave_the_caret_where_somebody_types(sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    page.locator('input[name="user_number"]').fill("138")
    held: list[Route] = []
    page.route("**/js/app.js*", lambda route: held.append(route))
    page.get_by_role("button", name="完成", exact=True).first.click()
    number = page.locator("#field-user_number")
    expect(number.locator(".err")).to_be_visible()
    page.locator('input[name="user_number"]').press("End")
    page.locator('input[name="user_number"]').press_sequentially("2345", delay=PACE)
    for route in held:
        route.continue_()
    page.wait_for_load_state()
    expect(page.locator('input[name="user_number"]')).to_be_focused()
    page.keyboard.type("6789", delay=PACE)
    expect(page.locator('input[name="user_number"]')).to_have_value("13823456789")
    expect(number.locator(".err")).to_have_count(0)


def test_letters_typed_while_the_form_is_drawn_anew_stay(sit: Sit) -> None:
    desk = sit("agent1")
    page = at_the_form(desk)
    desk.press("完成")  # the empty question is in error now: it is drawn anew with its looks
    expect(page.locator("#field-question .err")).to_be_visible()

    def slowly(route: object) -> None:
        page.wait_for_timeout(1200)
        route.continue_()  # type: ignore[attr-defined]

    page.route("**/preview", slowly)
    page.locator('input[name="reason"][value="language_need"]').focus()
    page.locator('input[name="reason"]').nth(0).dispatch_event("change")
    write(page, FIRST)
    page.unroute("**/preview")
    page.wait_for_timeout(1500)
    expect(page.locator('textarea[name="question"]')).to_have_value(FIRST)


def test_stepping_through_a_history_signed_out_is_told(site: Site, sit: Sit) -> None:
    case = open_cantonese(sit("agent1"))
    desk = sit("supervisor1")
    page = desk.open(f"/audit/{case}")
    site.gongdan.people.end_sessions("supervisor1")
    page.locator("[data-previous]").click()
    trouble(page, "已退出登录")
    expect(page.locator("#stepper")).to_be_visible()
    assert not [text for text in desk.complaints if "TypeError" in text]
