"""Typed values of form fields: from the text of a control, back to it, and put into their one stored shape.

Stored shapes: instants are ISO 8601 UTC with ``+00:00``; dates are ``YYYY-MM-DD``; money is integer fen; a
time range is ``{"from": "HH:MM", "to": "HH:MM"}``. In HTML, instants are Shanghai time and money is yuan.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from engine.base.instants import SHANGHAI
from engine.base.phones import one_form

from .model import Field, choice_text

MAX_NUMBER = 10**15  #: beyond it JSON readers lose digits
_YEARS = range(1900, 2101)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LOCAL = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[T ]+(\d{1,2}):(\d{2})(?::(\d{2}))?\Z", re.ASCII)
_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})\Z", re.ASCII)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,16}\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,16}(\.\d{1,6})?\Z", re.ASCII)
_YUAN = re.compile(r"([+-]?)(\d{1,13})(?:\.(\d{1,2}))?\Z", re.ASCII)
#: 1,234,567.89: groups of three, the first not beginning with 0. All other commas may be meant as a decimal
#: point (12,50; 0,125), and are refused rather than dropped.
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?\Z", re.ASCII)
#: full-width signs and blanks by their half-width ones; no others, or 5² would be read as 52
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    **dict.fromkeys((0x3000, 0xA0), " "),
    0xFFE5: "¥",
}


class Refused(Exception):
    """A value that does not fit its field: a stable code and its parameters."""

    def __init__(self, code: str, **parameters: object) -> None:
        self.code = code
        self.parameters = parameters
        super().__init__(code)


def plain(text: str) -> str:
    """``text`` as typed on a half-width keyboard: full-width digits and signs folded, no blanks around."""
    return text.translate(_HALF_WIDTH).strip()


def ungrouped(digits: str) -> str:
    """``digits`` without the commas between its thousands; unchanged where a comma stands elsewhere."""
    return digits.replace(",", "") if _GROUPED.match(digits) else digits


# -- from the text of a control --


def read_text(field: Field, text: str) -> Any:
    """Free text, with the line ends that HTML sends made plain."""
    return text.replace("\r\n", "\n").strip()


def read_choice(field: Field, text: str) -> Any:
    """The option's value; unknown text stays as it is and is refused when checked."""
    return field.choices.get(text, text)


def read_number(field: Field, text: str) -> Any:
    """An integer or decimal number; commas only between its thousands."""
    digits = ungrouped(plain(text))
    if _INTEGER.match(digits):
        return int(digits)
    if field.schema.get("type") == "integer":
        raise Refused("not_integer")
    if not _DECIMAL.match(digits):
        raise Refused("not_number")
    return float(digits)


def read_money(field: Field, text: str) -> Any:
    """Yuan with at most two decimals, as integer fen; commas only between its thousands."""
    digits = ungrouped(plain(text).removeprefix("¥").removesuffix("元").strip())
    match = _YUAN.match(digits)
    if match is None:
        raise Refused("not_money")
    sign, yuan, fen = match.groups()
    amount = int(yuan) * 100 + int((fen or "0").ljust(2, "0"))
    return -amount if sign == "-" else amount


def read_phone(field: Field, text: str) -> Any:
    """A telephone number in its one form."""
    return one_form(text)


def read_case(field: Field, text: str) -> Any:
    """A case number, as if typed half-width."""
    return plain(text)


def read_date(field: Field, text: str) -> Any:
    """A day, written with hyphens or slashes."""
    match = _DAY.match(plain(text))
    if match is None:
        raise Refused("not_date")
    year, month, day = (int(part) for part in match.groups())
    return clean_date(field, f"{year:04}-{month:02}-{day:02}")


def read_datetime(field: Field, text: str) -> Any:
    """A local time of Asia/Shanghai, as an instant."""
    match = _LOCAL.match(plain(text))
    if match is None:
        raise Refused("not_datetime")
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
        local = datetime(year, month, day, hour, minute, second, tzinfo=SHANGHAI)
    except ValueError:
        raise Refused("not_datetime") from None
    return _instant(local)


# -- checking and normalising --


def clean_text(field: Field, value: Any) -> Any:
    """Text without blanks around it; blank is no answer (``None``)."""
    if not isinstance(value, str):
        raise Refused("not_text")
    if _UNPRINTABLE.search(value):
        raise Refused("bad_characters")
    return value.replace("\r\n", "\n").strip() or None


def clean_choice(field: Field, value: Any) -> Any:
    """One of the field's options."""
    for option in field.options:
        if option.value == value and type(option.value) is type(value):
            return value
    raise Refused("not_option")


