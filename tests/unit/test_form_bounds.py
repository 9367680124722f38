"""Days, instants and amounts have a first and a last: a slip of the year or of a digit is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile
from engine.design.lint import lint_file
from engine.forms import Field, Form, message
from engine.forms.bounds import span
from engine.forms.form import condition_functions
from engine.forms.values import Refused
from tests.unit.form_samples import NOW, SHIPPED, draw, field, load, tree

AT = datetime.fromisoformat(NOW)
DATED = [(form, item) for form in SHIPPED for item in form.fields if item.widget in ("date", "datetime")]
#: what a case knows: it began ten days ago
KNOWN = {"received_at": (AT - timedelta(days=10)).isoformat(), "case_opened_at": AT.isoformat()}


def codes(form: Form, context: dict[str, Any], **values: Any) -> list[str]:
    """What is wrong with ``values``, rules of the form aside."""
    return [error.code for error in form.check(values, context=context, now=NOW)[1] if error.code != "rule"]


def instant(**distance: float) -> str:
    """So long after :data:`NOW`, in whole seconds."""
    return (AT + timedelta(**distance)).isoformat()


@pytest.mark.parametrize(
    ("bounds", "distance", "code"),
    [
        ({}, {"days": 59}, None),
        ({}, {"days": 61}, "too_late"),
        ({}, {"days": -365}, None),
        ({}, {"days": -367}, "too_early"),
        ({"latest": "now"}, {"seconds": 0}, None),
        ({"latest": "now"}, {"seconds": 1}, "too_late"),
        ({"earliest": "now"}, {"seconds": -1}, "too_early"),
        ({"latest": "P3D"}, {"days": 3}, None),
        ({"latest": "P3D"}, {"days": 3, "seconds": 1}, "too_late"),
        ({"earliest": "-P3D"}, {"days": -3}, None),
        ({"earliest": "-P3D"}, {"days": -3, "seconds": -1}, "too_early"),
        ({"earliest": "received_at"}, {"days": -10, "seconds": -30}, None),  # the minute it began
        ({"earliest": "received_at"}, {"days": -10, "seconds": -31}, "too_early"),
        ({"earliest": "nothing or received_at"}, {"days": -11}, "too_early"),
        ({"earliest": "nothing"}, {"days": -365}, None),
        ({"earliest": "nothing"}, {"days": -367}, "too_early"),
    ],
)
def test_an_instant_lies_within_its_bounds(
    bounds: dict[str, str], distance: dict[str, float], code: str | None
) -> None:
    form = load(field("a", "datetime", **bounds))
    assert codes(form, KNOWN, a=instant(**distance)) == ([code] if code else [])


@pytest.mark.parametrize(
    ("bounds", "day", "code"),
    [
        ({}, "2026-04-14", None),
        ({}, "2026-04-15", "too_late"),
        ({"latest": "now"}, "2026-02-13", None),
        ({"latest": "now"}, "2026-02-14", "too_late"),
        ({"earliest": "received_at"}, "2026-02-03", None),
        ({"earliest": "received_at"}, "2026-02-02", "too_early"),
        ({"earliest": "'2026-02-10'"}, "2026-02-09", "too_early"),
        ({"latest": "'2026-02-10'"}, "2026-02-10", None),
    ],
)
def test_a_day_lies_within_its_bounds(bounds: dict[str, str], day: str, code: str | None) -> None:
    assert codes(load(field("a", "date", **bounds)), KNOWN, a=day) == ([code] if code else [])


def test_one_answer_bounds_another() -> None:
    form = load(field("a", "datetime"), field("b", "datetime", earliest="a"))
    assert codes(form, {"a": instant(days=9)}, a=instant(days=1), b=instant(days=2)) == []
    assert codes(form, {"a": instant(days=-9)}, a=instant(days=1), b=instant(hours=1)) == ["too_early"]


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("zh-Hans", "不能晚于 2026-02-16 16:00:30。"),
        ("zh-Hant-HK", "不可遲於 2026-02-16 16:00:30。"),
        ("en", "Not after 2026-02-16 16:00:30."),
    ],
)
def test_a_refusal_names_the_bound_in_local_time(locale: str, words: str) -> None:
    form = load(field("a", "datetime", latest="P3D"))
    (error,) = form.check({"a": instant(days=30)}, now=NOW)[1]
    assert message(error, locale) == words


def test_the_page_says_from_when_to_when() -> None:
    form = load(field("a", "datetime", earliest="received_at", latest="now"), field("b", "date"))
    page = tree(draw(form, {}, KNOWN))
    assert page.xpath('//*[@id="help-a"]/text()') == ["From 2026-02-03 16:00 to now."]
    assert page.xpath('//*[@id="help-b"]/text()') == ["From 2025-02-12 to 2026-04-14."]
    assert page.xpath('//*[@id="f-a"]/@aria-describedby') == ["help-a"]


@pytest.mark.parametrize("bound", ["P3M", "-PT3H", "P123456D", 5, "now(", "lambda: 1"])
def test_a_bound_that_cannot_be_read_is_refused(bound: object) -> None:
    with pytest.raises(InvalidFile):
        load(field("a", "date", latest=bound))
    with pytest.raises(InvalidFile):
        load(field("a", "text", latest="now"))


def refused(item: Field, value: str, context: dict[str, Any]) -> str | None:
    """Why the field does not take ``value``."""
    try:
        span(item, context, condition_functions(NOW)).check(item, value)
    except Refused as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(("form", "item"), DATED, ids=[f"{form.key}.{item.name}" for form, item in DATED])
def test_no_shipped_form_takes_a_year_far_away(form: Form, item: Field) -> None:
    for year, code in (
        ("1900", "too_early"),
        ("1999", "too_early"),
        ("2062", "too_late"),
        ("2100", "too_late"),
    ):
        value = f"{year}-03-02" if item.widget == "date" else f"{year}-03-02T08:00:00+00:00"
        assert refused(item, value, KNOWN) == code
        assert refused(item, value, {}) == code  # also where the case does not know what the bound names


#: what can only have happened, or been agreed, once there was a case
IN_THE_CASE = (
    *("property_hand_over.handed_over_at", "reply_promise.hung_up_at", "reply_promise.reply_by"),
    *(
        "property_notify.notified_at",
        "property_inform.informed_at",
        "property_progress_call.progress_told_at",
    ),
    *(
        "execution.done_at",
        "recovery_applied.applied_at",
        "campus_result.handled_at",
        "repair_answer.urged_at",
    ),
    *("cable_repair.repaired_at", "immediate_measures.reported_at", "insurance_letter.letter_sent_at"),
    *("contact_log.started_at", "staff_cause.responsible_contacted_at", "rent_relief_top_up.topped_up_at"),
)


@pytest.mark.parametrize("place", IN_THE_CASE)
def test_what_happens_in_a_case_is_not_before_it_began(place: str) -> None:
    key, _, name = place.partition(".")
    form = next(form for form in SHIPPED if form.key == key)
    assert refused(form.field(name), instant(days=-11), KNOWN) == "too_early"


def test_every_shipped_amount_has_a_sensible_maximum() -> None:
    amounts = [
        (form.key, item)
        for form in SHIPPED
        for outer in form.fields
        for item in (outer, *(outer.rows.fields if outer.rows else ()))
        if item.widget == "money"
    ]
    assert len(amounts) > 15
    for key, item in amounts:
        assert not item.validator.is_valid(1_000_000_001), (key, item.name)


def test_an_amount_without_a_maximum_of_its_own_takes_ten_million_yuan() -> None:
    form = load(field("a", "money"))
    assert codes(form, {}, a=1_000_000_000) == []
    assert codes(form, {}, a=1_000_000_001) == ["money_too_large"]


def test_shipped_forms_leave_nothing_to_the_usual_bounds() -> None:
    folder = Path(__file__).parents[2] / "forms"
    found = [f for path in folder.glob("*.json") for f in lint_file(f"forms/{path.name}", path.read_bytes())]
    assert found == []
