"""Working time: due instants written by hand, laws of the arithmetic, and the data against its sources."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile, UnknownYear
from engine.base.settings import CHECKOUT
from engine.cli.calendar_data import calendar_data, cross_check, generate, render
from engine.sla.calendar import Calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
FILE = CHECKOUT / "bpmn" / "calendars" / "cn.json"
CHINA = Calendar.load(FILE.read_bytes())
ALWAYS = Calendar.load((CHECKOUT / "bpmn" / "calendars" / "24x7.json").read_bytes())

FIRST, LAST = datetime.fromisoformat("2004-01-02"), datetime.fromisoformat("2026-06-01")
starts = st.datetimes(FIRST, LAST, timezones=st.sampled_from([SHANGHAI, UTC]))
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(hours=400))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        # Two working hours from Friday 17:00: Monday, a make-up Saturday, a Monday that is a holiday.
        ("2026-03-06 17:00", 120, "2026-03-09 10:00"),
        ("2026-02-13 17:00", 120, "2026-02-14 10:00"),
        ("2026-04-03 17:00", 120, "2026-04-07 10:00"),
        # Half a working day at a time: over lunch, then over night.
        ("2026-03-10 11:00", 240, "2026-03-10 16:00"),
        ("2026-03-10 16:00", 240, "2026-03-11 11:00"),
        # Three working days from a Thursday: Tuesday, because the day of receipt is day 0.
        ("2026-03-12 10:30", 3 * 480, "2026-03-17 10:30"),
        ("2026-03-16 16:00", 3 * 480, "2026-03-19 16:00"),
        # Earliest instant by which the time has passed: a closing instant, not the next opening.
        ("2026-03-09 09:00", 3 * 480, "2026-03-11 18:00"),
        ("2026-03-09 09:00", 180, "2026-03-09 12:00"),
        ("2026-03-09 12:00", 60, "2026-03-09 14:00"),
        ("2026-03-09 12:00", 300, "2026-03-09 18:00"),
        # A start outside working time moves to the next opening.
        ("2026-03-09 07:00", 60, "2026-03-09 10:00"),
        ("2026-03-09 12:30", 60, "2026-03-09 14:00"),
        ("2026-03-06 19:00", 60, "2026-03-09 10:00"),
        ("2026-03-06 19:00", 0, "2026-03-09 09:00"),
        ("2026-03-06 18:00", 0, "2026-03-06 18:00"),
        # The example of the handbook: Friday, then a make-up Saturday.
        ("2026-02-13 16:00", 480, "2026-02-14 16:00"),
        # Over the whole Spring Festival (15 to 23 February).
        ("2026-02-14 17:00", 120, "2026-02-24 10:00"),
        # Over New Year; 2005-12-31 was a make-up Saturday, 2006-01-02 and 03 were off.
        ("2005-12-30 17:00", 120, "2005-12-31 10:00"),
        ("2005-12-31 17:00", 120, "2006-01-04 10:00"),
        ("2025-12-31 17:30", 60, "2026-01-04 09:30"),
    ],
)
def test_due_instants_by_hand(start: str, minutes: int, due: str) -> None:
    assert CHINA.add_working(at(start), minutes) == at(due)


def test_results_are_in_utc_and_exact_to_the_second() -> None:
    due = CHINA.add(at("2026-03-09 17:59:59"), timedelta(seconds=2))
    assert due.isoformat() == "2026-03-10T01:00:01+00:00"


@pytest.mark.parametrize("start", ["2027-01-01 00:00", "2027-06-01 10:00", "2003-12-31 10:00"])
def test_a_year_without_data_is_refused(start: str) -> None:
    with pytest.raises(UnknownYear, match=rf"does not cover {start[:4]}.*2004 to 2026"):
        CHINA.add_working(at(start), 60)


def test_a_count_that_runs_into_2027_is_refused_and_one_that_just_fits_is_not() -> None:
    start = at("2026-12-31 17:00")
    assert CHINA.add_working(start, 60) == at("2026-12-31 18:00")
    with pytest.raises(UnknownYear, match="2027"):
        CHINA.add_working(start, 61)
    with pytest.raises(UnknownYear, match="2027"):
        CHINA.add_working(at("2026-12-31 18:01"), 0)
    with pytest.raises(UnknownYear, match="2027"):
        CHINA.working_minutes(start, at("2027-01-04 10:00"))


def test_the_provisional_variant_guesses_weekdays_and_says_so() -> None:
    start = at("2026-12-31 17:00")
    assert CHINA.provisional.add_working(start, 120) == at("2027-01-01 10:00")
    assert [s.day.guessed for s in CHINA.provisional.explain(start, 120)] == [False, True]
    assert CHINA.provisional.add_working(at("2026-02-13 16:00"), 480) == at("2026-02-14 16:00")
    assert CHINA.ends_at == at("2027-01-01 00:00")


def test_around_the_clock_every_minute_counts_in_every_year() -> None:
    assert ALWAYS.add_working(at("2031-12-31 23:00"), 3 * 24 * 60) == at("2032-01-03 23:00")
    assert ALWAYS.ends_at is None
    assert ALWAYS.provisional is ALWAYS


def test_time_between_is_negative_backwards_and_nothing_at_once() -> None:
    friday, monday = at("2026-03-06 17:00"), at("2026-03-09 10:00")
    assert CHINA.between(friday, monday) == timedelta(hours=2)
    assert CHINA.between(monday, friday) == -timedelta(hours=2)
    assert CHINA.working_minutes(monday, friday) == -120
    assert CHINA.between(friday, friday) == timedelta()


def test_years_are_added_up_and_counted_back() -> None:
    before, later = at("2023-12-29 17:00"), at("2026-01-04 10:00")
    between = CHINA.between(before, later)
    assert CHINA.add(before, between) == later
    assert CHINA.subtract(later, between) == before


def test_only_what_lies_ahead_is_added_and_what_lies_behind_subtracted() -> None:
    start = at("2026-03-09 10:00")
    with pytest.raises(ValueError, match="cannot be negative"):
        CHINA.add(start, -timedelta(microseconds=1))
    for length in (timedelta(), -timedelta(minutes=1)):
        with pytest.raises(ValueError, match="must be positive"):
            CHINA.subtract(start, length)


@pytest.mark.parametrize(
    ("when", "working"),
    [
        ("2026-03-09 08:59", False),
        ("2026-03-09 09:00", True),
        ("2026-03-09 12:00", True),
        ("2026-03-09 12:01", False),
        ("2026-03-09 13:00", True),
        ("2026-03-09 18:00", True),
        ("2026-03-09 18:01", False),
        ("2026-03-07 10:00", False),
        ("2026-02-14 10:00", True),
    ],
)
def test_opening_and_closing_instants_are_working_time(when: str, *, working: bool) -> None:
    assert CHINA.is_working(at(when)) is working


def test_an_instant_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        CHINA.add_working(datetime(2026, 3, 9, 9), 60)  # noqa: DTZ001 (that is the point)


def test_the_explanation_names_what_was_used_and_why_days_were_skipped() -> None:
    segments = CHINA.explain(at("2026-02-13 17:00"), 480 + 120)
    assert [(s.day.date.day, s.day.kind, s.worked / timedelta(hours=1)) for s in segments if s.spans] == [
        (13, "workday", 1), (14, "make_up", 8), (24, "workday", 1),
    ]  # fmt: skip
    skipped = [s.day for s in segments if not s.spans]
    assert [day.date for day in skipped] == [date(2026, 2, 15) + timedelta(days=n) for n in range(9)]
    assert {day.name["en"] for day in skipped if day.name} == {"Spring Festival"}


@given(starts, lengths)
def test_adding_then_measuring_gives_the_length_back(start: datetime, length: timedelta) -> None:
    due = CHINA.add(start, length)
    assert CHINA.between(start, due) == length
    assert CHINA.is_working(due)
    assert CHINA.between(start, due - timedelta(microseconds=1)) < length  # nothing earlier would do
    assert sum((s.worked for s in CHINA.segments(start, due)), timedelta()) == length


@given(starts, lengths, lengths)
def test_counting_in_two_steps_is_counting_once(start: datetime, a: timedelta, b: timedelta) -> None:
    assert CHINA.add(CHINA.add(start, a), b) == CHINA.add(start, a + b)


@given(starts, lengths)
def test_going_back_undoes_going_forward(end: datetime, length: timedelta) -> None:
    start = CHINA.provisional.subtract(end, length)
    assert CHINA.provisional.between(start, end) == length
    assert CHINA.provisional.add(start, length) <= end


@given(starts, starts, lengths)
def test_a_later_start_is_never_due_earlier(a: datetime, b: datetime, length: timedelta) -> None:
    first, second = sorted((a, b))
    assert CHINA.add(first, length) <= CHINA.add(second, length)


@given(starts, st.integers(0, 20_000))
def test_the_tables_agree_with_counting_minute_by_minute(start: datetime, minutes: int) -> None:
    """Against the slowest possible calculator, on whole minutes."""
    start, minutes = start.replace(second=0, microsecond=0), minutes % 600 + 1
    now, left = start.astimezone(SHANGHAI), minutes
    while left:
        day = CHINA.day(now.date())
        minute = now.hour * 60 + now.minute
        left -= any(opening <= minute < closing for opening, closing in day.hours)
        now += timedelta(minutes=1)
    assert CHINA.add_working(start, minutes) == now


def test_a_deadline_costs_microseconds() -> None:
    import timeit

    start = at("2026-02-13 16:00")
    CHINA.add_working(start, 7 * 480)
    assert min(timeit.repeat(lambda: CHINA.add_working(start, 7 * 480), number=1000, repeat=5)) < 0.1


# ------------------------------------------------------------------ the data
def test_the_file_is_what_the_generator_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == render(generate())


def test_two_independent_sources_agree_on_every_day() -> None:
    years = json.loads(FILE.read_text(encoding="utf-8"))["years"]
    assert list(map(int, years)) == list(range(2004, 2027))
    assert cross_check(years) == []
    del years["2026"]["make_up_days"]["2026-02-14"]
    assert cross_check({"2026": years["2026"]}) == ["2026-02-14"]


def test_the_command_says_when_the_file_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "bpmn" / "calendars" / "cn.json"
    copy.parent.mkdir(parents=True)
    monkeypatch.setenv("GONGDAN_PROJECT", str(tmp_path))
    copy.write_text("{}", encoding="utf-8")
    stale = CliRunner().invoke(calendar_data, ["--check"])
    assert (stale.exit_code, "run calendar-data" in stale.output) == (1, True)
    assert CliRunner().invoke(calendar_data, []).exit_code == 0
    assert copy.read_bytes() == FILE.read_bytes()
    assert CliRunner().invoke(calendar_data, ["--check"]).exit_code == 0


def broken(**changes: Any) -> dict[str, Any]:
    return {**json.loads(FILE.read_text(encoding="utf-8")), **changes}


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (b"[]", "must hold an object"),
        (b"{", "not valid JSON"),
        (broken(zone="Mars/Olympus"), "Mars/Olympus"),
        (broken(week={}), "'mon' is missing"),
        (broken(week=dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ())), "no weekday"),
        (broken(make_up=[["13:00", "18:00"], ["09:00", "12:00"]]), "in order"),
        (broken(make_up=[["09:00", "25:00"]]), "25:00"),
        (broken(make_up=[]), "make-up days need"),
        (broken(title={"en": "only English"}), "zh-Hans"),
        (broken(years={"2026": {"holidays": {"2025-01-01": "new_years_day"}}}), "under the year 2026"),
        (broken(years={"2026": {"holidays": {"2026-02-30": "new_years_day"}}}), "day is out of range"),
        (broken(years={"2026": {"holidays": {"2026-01-01": "unheard_of"}}}), "unheard_of"),
        (broken(years={"2026": []}), "list"),
        (
            broken(
                years={
                    "2026": {"holidays": {"2026-01-03": "new_years_day"},
                             "make_up_days": {"2026-01-03": "new_years_day"}}
                }
            ),
            "both a holiday and a make-up day",
        ),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_by_name(source: bytes | dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidFile, match=complaint):
        Calendar.load(source)
