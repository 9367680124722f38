"""A designer changes a diagram: draft, findings, publishing, comparing."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, Site
from tests.browser.registering import open_cantonese

Sit = Callable[..., Desk]
PATH = "bpmn/telecom/cantonese_callback.bpmn"


def _modeler(desk: Desk) -> Page:
    page = desk.open(f"/designer/edit?path={PATH}")
    expect(page.locator('[data-designer][data-ready="yes"]')).to_be_visible()
    return page


def _select(page: Page, element: str) -> None:
    """Find the element by the modeler's own search, as a person would, and select it."""
    page.locator("#canvas svg").first.click(position={"x": 400, "y": 560})
    page.keyboard.press("Control+f")
    page.locator(".djs-search-input input").press_sequentially(element)
    page.locator(".djs-search-result").filter(has_text=element).first.click()


def _group(page: Page, group: str) -> None:
    """Open a group of the properties panel."""
    header = page.locator(f'[data-group-id="group-{group}"] .bio-properties-panel-group-header').first
    if "open" not in (header.get_attribute("class") or ""):
        header.click()


def _set(page: Page, entry: str, text: str) -> None:
    page.locator(f'[data-entry-id="{entry}"]').locator("input, textarea").first.fill(text)
    page.keyboard.press("Tab")


def _set_timer(page: Page, expression: str) -> None:
    _select(page, "callback_1_late")
    _group(page, "timer")
    _set(page, "timerEventDefinitionValue", expression)


def _keep(desk: Desk) -> None:
    desk.press("保存草稿")
    expect(desk.page.locator("#said")).to_have_text("草稿已保存")


def _publish(desk: Desk, note: str) -> None:
    desk.open("/designer/")
    desk.page.get_by_label("改动说明（列入版本清单）").fill(note)
    desk.press("发布")


def test_rename_be_stopped_mend_and_publish(site: Site, sit: Sit) -> None:
    agent, designer = sit("agent1"), sit("designer1")
    running = open_cantonese(agent)
    before = site.gongdan.releases.current().number

    page = _modeler(designer)
    _select(page, "callback_1")
    _group(page, "general")
    _set(page, "name", "首次粤语回访（新）")
    _set_timer(page, "PT2H")
    expect(page.locator("#findings .bad").first).to_be_visible()
    _keep(designer)

    _publish(designer, "回访步骤改名")
    expect(page.get_by_role("status")).to_contain_text("没有发布")
    expect(page.get_by_role("status")).to_contain_text("callback_1_late")
    assert site.gongdan.releases.current().number == before

    page = _modeler(designer)
    page.locator("#findings button").first.click()
    _group(page, "timer")
    _set(page, "timerEventDefinitionValue", 'sla_due("CAN_CALLBACK_1", registered_at)')
    expect(page.locator("#findings .ok")).to_be_visible()
    _keep(designer)
    _publish(designer, "回访步骤改名")
    expect(page.get_by_role("status")).to_contain_text("已生效")

    fresh = open_cantonese(agent)
    for case, release in ((running, before), (fresh, before + 1)):
        agent.open(f"/cases/{case}")
        expect(agent.page.get_by_role("main")).to_contain_text(f"第 {release} 版")

    page.get_by_role("link", name="改了什么").first.click()
    expect(page.get_by_role("main")).to_contain_text("首次粤语回访（新）")
    expect(page.locator('[data-compare][data-ready="yes"]')).to_have_count(2)
    assert [said for said in designer.complaints if "422" not in said] == [], "422: not published"


def test_the_panel_knows_what_the_engine_reads(site: Site, sit: Sit) -> None:
    designer = sit("designer1")
    page = _modeler(designer)
    _select(page, "callback_1_late")
    parameter = page.locator('[data-entry-id="gongdan-parameter"] select')
    expect(parameter).to_have_value("CAN_CALLBACK_1")
    parameter.select_option("CAN_CALLBACK_2")
    _select(page, "register_request")
    expect(page.locator('[data-entry-id="gongdan-form"] select')).to_have_value("cantonese_request")
    expect(page.locator('[data-entry-id="gongdan-lane"] input')).to_have_value("一线坐席")
    _set(page, "gongdan-say", "say_greeting")
    _select(page, "language_route")
    expect(page.locator('[data-entry-id="gongdan-decision"] select')).to_have_value("language_route")
    _select(page, "send_sms")
    expect(page.locator('[data-entry-id="gongdan-called"] select')).to_have_value("notify_sms")
    _keep(designer)
    draft = page.request.get(f"{site.address}/designer/file?path={PATH}").text()
    assert 'sla_due("CAN_CALLBACK_2", registered_at)' in draft.replace("&#34;", '"').replace("&quot;", '"')
    assert '<spiffworkflow:property name="say" value="say_greeting" />' in draft
    assert 'name="form" value="cantonese_request"' in draft


def test_a_file_can_be_edited_as_text_without_scripts(site: Site, sit: Sit) -> None:
    designer = sit("designer1", scripts=False)
    page = designer.open(f"/designer/edit?path={PATH}&as=text")
    body = page.get_by_label("文件内容")
    body.fill(body.input_value().replace("第一次粤语回访", "首访"))
    designer.press("保存草稿")
    expect(page.get_by_role("status")).to_contain_text("草稿已保存")
    _publish(designer, "改名")
    expect(page.get_by_role("status")).to_contain_text("已生效")
    assert (
        site.gongdan.releases.current().processes["cantonese_callback"].elements["callback_1"].name == "首访"
    )


def test_two_designers_do_not_overwrite_each_other(site: Site, sit: Sit) -> None:
    first, second = sit("designer1", scripts=False), sit("admin1", scripts=False)
    for desk, name in ((first, "甲"), (second, "乙")):
        body = desk.open(f"/designer/edit?path={PATH}&as=text").get_by_label("文件内容")
        body.fill(body.input_value().replace("第一次粤语回访", name))
        desk.press("保存草稿")
    _publish(first, "甲改名")
    _publish(second, "乙改名")
    expect(second.page.get_by_role("heading", level=1)).to_contain_text("409")
    expect(second.page.get_by_role("main")).to_contain_text(PATH)
