"""Case numbers: ``YYMMDD-NNNNN-C``: local day, sequence of the day, check digit. Unique, never reused."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from engine.base.instants import SHANGHAI
from engine.forms.loading import CASE_NUMBER
from engine.storage.database import Database
from engine.storage.tables import case_number

_WEIGHTS = (7, 3, 1)
_BETWEEN = re.compile(
    r"[\s\-\u2010-\u2015\u2212\uff0d]"
)  #: blanks and what keyboards and texts have for a dash


def _next(dialect: Any) -> Any:
    put = dialect.insert(case_number).values(day=sa.bindparam("day"), last=1)
    counted = put.on_conflict_do_update(index_elements=["day"], set_={"last": case_number.c.last + 1})
    return counted.returning(case_number.c.last)


#: by "is it SQLite?"; built once, since building costs more than running
_NEXT = {True: _next(sqlite), False: _next(postgresql)}


def check_digit(digits: str) -> int:
    """The digit that catches one mistyped digit and most swaps (weights 7, 3, 1; modulo 10)."""
    return sum(int(d) * _WEIGHTS[i % 3] for i, d in enumerate(digits)) % 10


def is_case_number(text: str) -> bool:
    """Whether ``text`` is a well-formed case number with the right check digit."""
    if not re.fullmatch(CASE_NUMBER, text):
        return False
    day, sequence, digit = text.split("-")
    return digit == str(check_digit(day + sequence))


def parse(text: str) -> str | None:
    """The case number that ``text`` means when it was typed without dashes, with blanks or other dashes; else None."""
    digits = _BETWEEN.sub("", text)
    if len(digits) < 12 or not (digits.isascii() and digits.isdigit()):
        return None
    number = f"{digits[:6]}-{digits[6:-1]}-{digits[-1]}"
    with suppress(ValueError):
        datetime.strptime(digits[:6], "%y%m%d")  # noqa: DTZ007 - only whether there is such a day
        return number if is_case_number(number) else None
    return None


class CaseNumbers:
    """Gives case numbers. One that was given back, since nothing was kept of its case, serves the next of its day."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._back: dict[str, list[str]] = {}  #: day → numbers

    def next(self, at: str) -> str:
        """The next case number of the local day of ``at``. Of what fails later, only what is given back is reused."""
        day = datetime.fromisoformat(at).astimezone(SHANGHAI).strftime("%y%m%d")
        with suppress(KeyError, IndexError):
            return self._back[day].pop()
        with self._db.begin() as connection:
            given = connection.execute(_NEXT[self._db.sqlite], {"day": day}).scalar_one()
        digits = f"{day}{given:05d}"
        return f"{day}-{given:05d}-{check_digit(digits)}"

    def give_back(self, number: str) -> None:
        """No case has ``number`` after all: a start that fails again and again must not use up those of its day."""
        self._back.setdefault(number.partition("-")[0], []).append(number)
