"""From HTML to values and back: whatever is drawn and sent again unchanged gives the same values."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.forms import Field, Form
from engine.forms.model import Group
from tests.unit.form_samples import NOW, SHIPPED, Sent, draw, field, load, sent
from web.forms_ui import needs_multipart, render_form

# -- round trip -------------------------------------------------------------------------------------------

words = st.text(st.characters(categories=["L", "N", "P", "S"]) | st.just(" "), min_size=1, max_size=20)
lines = words.map(str.strip).filter(bool)
days = st.dates(date(1950, 1, 1), date(2099, 1, 1)).map(date.isoformat)
EARLIEST, LATEST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1992, 2099))
# Shanghai put its clocks back until 1991, so some local times of those years are ambiguous.
moments = st.integers(EARLIEST, LATEST).map(lambda second: datetime.fromtimestamp(second, UTC).isoformat())
ranges = st.tuples(st.times(), st.times()).map(lambda ends: [at.strftime("%H:%M") for at in sorted(ends)])
STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "text": lines,
    "textarea": st.lists(lines, min_size=1, max_size=3).map("\n".join),
    "phone": st.sampled_from(["13812345678", "075512345678", "010612345678-12", "95588", "+85291234567"]),
    "case": st.just("260213-00001-5"),
    "checkbox": st.booleans(),
    "money": st.integers(0, 10**12),
    "date": days,
    "datetime": moments,
    "timerange": ranges.map(lambda ends: {"from": ends[0], "to": ends[1]}),
}


def answers(field: Field) -> st.SearchStrategy[Any]:
    match field.widget:
        case "radio" | "select":
            return st.sampled_from([option.value for option in field.options])
        case "checkboxes":
            chosen = [option.value for option in field.options]
            return st.sets(st.sampled_from(chosen), min_size=1).map(
                lambda some: sorted(some, key=chosen.index)
            )
        case "number" if field.schema["type"] == "integer":
            return st.integers(-(10**6), 10**6)
        case "number":
            return st.integers(0, 10**6) | st.decimals(0, 10**6, places=2).map(float).filter(lambda x: x % 1)
        case "rows" if field.rows is not None:
            return st.lists(submissions(field.rows, all_given=True), min_size=1, max_size=3)
        case widget:
            return STRATEGIES[widget]


def submissions(group: Group, *, all_given: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    asked = {field.name: answers(field) for field in group.fields if field.widget not in ("readonly", "file")}
    ticks = {field.name for field in group.fields if field.widget == "checkbox"}
    needed = asked if all_given else {name: found for name, found in asked.items() if name in ticks}
    return st.fixed_dictionaries(needed, optional={n: a for n, a in asked.items() if n not in needed})


@pytest.mark.parametrize("form", SHIPPED, ids=lambda form: form.key)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_what_is_drawn_is_read_back_the_same(form: Form, data: st.DataObject) -> None:
    values = data.draw(submissions(form.group))
    parsed, errors = form.parse(sent(draw(form, values)).getlist)
    # Rows are drawn with one empty row to begin with; it counts as no answer.
    for question in form.fields:
        if question.widget == "rows" and question.name not in values:
            assert not any(any(row.values()) for row in parsed.pop(question.name))
    assert errors == []
    assert parsed == values


@pytest.mark.parametrize("form", SHIPPED, ids=lambda form: form.key)
def test_an_untouched_form_gives_its_defaults(form: Form) -> None:
    defaults = form.initial({"bss_status": "in_use"}, NOW)
    parsed, _ = form.parse(sent(draw(form, defaults)).getlist)
    assert {name: parsed.get(name) for name in defaults} == defaults


# -- anything at all --------------------------------------------------------------------------------------

control_names = st.sampled_from(
    sorted(
        {field.name for form in SHIPPED for field in form.fields}
        | {
            f"{name}-{part}"
            for name in ("alternatives", "options")
            for part in ("count", "0-number", "1-option")
        }
        | {"preferred_contact_window-from", "attachments-kept", "_add_options", "_remove_options_0"}
    )
)
anything = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["2026-02-30T25:61", "1e999", "-0.001", "９９９９", "¥12.5", "99999", "\ud800", "0" * 5000, "nan"]
    ),
)


@given(st.sampled_from(SHIPPED), st.dictionaries(control_names, st.lists(anything, max_size=3), max_size=12))
def test_any_submission_is_accepted_or_refused(form: Form, controls: dict[str, list[str]]) -> None:
    found = form.submit(Sent(controls).getlist, now=NOW)
    if not found.errors:
        assert form.validate(found.clean, now=NOW) == found.clean
    form.press_row_button(Sent(controls).getlist, found.values)
    html = str(render_form(form, found.values, found.errors, "zh-Hans", NOW, context={}))
    assert html.count("<li>") == len({error.field for error in found.errors})


# -- texts people type ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("widget", "typed", "value"),
    [
        ("money", "12", 1200),
        ("money", "12.5", 1250),
        ("money", " ¥1,234.56 ", 123456),
        ("money", "１２．３４元", 1234),
        ("money", "￥ 1，234，567", 123456700),
        ("money", "12,345.6元", 1234560),
        ("number", "1,000", 1000),
        ("number", "２．５", 2.5),
        ("phone", "+86 138 1234 5678", "13812345678"),
        ("phone", "（０７５５）12345678", "075512345678"),
        ("phone", "\u202a+86 21-6123 4567\u202c", "02161234567"),
        # marks that nobody sees, as they are pasted from chats and tables
        ("money", "\ufeff12.50\u200b", 1250),
        ("money", "\u202d¥\u200e1,234.56\u202c", 123456),
        ("number", "\u20662.5\u2069", 2.5),
        ("date", "\u200e2026-02-03", "2026-02-03"),
        ("datetime", "2026-02-13\u200b 16:00", "2026-02-13T08:00:00+00:00"),
        ("text", "\ufeff\u202eabc\u200b", "abc"),
        ("text", "\u200d👩\u200d👧 ", "👩\u200d👧"),
        ("textarea", "\u2068\u2069a\u00adb", "ab"),
        ("date", "2026/2/3", "2026-02-03"),
        ("datetime", "2026-02-13T16:00", "2026-02-13T08:00:00+00:00"),
        ("datetime", "2026/2/13 7:05", "2026-02-12T23:05:00+00:00"),
        ("datetime", "1990-07-01T12:00", "1990-07-01T03:00:00+00:00"),
        ("textarea", "a\r\nb\r\n", "a\nb"),
        ("checkbox", "on", True),
        ("checkbox", "false", False),
    ],
)
def test_typed_text_is_understood(widget: str, typed: str, value: object) -> None:
    parsed, errors = load(field("a", widget)).parse(Sent(a=[typed]).getlist)
    assert (parsed, errors) == ({"a": value}, [])


#: a comma that may be meant as a decimal point, or stands between no thousands
WRONG_COMMAS = (
    *("12,50", "99,9", "3,14", "1,5", "1，5", ",5", "5,", "1,,000", "1,00,000", "1234,567", "0,125"),
    *("000,125", "1,2345", "1.234,50", "1,234,56", "12,345.6,7", "-12,50", "1,234.567,891"),
)


@pytest.mark.parametrize(
    ("widget", "typed", "code"),
    [
        ("money", "12.345", "not_money"),
        ("money", "1e3", "not_money"),
        *(("money", typed, "not_money") for typed in WRONG_COMMAS),
        *(("number", typed, "not_number") for typed in WRONG_COMMAS),
        ("money", "12²", "not_money"),
        ("number", "5²", "not_number"),
        ("money", "½", "not_money"),
        ("number", "1e3", "not_number"),
        ("date", "13.02.2026", "not_date"),
        ("datetime", "2026-02-13T24:00", "not_datetime"),
        ("datetime", "tomorrow", "not_datetime"),
    ],
)
def test_text_not_understood_stays_as_it_was_typed(widget: str, typed: str, code: str) -> None:
    form = load(field("a", widget))
    found = form.submit(Sent(a=[typed]).getlist, now=NOW)
    assert [error.code for error in found.errors] == [code]
    assert sent(draw(form, found.values)).getlist("a") == [typed]


# -- rows -------------------------------------------------------------------------------------------------

ROWS = field("items", "rows", schema={"maxItems": 3}, fields=[field("b", "text", required=True)])


def test_rows_are_added_and_removed_without_scripts() -> None:
    form = load(ROWS)
    page = sent(draw(form, {"items": [{"b": "one"}, {"b": "two"}]}))
    values, _ = form.parse(page.getlist)
    assert form.press_row_button(Sent(_add_items=["1"]).getlist, values)
    assert values == {"items": [{"b": "one"}, {"b": "two"}, {}]}
    assert form.press_row_button(Sent(_remove_items_0=["1"]).getlist, values)
    assert values == {"items": [{"b": "two"}, {}]}
    assert not form.press_row_button(Sent().getlist, values)


def test_no_more_rows_than_allowed_are_added() -> None:
    form = load(ROWS)
    values: dict[str, Any] = {"items": [{"b": str(index)} for index in range(3)]}
    assert form.press_row_button(Sent(_add_items=["1"]).getlist, values)
    assert len(values["items"]) == 3
    assert "disabled" in draw(form, values)


def test_errors_of_rows_stand_at_their_cell() -> None:
    form = load(ROWS, field("c", "text"))
    page = Sent({"items-count": ["2"], "items-0-b": ["x"], "items-1-b": ["y" * 300]})
    found = form.submit(page.getlist, now=NOW)
    assert [error.field for error in found.errors] == ["items-1-b"]
    html = str(render_form(form, found.values, found.errors, "en", NOW, context={}))
    assert 'href="#f-items-1-b"' in html
    assert 'id="f-items-1-b"' in html


# -- files ------------------------------------------------------------------------------------------------


class Upload(io.BytesIO):
    def __init__(self, filename: str, content: bytes) -> None:
        super().__init__(content)
        self.filename = filename


FILES = field("a", "file", accept=[".pdf", ".txt"], max_size=100)


def upload(*uploads: Upload, kept: Sequence[str] = ()) -> tuple[Any, list[str], dict[str, bytes]]:
    stored: dict[str, bytes] = {}
    known = {"0" * 64: {"name": "old.pdf", "size": 5, "type": "application/pdf", "sha256": "0" * 64}}
    found = load(FILES).submit(
        Sent({"a-kept": list(kept)}).getlist,
        now=NOW,
        files=lambda name: uploads,
        store=lambda meta, content: stored.update({meta["sha256"]: content}),
        recall=known.get,
    )
    return found.clean.get("a"), [error.code for error in found.errors], stored


def test_files_become_descriptions_and_their_bytes_go_to_the_store() -> None:
    content = b"%PDF-1.7 x"
    value, errors, stored = upload(Upload("C:\\tmp\\report.PDF", content))
    digest = hashlib.sha256(content).hexdigest()
    assert errors == []
    assert value == [{"name": "report.PDF", "size": 10, "type": "application/pdf", "sha256": digest}]
    assert stored == {digest: content}


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.exe", b"MZ", "file_type"),
        ("a.pdf", b"MZ", "file_content"),
        ("a.html.txt.svg", b"<svg>", "file_type"),
        ("a.txt", b"x" * 101, "file_too_large"),
        ("a.txt", b"", "file_empty"),
        ("a.pdf", b"", "file_empty"),
    ],
)
def test_other_files_are_refused_and_not_stored(name: str, content: bytes, code: str) -> None:
    assert upload(Upload(name, content)) == (None, [code], {})


def test_files_stored_before_are_kept_if_they_are_known() -> None:
    value, errors, _ = upload(kept=["0" * 64, "1" * 64])
    assert errors == []
    assert [meta["name"] for meta in value] == ["old.pdf"]


def test_empty_file_controls_are_no_files() -> None:
    assert upload(Upload("", b"")) == (None, [], {})


def test_forms_with_files_need_multipart() -> None:
    assert needs_multipart(load(FILES))
    assert not needs_multipart(load(ROWS))
