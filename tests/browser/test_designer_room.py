"""A designer changes a diagram: draft, findings, publishing, comparing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from engine.base.safe_parsing import load_bpmn
from engine.design.layout.check import check_drawing
from engine.queries import drafts
from engine.queries.drafts import DiagramDraft
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


def _write(desk: Desk, name: str) -> None:
    """Rename the first callback in the text of the diagram, as a draft."""
    body = desk.open(f"/designer/edit?path={PATH}&as=text").get_by_label("文件内容")
    body.fill(body.input_value().replace("第一次粤语回访", name))
    desk.press("保存草稿")


def test_two_designers_see_both_changes_and_the_second_goes_on(site: Site, sit: Sit) -> None:
    first, second = sit("designer1"), sit("admin1")
    for desk, name in ((first, "甲"), (second, "乙")):
        _write(desk, name)
    expect(second.page.get_by_role("main")).to_contain_text("也有这个文件的草稿")
    _publish(first, "甲改名")
    _publish(second, "乙改名")
    page = second.page
    expect(page.get_by_role("heading", level=1)).to_have_text("已被改动")
    expect(page.get_by_role("heading", level=2)).to_have_text(["第 2 版改了什么", "我的草稿改什么"])
    expect(page.locator("ins").filter(has_text="甲")).to_be_visible()
    expect(page.locator("ins").filter(has_text="乙")).to_be_visible()
    expect(page.locator('[data-compare][data-ready="yes"]')).to_have_count(2)
    second.open("/designer/")
    page.get_by_role("link", name="第 2 版改了它").click()
    second.press("以新版为底，保留我的内容")
    expect(page.get_by_role("status").first).to_contain_text("第 2 版")
    _publish(second, "乙改名")
    expect(page.get_by_role("status")).to_contain_text("已生效")
    assert site.gongdan.releases.current().processes["cantonese_callback"].elements["callback_1"].name == "乙"
    assert [said for said in second.complaints if "409" not in said] == []


def test_two_windows_of_one_person_do_not_overwrite_each_other(site: Site, sit: Sit) -> None:
    designer = sit("designer1")
    page = _modeler(designer)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator('[data-designer][data-ready="yes"]')).to_be_visible()
    for window, name in ((page, "甲"), (other, "乙")):
        _select(window, "callback_1")
        _group(window, "general")
        _set(window, "name", name)
        window.get_by_role("button", name="保存草稿").click()
    expect(page.locator("#said")).to_have_text("草稿已保存")
    expect(other.locator("#note")).to_contain_text("没有覆盖任何一份")
    assert _kept_name(site) == "甲"
    other.get_by_role("button", name="保留这里画的").click()
    expect(other.locator("#said")).to_have_text("草稿已保存")
    assert _kept_name(site) == "乙"
    _set(page, "name", "丙")
    page.get_by_role("button", name="保存草稿").click()
    page.get_by_role("button", name="用另一份，放弃这里的").click()
    expect(page.locator('[data-designer][data-ready="yes"]')).to_be_visible()
    assert _kept_name(site) == "乙"
    other.get_by_role("button", name="保存草稿").click()  # its own draft, kept again and again
    expect(other.locator("#note")).to_be_hidden()


def _kept_name(site: Site) -> str:
    made = drafts.diagram(site.gongdan.db, PATH, "designer1")
    assert made is not None
    found = re.search(
        r'id="callback_1" name="([^"]+)"|name="([^"]+)"[^>]* id="callback_1"', made.body.decode()
    )
    assert found is not None
    return found.group(1) or found.group(2)


def _draft(site: Site, path: str, body: bytes) -> None:
    made = DiagramDraft(path, "designer1", body, site.gongdan.releases.current().number, site.gongdan.now())
    drafts.save_diagram(site.gongdan.db, made)


def test_a_diagram_without_drawing_is_laid_out_on_opening(site: Site, sit: Sit) -> None:
    bare = re.sub(
        rb"<bpmndi:BPMNDiagram.*</bpmndi:BPMNDiagram>",
        b"",
        site.gongdan.releases.current().files[PATH],
        flags=re.S,
    )
    _draft(site, PATH, bare)
    designer = sit("designer1")
    page = _modeler(designer)
    expect(page.locator('#canvas [data-element-id="callback_1"]')).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("没有图形，已自动排版")
    _keep(designer)
    made = drafts.diagram(site.gongdan.db, PATH, "designer1")
    assert made is not None
    assert check_drawing(load_bpmn(made.body)) == []
    assert designer.complaints == []


NAMESPACES = 'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x"'
BROKEN = {
    "no process": (f'<definitions {NAMESPACES}><message id="m"/></definitions>', "没有流程"),
    "no XML": ("<definitions", "读不了"),
    "nothing": ("", "读不了"),
    "another kind of XML": ("<html><p>hello</p></html>", "没有流程"),
    "a plane of nothing": (
        (
            f'<definitions {NAMESPACES} xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI"><process id="p"/>'
            '<di:BPMNDiagram id="d"><di:BPMNPlane id="l" bpmnElement="gone"/></di:BPMNDiagram></definitions>'
        ),
        None,
    ),
    "an empty process": (f'<definitions {NAMESPACES}><process id="p"/></definitions>', None),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_drawn_is_said_in_words_with_a_way_on(what: str, site: Site, sit: Sit) -> None:
    body, words = BROKEN[what]
    _draft(site, "bpmn/general/odd.bpmn", body.encode())
    page = sit("designer1").open("/designer/edit?path=bpmn/general/odd.bpmn")
    expect(page.locator('[data-designer][data-ready="yes"]')).to_be_visible()
    button, note = page.get_by_role("button", name="保存草稿"), page.locator("#note")
    if words is None:
        expect(button).to_be_enabled()
        return
    expect(note).to_contain_text("无法显示")
    expect(note).to_contain_text(words)
    expect(button).to_be_disabled()
    note.get_by_role("link", name="按文本打开").click()
    expect(page.get_by_label("文件内容")).to_be_visible()


def test_what_the_modeler_leaves_out_is_listed(site: Site, sit: Sit) -> None:
    body = (
        site.gongdan.releases.current().files[PATH].replace(b'targetRef="callback_1"', b'targetRef="gone"', 1)
    )
    _draft(site, PATH, body)
    page = _modeler(sit("designer1"))
    expect(page.locator("#note")).to_contain_text("gone")
    expect(page.locator("#note")).to_contain_text("读不出来")
    expect(page.get_by_role("button", name="保存草稿")).to_be_enabled()


def test_a_slow_older_answer_of_lint_is_not_shown(site: Site, sit: Sit) -> None:
    page = _modeler(sit("designer1"))
    asked: list[Route] = []

    def answer(route: Route) -> None:
        asked.append(route)
        if len(asked) == 2:  # the newer question is answered first, by nothing; then the older one
            asked[1].fulfill(json=[])
            asked[0].fulfill(
                json=[{"severity": "error", "message": "old", "fix": "", "rule": "old", "element": None}]
            )

    page.route("**/designer/lint", answer)
    _select(page, "callback_1")
    _group(page, "general")
    for name in ("甲", "乙"):
        with page.expect_request("**/designer/lint"):
            _set(page, "name", name)
    expect(page.locator("#findings .ok")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.locator("#findings .bad")).to_have_count(0)


def test_what_was_not_kept_is_not_called_kept(site: Site, sit: Sit) -> None:
    """A change made while a draft is on its way, and a server that says no."""
    page = _modeler(sit("designer1"))
    page.route("**/designer/lint", lambda route: route.fulfill(json=[]))
    held: list[Route] = []
    page.route(
        "**/designer/file",
        lambda route: held.append(route) if route.request.method == "POST" else route.continue_(),
    )
    _select(page, "callback_1")
    _group(page, "general")
    _set(page, "name", "甲")
    with page.expect_request("**/designer/file"):
        page.get_by_role("button", name="保存草稿").click()
    _set(page, "name", "乙")
    held[0].fulfill(json={"findings": [], "seen": ""})
    page.wait_for_timeout(300)
    expect(page.locator("#said")).to_have_text("尚未保存")
    with page.expect_request("**/designer/file"):
        page.get_by_role("button", name="保存草稿").click()
    held[1].fulfill(status=422, json={"message": "太大了"})
    expect(page.locator("#said")).to_have_text("太大了")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.goto(site.address + "/designer/")
    assert asked == ["beforeunload"]


def test_rows_of_drafts_say_which_file_of_which_kind(site: Site, sit: Sit) -> None:
    for path in (PATH, "bpmn/scenarios/cantonese_callback.json"):
        _draft(site, path, site.gongdan.releases.current().files[path] + b"\n")
    page = sit("designer1").open("/designer/")
    rows = page.locator('form[action$="/designer/publish"] li').filter(has=page.locator("input[name=path]"))
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("情景")
    expect(rows.nth(0)).to_contain_text("bpmn/scenarios/cantonese_callback.json")
    expect(rows.nth(1)).to_contain_text("流程图")
    expect(rows.nth(1)).to_contain_text(PATH)
