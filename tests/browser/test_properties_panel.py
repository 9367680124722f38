"""Whatever is typed into the properties panel is in the file: every field it has, for every kind of element."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from engine.queries import drafts
from engine.queries.drafts import DiagramDraft
from tests.browser.conftest import Desk, Site
from tests.browser.every_element import PATH, every_element

Sit = Callable[..., Desk]
#: ms without a key: longer than the panel waits before it writes what was typed
PAUSE = 900
TEXT = "#panel :is(input[type=text], textarea, [contenteditable=true]):not([disabled], [readonly])"
OTHERS = "#panel :is(select, input[type=checkbox]):not([disabled])"


class Panel:
    """The modeler with :func:`every_element`, and what a designer does to its panel."""

    def __init__(self, site: Site, desk: Desk) -> None:
        now = site.gongdan.now()
        number = site.gongdan.releases.current().number
        made = DiagramDraft(PATH, desk.name, every_element(), number, now)
        drafts.save_diagram(site.gongdan.db, made)
        self.seen = made.digest
        self.site, self.desk, self.page = site, desk, desk.page
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page.clock.install()
        # lint is not what this is about, and hundreds of drafts need not reach the database: the last one does
        self.page.route("**/designer/lint", lambda route: route.fulfill(json=[]))
        self.page.route("**/designer/file", self._take)
        desk.open(f"/designer/edit?path={PATH}")
        expect(self.page.locator('[data-designer][data-ready="yes"]')).to_be_visible()
        self.numbers = count(1)
        self.body = ""  #: the file as it was sent last

    def _take(self, route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        self.body = parse_qs(route.request.post_data or "")["body"][0]
        route.fulfill(json={"findings": [], "seen": self.seen})

    def elements(self) -> list[str]:
        """Ids of everything on the canvas."""
        ids = self.page.eval_on_selector_all(
            "#canvas .djs-element", "all => all.map((one) => one.dataset.elementId)"
        )
        return [str(ident) for ident in ids if not ident.endswith("_label") and ident != "together"]

    def select(self, ident: str) -> None:
        """Select an element and open all groups of its panel."""
        self.page.locator(f'#canvas [data-element-id="{ident}"] > .djs-hit').first.evaluate(
            """(hit) => { const { x, y } = hit.getBoundingClientRect();
                hit.dispatchEvent(new MouseEvent('click', { bubbles: true, clientX: x, clientY: y })); }"""
        )
        self.page.clock.run_for(PAUSE)
        self.open_all()

    def open_all(self) -> None:
        """Every group and list of the panel unfolded."""
        closed = (
            ".bio-properties-panel-group-header:not(.open):not(.empty-list), "
            ".bio-properties-panel-collapsible-entry:not(.open) > .bio-properties-panel-collapsible-entry-header"
        )
        self.page.evaluate(
            "(closed) => document.querySelectorAll(`#panel :is(${closed})`).forEach((one) => one.click())",
            closed,
        )

    def fields(self, what: str) -> list[str]:
        """Ids of fields, in the order of the panel; those that change an id come last."""
        ids = self.page.eval_on_selector_all(
            what, "all => all.filter((one) => one.offsetParent).map((one) => one.id)"
        )
        return sorted((str(ident) for ident in ids), key=lambda ident: ident.lower().endswith("id"))

    def field(self, ident: str) -> Locator:
        return self.page.locator(f'#panel [id="{ident}"]')

    def keep(self) -> str:
        """Keep the draft; the text of the file as it is sent."""
        self._press_keep()
        return self.body

    def _press_keep(self) -> None:
        with self.page.expect_response("**/designer/file") as answer:
            self.page.keyboard.press("Control+s")
        assert answer.value.ok
        expect(self.page.locator("#said")).to_have_text("草稿已保存")

    def kept(self) -> str:
        """Keep the draft for good; the text of the file as it is stored."""
        self.page.unroute("**/designer/file")
        self._press_keep()
        made = drafts.diagram(self.site.gongdan.db, PATH, self.desk.name)
        assert made is not None
        return made.body.decode()

    def value(self) -> str:
        """Something that was never typed before."""
        return f"v{next(self.numbers)}x"

    def others(self) -> Iterator[str]:
        """Choose and tick whatever there is to choose and tick, one after the other: it may bring new fields."""
        tried: set[str] = set()
        while new := [ident for ident in self.fields(OTHERS) if ident not in tried]:
            tried.add(new[0])
            field = self.field(new[0])
            before: Any = field.evaluate("(one) => one.type === 'checkbox' ? one.checked : one.value")
            if isinstance(before, bool):
                self.page.locator("#panel").evaluate("(_, id) => document.getElementById(id).click()", new[0])
            else:
                values = field.evaluate(
                    "(one) => [...one.options].filter((o) => !o.disabled).map((o) => o.value)"
                )
                choices = [value for value in values if value not in ("", before)]
                if not choices:
                    continue
                field.select_option(choices[-1])
            self.page.clock.run_for(PAUSE)
            self.open_all()
            if field.count():
                after = field.evaluate("(one) => one.type === 'checkbox' ? one.checked : one.value")
                assert after != before, f"{new[0]}: what was chosen did not stay"
            yield new[0]


@pytest.fixture
def panel(site: Site, sit: Sit) -> Panel:
    """The panel, in front of a designer."""
    return Panel(site, sit("designer1"))


def _type_slowly(panel: Panel, ident: str) -> str:
    """Type a value with pauses amid the word and after a space, as people do who think."""
    field, page = panel.field(ident), panel.page
    for parts in ((f"v{next(panel.numbers)} ", "x"), (f"v{next(panel.numbers)}", "x")):
        field.click()
        page.keyboard.press("Control+a")
        written = ""
        for part in parts:
            page.keyboard.type(part)
            written += part
            page.clock.run_for(PAUSE)
            focused = page.evaluate("document.activeElement.id")
            assert focused == ident, f"{ident}: the cursor is at {focused!r} after {written!r}"
            assert _shown(field) == written, f"{ident}: {written!r} is lost"
        if not page.locator(
            "#panel .has-error"
        ).count():  # an id has no space: then the second value is typed
            break
    return written


def _shown(field: Locator) -> str:
    return str(field.evaluate("(one) => one.isContentEditable ? one.textContent : one.value"))


def _slowly(panel: Panel, tried: set[str]) -> None:
    """Every text field not tried yet; afterwards the file has it all."""
    typed = {}
    while new := [ident for ident in panel.fields(TEXT) if ident not in tried]:
        tried.add(new[0])
        typed[new[0]] = _type_slowly(panel, new[0])
    if typed:
        text = panel.keep()
        lost = {ident: value for ident, value in typed.items() if value not in text}
        assert not lost, "typed, shown and not in the file"


def test_every_field_of_every_element_keeps_what_is_typed_with_pauses(panel: Panel) -> None:
    asked: set[str] = set()
    for element in panel.elements():
        panel.select(element)
        tried: set[str] = set()
        _slowly(panel, tried)
        for _ in panel.others():
            _slowly(panel, tried)
        asked |= tried
    body = panel.keep()
    assert panel.kept() == body
    assert {
        f"bio-properties-panel-gongdan-{name}" for name in ("say", "not_before", "script", "condition")
    } <= asked
    assert panel.desk.complaints == []


def test_every_field_keeps_what_is_typed_fast_or_pasted_before_the_next(panel: Panel) -> None:
    """Field A, Tab, field B without waiting; every second one is pasted."""
    page: Page = panel.page
    for element in panel.elements():
        panel.select(element)
        fields = panel.fields(TEXT)
        typed = {}
        for number, ident in enumerate(fields):
            typed[ident] = panel.value()
            _tab_to(panel, ident, first=number == 0)
            page.keyboard.press("Control+a")
            if number % 2:
                page.evaluate("(text) => navigator.clipboard.writeText(text)", typed[ident])
                page.keyboard.press("Control+v")
            else:
                page.keyboard.type(typed[ident], delay=8)
        text = panel.keep()
        lost = {ident: value for ident, value in typed.items() if value not in text}
        assert not lost, f"{element}: typed and not in the file"


def _tab_to(panel: Panel, ident: str, *, first: bool) -> None:
    if first:
        panel.field(ident).click()
        return
    for _ in range(30):
        panel.page.keyboard.press("Tab")
        if panel.page.evaluate("document.activeElement.id") == ident:
            return
    panel.field(ident).click()  # it stands before: those of ids come last


def test_what_is_typed_for_one_step_is_never_written_to_the_next(panel: Panel) -> None:
    """Another step is chosen while the panel still waits to write."""
    for element, field, text in (("scriptTask", "script", "first = 1"), ("userTask", "say", "say_hello")):
        panel.select(element)
        panel.field(f"bio-properties-panel-gongdan-{field}").click()
        panel.page.keyboard.type(text)
        panel.page.locator('#canvas [data-element-id="manualTask"] > .djs-hit').first.click()
    text = panel.kept()
    assert re.search(r'id="scriptTask"[^>]*>(?:(?!</bpmn:scriptTask).)*first = 1', text, re.DOTALL)
    assert re.search(r'id="userTask"[^>]*>(?:(?!</bpmn:userTask).)*value="say_hello"', text, re.DOTALL)
    assert (text.count("first = 1"), text.count("say_hello")) == (1, 1)
