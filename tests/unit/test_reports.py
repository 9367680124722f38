"""Periods, figures and words of reports."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import Rejected
from engine.base.locales import LOCALES
from engine.base.settings import CHECKOUT
from engine.export.cells import safe
from engine.release.release import Release
from engine.release.releases import read_folder
from engine.reports import REPORTS
from engine.reports.callbacks import answered_in_time
from engine.reports.model import Report, Table, Term, count, mean, share, word
from engine.reports.period import month_of, parse, week_of
from engine.reports.read import Clock, Closed, Fact, Work
from engine.reports.report_text import ReportText, book
from engine.reports.sla import became
from engine.reports.upgrades import risen
from engine.reports.writing import csv_lines


@pytest.mark.parametrize("locale", LOCALES)
def test_every_department_that_a_form_offers_has_a_name(locale: str) -> None:
    release = Release(1, read_folder(CHECKOUT))
    in_words = ReportText(release, locale)
    offered = {
        str(option.value)
        for form in release.forms.values()
        for field in form.fields
        if field.name == "department"
        for option in field.options
    }
    assert "order" in offered
    assert [code for code in offered if in_words.term(Term("department", code)) == code] == []


def case(**facts: list[object]) -> Closed:
    made = Closed(
        "c1", "general_complaint", "2026-03-01T00:00:00+00:00", "2026-03-02T00:00:00+00:00", "x", None
    )
    made.facts = {
        name: [Fact(seq, f"2026-03-01T0{seq}:00:00+00:00", value) for seq, value in enumerate(values)]
        for name, values in facts.items()
    }
    return made


def clock(parameter: str, *, breached: str | None = None, state: str = "met") -> Clock:
    at = "2026-03-01T02:00:00+00:00"
    return Clock("c1", parameter, state, "2026-03-01T00:00:00+00:00", at, breached, at, "", None)


# ---------------------------------------------------------------- periods
@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2015-05", "2015-04-30T16:00:00+00:00", "2015-05-31T16:00:00+00:00"),
        ("2015-W20", "2015-05-10T16:00:00+00:00", "2015-05-17T16:00:00+00:00"),
        ("2015-05-20", "2015-05-19T16:00:00+00:00", "2015-05-20T16:00:00+00:00"),
        ("2015-05-01..2015-06-01", "2015-04-30T16:00:00+00:00", "2015-05-31T16:00:00+00:00"),
        ("2015", "2014-12-31T16:00:00+00:00", "2015-12-31T16:00:00+00:00"),
        ("2020-W53", "2020-12-27T16:00:00+00:00", "2021-01-03T16:00:00+00:00"),
    ],
)
def test_periods_are_whole_local_days(text: str, begins: str, ends: str) -> None:
    assert (parse(text).begins, parse(text).ends) == (begins, ends)


@pytest.mark.parametrize(
    "text",
    ["", "may", "2015-13", "2015-W54", "2015-02-30", "2015-06-01..2015-05-01", "2015-05-01..2015-05-01",
     "2000-01-01..2015-01-01", "0000", "9999", "２０１５-05", "0001"],
)  # fmt: skip
def test_other_periods_are_refused(text: str) -> None:
    with pytest.raises(Rejected):
        parse(text)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("2015-01", "2014-12", "2015-02"),
        ("2015-W01", "2014-W52", "2015-W02"),
        ("2015", "2014", "2016"),
        ("2015-03-01", "2015-02-28", "2015-03-02"),
        ("2015-05-01..2015-05-11", "2015-04-21..2015-05-01", "2015-05-11..2015-05-21"),
    ],
)
def test_the_period_before_and_after(text: str, before: str, after: str) -> None:
    assert (parse(text).beside(-1).text, parse(text).beside(1).text) == (before, after)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_every_day_is_in_its_week_and_month(day: date) -> None:
    for period in (week_of(day), month_of(day)):
        assert period.first <= day < period.end
        assert period.beside(1).first == period.end
        assert parse(period.text) == period


def test_many_days_are_told_by_months() -> None:
    assert list(parse("2015").course())[:2] == ["2015-01", "2015-02"]
    assert len(parse("2015-05").course()) == 31
    assert parse("2015-05").part_of("2015-05-09T16:00:00+00:00") == "2015-05-10"


# ---------------------------------------------------------------- what figures mean
@pytest.mark.parametrize(
    ("levels", "rises"),
    [
        ([], []),
        (["severe"], []),
        (["general", "severe", "major"], [("general", "severe"), ("severe", "major")]),
        (["general", "major"], [("general", "major")]),
        (["general", "severe", "general", "severe"], [("general", "severe")]),
        (["major", "general"], []),
        (["general", "nonsense", "severe"], [("general", "severe")]),
    ],
)
def test_severity_rises_once_to_each_level(levels: list[object], rises: list[tuple[str, str]]) -> None:
    assert risen(case(severity=levels)) == rises


@pytest.mark.parametrize(
    ("late", "in_time", "answer"),
    [
        ((), (), True),
        (("TEL_BILLING_REPLY",), (), False),
        (("TEL_BILLING_REPLY",), ("COU_CLOSE_GENERAL",), True),
        (("COU_CLOSE_SEVERE",), ("COU_CLOSE_GENERAL",), False),
    ],
)
def test_a_closing_limit_decides_whether_a_case_was_closed_in_time(
    late: tuple[str, ...], in_time: tuple[str, ...], answer: bool
) -> None:
    one = case()
    one.clocks = [clock(name, breached="2026-03-01T02:00:00+00:00") for name in late]
    one.clocks += [clock(name) for name in in_time]
    assert one.in_time is answer


def test_a_limit_that_had_passed_is_missed_even_when_it_fell_away() -> None:
    assert became(clock("X", state="stopped")) == "stopped"
    assert became(clock("X", state="stopped", breached="2026-03-01T02:00:00+00:00")) == "missed"


def test_answered_in_time_needs_a_person_on_the_line() -> None:
    one = case(result=["no_answer", "reached"])
    one.clocks = [clock("CAN_CALLBACK_1")]
    assert answered_in_time(one)  # reached at 01:00, due at 02:00
    one.facts["result"] = [Fact(1, "2026-03-01T02:00:01+00:00", "reached")]
    assert not answered_in_time(one)
    one.facts["result"] = [Fact(1, "2026-03-01T01:00:00+00:00", "busy")]
    assert not answered_in_time(one)


def test_the_branch_concerned_comes_before_the_department() -> None:
    assert case().branch == "unassigned"
    assert case(department=["om"]).branch == "om"
    assert case(department=["om"], responsible_branch=["东区", "西区"]).branch == "西区"


def test_who_handled_it_is_not_who_asked_about_it() -> None:
    one = case()
    one.work = [Work("1", "charge_check", "a"), Work("2", "reply_customer", "b"), Work("3", "archive", "c"),
                Work("4", "satisfaction_revisit", "d"), Work("5", "rehandle_result", "e")]  # fmt: skip
    assert one.handler() == "e"
    assert one.handler(before="4") == "b"


def test_dissatisfied_by_rating_or_by_what_was_not_solved() -> None:
    assert case(overall=[2]).dissatisfied
    assert case(overall=[5], solved=[False]).dissatisfied
    assert not case(overall=[1, 3]).dissatisfied
    assert case(owner_satisfied=[False], satisfaction=[4]).dissatisfied
    assert case(patient_satisfaction=[4]).score == 4
    assert not case().rated


def test_figures_know_their_cases() -> None:
    assert count(["a", "b", "a"]).value == 3
    assert count(["a", "b", "a"]).cases == ("a", "b")
    assert share(["a"], ["a", "b"]).value == 0.5
    assert share([], []).value is None
    assert mean([("a", 1), ("b", 4)]).value == 2.5
    assert mean([]).value is None


# ---------------------------------------------------------------- words
def strings(module: str) -> set[str]:
    """Codes given to ``word`` and ``words``, keys of tables."""
    found = set()
    for node in ast.walk(ast.parse(Path(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if node.func.id in ("word", "words"):
                found |= set(texts)
            elif node.func.id == "Table" and texts:
                found.add(f"table:{texts[0]}")
    return found


def test_every_word_is_told_in_every_language() -> None:
    used = set().union(*(strings(str(path)) for path in (CHECKOUT / "engine/reports").glob("*.py")))
    assert used - book().keys() == set()
    assert {f"{kind}:{name}" for kind in ("report", "about") for name in REPORTS} <= book().keys()
    for code, texts in book().items():
        assert all(texts[locale].strip() for locale in LOCALES), code


def test_an_instant_of_another_year_has_its_year() -> None:
    instants = [Term("instant", f"{year}-01-04T02:43:00+00:00") for year in (2015, 2026)]
    release = Release(1, {})
    assert [ReportText(release, "en", year=2026).term(at) for at in instants] == [
        "2015-01-04 10:43",
        "01-04 10:43",
    ]
    assert [ReportText(release, "en").term(at) for at in instants] == ["2015-01-04 10:43", "2026-01-04 10:43"]


def test_unknown_codes_are_told_as_they_are() -> None:
    in_words = ReportText(Release(1, {}), "en")
    for kind in ("word", "process", "parameter", "department", "triage", "text"):
        assert in_words.term(Term(kind, "some_code")).endswith("some_code")
    assert in_words.term(Term("outcome", "gone/ended")) == "ended"
    assert in_words.term(Term("field", "overall/5")) == "5"
    assert in_words.term(Term("instant", "2026-03-02T01:00:00+00:00")) == "2026-03-02 09:00"


# ---------------------------------------------------------------- CSV
@given(st.text())
def test_no_cell_begins_a_formula(text: str) -> None:
    cell = safe(text)
    assert cell.lstrip(" ")[:1] not in tuple("=+-@\t\r\n＝＋－＠")
    assert cell in (text, "'" + text)


def test_csv_begins_with_its_mark_and_escapes() -> None:
    table = Table("list", (word("branch"), word("cases")), ((Term("text", "=HYPERLINK(1)"), count(["a"])),))
    report = Report("closed_list", parse("2015-05"), ("a",), (table,))
    text = "".join(csv_lines(report, [table], ReportText(Release(1, {}), "zh-Hans")))
    assert text == "\ufeff分点部／部门,工单数\r\n'=HYPERLINK(1),1\r\n"
    both = "".join(csv_lines(report, [table, table], ReportText(Release(1, {}), "en")))
    assert both.count("2015-05") == 2
