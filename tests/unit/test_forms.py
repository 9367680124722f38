"""Reading form files, checking values, messages."""

from __future__ import annotations

import contextlib
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import forms
from engine.base.errors import FieldError, InvalidFile, InvalidForm
from engine.case import checks
from engine.forms import LOCALES, Form, calls, message
from engine.forms.messages import CATALOGUE
from tests.unit.form_samples import NOW, field, load, options, text


def codes(form: Form, values: Any, context: dict[str, Any] | None = None) -> dict[str, str]:
    _, errors = form.check(values, context=context or {}, now=NOW)
    return {error.field: error.code for error in errors}


# -- files that cannot be used ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "more", "what"),
    [
        ([field("now", "text")], {}, "function of the engine"),
        ([field("class", "text")], {}, "Python word"),
        ([field("typename", "text")], {}, "the engine keeps"),
        ([field("case_no", "text")], {}, "the engine keeps"),
        ([field("__builtins__", "text")], {}, "snake_case"),
        ([field("len", "text")], {}, "Python word"),
        ([field("Name", "text")], {}, "snake_case"),
        ([field("a", "colour")], {}, "use one of text"),
        ([field("a", "text"), field("a", "text")], {}, "repeats the name"),
        ([field("a", "text", show_if="b"), field("b", "text")], {}, "move 'b' further up"),
        ([field("a", "text", show_if="a")], {}, "does not come before it"),
        ([field("a", "text", show_if="x.y")], {}, "more than a plain condition"),
        ([field("a", "text", show_if="sla_due('X')")], {}, "forms may call only"),
        ([field("a", "text", required="yes")], {}, "without quotes"),
        ([field("a", "text", colour="red")], {}, "unknown key 'colour'"),
        ([field("a", "text", label={"en": "A"})], {}, "one text for each language"),
        ([field("a", "text", schema={"pattern": "("})], {}, "schema"),
        ([field("a", "text", schema={"pattern": "^x$"})], {}, "beside a pattern"),
        ([field("a", "text", schema={"$ref": "http://127.0.0.1/"})], {}, "unknown key '$ref'"),
        ([field("a", "text", schema={"type": "integer"})], {}, "is of type string"),
        ([field("a", "radio")], {}, "options"),
        ([field("a", "radio", options=options("x", "x"))], {}, "distinct values"),
        ([field("a", "radio", options=options("x", 1))], {}, "of one type"),
        ([field("a", "text", options=options("x"))], {}, "mean nothing for text"),
        ([field("a", "text", fields=[])], {}, "only rows and readonly"),
        ([field("a", "rows", fields=[field("b", "file")])], {}, "cannot stand in a row"),
        ([field("a", "rows", schema={"maxItems": 999}, fields=[field("b", "text")])], {}, "give 1 to 50"),
        ([field("a", "file", accept=[".exe"])], {}, "endings among"),
        ([field("a", "text", max_size=5)], {}, "only file fields"),
        ([field("a", "text", default=["x"])], {}, "neither an expression nor a value"),
        ([], {}, "give between 1 and 80"),
        ([field("a", "text")], {"key": "other"}, "unlike the file's name"),
        (
            [field("a", "text")],
            {"rules": [{"check": "a", "field": "b", "message": text("m"), "until": "9"}]},
            "name a field",
        ),
        (
            [field("a", "text")],
            {"rules": [{"check": "a", "field": ["a"], "message": text("m")}]},
            "name a field",
        ),
        ([field("a", "text")], {"source": ""}, "name the passage"),
    ],
)
def test_bad_files_say_what_is_wrong_and_how_to_mend_it(
    fields: list[dict[str, Any]], more: dict[str, Any], what: str
) -> None:
    with pytest.raises(InvalidFile) as caught:
        load(*fields, **more)
    assert "forms/sample.json" in str(caught.value)
    assert what in str(caught.value)


def test_all_problems_are_found_at_once() -> None:
    with pytest.raises(InvalidFile) as caught:
        load(field("now", "text"), field("b", "colour"), rules={})
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"[]", b"{", b'{"a":1,"a":2}', b"[" * 100_000, b"x" * 300_000]
)
def test_what_is_no_form_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidFile):
        Form.load(data, "forms/sample.json")


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
keys = st.sampled_from(
    [
        "key",
        "title",
        "fields",
        "rules",
        "name",
        "widget",
        "schema",
        "options",
        "label",
        "value",
        "default",
        "show_if",
    ]
)
form_like = st.recursive(
    st.one_of(json_values, st.just("rows"), st.just("radio")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=6)),
    max_leaves=12,
)


@given(form_like)
def test_any_json_is_loaded_or_refused(raw: object) -> None:
    with contextlib.suppress(InvalidFile):
        Form.load(json.dumps(raw).encode())


