"""Named limits: the table against the domain's list, due times by hand, warnings and pauses."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile
from engine.base.locales import LOCALES
from engine.base.safe_parsing import parse_xml
from engine.base.settings import CHECKOUT
from engine.sla.calendar import Calendar
from engine.sla.durations import Duration, parse_duration, parse_moment, parse_short, parse_window
from engine.sla.time_rules import (
    DueDate,
    Parameter,
    TimeRules,
    due,
    due_after_pause,
    explain_due,
    load_parameters,
    outside_quiet_hours,
    remaining,
    warn_instants,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
TABLE = (CHECKOUT / "bpmn" / "decisions" / "sla.dmn").read_bytes()
PARAMETERS = load_parameters(TABLE)
CHINA = Calendar.load((CHECKOUT / "bpmn" / "calendars" / "cn.json").read_bytes())
RULES = TimeRules(PARAMETERS, CHINA)
SOURCE = Path(__file__).parent.parent / "data" / "sla.psv"

starts = st.datetimes(
    datetime.fromisoformat("2004-01-02"), datetime.fromisoformat("2026-06-01"), timezones=st.just(UTC)
).map(lambda instant: instant.replace(microsecond=0))
limits = st.sampled_from(
    [p for p in PARAMETERS.values() if p.clock in ("clock", "work") and p.iso[0] in "PR"]
)
waits = st.timedeltas(timedelta(), timedelta(days=40)).map(lambda t: t - t % timedelta(seconds=1))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


# ------------------------------------------------------------------ the table
def test_every_row_of_the_domain_list_stands_in_the_table() -> None:
    with SOURCE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE))
    assert len(rows) == 65
    for row in rows:
        found = PARAMETERS[row["id"]]
        clock = found.clock.replace("_", " ") + (f" ({found.clock_note})" if found.clock_note else "")
        assert {
            "id": found.id, "value": found.value, "iso": found.iso, "clock": clock,
            "counted_from": found.anchor["en"], "process": "; ".join(found.process), "bpmn": found.element,
            "on_expiry": found.on_expiry["en"], "source": found.source, "quote": found.quote,
        } == row  # fmt: skip
        assert found.unconfirmed is bool(re.search("number lost|not stated", row["value"])), row["id"]
        assert found.interrupting is False, row["id"]
    assert list(PARAMETERS)[:65] == [row["id"] for row in rows]


def test_the_guards_and_the_regulators_clocks_stand_in_it_too() -> None:
    numbers = {"SLA_WARN_RATIO": 0.8, "LOOP_MAX_UNSATISFIED": 3, "UNREACHABLE_MAX": 3, "CAN_MAX_ATTEMPTS": 2,
               "REOPEN_WINDOW": 720, "REG_TEL_REPLY": 360, "REG_FAULT_URBAN": 48, "REG_FAULT_RURAL": 72,
               "REG_INS_SIMPLE": 360, "REG_INS_COMPLEX": 720, "PROP_COMPLAINT_NOTIFY": 1 / 6,
               "COU_CLOSE_GENERAL": 24}  # fmt: skip
    assert {name: RULES.number(name) for name in numbers} == numbers
    assert RULES.choice("CAN_CALLBACK_2_ANCHOR") == "registered"
    with pytest.raises(InvalidFile, match="not a number"):
        RULES.number("QUIET_HOURS")
    with pytest.raises(InvalidFile, match="NOT_THERE"):
        RULES.number("NOT_THERE")


def test_only_closing_limits_pause_and_the_regulators_never() -> None:
    assert {name for name, p in PARAMETERS.items() if p.pausable} == {
        "COU_CLOSE_GENERAL", "COU_CLOSE_SEVERE", "COU_CLOSE_MAJOR",
        "TEL_NETWORK_REPLY", "TEL_BILLING_REPLY", "TEL_FIXED_ETA_REPLY",
    }  # fmt: skip
    assert {name for name, p in PARAMETERS.items() if p.interrupting} == {"NUM_HOLD", "ECOM_POSTAGE_WAIT"}


def test_people_read_every_row_in_their_language() -> None:
    for parameter in PARAMETERS.values():
        for texts in (parameter.name, parameter.anchor, parameter.on_expiry):
            assert set(texts) == set(LOCALES)
            assert all(texts.values())
        assert not re.search("[,;()]", parameter.name["zh-Hans"] + parameter.anchor["zh-Hant-HK"])


def test_ids_are_unique_in_the_file() -> None:
    ids = [element.get("id") for element in parse_xml(TABLE).iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def edited(old: str, new: str) -> Callable[[], bytes]:
    assert TABLE.decode().count(old) >= 1, old
    return lambda: TABLE.decode().replace(old, new).encode()


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (edited('"PT2H"', '"PT2"'), "CAN_CALLBACK_1: 'PT2' is not a duration"),
        (edited('"PT2H"', '"PT2WH"'), "does not count clock time"),
        (edited('"PT2H"', "PT2H"), "not a text in quotes"),
        (edited('name="iso"', 'name="length"'), "no column 'iso'"),
        (edited('<text>"CAN_CALLBACK_2"</text>', '<text>"CAN_CALLBACK_1"</text>'), "one row only"),
        (edited('<text>"SLA_WARN_RATIO"</text>', '<text>"1.5"</text>'), "not between 0 and 1"),
        (edited('<text>"time_of_day"</text>', '<text>"sundial"</text>'), "sundial"),
        (edited("decisionTable", "literalExpression"), "sla.dmn"),
        (lambda: b"<!DOCTYPE a []><a/>", "DOCTYPE"),
        (lambda: b"no xml", "not well-formed"),
    ],
)
def test_a_broken_table_is_refused_with_its_row(table: Callable[[], bytes], complaint: str) -> None:
    with pytest.raises(InvalidFile, match=complaint):
        load_parameters(table())


# ------------------------------------------------------------------ due
@pytest.mark.parametrize(
    ("parameter", "start", "expected"),
    [
        ("COU_ASSIST_FIRST", "2026-03-06 17:00", "2026-03-09 10:00"),
        ("COU_ASSIST_FIRST", "2026-02-13 17:00", "2026-02-14 10:00"),  # make-up Saturday
        ("COU_ASSIST_FIRST", "2026-04-03 17:00", "2026-04-07 10:00"),  # Monday is a holiday
        ("COU_FIRST_CUSTOMER_CONTACT", "2026-03-06 23:40", "2026-03-07 00:40"),
        ("COU_CUSTOMER_UPDATE", "2026-03-10 11:00", "2026-03-10 16:00"),
        ("COU_CUSTOMER_UPDATE", "2026-03-10 16:00", "2026-03-11 11:00"),
        ("INS_VIOLATION_REPORT", "2026-03-12 10:30", "2026-03-17 10:30"),  # Thursday → Tuesday
        ("CAN_CALLBACK_1", "2026-02-13 16:00", "2026-02-13 18:00"),
        ("CAN_CALLBACK_2", "2026-02-13 16:00", "2026-02-15 16:00"),
        ("ECOM_WAREHOUSE_CUTOFF", "2026-03-10 16:05", "2026-03-10 16:00"),
        ("ECOM_RETURN_TO_AFTERSALES", "2026-03-11 09:00", "2026-03-12 15:00"),
        ("ECOM_AUTO_CONFIRM_WARN", "2026-03-11 09:00", "2026-03-09 09:00"),
        ("CABLE_MONTHLY_STATS", "2026-12-15 09:00", "2027-01-01 00:00"),
        ("COU_WEEKLY_LIST", "2026-03-09 09:00", "2026-03-16 09:00"),
        ("COU_WEEKLY_LIST", "2026-03-09 08:59", "2026-03-09 09:00"),
        ("COU_MONTHLY_UPGRADES", "2026-03-01 00:00", "2026-03-05 00:00"),
        ("COU_MONTHLY_UPGRADES", "2026-03-05 00:00", "2026-04-05 00:00"),
        ("REG_TEL_REPLY", "2026-02-13 16:00", "2026-02-28 16:00"),
    ],
)
def test_due_times_by_hand(parameter: str, start: str, expected: str) -> None:
    assert RULES.due(parameter, at(start)) == DueDate(at(expected).astimezone(UTC), False)


def test_a_due_time_in_an_unknown_year_is_provisional() -> None:
    assert RULES.due("COU_CLOSE_GENERAL", at("2026-12-30 16:00")) == DueDate(
        at("2027-01-04 16:00").astimezone(UTC), True
    )
    assert RULES.due("REG_TEL_REPLY", at("2026-12-30 16:00")).provisional is False


@pytest.mark.parametrize("name", ["CAN_MAX_ATTEMPTS", "PROP_RVA_PITCH", "CAMPUS_PHONE_24H", "QUIET_HOURS"])
def test_what_is_no_limit_in_time_has_no_due_time(name: str) -> None:
    with pytest.raises(InvalidFile, match=name):
        RULES.due(name, at("2026-02-13 16:00"))


def test_rules_without_a_table_know_elapsed_time_only() -> None:
    rules = TimeRules.empty()
    assert rules.after(at("2026-02-13 16:00"), "PT2H") == at("2026-02-13 18:00")
    assert rules.outside_quiet_hours(at("2026-02-13 22:00")) == at("2026-02-13 22:00")
    assert RULES.after(at("2026-02-13 17:00"), "PT2WH") == at("2026-02-14 10:00")


# ------------------------------------------------------------------ warnings
@pytest.mark.parametrize(
    ("parameter", "start", "warnings"),
    [
        ("CAN_CALLBACK_1", "2026-02-13 16:00", ["2026-02-13 17:36"]),
        # 0.8 of 40 working hours are 32: the end of the fourth day, not the morning of the fifth.
        ("COU_CLOSE_SEVERE", "2026-03-09 09:00", ["2026-03-12 18:00"]),
        ("REG_TEL_REPLY", "2026-02-13 16:00", ["2026-02-23 16:00", "2026-02-26 16:00"]),
        ("PROP_COMPLAINT_SUPERVISE_MIN", "2026-02-13 16:00", []),
    ],
)
def test_warnings_by_hand(parameter: str, start: str, warnings: list[str]) -> None:
    due_at = RULES.due(parameter, at(start)).due
    assert RULES.warn_instants(parameter, at(start), due_at) == [at(w) for w in warnings]


def test_a_pause_moves_the_warning_with_the_due_time() -> None:
    """Two hours, one used, a day of pause: 24 minutes before the new end, not 0.8 of the whole span."""
    start = at("2026-03-10 10:00")
    resumed = at("2026-03-11 11:00")
    new = RULES.due_after_pause("TEL_FIXED_ETA_REPLY", resumed, 3600)
    assert new == at("2026-03-11 12:00")
    assert RULES.warn_instants("TEL_FIXED_ETA_REPLY", start, new) == [at("2026-03-11 11:36")]


def test_an_agreed_earlier_due_time_shortens_the_span() -> None:
    start, agreed = at("2026-03-10 10:00"), at("2026-03-10 11:00")
    assert RULES.warn_instants("CAN_CALLBACK_1", start, agreed) == [at("2026-03-10 10:48")]
    assert RULES.warn_instants("CAN_CALLBACK_1", start, start) == []


@given(limits, starts)
def test_a_warning_comes_after_the_start_and_before_the_due_time(
    parameter: Parameter, start: datetime
) -> None:
    end = due(parameter, start, CHINA).due
    for warning in warn_instants(parameter, start, end, CHINA):
        assert start < warning < end
        if parameter.clock == "work":
            assert CHINA.is_working(warning)
            if parameter.warn == (Fraction(4, 5),):
                assert CHINA.between(start, warning) * 5 == CHINA.between(start, end) * 4


# ------------------------------------------------------------------ pauses
@given(limits, starts, waits, waits)
def test_a_pause_never_makes_a_due_date_earlier(
    parameter: Parameter, start: datetime, until: timedelta, pause: timedelta
) -> None:
    end = due(parameter, start, CHINA).due
    paused = start + until
    assume(paused <= end)
    left = remaining(parameter, paused, end, CHINA)
    after = due_after_pause(parameter, paused + pause, left, CHINA).due
    assert after >= end
    if parameter.clock == "work":
        assert CHINA.provisional.is_working(after)
    else:
        assert after == end + pause


@given(limits, starts, waits, waits, waits)
def test_splitting_a_pause_changes_nothing(
    parameter: Parameter, start: datetime, until: timedelta, first: timedelta, second: timedelta
) -> None:
    end = due(parameter, start, CHINA).due
    paused = start + until
    assume(paused <= end)
    left = remaining(parameter, paused, end, CHINA)
    whole = due_after_pause(parameter, paused + first + second, left, CHINA)
    middle = due_after_pause(parameter, paused + first, left, CHINA)
    again = remaining(parameter, paused + first, middle.due, CHINA)
    assert again == left
    assert due_after_pause(parameter, paused + first + second, again, CHINA) == whole


def test_nothing_remains_after_the_due_time() -> None:
    assert RULES.remaining("CAN_CALLBACK_1", at("2026-03-10 13:00"), at("2026-03-10 12:00")) == 0
    assert RULES.remaining("COU_CLOSE_GENERAL", at("2026-03-06 17:00"), at("2026-03-09 10:00")) == 7200


# ------------------------------------------------------------------ quiet hours
@pytest.mark.parametrize(
    ("instant", "free"),
    [
        ("2026-03-10 20:59:59", "2026-03-10 20:59:59"),
        ("2026-03-10 21:00:00", "2026-03-11 09:00"),
        ("2026-03-10 23:40:00", "2026-03-11 09:00"),
        ("2026-03-11 00:00:00", "2026-03-11 09:00"),
        ("2026-03-11 08:59:59", "2026-03-11 09:00"),
        ("2026-03-11 09:00:00", "2026-03-11 09:00"),
    ],
)
def test_quiet_hours(instant: str, free: str) -> None:
    assert outside_quiet_hours(at(instant), PARAMETERS) == at(free)


def test_quiet_hours_within_one_day() -> None:
    lunch = replace(PARAMETERS["QUIET_HOURS"], limit=parse_window("T12:00/T14:00"))
    assert outside_quiet_hours(at("2026-03-10 12:30"), {"QUIET_HOURS": lunch}) == at("2026-03-10 14:00")
    assert outside_quiet_hours(at("2026-03-10 15:00"), {"QUIET_HOURS": lunch}) == at("2026-03-10 15:00")


# ------------------------------------------------------------------ writing
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT2H", Duration("clock", timedelta(hours=2))),
        ("P1DT12H30M", Duration("clock", timedelta(hours=36, minutes=30))),
        ("P2W", Duration("clock", timedelta(days=14))),
        ("-P2D", Duration("clock", timedelta(days=-2))),
        ("PT2WH", Duration("work", timedelta(hours=2))),
        ("P0.5WD", Duration("work", timedelta(hours=4))),
        ("P1WDT2WH30WM", Duration("work", timedelta(hours=10, minutes=30))),
        ("R/PT2WH", Duration("work", timedelta(hours=2), every=True)),
    ],
)
def test_durations(text: str, expected: Duration) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "2H", "PT2", "P2H", "PT2D", "P1M", "P1Y", "PT0S", "P1DT2WH", "PT1.0001S", "P99999999D",
     "PT2H ", "P1D\n", "P-1D", "PT1e3H"],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidFile):
        parse_duration(text)


@pytest.mark.parametrize("text", ["T25:00", "T9:00", "day 31", "day 0", "R/P1D", "15:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidFile):
        parse_moment(text)


def test_short_durations_of_the_command_line() -> None:
    assert parse_short("90m", "clock").length == timedelta(minutes=90)
    assert parse_short("3d", "clock").length == timedelta(days=3)
    assert parse_short("3d", "work").length == timedelta(hours=24)
    assert parse_short("1d4h", "work").length == timedelta(hours=12)
    for text in ("", "0h", "8", "h", "8x", "-8h", "8 h", "1e9h", "999999999d"):
        with pytest.raises(InvalidFile):
            parse_short(text, "work")


# ------------------------------------------------------------------ words
def test_the_explanation_in_three_languages() -> None:
    start = at("2026-02-13 19:00")
    texts = {
        locale: "\n".join(explain_due(PARAMETERS["COU_REVISIT"], start, CHINA, locale)) for locale in LOCALES
    }
    assert texts["zh-Hans"] == (
        "满意度回访：从非一次性解决工单结束（2026年2月13日 周五 19:00）起算 7 个工作日（56 个工作小时）。\n"
        "只计工作时间：工作日历（中国大陆）。\n"
        "2月13日 周五：当天余下时间不在工作时间，不计。\n"
        "2月14日 周六（春节调休上班）：09:00–12:00、13:00–18:00，计 8 小时。\n"
        "2月15日 周日 至 2月23日 周一：春节放假，不计。\n"
        "2月24日 周二 至 2月27日 周五：全天，共计 32 小时。\n"
        "2月28日 周六（春节调休上班）：09:00–12:00、13:00–18:00，计 8 小时。\n"
        "3月1日 周日：周末，不计。\n"
        "3月2日 周一：09:00–12:00、13:00–18:00，计 8 小时。\n"
        "到期：2026年3月2日 周一 18:00。"
    )
    assert "2月15日 週日 至 2月23日 週一：春節放假，不計。" in texts["zh-Hant-HK"]
    assert "Sun 15 Feb – Mon 23 Feb: Spring Festival, closed." in texts["en"]


def test_the_explanation_says_what_is_not_certain() -> None:
    lines = explain_due(
        PARAMETERS["COU_CLOSE_GENERAL"], at("2026-12-30 16:00"), CHINA, "en", at("2027-01-05 16:00")
    )
    assert "The holidays of 2027 are not known yet: weekdays only, the date is provisional." in lines
    assert "Due: Mon 4 Jan 2027 16:00." in lines
    assert "Moved by a pause or a recorded change; due now: Tue 5 Jan 2027 16:00." in lines
    assert lines[-1].startswith("The source gives no number")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_limit_can_be_explained(locale: str) -> None:
    for parameter in PARAMETERS.values():
        if parameter.clock in ("clock", "work", "time_of_day") and parameter.id != "QUIET_HOURS":
            lines = explain_due(parameter, at("2026-02-13 16:00:05"), CHINA, locale)
            assert lines[0].startswith(parameter.name[locale])


def test_a_limit_is_longer_than_nothing_and_at_most_a_hundred_years() -> None:
    century = timedelta(days=36525)
    assert parse_duration("P36525D").length == century
    assert parse_short("36525d", "clock").length == century
    for text in ("P36526D", "PT0S", "P0D"):
        with pytest.raises(InvalidFile, match="at most 100 years"):
            parse_duration(text)
    for text in ("36526d", "0h"):
        with pytest.raises(InvalidFile, match="at most 100 years"):
            parse_short(text, "clock")


def test_a_day_on_the_command_line_is_a_day_or_a_working_day() -> None:
    assert parse_short("1d4h30m", "clock").length == timedelta(days=1, hours=4, minutes=30)
    assert parse_short("1d4h30m", "work").length == timedelta(hours=12, minutes=30)