def clean_choices(field: Field, value: Any) -> Any:
    """Some of the field's options, each once, in the order of the form."""
    if not isinstance(value, list):
        raise Refused("not_option")
    chosen = [clean_choice(field, item) for item in value]
    return [option.value for option in field.options if option.value in chosen] or None


def clean_boolean(field: Field, value: Any) -> Any:
    """True or false."""
    if not isinstance(value, bool):
        raise Refused("not_boolean")
    return value


def clean_number(field: Field, value: Any) -> Any:
    """A finite number that JSON keeps exactly; a whole float is an integer where the schema says so."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("not_number")
    if not math.isfinite(value) or abs(value) > MAX_NUMBER:
        raise Refused("not_number")
    if field.schema.get("type") == "integer":
        if value != int(value):
            raise Refused("not_integer")
        return int(value)
    return value


def clean_money(field: Field, value: Any) -> Any:
    """Integer fen."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_NUMBER:
        raise Refused("not_money")
    return value


def clean_date(field: Field, value: Any) -> Any:
    """A real day between 1900 and 2100."""
    if not isinstance(value, str) or len(value) != 10:
        raise Refused("not_date")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise Refused("not_date") from None
    if day.year not in _YEARS:
        raise Refused("not_date")
    return value


def clean_datetime(field: Field, value: Any) -> Any:
    """An instant with its offset, as UTC in whole seconds."""
    if not isinstance(value, str) or len(value) > 40:
        raise Refused("not_datetime")
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise Refused("not_datetime") from None
    if instant.tzinfo is None:
        raise Refused("not_datetime")
    return _instant(instant)


def _instant(value: datetime) -> str:
    # The year is checked first: converting the first or last days of all time would overflow.
    if value.year not in _YEARS:
        raise Refused("not_datetime")
    return value.astimezone(UTC).replace(microsecond=0).isoformat()


def clean_range(field: Field, value: Any) -> Any:
    """A time range within one day, start before end."""
    if not isinstance(value, dict) or set(value) - {"from", "to"}:
        raise Refused("not_range")
    ends = [value.get("from") or "", value.get("to") or ""]
    if ends == ["", ""]:
        return None
    found = [_TIME.match(plain(end)) if isinstance(end, str) else None for end in ends]
    if found[0] is None or found[1] is None:
        raise Refused("not_range")
    start, end = (f"{int(match[1]):02}:{match[2]}" for match in found if match)
    if start >= end:
        raise Refused("range_order")
    return {"from": start, "to": end}


# -- back to the text of a control --


def show(field: Field, value: Any) -> str:
    """The text a control shows for ``value``. What could not be understood is shown as it was typed."""
    if value is None:
        return ""
    match field.shown_as or field.widget:
        case "money" if isinstance(value, int) and not isinstance(value, bool):
            return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02}"
        case "datetime" if isinstance(value, str):
            return local_minutes(value)
    if isinstance(value, bool | int | str):
        return choice_text(value)
    return str(value)


def local_minutes(value: str) -> str:
    """An instant as Shanghai time for a ``datetime-local`` control; other text is given back unchanged."""
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            return value
        local = instant.astimezone(SHANGHAI).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return value
    return local.isoformat(timespec="seconds" if local.second else "minutes")


# -- functions of conditions --


def count(value: Any) -> int:
    """How many items a list has; none when it was left out."""
    return len(value) if isinstance(value, list | str | dict) else 0


def column(rows: Any, name: str) -> list[Any]:
    """The values of one column of a rows field; none when it was left out."""
    return [row.get(name) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def local_date(instant: str) -> str:
    """The day in Shanghai, ``YYYY-MM-DD``, of an ISO instant."""
    return datetime.fromisoformat(instant).astimezone(SHANGHAI).date().isoformat()


def minutes_between(start: str, end: str) -> float:
    """Minutes from one ISO instant to another, negative when ``end`` is earlier."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() / 60


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "column": column,
    "count": count,
    "local_date": local_date,
    "minutes_between": minutes_between,
}

READ: dict[str, Callable[[Field, str], Any]] = {
    "text": read_text,
    "textarea": read_text,
    "phone": read_phone,
    "case": read_case,
    "radio": read_choice,
    "select": read_choice,
    "number": read_number,
    "money": read_money,
    "date": read_date,
    "datetime": read_datetime,
}
CLEAN: dict[str, Callable[[Field, Any], Any]] = {
    "text": clean_text,
    "textarea": clean_text,
    "phone": clean_text,
    "case": clean_text,
    "radio": clean_choice,
    "select": clean_choice,
    "checkbox": clean_boolean,
    "checkboxes": clean_choices,
    "number": clean_number,
    "money": clean_money,
    "date": clean_date,
    "datetime": clean_datetime,
    "timerange": clean_range,
}
