"""Due times explained in words of each language, for pages and the command line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from engine.base.locales import in_language, language

from .calendar import WORKING_DAY, Calendar, Segment
from .durations import Duration


def counted(
    length: Duration | str,
    start: datetime,
    due: datetime,
    calendar: Calendar,
    locale: str,
    *,
    name: str = "",
    anchor: str = "",
) -> list[str]:
    """How ``length`` from ``start`` comes to ``due``, line by line; the last line is the due time.

    A ``length`` in words is a rule of the wall clock (``every month``): there are no days to list. ``name``
    and ``anchor`` say which limit it is and what it is counted from.
    """
    words, zone = language(locale).time.sentences, calendar.zone
    if isinstance(length, Duration):
        key = "from_named" if name else "from"
        shown = length_words(length.length, locale, working=length.kind == "work")
    else:
        key, shown = "rule_named", length
    lines = [
        words[key].format(name=name, anchor=anchor, start=moment_words(start, zone, locale), length=shown)
    ]
    if isinstance(length, Duration) and length.kind == "work":
        segments = calendar.provisional.segments(start, due)
        lines.append(words["work"].format(calendar=in_language(calendar.title, locale)))
        lines += _day_lines(segments, locale)
        if guessed := sorted({s.day.date.year for s in segments if s.day.guessed}):
            lines.append(words["provisional"].format(years=", ".join(map(str, guessed))))
    elif isinstance(length, Duration):
        lines.append(words["clock"])
    return [*lines, words["due"].format(due=moment_words(due, zone, locale))]


def moved(due: datetime, zone: ZoneInfo, locale: str) -> str:
    """That a clock's due time is ``due`` now, other than counted."""
    return language(locale).time.sentences["moved"].format(due=moment_words(due, zone, locale))


def unconfirmed(locale: str) -> str:
    """That the source of a limit gives no number."""
    return language(locale).time.sentences["unconfirmed"]


def moment_words(instant: datetime, zone: ZoneInfo, locale: str) -> str:
    """A local date and time with its weekday: ``2026年2月14日 周六 16:00``."""
    at = instant.astimezone(zone)
    clock = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
    return _day(language(locale).time.moment, at.date(), locale, year=at.year, clock=clock)


def length_words(length: timedelta, locale: str, *, working: bool = False) -> str:
    """A length as hours, minutes and seconds: ``1 小时 30 分钟``; whole working days as ``3 个工作日``."""
    words = language(locale).time
    hours, rest = divmod(length // timedelta(seconds=1), 3600)
    if working and length > WORKING_DAY and not length % WORKING_DAY:
        return words.working_days.format(days=length // WORKING_DAY, hours=hours)
    hour = words.working_hours if working and not rest else words.hours
    parts = ((hours, hour), (rest // 60, words.minutes), (rest % 60, words.seconds))
    return " ".join(f"{number}{unit}" for number, unit in parts if number) or f"0{words.minutes}"


def _day_lines(segments: list[Segment], locale: str) -> Iterator[str]:
    words = language(locale).time.sentences
    for (kind, _, whole), group in groupby(segments, key=_alike):
        run = list(group)
        days = _days(run, locale)
        day_name = run[0].day.name
        name = in_language(day_name, locale) if day_name else ""
        worked = length_words(sum((segment.worked for segment in run), timedelta()), locale)
        if kind == "make_up":
            days = words["make_up"].format(days=days, name=name)
        if not worked or not run[0].spans:
            yield words["workday" if kind == "make_up" else kind].format(days=days, name=name)
        elif whole and len(run) > 1:
            yield words["full"].format(days=days, worked=worked)
        else:
            spans = (f"{opening:%H:%M}–{closing:%H:%M}" for opening, closing in run[0].spans)
            yield words["used"].format(days=days, spans=_joined(spans, locale), worked=worked)


def _alike(segment: Segment) -> tuple[str, object, object]:
    """Neighbours with the same answer share a line: skipped for one reason, or worked all day."""
    day = segment.day
    full = sum(closing - opening for opening, closing in day.hours)
    whole = bool(segment.spans) and segment.worked == timedelta(minutes=full)
    alone: object = day.date if segment.spans and not whole else whole
    return day.kind, day.name and day.name["en"], alone


def _days(run: list[Segment], locale: str) -> str:
    first, last = run[0].day.date, run[-1].day.date
    known = language(locale)
    texts = [_day(known.time.day, day, locale) for day in (first, last)]
    return texts[0] if first == last else known.span.join(texts)


def _day(pattern: str, day: date, locale: str, **more: object) -> str:
    words = language(locale).time
    return pattern.format(
        weekday=words.weekdays[day.weekday()], day=day.day, month=words.months[day.month - 1], **more
    )


def _joined(spans: Iterator[str], locale: str) -> str:
    return language(locale).comma.join(spans)
