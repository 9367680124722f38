"""Due times explained in words: zh-Hans, zh-Hant-HK and en, for pages and the command line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from .calendar import WORKING_DAY, Calendar, Segment
from .durations import Duration

_DAYS = {
    "zh-Hans": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "zh-Hant-HK": ("週一", "週二", "週三", "週四", "週五", "週六", "週日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = {
    "zh-Hans": (" 小时", " 分钟", " 秒", " 个工作小时", "{days} 个工作日（{hours} 个工作小时）"),
    "zh-Hant-HK": (" 小時", " 分鐘", " 秒", " 個工作小時", "{days} 個工作日（{hours} 個工作小時）"),
    "en": (" h", " min", " s", " working h", "{days} working days ({hours} working h)"),
}
_WORDS = {
    "zh-Hans": {
        "from": "从 {start} 起算 {length}。",
        "from_named": "{name}：从{anchor}（{start}）起算 {length}。",
        "rule_named": "{name}：从{anchor}（{start}）起算。",
        "clock": "夜间、周末和节假日都计入。",
        "work": "只计工作时间：{calendar}。",
        "used": "{days}：{spans}，计 {worked}。",
        "full": "{days}：全天，共计 {worked}。",
        "make_up": "{days}（{name}调休上班）",
        "holiday": "{days}：{name}放假，不计。",
        "weekend": "{days}：周末，不计。",
        "workday": "{days}：当天余下时间不在工作时间，不计。",
        "provisional": "{years}年的节假日安排尚未录入，仅按周一至周五推算，日期待定。",
        "due": "到期：{due}。",
        "moved": "因暂停或变更，现到期时间为 {due}。",
        "unconfirmed": "原文没有给出这一时限，数值待业务负责人确认。",
    },
    "zh-Hant-HK": {
        "from": "由 {start} 起計 {length}。",
        "from_named": "{name}：由{anchor}（{start}）起計 {length}。",
        "rule_named": "{name}：由{anchor}（{start}）起計。",
        "clock": "夜間、週末和假期都計算在內。",
        "work": "只計工作時間：{calendar}。",
        "used": "{days}：{spans}，計 {worked}。",
        "full": "{days}：全日，共計 {worked}。",
        "make_up": "{days}（{name}調休上班）",
        "holiday": "{days}：{name}放假，不計。",
        "weekend": "{days}：週末，不計。",
        "workday": "{days}：當日餘下時間不屬工作時間，不計。",
        "provisional": "{years}年的假期安排尚未輸入，只按週一至週五推算，日期待定。",
        "due": "到期：{due}。",
        "moved": "因暫停或變更，現到期時間為 {due}。",
        "unconfirmed": "原文沒有列明此時限，數值待業務負責人確認。",
    },
    "en": {
        "from": "{length}, counted from {start}.",
        "from_named": "{name}: {length}, counted from: {anchor} ({start}).",
        "rule_named": "{name}: {length}, counted from: {anchor} ({start}).",
        "clock": "Nights, weekends and holidays count.",
        "work": "Only working time counts: {calendar}.",
        "used": "{days}: {spans}, counts {worked}.",
        "full": "{days}: whole day, together {worked}.",
        "make_up": "{days} (make-up working day for {name})",
        "holiday": "{days}: {name}, closed.",
        "weekend": "{days}: weekend, closed.",
        "workday": "{days}: closed for the rest of the day.",
        "provisional": "The holidays of {years} are not known yet: weekdays only, the date is provisional.",
        "due": "Due: {due}.",
        "moved": "Moved by a pause or a recorded change; due now: {due}.",
        "unconfirmed": "The source gives no number for this limit; a business owner must confirm it.",
    },
}


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
    words, zone = _WORDS[locale], calendar.zone
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
        lines.append(words["work"].format(calendar=calendar.title[locale]))
        lines += _day_lines(segments, locale)
        if guessed := sorted({s.day.date.year for s in segments if s.day.guessed}):
            lines.append(words["provisional"].format(years=", ".join(map(str, guessed))))
    elif isinstance(length, Duration):
        lines.append(words["clock"])
    return [*lines, words["due"].format(due=moment_words(due, zone, locale))]


def moved(due: datetime, zone: ZoneInfo, locale: str) -> str:
    """That a clock's due time is ``due`` now, other than counted."""
    return _WORDS[locale]["moved"].format(due=moment_words(due, zone, locale))


def unconfirmed(locale: str) -> str:
    """That the source of a limit gives no number."""
    return _WORDS[locale]["unconfirmed"]


def moment_words(instant: datetime, zone: ZoneInfo, locale: str) -> str:
    """A local date and time with its weekday: ``2026年2月14日 周六 16:00``."""
    at = instant.astimezone(zone)
    clock = f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"
    if locale == "en":
        return f"{_DAYS[locale][at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at.year} {clock}"
    return f"{at.year}年{at.month}月{at.day}日 {_DAYS[locale][at.weekday()]} {clock}"


def length_words(length: timedelta, locale: str, *, working: bool = False) -> str:
    """A length as hours, minutes and seconds: ``1 小时 30 分钟``; whole working days as ``3 个工作日``."""
    hour, minute, second, working_hour, working_days = _UNITS[locale]
    hours, rest = divmod(length // timedelta(seconds=1), 3600)
    if working and length > WORKING_DAY and not length % WORKING_DAY:
        return working_days.format(days=length // WORKING_DAY, hours=hours)
    hour = working_hour if working and not rest else hour
    parts = ((hours, hour), (rest // 60, minute), (rest % 60, second))
    return " ".join(f"{number}{unit}" for number, unit in parts if number) or f"0{minute}"


def _day_lines(segments: list[Segment], locale: str) -> Iterator[str]:
    words = _WORDS[locale]
    for (kind, _, whole), group in groupby(segments, key=_alike):
        run = list(group)
        days = _days(run, locale)
        day_name = run[0].day.name
        name = day_name[locale] if day_name else ""
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
    names = _DAYS[locale]
    if locale == "en":
        texts = [f"{names[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}" for day in (first, last)]
    else:
        texts = [f"{day.month}月{day.day}日 {names[day.weekday()]}" for day in (first, last)]
    return texts[0] if first == last else (" – " if locale == "en" else " 至 ").join(texts)


def _joined(spans: Iterator[str], locale: str) -> str:
    return (", " if locale == "en" else "、").join(spans)
