"""Accounts as operators keep them: what may be given to whom, and what becomes of the work of who leaves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import GongdanError, Rejected
from engine.base.settings import CHECKOUT
from engine.case.commands import ReleaseTask
from engine.people.directory import Person
from engine.people.roles import Assignment, Roles, load_roles
from engine.people.rules import fits
from engine.release.release import ROLES
from engine.storage.tables import task

OPERATOR = "system:operator"  #: who gives tasks back for somebody that was switched off or changed


@dataclass(frozen=True, slots=True)
class Handed:
    """Tasks that somebody held (``case/task``): given back, and those that could not be, with the reason."""

    back: list[str]
    left: dict[str, str]


def duties(gongdan: Gongdan) -> Roles:
    """Roles and lanes in force; before the first release those of the project's folder, else those that ship."""
    if gongdan.releases.current_number() is not None:
        return gongdan.releases.current().roles
    own = gongdan.settings.project / ROLES
    file = own if own.is_file() else CHECKOUT / ROLES
    return load_roles(file.read_bytes(), file.as_posix())


def check(gongdan: Gongdan, person: Person) -> None:
    """Raise :class:`Rejected` for a role, skill or department that no lane and no role has: typed wrong, it is none."""
    known = duties(gongdan)
    skills = {duty.skill for duty in known.lanes.values() if duty.skill}
    _check("role", person.roles, known.held)
    _check("skill", person.skills, skills)
    _check("department", person.departments, known.departments)


def _check(what: str, given: Collection[str], known: Collection[str]) -> None:
    if unknown := sorted(set(given) - set(known)):
        raise Rejected(
            "Expected each {what} to be one of {known}, but {name!r} is none",
            what=what,
            known=", ".join(sorted(known)),
            name=unknown[0],
        )


def switch_off(gongdan: Gongdan, name: str) -> Handed:
    """Nobody signs in as ``name`` any more, who is in is out, and what they held goes back to its queues."""
    gongdan.people.switch(name, active=False)
    return _hand_back(gongdan, gongdan.people.get(name))


def change(gongdan: Gongdan, person: Person) -> Handed:
    """Give an account another name, other roles, skills, departments; work that it no longer fits goes back."""
    check(gongdan, person)
    gongdan.people.change(person)
    return _hand_back(gongdan, person)


def _hand_back(gongdan: Gongdan, person: Person) -> Handed:
    """Give back the open tasks that ``person`` holds and may not do."""
    query = sa.select(task.c.case_id, task.c.task, task.c.role, task.c.skill, task.c.department).where(
        task.c.claimed_by == person.name, task.c.state == "open"
    )
    handed = Handed([], {})
    for row in gongdan.db.rows(query.order_by(task.c.case_id, task.c.task)):
        if person.active and fits(person, Assignment(row.role, row.skill, row.department)):
            continue
        asked = ReleaseTask(case_id=row.case_id, task=row.task, actor=OPERATOR, at=gongdan.now())
        held = f"{row.case_id}/{row.task}"
        try:
            gongdan.dispatch(asked)
            handed.back.append(held)
        except GongdanError as error:  # the others go on
            handed.left[held] = str(error)
    return handed
