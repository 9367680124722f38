"""People: who they are, what they may do, and their passwords (argon2id)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from functools import cached_property

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.base.errors import NotFound, Rejected
from engine.storage.database import Database
from engine.storage.tables import person as table
from engine.storage.upsert import insert

from . import passwords
from .person import Person as Person
from .person import check, from_row, to_row
from .spelling import forms

FRESH = 1.0  #: seconds that the command path may go by what it last read of a person
_LIGHT = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
DEMO_PASSWORD = "gongdan-demo"  # noqa: S105 - shown on the sign-in page, in demo mode only


#: Accounts of demo mode: one for every role and department of the lanes.
DEMO_PEOPLE = (
    Person("agent1", "陈小敏(坐席)", frozenset({"agent"})),
    Person("agent2", "李志强(坐席)", frozenset({"agent"})),
    Person("yue1", "黄嘉欣(粤语坐席)", frozenset({"agent"}), frozenset({"yue"})),
    Person("senior1", "周敏(高级坐席)", frozenset({"senior_agent", "agent"})),
    Person("dispatcher1", "吴磊(派单员)", frozenset({"dispatcher"})),
    Person("om1", "郑工(网络运维)", frozenset({"specialist"}), departments=frozenset({"om"})),
    Person(
        "billing1", "孙会计(计费)", frozenset({"specialist"}), departments=frozenset({"billing", "finance"})
    ),
    Person("vas1", "钱小宇(增值业务)", frozenset({"specialist"}), departments=frozenset({"vas"})),
    Person("ops1", "沈浩(运作协查)", frozenset({"specialist"}), departments=frozenset({"operations"})),
    Person("warehouse1", "韩梅(仓库)", frozenset({"specialist"}), departments=frozenset({"warehouse"})),
    Person("branch1", "邓洁(机构处理)", frozenset({"specialist"}), departments=frozenset({"branch"})),
    Person("audit1", "曹正(集团稽核)", frozenset({"specialist"}), departments=frozenset({"audit"})),
    Person(
        "property1", "冯姐（物业责任部门）", frozenset({"specialist"}), departments=frozenset({"property"})
    ),
    Person("repair1", "吴师傅（装维）", frozenset({"specialist"}), departments=frozenset({"repair"})),
    Person(
        "group1", "蒋经理（集团客户）", frozenset({"specialist"}), departments=frozenset({"group_account"})
    ),
    Person("cable1", "朱师傅（有线维修）", frozenset({"specialist"}), departments=frozenset({"maintenance"})),
    Person("medical1", "秦主任（医务）", frozenset({"specialist"}), departments=frozenset({"medical"})),
    Person("legal1", "许律师（法务）", frozenset({"specialist"}), departments=frozenset({"legal"})),
    Person(
        "campus1", "杨主管（后勤服务中心）", frozenset({"specialist"}), departments=frozenset({"logistics"})
    ),
    Person("centre1", "刘芳(投诉处理中心)", frozenset({"complaint_centre"})),
    Person("supervisor1", "王班长", frozenset({"supervisor", "agent"})),
    Person("manager1", "赵经理", frozenset({"manager"})),
    Person("quality1", "何质检", frozenset({"quality"})),
    Person("designer1", "林设计(流程设计)", frozenset({"designer"})),
    Person("auditor1", "许审计", frozenset({"auditor"})),
    Person("admin1", "系统管理员", frozenset({"admin", "supervisor"})),
)


_BRACKETS = re.compile(r"\s*[(（].*[)）]\s*$")


def spellings(person: Person) -> frozenset[str]:
    """How a person may be written, folded: account or displayed name, that with or without what brackets add."""
    shown = person.display_name
    return frozenset().union(*map(forms, (person.name, shown, _BRACKETS.sub("", shown))))


_ONE = sa.select(table).where(table.c.name == sa.bindparam("name"))


class People:
    """The directory of people."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, tuple[float, Person]] = {}

    @cached_property
    def _hasher(self) -> PasswordHasher:
        return PasswordHasher()

    def get(self, name: str) -> Person:
        """The person called ``name``; raises :class:`NotFound`."""
        with self._db.read() as connection:
            found = connection.execute(_ONE, {"name": name}).all()
        if not found:
            raise NotFound(f"there is no account {name!r}")
        return from_row(found[0])

    def known(self, name: str) -> Person:
        """As :meth:`get`, as of a second ago at most: for the command path."""
        read, person = self._known.get(name, (0.0, None))
        now = time.monotonic()
        if person is None or now - read > FRESH:
            person = self.get(name)
            self._known[name] = now, person
        return person

    def all(self) -> list[Person]:
        """Everybody, by name."""
        return [from_row(row) for row in self._db.rows(sa.select(table).order_by(table.c.name))]

    def meant_by(self, written: str) -> list[Person]:
        """Who is meant: the account of that name, else those with that displayed name, however spelled (``spelling``).

        A displayed name may be written without what stands in brackets behind it.
        """
        wanted, everybody = forms(written), self.all()
        by_account = [person for person in everybody if wanted & forms(person.name)]
        return by_account or [person for person in everybody if wanted & spellings(person)]

    def authenticate(self, name: str, password: str, at: str | None = None) -> Person | None:
        """The person, when the password is right and the account active. Takes as long for a wrong name.

        Raises :class:`Rejected` for the right one-time password when it ended before ``at`` (ISO 8601).
        """
        found = self._db.rows(sa.select(table).where(table.c.name == name))
        stored = found[0].password_hash if found else self._decoy
        right = self._is(stored, password)
        if stored.startswith("$argon2") and self._hasher.check_needs_rehash(stored):
            self._is(self._decoy, password)  # what is cheaper to check must not be known by that
        if not (right and found and found[0].active):
            return None
        until = found[0].password_until
        if at is not None and until is not None and until <= at:
            raise Rejected(
                "Expected a one-time password that still counts, but this one ended {at}: "
                "an administrator gives you a new one",
                at=until,
            )
        return from_row(found[0])

    def _is(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash("nobody has this password")

    def hashed(self, password: str, *, made: bool = False) -> str:
        """The hash of a password, as it is kept. One ``made`` by the software is random: it need not be dear to try."""
        return (_LIGHT if made else self._hasher).hash(password)

    def add(self, person: Person, password: str) -> None:
        """Add an account; raises :class:`Rejected` for what is no password, and for a name that is taken or no name."""
        passwords.check(password, person.name, person.display_name)
        with self._db.begin() as connection:
            self.insert(connection, [person], self.hashed(password))

    def add_many(self, people: Iterable[Person], password_hash: str) -> None:
        """Add accounts that share one password hash (demo and synthetic people)."""
        with self._db.begin() as connection:
            self.insert(connection, people, password_hash)

    def insert(
        self, connection: sa.Connection, people: Iterable[Person], password_hash: str, **more: object
    ) -> None:
        """Add accounts within the caller's transaction, with ``more`` columns of their rows.

        Raises :class:`Rejected` for what is no name or address, and for what is taken.
        """
        rows = []
        for person in people:
            check(person)
            rows.append({**to_row(person), "password_hash": password_hash, **more})
        names = sa.select(table.c.name).where(table.c.name.in_([row["name"] for row in rows]))
        if taken := connection.scalars(names).all():
            raise Rejected("Expected a new name, but {names} exists already", names=", ".join(taken))
        for person in people:
            self._check_external(connection, person)
        connection.execute(sa.insert(table), rows)

    def update(self, connection: sa.Connection, name: str, **values: object) -> None:
        """Set columns of an account within the caller's transaction; raises :class:`NotFound`."""
        changed = sa.update(table).where(table.c.name == name).values(values)
        if not connection.execute(changed).rowcount:
            raise NotFound(f"there is no account {name!r}")
        self._known.pop(name, None)

    def ensure_demo(self) -> None:
        """Add the demo accounts that are missing; of processes that start together, one adds each."""
        known = {p.name for p in self.all()}
        missing = [p for p in DEMO_PEOPLE if p.name not in known]
        if missing:
            marked = [Person(**{**vars(p), "demo": True, "mail": f"{p.name}@demo.invalid"}) for p in missing]
            shared = self._hasher.hash(DEMO_PASSWORD)
            with self._db.begin() as connection:
                connection.execute(
                    insert(self._db.sqlite, table).on_conflict_do_nothing(index_elements=["name"]),
                    [{**to_row(p), "password_hash": shared} for p in marked],
                )

    def end_sessions(self, name: str) -> None:
        """End every session of a person (sign out everywhere)."""
        with self._db.begin() as connection:
            self.update(connection, name, **ENDED)

    def change(self, person: Person) -> None:
        """What is given of an account, as ``person`` has it; raises :class:`NotFound` and :class:`Rejected`."""
        with self._db.begin() as connection:
            self.give(connection, person)

    def give(self, connection: sa.Connection, person: Person) -> None:
        """As :meth:`change`, within the caller's transaction."""
        check(person)
        self._check_external(connection, person)
        row = to_row(person)
        self.update(connection, person.name, **{name: row[name] for name in GIVEN})

    def _check_external(self, connection: sa.Connection, person: Person) -> None:
        if person.external_id is None:
            return
        same = sa.select(table.c.name).where(
            table.c.external_id == person.external_id, table.c.name != person.name
        )
        if other := connection.scalar(same):
            raise Rejected(
                "Expected an id elsewhere that no other account has, but {id} is that of {name}",
                id=person.external_id,
                name=other,
            )

    def set_locale(self, name: str, locale: str) -> None:
        """Remember the language a person chose."""
        with self._db.begin() as connection:
            self.update(connection, name, locale=locale)


#: what ends every session of an account
ENDED = {"session_generation": table.c.session_generation + 1}
#: columns that somebody gives; the others the software keeps
GIVEN = ("display_name", "roles", "skills", "departments", "teams", "mail", "external_id")
