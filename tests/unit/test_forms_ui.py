"""Forms as HTML: escaped, accessible, usable without scripts."""

from __future__ import annotations

import pytest

from engine.forms import LOCALES, Form
from tests.unit.form_samples import NOW, SHIPPED, Sent, draw, field, load, options, sent, text, tree
from web.forms_ui import render_form, render_preview

ROWS = field("items", "rows", fields=[field("b", "text", required=True)])
CHAIN = (
    field("a", "radio", options=options("x", "y"), required=True),
    field("b", "text", show_if="a == 'x'", default={"value": "start"}),
)
EVIL = "\"'><script>alert(1)</script>"


def test_everything_is_escaped() -> None:
    form = load(
        field("a", "text", label=text(EVIL), help=text(EVIL), section=text(EVIL)),
        field("b", "textarea"),
        field("c", "select", options=options(EVIL)),
        field("d", "file"),
        field("e", "readonly"),
        field("g", "checkboxes", options=options(EVIL)),
        ROWS,
        rules=[{"check": "a == 1", "field": "a", "message": text(EVIL)}],
    )
    values = {
        "a": EVIL,
        "b": EVIL,
        "c": EVIL,
        "d": [{"name": EVIL, "size": 1, "type": EVIL, "sha256": EVIL}],
        "g": [EVIL],
        "items": [{"b": EVIL}],
        EVIL: 1,
    }
    _, errors = form.check(values, now=NOW)
    html = str(render_form(form, values, errors, "en", NOW, context={"e": EVIL}, preview_url=EVIL))
    assert "<script" not in html
    page = tree(html)
    assert page.xpath("//input[@id='f-a']/@value") == [EVIL]
    assert not page.xpath("//@onclick | //@style")


@pytest.mark.parametrize(("locale", "stop"), [("zh-Hans", "。"), ("zh-Hant-HK", "。"), ("en", ".")])
def test_the_hint_of_a_range_has_minutes_and_stands_behind_a_whole_sentence(locale: str, stop: str) -> None:
    form = load(field("a", "datetime", help=text("Why")), field("b", "date", help=text("Why.")))
    page = tree(str(render_form(form, {}, (), locale, "2026-03-02T02:00:27+00:00", context={})))
    whole, ended = ("".join(page.xpath(f"//*[@id='help-{name}']//text()")) for name in "ab")
    assert whole.startswith(f"Why{stop} ")
    assert ended.startswith("Why. ")
    assert "10:00" in whole
    assert ":27" not in whole


def test_fields_that_do_not_apply_are_for_browsers_without_scripts_and_say_when() -> None:
    form = load(*CHAIN)
    page = tree(draw(form, {"a": "y"}))
    (hidden,) = page.xpath("//noscript")
    assert hidden.xpath(".//*[@id='field-b']//p[@class='help when']/text()") == [
        "Depends on earlier answers; leave empty where it does not apply: a"
    ]
    assert not tree(draw(form, {"a": "x"})).xpath("//noscript")


def test_a_changed_answer_brings_fields_with_their_defaults() -> None:
    form = load(*CHAIN)
    page = sent(
        str(
            render_preview(form, Sent(a=["x"], _shown=["a"]).getlist, "en", NOW, context={}, preview_url="/p")
        )
    )
    assert page.getlist("b") == ["start"]
    emptied = Sent(a=["x"], b=[""], _shown=["a b"])
    page = sent(str(render_preview(form, emptied.getlist, "en", NOW, context={}, preview_url="/p")))
    assert page.getlist("b") == [""]


def test_a_redraw_keeps_controls_that_are_being_used_and_leaves_out_what_does_not_apply() -> None:
    form = load(*CHAIN, field("c", "text"), field("d", "text"), ROWS)
    sent_so_far = Sent({"a": ["y"], "_shown": ["a c d"], "_bad": ["d"], "items-count": ["1"]})
    page = tree(str(render_preview(form, sent_so_far.getlist, "en", NOW, context={}, preview_url="/p")))
    assert set(page.xpath("//*[@hx-preserve]/@name")) == {"a", "c"}
    assert not page.xpath("//noscript")
    assert not page.xpath("//*[@id='field-b']")


def test_only_controlling_fields_redraw_the_form() -> None:
    page = tree(
        str(render_form(load(*CHAIN), {"a": "x"}, [], "en", NOW, context={}, preview_url="/p?x=1&y=2"))
    )
    assert set(page.xpath("//*[@hx-post]/@name")) == {"a"}
    assert set(page.xpath("//@hx-sync")) == {"closest form:replace"}
    assert set(page.xpath("//@hx-post")) == {"/p?x=1&y=2"}
    assert not tree(draw(load(*CHAIN), {})).xpath("//@hx-post")


@pytest.mark.parametrize("form", SHIPPED, ids=lambda form: form.key)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_form_is_drawn_with_sound_references(form: Form, locale: str) -> None:
    values = form.initial({}, NOW)
    _, errors = form.check(values, now=NOW)
    page = tree(str(render_form(form, values, errors, locale, NOW, context={}, preview_url="/p")))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for reference in page.xpath("//@for") + [
        name for names in page.xpath("//@aria-describedby | //@aria-labelledby") for name in names.split()
    ]:
        assert reference in ids
    for link in page.xpath("//a/@href"):
        assert link.removeprefix("#") in ids
    marked = {name.split("-")[0] for name in page.xpath("//*[@aria-invalid='true']/@name")}
    assert marked >= {e.field for e in errors if "-" not in e.field and form.field(e.field).widget != "rows"}


def test_readonly_fields_show_what_the_case_has() -> None:
    form = load(
        field("status", "readonly", options=[{"value": "in_use", "label": text("In use")}]),
        field("at", "readonly"),
        field("numbers", "readonly"),
        field("table", "readonly", fields=[field("fee", "money")]),
    )
    context = {
        "status": "in_use",
        "at": "2026-02-13T08:00:00+00:00",
        "numbers": ["a", "b"],
        "table": [{"fee": 1250}],
    }
    html = draw(form, {}, context)
    for shown in ("In use", "2026-02-13T16:00", "a, b", "<td>12.50</td>"):
        assert shown in html


def test_a_box_that_must_be_ticked_is_marked_as_required() -> None:
    form = load(
        field("a", "checkbox", schema={"const": True}),
        field("b", "checkbox"),
        field("c", "checkbox", schema={"const": True}, show_if="b"),
    )
    drawn = tree(str(render_form(form, {}, [], "en", NOW, context={})))
    marked = {name for name in "abc" if drawn.xpath(f"//*[@id='field-{name}']//*[@class='req']")}
    assert marked == {"a"}
    (box,) = drawn.xpath("//input[@id='f-a']")
    assert box.get("aria-required") == "true"