# -- checking ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("widget", "more", "value", "code"),
    [
        ("text", {}, 5, "not_text"),
        ("text", {}, "a\x00", "bad_characters"),
        ("text", {}, "\ud800", "bad_characters"),
        ("text", {}, "x" * 201, "too_long"),
        ("text", {"schema": {"minLength": 2}}, " x ", "too_short"),
        ("text", {"schema": {"pattern": "^[a-z]+$"}, "help": text("h")}, "X", "pattern"),
        ("phone", {}, "12", "not_phone"),
        ("case", {}, "260213-1-5", "not_case_number"),
        ("radio", {"options": options("a", "b")}, "c", "not_option"),
        ("radio", {"options": options(1, 2)}, True, "not_option"),
        ("radio", {"options": options(True, False)}, 1, "not_option"),
        ("checkboxes", {"options": options("a")}, "a", "not_option"),
        ("checkboxes", {"options": options("a")}, [["a"]], "not_option"),
        ("checkboxes", {"options": options("a", "b"), "schema": {"minItems": 2}}, ["a"], "too_few"),
        ("checkboxes", {"options": options("a", "b"), "schema": {"maxItems": 1}}, ["a", "b"], "too_many"),
        ("checkbox", {}, "true", "not_boolean"),
        ("checkbox", {"schema": {"const": True}}, False, "must_be_ticked"),
        ("number", {}, "5", "not_number"),
        ("number", {}, True, "not_number"),
        ("number", {}, float("nan"), "not_number"),
        ("number", {}, 10**15 + 1, "not_number"),
        ("number", {}, -(10**15) - 1, "not_number"),
        ("number", {"schema": {"type": "integer"}}, 1.5, "not_integer"),
        ("number", {"schema": {"minimum": 1}}, 0, "too_small"),
        ("number", {"schema": {"maximum": 1}}, 2, "too_large"),
        ("number", {"schema": {"exclusiveMinimum": 1}}, 1, "not_above"),
        ("number", {"schema": {"exclusiveMaximum": 1}}, 1, "not_below"),
        ("number", {"schema": {"multipleOf": 5}}, 3, "not_allowed"),
        ("money", {}, 1.5, "not_money"),
        ("money", {}, 10**15 + 1, "not_money"),
        ("money", {}, -(10**15) - 1, "not_money"),
        ("money", {}, True, "not_money"),
        ("money", {}, -1, "money_too_small"),
        ("money", {"schema": {"maximum": 100}}, 101, "money_too_large"),
        ("money", {"schema": {"exclusiveMinimum": 0}}, 0, "money_not_above"),
        ("money", {"schema": {"exclusiveMaximum": 9}}, 9, "money_not_below"),
        ("date", {}, "2026-02-30", "not_date"),
        ("date", {}, "20260228", "not_date"),
        ("date", {}, "0001-01-01", "not_date"),
        ("datetime", {}, "2026-02-13T08:00:00", "not_datetime"),
        ("datetime", {}, "0001-01-01T00:00:00+14:00", "not_datetime"),
        ("datetime", {}, "9999-12-31T23:00:00-12:00", "not_datetime"),
        ("timerange", {}, {"from": "9"}, "not_range"),
        ("timerange", {}, {"from": "10:00", "to": "10:00"}, "range_order"),
        ("timerange", {}, {"from": 1, "to": {}}, "not_range"),
        ("timerange", {}, [], "not_range"),
        ("timerange", {}, {"from": "09:00"}, "not_range"),
        ("timerange", {}, {"to": "09:00"}, "not_range"),
        ("file", {}, [{"name": "a.pdf"}], "not_files"),
        ("file", {}, "a.pdf", "not_files"),
        ("rows", {"fields": [field("b", "text")]}, {"b": 1}, "not_rows"),
        ("rows", {"fields": [field("b", "text")]}, [1], "not_rows"),
        ("rows", {"schema": {"maxItems": 1}, "fields": [field("b", "text")]}, [{"b": "x"}] * 2, "too_many"),
        ("rows", {"schema": {"maxItems": 1}, "fields": [field("b", "text")]}, [{}] * 5, "too_many"),
    ],
)
def test_wrong_values_are_refused(widget: str, more: dict[str, Any], value: object, code: str) -> None:
    assert codes(load(field("a", widget, **more)), {"a": value}) == {"a": code}


