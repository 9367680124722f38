"""A person as the directory keeps one, and what is no name, address, level or team of anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.base.errors import Rejected
from engine.base.texts import is_mail_address

MOST_DISPLAYED = 80  #: characters of the name as colleagues know it, of a team, of an id elsewhere
LEVELS = range(1, 6)  #: of a skill: from learning to teaching it
ORDINARY = 3  #: the level of a skill of which nobody said one
_NAME = re.compile(r"[\w.@-]{1,60}")  #: no colon: `system:` is the software itself


@dataclass(frozen=True)
class Person:
    """Somebody who works here. ``session_generation`` rises to end all their sessions.

    ``levels`` are those of skills that are not at the ordinary level; ``external_id`` is how an identity provider or
    the books of staff know them (ADR 0020); ``must_change``: the password, before anything else.
    """

    name: str
    display_name: str
    roles: frozenset[str]
    skills: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    demo: bool = False
    active: bool = True
    session_generation: int = 0
    locale: str | None = field(default=None, compare=False)
    mail: str | None = None  #: where mail to one of the roles goes
    teams: frozenset[str] = frozenset()
    levels: Mapping[str, int] = field(default_factory=dict, hash=False)
    external_id: str | None = None
    must_change: bool = False

    def level(self, skill: str) -> int:
        """How good they are at ``skill``, of :data:`LEVELS`; 0 when they do not have it."""
        return self.levels.get(skill, ORDINARY) if skill in self.skills else 0


def check(person: Person) -> None:
    """Raise :class:`Rejected` for what is no name, displayed name, address, level, team or id elsewhere."""
    if not _NAME.fullmatch(person.name):
        raise Rejected(
            "Expected a name of 1 to 60 letters, digits, dots, dashes and underscores, but it is {name!r}",
            name=person.name[:80],
        )
    if not _printable(person.display_name):
        raise Rejected(
            "Expected a displayed name of 1 to {most} letters, digits, spaces and signs, but it is {name!r}",
            most=MOST_DISPLAYED,
            name=person.display_name[:80],
        )
    for word in (*person.teams, *filter(None, [person.external_id])):
        if not _printable(word):
            raise Rejected(
                "Expected a team or id elsewhere of 1 to {most} letters, digits, spaces and signs, but it is {name!r}",
                most=MOST_DISPLAYED,
                name=word[:80],
            )
    if person.mail is not None and not is_mail_address(person.mail):
        raise Rejected("Expected one mail address, but it is {address!r}", address=person.mail[:80])
    for skill, level in person.levels.items():
        if level not in LEVELS or skill not in person.skills:
            raise Rejected(
                "Expected a level from {least} to {most} of the skill {skill}, but it is {level}",
                least=LEVELS[0],
                most=LEVELS[-1],
                skill=skill,
                level=level,
            )


def _printable(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and len(text) <= MOST_DISPLAYED


def from_row(row: sa.Row[*tuple[Any, ...]]) -> Person:
    """The person in a row of the table."""
    skills = json.loads(row.skills)
    levels = (
        skills if isinstance(skills, dict) else {}
    )  # a list, as an older version writes it, says no levels
    return Person(
        name=row.name,
        display_name=row.display_name,
        roles=frozenset(json.loads(row.roles)),
        skills=frozenset(skills),
        departments=frozenset(json.loads(row.departments)),
        demo=bool(row.demo),
        active=bool(row.active),
        session_generation=row.session_generation,
        locale=row.locale,
        mail=row.mail,
        teams=frozenset(json.loads(row.teams or "[]")),
        levels={skill: level for skill, level in levels.items() if level != ORDINARY},
        external_id=row.external_id,
        must_change=bool(row.must_change),
    )


def to_row(person: Person) -> dict[str, object]:
    """The columns of a person, without the password."""
    return {
        "name": person.name,
        "display_name": person.display_name,
        "roles": json.dumps(sorted(person.roles)),
        "skills": json.dumps({skill: person.level(skill) for skill in sorted(person.skills)}),
        "departments": json.dumps(sorted(person.departments)),
        "demo": int(person.demo),
        "active": int(person.active),
        "session_generation": person.session_generation,
        "locale": person.locale,
        "mail": person.mail,
        "teams": json.dumps(sorted(person.teams), ensure_ascii=False),
        "external_id": person.external_id,
        "must_change": int(person.must_change),
    }
