"""Who is complained about. They learn nothing of the case, nor of those it opens, and give no command on it.

This is the one place that decides it, for every list, page and command. A case remembers whoever its commands ever
named, under a keyed digest: what was written in a form is personal, and nobody without the key of the installation can
try names. When the case is erased, what is no account goes; who has an account must not see the case even then.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.statements import Question
from engine.storage.tables import cases, respondent

from .directory import Person, spellings
from .spelling import forms

_KEYED = "k:"  #: how digests with a key begin
_BETWEEN = re.compile(r"[\s、，,;；/&()（）]+|和|及|与|與")


def _of_line() -> sa.Select[Any]:
    """Who is named by the case ``:case``, or by one that it comes from."""
    case: sa.BindParameter[str] = sa.bindparam("case", type_=sa.Text)
    line = sa.select(cases.c.id, cases.c.parent).where(cases.c.id == case).cte(recursive=True)
    line = line.union(sa.select(cases.c.id, cases.c.parent).join(line, cases.c.id == line.c.parent))
    of = sa.or_(respondent.c.case_id == case, respondent.c.case_id.in_(sa.select(line.c.id)))
    return sa.select(respondent.c.who).where(of)


_WRITTEN = Question(_of_line())
_PARENT = Question(sa.select(cases.c.parent).where(cases.c.id == sa.bindparam("case")))
_NAMES = tuple("abcdef")  #: as many as a person has spellings, at most: three names, each in two forms
_ANY = Question(
    sa.select(respondent.c.case_id)
    .where(respondent.c.who.in_([sa.bindparam(name) for name in _NAMES]))
    .limit(1)
)


def named(*written: Any) -> set[str]:
    """Everybody that these answers name, folded: texts, lists of them, or None."""
    return {name for value in written for name in _names(value)}


def _names(written: Any) -> Iterator[str]:
    """A name as it was written; of several in one answer, each."""
    if isinstance(written, list):
        for one in written:
            yield from _names(one)
    elif isinstance(written, str):
        for one in (written, *_BETWEEN.split(written)):
            yield from forms(one)


def digest(key: bytes, name: str) -> str:
    """What a folded name is kept as, under the look-up key of the installation."""
    return _KEYED + hmac.new(key, b"respondent:" + name.encode(), hashlib.sha256).hexdigest()


def unkeyed(name: str) -> str:
    """What a folded name was kept as by the first version of this table."""
    return hashlib.sha256(b"respondent:" + name.encode()).hexdigest()


def bring_over(db: Database, people: Iterable[Person]) -> None:
    """Give rows of the first version their key where they name an account.

    History gives the others again; of erased and damaged cases it cannot, and who has an account must not see these.
    """
    known = {unkeyed(name): digest(db.lookup_key, name) for one in people for name in spellings(one)}
    with db.begin() as connection:
        held = connection.execute(sa.select(respondent)).all()
        there = {(row.case_id, row.who) for row in held}
        new = {(row.case_id, known[row.who]) for row in held if row.who in known} - there
        if new:
            rows = [{"case_id": case_id, "who": who} for case_id, who in sorted(new)]
            connection.execute(sa.insert(respondent), rows)


def drop_unkeyed(db: Database) -> None:
    """Delete what the first version kept, once everything that can be is kept with a key."""
    with db.begin() as connection:
        connection.execute(sa.delete(respondent).where(respondent.c.who.not_like(f"{_KEYED}%")))


def without_account(db: Database, people: Iterable[Person], case_id: str) -> list[str]:
    """Digests of those whom a case names and who have no account: what of them is to go when the case is erased."""
    known = {digest(db.lookup_key, name) for one in people for name in spellings(one)}
    held = db.rows(sa.select(respondent.c.who).where(respondent.c.case_id == case_id))
    return sorted({row.who for row in held} - known)


def not_about(db: Database, person: Person, case_id: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """The condition that the case in the column ``case_id`` (null: none) does not complain about ``person``.

    For most people nobody ever complained about it is none.
    """
    if not is_complained_about(db, person):
        return sa.true()
    other = case_id.not_in(_about(db, person))
    return sa.or_(case_id.is_(None), other) if case_id.nullable else other


def is_complained_about(db: Database, person: Person) -> bool:
    """Whether any case names ``person``: nothing is to be left out of their lists if not."""
    keys = _keys(db, person)
    return bool(db.ask(_ANY, **dict(zip(_NAMES, [*keys, *keys[:1] * len(_NAMES)], strict=False))))


def about(db: Database, person: Person) -> frozenset[str]:
    """The numbers of all cases that ``person`` must not learn of."""
    if not is_complained_about(db, person):
        return frozenset()
    return frozenset(row[0] for row in db.rows(_about(db, person)))


def is_about(db: Database, person: Person, case_id: str) -> bool:
    """Whether a case, or one that it comes from, complains about ``person``."""
    return is_one(db, person, written(db, case_id)[0])


def is_one(db: Database, person: Person, digests: frozenset[str]) -> bool:
    """Whether ``person`` is one of those that :func:`written` gave."""
    return bool(digests) and not digests.isdisjoint(_keys(db, person))


def written(db: Database, case_id: str) -> tuple[frozenset[str], bool]:
    """Digests of everybody that a case, or one it comes from, ever named; and whether it comes from another."""
    found = frozenset(who for (who,) in db.ask(_WRITTEN, case=case_id))
    return found, db.ask(_PARENT, case=case_id) not in ([], [(None,)])


def among(db: Database, case_id: str, people: Callable[[], Iterable[Person]]) -> set[str]:
    """The names of those of ``people`` that a case, or one that it comes from, complains about.

    Most cases name nobody, so ``people`` are asked for only when there is something to compare.
    """
    digests, _ = written(db, case_id)
    return {one.name for one in people() if is_one(db, one, digests)} if digests else set()


def _about(db: Database, person: Person) -> sa.Select[Any]:
    """Cases that name ``person``, and all that were opened from these."""
    here = sa.select(respondent.c.case_id.label("id")).where(respondent.c.who.in_(_keys(db, person)))
    line = here.cte(recursive=True)
    line = line.union(sa.select(cases.c.id).join(line, cases.c.parent == line.c.id))
    return sa.select(line.c.id)


def _keys(db: Database, person: Person) -> list[str]:
    return _keys_of(db.lookup_key, person)


@lru_cache(maxsize=4_096)
def _keys_of(key: bytes, person: Person) -> list[str]:
    return sorted(digest(key, name) for name in spellings(person))
