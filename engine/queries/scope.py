"""Who may know of which case. Pages answer 404 for the others.

Whoever works on a case knows of it, and the roles that see all. The front desk answers the telephone: it
finds any caller's cases of the processes it takes part in, not those that a branch or an office keeps to
itself. Nobody learns of a case that complains about themselves (:mod:`engine.people.respondents`). Acting needs
more: ``engine.case.checks``.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from engine.people.directory import Person
from engine.people.respondents import about
from engine.people.rights import RIGHTS, may
from engine.people.roles import Assignment
from engine.people.rules import fits
from engine.release.release import Release
from engine.storage.database import Database
from engine.storage.tables import cases, task

#: those who answer customers: whoever calls reaches one of them
FRONT_DESK = RIGHTS["cases.answer"].roles


def may_know(db: Database, person: Person, case_id: str, release: Release) -> bool:
    """Whether ``person`` may know of a case; ``release`` is the one in force."""
    return not hidden_from(db, person, [case_id], release)


def may_follow(person: Person, process: str, release: Release) -> bool:
    """Whether ``person`` may know of a case of ``process`` that is no work of theirs, such as one they opened."""
    if may(person, "cases.all"):
        return True
    return may(person, "cases.answer") and process in answered_by_front_desk(release)


def may_search(person: Person) -> bool:
    """Whether ``person`` may look cases up at all."""
    return may(person, "cases.all") or may(person, "cases.answer")


def hidden_from(db: Database, person: Person, case_ids: Collection[str], release: Release) -> set[str]:
    """Those of ``case_ids`` that ``person`` must not learn of."""
    if not case_ids:
        return set()
    hidden = set(about(db, person).intersection(case_ids))
    if not may(person, "cases.all"):
        of = {
            row.id: row.process
            for row in db.rows(sa.select(cases.c.id, cases.c.process).where(cases.c.id.in_(case_ids)))
        }
        known = answered_by_front_desk(release) if may(person, "cases.answer") else frozenset()
        if rest := {case for case in case_ids if of.get(case) not in known} - hidden:
            hidden |= rest - _with_work(db, person, rest)
    return hidden


def answered_by_front_desk(release: Release) -> frozenset[str]:
    """Processes with a lane of the front desk."""
    lanes = {lane for lane, duty in release.roles.lanes.items() if duty.role in FRONT_DESK}
    return frozenset(process.id for process in release.processes.values() if lanes & set(process.lanes))


def _with_work(db: Database, person: Person, case_ids: Collection[str]) -> set[str]:
    """Those of ``case_ids`` with a task that ``person`` did, holds or could take."""
    rows = db.rows(
        sa.select(
            task.c.case_id,
            task.c.role,
            task.c.skill,
            task.c.department,
            task.c.claimed_by,
            task.c.completed_by,
        ).where(task.c.case_id.in_(case_ids))
    )
    return {
        row.case_id
        for row in rows
        if person.name in (row.claimed_by, row.completed_by)
        or fits(person, Assignment(row.role, row.skill, row.department))
    }
