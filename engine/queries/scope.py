"""Who may know of which case. Pages answer 404 for the others."""

from __future__ import annotations

from collections.abc import Collection

import orjson
import sqlalchemy as sa

from engine.db.database import Database
from engine.db.tables import history, task
from engine.people import Person
from engine.roles import Duty
from engine.rules import SEES_ALL, fits

#: those who answer customers about any case: whoever calls reaches one of them
FRONT_DESK = frozenset({"agent", "senior_agent", "dispatcher"})


def may_know(db: Database, person: Person, case_id: str) -> bool:
    """Whether ``person`` may know of a case: by role, or by a task of theirs; never when it is about them."""
    if hidden_from(db, person, [case_id]):
        return False
    return bool(person.roles & (SEES_ALL | FRONT_DESK)) or _has_work(db, person, case_id)


def may_search(person: Person) -> bool:
    """Whether ``person`` may look cases up at all."""
    return bool(person.roles & (SEES_ALL | FRONT_DESK))


def hidden_from(db: Database, person: Person, case_ids: Collection[str]) -> set[str]:
    """Those of ``case_ids`` that complain about ``person``: they must not learn of them."""
    if not case_ids:
        return set()
    first = sa.select(history.c.case_id, history.c.command).where(
        history.c.case_id.in_(case_ids), history.c.seq == 1
    )
    return {
        row.case_id for row in db.rows(first) if orjson.loads(row.command).get("respondent") == person.name
    }


def _has_work(db: Database, person: Person, case_id: str) -> bool:
    rows = db.rows(
        sa.select(task.c.role, task.c.skill, task.c.department, task.c.claimed_by, task.c.completed_by).where(
            task.c.case_id == case_id
        )
    )
    return any(
        person.name in (row.claimed_by, row.completed_by)
        or fits(person, Duty(row.role, row.skill, row.department))
        for row in rows
    )
