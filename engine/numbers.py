"""Case numbers: ``YYMMDD-NNNNN-C``: local day, sequence of the day, check digit. Unique, never reused."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from .db.database import Database
from .db.tables import case_number

ZONE = ZoneInfo("Asia/Shanghai")
_WEIGHTS = (7, 3, 1)


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
    parts = text.split("-")
    if len(parts) != 3 or [len(p) for p in parts] != [6, len(parts[1]), 1] or len(parts[1]) < 5:
        return False
    digits = parts[0] + parts[1]
    return digits.isdigit() and parts[2] == str(check_digit(digits))


def next_number(db: Database, at: str) -> str:
    """The next case number of the local day of ``at``. A number once given is gone, even if its case fails."""
    day = datetime.fromisoformat(at).astimezone(ZONE).strftime("%y%m%d")
    with db.begin() as connection:
        given = connection.execute(_NEXT[db.sqlite], {"day": day}).scalar_one()
    digits = f"{day}{given:05d}"
    return f"{day}-{given:05d}-{check_digit(digits)}"
