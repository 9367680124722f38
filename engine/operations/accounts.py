"""Accounts as administrators keep them: what may be given to whom, and what becomes of the work of who leaves.

Each act is one transaction with its entry in the security log. Tasks go back to their queues after it, as commands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import GongdanError, Rejected
from engine.base.settings import CHECKOUT
from engine.case.commands import ReleaseTask
from engine.people import passwords
from engine.people.directory import ENDED, Person
from engine.people.roles import Assignment, Roles, load_roles
from engine.people.rules import fits
from engine.people.security_events import AccountAdded, AccountChanged, AccountSwitched, By
from engine.people.security_log import append
from engine.release.release import ROLES
from engine.storage.people_tables import person as table
from engine.storage.tables import task

from .credentials import one_time

OPERATOR = "system:operator"  #: who gives tasks back for somebody that was switched off or changed
ADMIN = "admin"  #: the role without which nobody keeps accounts


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
    _check("role", person.roles, known.held)
    _check("skill", person.skills, known.skills)
    _check("department", person.departments, known.departments)
    if not person.roles:
        raise Rejected("Expected at least one role of {person}", person=person.name)


def _check(what: str, given: Collection[str], known: Collection[str]) -> None:
    if unknown := sorted(set(given) - set(known)):
        raise Rejected(
            "Expected each {what} to be one of {known}, but {name!r} is none",
            what=what,
            known=", ".join(sorted(known)),
            name=unknown[0],
        )


def stale(known: Roles, person: Person) -> list[str]:
    """What was given to a person and is in force no more: a release took it away, or it was given before the first."""
    return sorted(
        (person.roles - known.held)
        | (person.skills - known.skills)
        | (person.departments - known.departments)
    )


# ---------------------------------------------------------------- what is given
def add(gongdan: Gongdan, person: Person, by: By, password: str | None = None) -> str | None:
    """Add an account; without a ``password`` it gets a one-time one, which is returned and told nowhere else.

    Raises :class:`Rejected` for what is none and for a name that is taken.
    """
    check(gongdan, person)
    if password is not None:
        passwords.check(password, person.name, person.display_name)
    with gongdan.db.begin() as connection:
        return insert(gongdan, connection, person, by, password)


def insert(
    gongdan: Gongdan, connection: sa.Connection, person: Person, by: By, password: str | None = None
) -> str | None:
    """As :func:`add` of what was checked, within the caller's transaction."""
    secret, more = one_time(gongdan) if password is None else (password, {})
    hashed = gongdan.people.hashed(secret, made=password is None)
    gongdan.people.insert(connection, [person], hashed, **more)
    added = AccountAdded(
        about=person.name,
        roles=sorted(person.roles),
        skills=sorted(person.skills),
        departments=sorted(person.departments),
    )
    append(connection, by, [added], gongdan.now())
    return secret if password is None else None


def change(gongdan: Gongdan, person: Person, by: By) -> Handed:
    """Give an account another name, other roles, skills, departments, teams; work that it no longer fits goes back.

    Raises :class:`NotFound`, and :class:`Rejected` also when nobody would be an administrator any more.
    """
    check(gongdan, person)
    with keeping_an_administrator(gongdan) as connection:
        give(gongdan, connection, person, by)
    return hand_back(gongdan, gongdan.people.get(person.name))


def give(gongdan: Gongdan, connection: sa.Connection, person: Person, by: By) -> None:
    """As :func:`change` of what was checked, within the caller's transaction."""
    before = gongdan.people.get(person.name)
    gongdan.people.give(connection, person)
    changed = differences(before, person)
    if changed:
        append(connection, by, [AccountChanged(about=person.name, changed=changed)], gongdan.now())


def differences(before: Person, after: Person) -> dict[str, list[Any]]:
    """What somebody gives of an account and is not the same: what → before and after, as plain data."""
    old, new = as_given(before), as_given(after)
    return {name: [old[name], new[name]] for name in new if old[name] != new[name]}


def as_given(person: Person) -> dict[str, Any]:
    """What somebody gives of an account, as plain data; a skill with its level."""
    return {
        "display": person.display_name,
        "roles": sorted(person.roles),
        "skills": {skill: person.level(skill) for skill in sorted(person.skills)},
        "departments": sorted(person.departments),
        "teams": sorted(person.teams),
        "mail": person.mail,
        "external_id": person.external_id,
    }


# ---------------------------------------------------------------- on and off
def switch_off(gongdan: Gongdan, name: str, by: By) -> Handed:
    """Nobody signs in as ``name`` any more, who is in is out, and what they held goes back to its queues.

    Raises :class:`NotFound`, and :class:`Rejected` for the last active administrator.
    """
    with keeping_an_administrator(gongdan) as connection:
        switch(gongdan, connection, name, by, on=False)
    return hand_back(gongdan, gongdan.people.get(name))


def switch_on(gongdan: Gongdan, name: str, by: By) -> None:
    """``name`` may sign in again; sessions of before do not come back. Raises :class:`NotFound`."""
    with gongdan.db.begin() as connection:
        switch(gongdan, connection, name, by, on=True)


def switch(gongdan: Gongdan, connection: sa.Connection, name: str, by: By, *, on: bool) -> None:
    """As the two above, within the caller's transaction."""
    gongdan.people.update(connection, name, active=int(on), **ENDED)
    append(connection, by, [AccountSwitched(about=name, on=on)], gongdan.now())


@contextmanager
def keeping_an_administrator(gongdan: Gongdan) -> Iterator[sa.Connection]:
    """A transaction that is refused (:class:`Rejected`) when it takes away the last active administrator.

    Of two who switch each other off at once, one waits for the other, and is refused.
    """
    may_be = table.c.active == 1, table.c.roles.like(f'%"{ADMIN}"%')
    held = sa.select(table.c.name).where(*may_be).order_by(table.c.name).with_for_update()
    with gongdan.db.begin() as connection:
        before = connection.scalars(held).all()
        yield connection
        if before and not connection.scalars(sa.select(table.c.name).where(*may_be)).first():
            raise _nobody_left(before)


def check_administrator_left(before: Mapping[str, Person], after: Mapping[str, Person]) -> None:
    """Raise :class:`Rejected` when there is an active administrator among ``before``, and none among ``after``."""
    if (names := _administrators(before)) and not _administrators(after):
        raise _nobody_left(names)


def _administrators(people: Mapping[str, Person]) -> list[str]:
    return sorted(name for name, person in people.items() if person.active and ADMIN in person.roles)


def _nobody_left(names: Sequence[str]) -> Rejected:
    return Rejected(
        "Expected an active administrator to remain, but {names} would be none any more: make another one first",
        names=", ".join(names),
    )


# ---------------------------------------------------------------- work
def hand_back(gongdan: Gongdan, person: Person) -> Handed:
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
