"""Cases: one, a list, those of one customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from engine.people.directory import Person
from engine.people.respondents import not_about
from engine.storage.database import Database
from engine.storage.statements import Question
from engine.storage.tables import IS_DUPLICATE, case_fact, cases, history

from . import sound
from .rows import shaped, text


@dataclass(frozen=True, slots=True)
class Case:
    """A case as lists and pages show it."""

    id: str
    seq: int
    at: str
    process: str
    release: int
    opened_at: str
    closed_at: str | None
    outcome: str | None
    state: str
    waiting_customer: str | None
    external_id: str | None
    parent: str | None
    channel: str | None
    severity: str | None
    title: str | None
    customer: str | None
    phone: str | None
    phone_key: str | None
    started_by: str

    @property
    def is_open(self) -> bool:
        """Whether it is still being handled."""
        return self.state == "open"


_COLUMNS = [cases.c[name] for name in Case.__dataclass_fields__]
_THIS: sa.BindParameter[str] = sa.bindparam("case")  #: the case that is asked about
_CASE = Question(sa.select(*_COLUMNS).where(cases.c.id == _THIS))
_CHILDREN = Question(
    sa.select(*_COLUMNS).where(cases.c.parent == _THIS).order_by(cases.c.opened_at, cases.c.id)
)
_OF_PHONE = Question(
    sa.select(*_COLUMNS)
    .where(cases.c.phone_key == sa.bindparam("phone"), cases.c.id != _THIS)
    .order_by(cases.c.opened_at.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def _said_to_be_duplicates() -> sa.Select[tuple[str, str]]:
    """Which case said last of which other that it is about the same matter, where that was confirmed."""
    later = case_fact.alias()
    last_of_case = ~sa.exists().where(
        later.c.case_id == case_fact.c.case_id,
        later.c.name == case_fact.c.name,
        later.c.seq > case_fact.c.seq,
    )
    confirmed = sa.exists().where(
        later.c.case_id == case_fact.c.case_id, later.c.name == "duplicate_relation"
    )
    return sa.select(case_fact.c.case_id, case_fact.c.value).where(IS_DUPLICATE, last_of_case, confirmed)


_SAID = _said_to_be_duplicates()
_SAID_BY = Question(_SAID.where(case_fact.c.case_id == _THIS))
_SAID_OF = Question(_SAID.where(case_fact.c.value == sa.bindparam("value")))
Cursor = tuple[str, str]  #: (opened_at, id) of the last row shown


def case(db: Database, case_id: str) -> Case | None:
    """The case, or None."""
    rows = db.ask(_CASE, case=case_id)
    return shaped(Case, rows[0]) if rows else _of_history(db, case_id)


def _of_history(db: Database, case_id: str) -> Case | None:
    """A case whose row is gone, as far as its history tells of it; None where there is no history either."""
    query = sa.select(history).where(history.c.case_id == case_id).order_by(history.c.seq)
    rows = db.rows(query)
    if not rows:
        return None
    first, last = rows[0], rows[-1]
    start, ends = sound.command(sound.parsed(first.command)), sound.effects(sound.parsed(last.effects))
    done = ends.done
    return Case(
        id=case_id,
        seq=last.seq if isinstance(last.seq, int) else 0,
        process=start.get("process", ""),
        release=first.release if isinstance(first.release, int) else 0,
        opened_at=text(first.at),
        at=text(last.at),
        closed_at=text(last.at) if done else None,
        outcome=done,
        state="closed" if done else "open",
        external_id=start.get("external_id"),
        parent=start.get("parent"),
        started_by=text(first.actor),
        waiting_customer=None,
        channel=None,
        severity=None,
        title=None,
        customer=None,
        phone=None,
        phone_key=None,
    )


def find(db: Database, person: Person, text: str, phone_key: str, limit: int = 50) -> list[Case]:
    """Cases whose number begins with ``text``, with it as outside number, or with this ``phone_key``.

    None that complains about ``person``.
    """
    questions = [cases.c.phone_key == phone_key, cases.c.external_id == text]
    if text[:1].isdigit():
        questions.append(cases.c.id.between(text, text + "~"))
    found: dict[str, Case] = {}
    with db.read() as c:
        for question in questions:
            for row in c.execute(
                sa.select(*_COLUMNS)
                .where(question, not_about(db, person, cases.c.id))
                .order_by(cases.c.id.desc())
                .limit(limit)
            ):
                found[row.id] = shaped(Case, row)
    return sorted(found.values(), key=lambda one: (one.opened_at, one.id), reverse=True)[:limit]


def listed(
    db: Database,
    person: Person,
    *,
    state: str | None,
    process: str | None,
    waiting: bool = False,
    after: Cursor | None = None,
    limit: int = 50,
) -> tuple[list[Case], Cursor | None]:
    """Newest cases first, none that complains about ``person``, and where the next page begins.

    ``waiting``: those that wait for the customer.
    """
    query = (
        sa.select(*_COLUMNS)
        .where(not_about(db, person, cases.c.id))
        .order_by(cases.c.opened_at.desc(), cases.c.id.desc())
        .limit(limit + 1)
    )
    if process:
        query = query.where(cases.c.process == process)
    if state:
        query = query.where(cases.c.state == state)
    if waiting:
        query = query.where(cases.c.waiting_customer.is_not(None))
    if after:
        query = query.where(sa.tuple_(cases.c.opened_at, cases.c.id) < sa.tuple_(*map(sa.literal, after)))
    with db.read() as c:
        rows = [shaped(Case, row) for row in c.execute(query)]
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], (last.opened_at, last.id) if last else None


def start_data(db: Database, case_id: str) -> dict[str, Any]:
    """The data that a case was opened with, as history has it (personal values sealed); ``{}`` for an unknown case."""
    query = sa.select(history.c.command).where(history.c.case_id == case_id, history.c.seq == 1)
    with db.read() as c:
        command = c.execute(query).scalar()
    return dict(sound.command(sound.parsed(command)).get("data", {}))


def children(db: Database, case_id: str) -> list[Case]:
    """Cases that this one opened, the oldest first."""
    return [shaped(Case, row) for row in db.ask(_CHILDREN, case=case_id)]


def duplicates(db: Database, case_id: str) -> list[Case]:
    """Cases that were confirmed to be about the same matter, whichever of the two said so; the oldest first."""
    values = [orjson.loads(value) for _, value in db.ask(_SAID_BY, case=case_id)]
    named = {value for value in values if isinstance(value, str)}
    naming = {one for one, _ in db.ask(_SAID_OF, value=orjson.dumps(case_id).decode())}
    if not named | naming:
        return []
    query = sa.select(*_COLUMNS).where(cases.c.id.in_(named | naming))
    with db.read() as c:
        return [shaped(Case, row) for row in c.execute(query.order_by(cases.c.opened_at, cases.c.id))]


def of_phone(db: Database, phone_key: str | None, besides: str, limit: int = 10) -> list[Case]:
    """Other cases of the same number, newest first."""
    if not phone_key:
        return []
    return [shaped(Case, row) for row in db.ask(_OF_PHONE, phone=phone_key, case=besides, most=limit)]