@pytest.mark.parametrize(
    ("widget", "more", "value", "stored"),
    [
        ("text", {}, "  x\r\ny ", "x\ny"),
        ("checkboxes", {"options": options("a", "b")}, ["b", "a", "b"], ["a", "b"]),
        ("number", {"schema": {"type": "integer"}}, 2.0, 2),
        ("number", {}, 10**15, 10**15),
        ("number", {}, -(10**15), -(10**15)),
        ("money", {"schema": {"maximum": 10**16}}, 10**15, 10**15),
        (
            "rows",
            {"schema": {"maxItems": 1}, "fields": [field("b", "text")]},
            [{}, {}, {"b": "x"}, {"b": ""}],  # a page offers more rows than are taken
            [{"b": "x"}],
        ),
        ("datetime", {}, "2026-02-13T16:00:59.9+08:00", "2026-02-13T08:00:59+00:00"),
        ("timerange", {}, {"from": "9:00", "to": "12:30"}, {"from": "09:00", "to": "12:30"}),
        ("rows", {"fields": [field("b", "text")]}, [{}, {"b": " x "}, {"b": ""}], [{"b": "x"}]),
        ("radio", {"options": options(True, False)}, False, False),
    ],
)
def test_values_are_stored_in_one_shape(
    widget: str, more: dict[str, Any], value: object, stored: object
) -> None:
    form = load(field("a", widget, **more))
    clean = form.validate({"a": value}, now=NOW)
    assert clean == {"a": stored}
    assert form.validate(clean, now=NOW) == clean


@pytest.mark.parametrize("value", [None, "", "  ", []])
def test_no_answer_leaves_the_field_out(value: object) -> None:
    form = load(
        field(
            "a", "checkboxes" if value == [] else "text", **({"options": options("x")} if value == [] else {})
        )
    )
    assert form.validate({"a": value}, now=NOW) == {}


def test_unknown_fields_are_refused() -> None:
    assert codes(load(field("a", "text")), {"b": 1, "typename": "x"}) == {
        "b": "unknown_field",
        "typename": "unknown_field",
    }


def test_readonly_fields_are_no_answers() -> None:
    assert codes(load(field("case_no", "readonly"), field("a", "text")), {"case_no": "x"}) == {
        "case_no": "unknown_field"
    }


@pytest.mark.parametrize("values", [None, [], "x", 5])
def test_what_is_no_object_is_refused(values: object) -> None:
    with pytest.raises(InvalidForm) as caught:
        load(field("a", "text")).validate(values, now=NOW)
    assert caught.value.errors == [FieldError("", "not_an_object")]


CHAIN = (
    field("a", "radio", options=options("x", "y")),
    field("b", "text", show_if="a == 'x'", required_if="a == 'x'"),
    field("c", "text", show_if="b"),
)


def test_hidden_fields_are_left_out_with_all_that_hangs_on_them() -> None:
    form = load(*CHAIN)
    assert form.validate({"a": "y", "b": "old", "c": "old"}, now=NOW) == {"a": "y"}
    assert form.validate({"a": "x", "b": "1", "c": "2"}, now=NOW) == {"a": "x", "b": "1", "c": "2"}
    assert codes(form, {"a": "x"}) == {"b": "required"}
    assert [shown.name for shown in form.visible({"a": "x"}, NOW)] == ["a", "b"]
    assert form.control_names == {"a", "b"}


def test_earlier_rounds_do_not_answer_for_this_one() -> None:
    form = load(*CHAIN)
    assert form.validate({"a": "y"}, context={"a": "x", "b": "old"}, now=NOW) == {"a": "y"}
    assert form.validate({}, context={"a": "x", "b": "old"}, now=NOW) == {}


def test_conditions_read_the_case() -> None:
    form = load(field("a", "text", required_if="tier == 'gold'"))
    assert form.context_names == {"tier"}
    assert codes(form, {}, {"tier": "gold"}) == {"a": "required"}
    assert codes(form, {}) == {}


def test_rules_speak_only_of_sound_answers() -> None:
    form = load(
        field("start", "date", required=True),
        field("end", "date"),
        rules=[{"check": "start <= end", "field": "end", "message": text("order")}],
    )
    assert codes(form, {"start": "2026-01-02", "end": "2026-01-01"}) == {"end": "rule"}
    assert codes(form, {"start": "2026-01-02"}) == {}
    assert codes(form, {"start": "x", "end": "2026-01-01"}) == {"start": "not_date"}
    assert codes(form, {"end": "2026-01-01"}) == {"start": "required"}


def test_a_rule_of_the_whole_form_always_holds() -> None:
    form = load(
        field("a", "text"), field("b", "text"), rules=[{"check": "a or b", "message": text("one of them")}]
    )
    assert codes(form, {}) == {"": "rule"}
    assert codes(form, {"b": "x"}) == {}


ROWS = field(
    "items",
    "rows",
    schema={"minItems": 1, "maxItems": 3},
    required=True,
    fields=[
        field("kind", "radio", options=options("x", "y"), required=True),
        field("why", "text", show_if="kind == 'x'", required_if="kind == 'x'", personal=True),
    ],
    rules=[{"check": "why != 'no'", "field": "why", "message": text("say why")}],
)


def test_errors_in_rows_name_row_and_column() -> None:
    rows = [{}, {"kind": "x"}, {"kind": "z"}, {"kind": "x", "why": "no"}, {"why": "x"}]
    assert codes(load(ROWS), {"items": rows}) == {
        "items": "too_many",
        "items-1-why": "required",
        "items-2-kind": "not_option",
        "items-3-why": "rule",
        "items-4-kind": "required",
    }
    assert codes(load(ROWS), {"items": [{}]}) == {"items": "required"}
    assert codes(load(ROWS), {"items": [{"kind": "y", "other": 1}]}) == {"items-0-other": "unknown_field"}


def test_personal_columns_make_their_rows_personal() -> None:
    assert load(ROWS, field("a", "text", personal=True), field("b", "text")).personal_names == {"items", "a"}


def test_defaults_come_from_the_case() -> None:
    form = load(
        field("a", "text", default="customer"),
        field("b", "radio", options=options("x"), default={"value": "x"}),
        field("c", "datetime", default="now()"),
        field("d", "date", default="local_date(now())"),
        field("e", "text", default="missing"),
    )
    assert form.initial({"customer": "陈"}, "2026-02-13T17:30:59+00:00") == {
        "a": "陈",
        "b": "x",
        "c": "2026-02-13T17:30:00+00:00",
        "d": "2026-02-14",
    }


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "items", "x"]), json_values, max_size=5))
def test_any_values_are_accepted_or_refused_and_clean_ones_stay(values: dict[str, Any]) -> None:
    form = load(*CHAIN, ROWS)
    clean, errors = form.check(values, context=values, now=NOW)
    assert all(message(found, "en") for found in errors)
    if not errors:
        assert form.validate(clean, now=NOW) == clean


def test_fifteen_fields_are_checked_in_a_tenth_of_a_millisecond() -> None:
    form = load(
        *(field(f"t{index}", "text", required=True) for index in range(12)),
        field("at", "datetime", required=True),
        field("kind", "radio", options=options("x", "y"), required=True),
        field("why", "text", required_if="kind == 'x'", show_if="kind in ('x', 'z')"),
        rules=[{"check": "at <= now()", "field": "at", "message": text("future")}],
    )
    values = {**{f"t{index}": "中文 text" for index in range(12)}, "at": NOW, "kind": "x", "why": "y"}
    rounds = []
    for _ in range(30):
        start = time.perf_counter()
        for _ in range(10):
            form.validate(values, now=NOW)
        rounds.append((time.perf_counter() - start) / 10)
    assert min(rounds) < 0.0001


# -- messages ---------------------------------------------------------------------------------------------


def test_every_code_has_its_words_in_every_language() -> None:
    for code, words in CATALOGUE.items():
        assert list(words) == list(LOCALES), code
        parameters = {"min": 1, "max": 2, "name": "a", "allowed": ".pdf", "kind": "PDF"}
        parameters |= {
            "message": text("m"),
            "until": "9",
            "number": "1",
            "names": "a",
            "bound": NOW,
            "at": NOW,
        }
        for locale in LOCALES:
            assert message(FieldError("a", code, parameters), locale)


def test_messages_show_amounts_in_yuan_and_sizes_in_megabytes() -> None:
    assert message(FieldError("a", "money_too_large", {"max": 10050}), "en") == "Must be 100.50 yuan or less."
    assert "5 MB" in message(FieldError("a", "file_too_large", {"name": "a", "max": 5 << 20}), "zh-Hans")
    assert message(FieldError("a", "required"), "fr") == message(FieldError("a", "required"), "zh-Hans")


def test_every_code_that_is_used_has_words_and_every_word_is_used() -> None:
    sources = [
        path.read_text("utf-8")
        for path in Path(forms.__file__).parent.glob("*.py")
        if path.stem != "messages"
    ]
    sources += [Path(str(module.__file__)).read_text("utf-8") for module in (checks, calls)]
    literals = set(re.findall(r'"([a-z_]+)"', "\n".join(sources)))
    money = {f"money_{code}" for code in ("too_small", "too_large", "not_above", "not_below")}
    assert set(CATALOGUE) - money <= literals
    raised = re.findall(r'(?:Refused|FieldError)\(\s*(?:[^"()]+,\s*)?"([a-z_]+)"', "\n".join(sources))
    assert raised
    assert set(raised) <= set(CATALOGUE)
