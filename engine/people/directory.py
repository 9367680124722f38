"""People: who they are, what they may do, and their passwords (argon2id)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.base.errors import NotFound, Rejected
from engine.base.texts import is_mail_address
from engine.storage.database import Database
from engine.storage.tables import person as table
from engine.storage.upsert import insert

from . import passwords
from .spelling import forms

FRESH = 1.0  #: seconds that the command path may go by what it last read of a person
MOST_DISPLAYED = 80  #: characters of the name as colleagues know it
_NAME = re.compile(r"[\w.@-]{1,60}")  #: no colon: `system:` is the software itself
DEMO_PASSWORD = "gongdan-demo"  # noqa: S105 - shown on the sign-in page, in demo mode only


@dataclass(frozen=True)
class Person:
    """Somebody who works here. ``session_generation`` rises to end all their sessions."""

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
        return _from_row(found[0])

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
        return [_from_row(row) for row in self._db.rows(sa.select(table).order_by(table.c.name))]

    def meant_by(self, written: str) -> list[Person]:
        """Who is meant: the account of that name, else those with that displayed name, however spelled (``spelling``).

        A displayed name may be written without what stands in brackets behind it.
        """
        wanted, everybody = forms(written), self.all()
        by_account = [person for person in everybody if wanted & forms(person.name)]
        return by_account or [person for person in everybody if wanted & spellings(person)]

    def authenticate(self, name: str, password: str) -> Person | None:
        """The person, when the password is right and the account active. Takes as long for a wrong name."""
        found = self._db.rows(sa.select(table).where(table.c.name == name))
        stored = found[0].password_hash if found else self._decoy
        try:
            self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return None
        return _from_row(found[0]) if found and found[0].active else None

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash("nobody has this password")

    def add(self, person: Person, password: str) -> None:
        """Add an account; raises :class:`Rejected` for what is no password, and for a name that is taken or no name."""
        if not _NAME.fullmatch(person.name):
            raise Rejected(
                "Expected a name of 1 to 60 letters, digits, dots, dashes and underscores, but it is {name!r}",
                name=person.name[:80],
            )
        _check_displayed(person.display_name)
        _check_mail(person.mail)
        passwords.check(password, person.name)
        self.add_many([person], self._hasher.hash(password))

    def add_many(self, people: Iterable[Person], password_hash: str) -> None:
        """Add accounts that share one password hash (demo and synthetic people)."""
        rows = [{**_to_row(p), "password_hash": password_hash} for p in people]
        with self._db.begin() as connection:
            taken = connection.scalars(
                sa.select(table.c.name).where(table.c.name.in_([r["name"] for r in rows]))
            ).all()
            if taken:
                raise Rejected("Expected a new name, but {names} exists already", names=", ".join(taken))
            connection.execute(sa.insert(table), rows)

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
                    [{**_to_row(p), "password_hash": shared} for p in marked],
                )

    def end_sessions(self, name: str) -> None:
        """End every session of a person (sign out everywhere)."""
        self._set(name, session_generation=table.c.session_generation + 1)

    def switch(self, name: str, *, active: bool) -> None:
        """Switch an account on or off, which ends its sessions; raises :class:`NotFound`."""
        self._set(name, active=int(active), session_generation=table.c.session_generation + 1)

    def set_password(self, name: str, password: str) -> None:
        """Give an account a new password, which ends its sessions; raises :class:`NotFound` and :class:`Rejected`."""
        passwords.check(password, name)
        hashed = self._hasher.hash(password)
        self._set(name, password_hash=hashed, session_generation=table.c.session_generation + 1)

    def change(self, person: Person) -> None:
        """Displayed name, roles, skills and departments as ``person`` has them; raises :class:`NotFound`."""
        _check_displayed(person.display_name)
        _check_mail(person.mail)
        row = _to_row(person)
        self._set(
            person.name,
            **{key: row[key] for key in ("display_name", "roles", "skills", "departments", "mail")},
        )

    def set_locale(self, name: str, locale: str) -> None:
        """Remember the language a person chose."""
        self._set(name, locale=locale)

    def _set(self, name: str, **values: object) -> None:
        with self._db.begin() as connection:
            if not connection.execute(sa.update(table).where(table.c.name == name).values(values)).rowcount:
                raise NotFound(f"there is no account {name!r}")
        self._known.pop(name, None)


def _check_displayed(shown: str) -> None:
    if not (shown.strip() and shown.isprintable() and len(shown) <= MOST_DISPLAYED):
        raise Rejected(
            "Expected a displayed name of 1 to {most} letters, digits, spaces and signs, but it is {name!r}",
            most=MOST_DISPLAYED,
            name=shown[:80],
        )


def _check_mail(address: str | None) -> None:
    if address is not None and not is_mail_address(address):
        raise Rejected("Expected one mail address, but it is {address!r}", address=address[:80])


def _from_row(row: sa.Row[tuple[object, ...]]) -> Person:
    return Person(
        name=row.name,
        display_name=row.display_name,
        roles=frozenset(json.loads(row.roles)),
        skills=frozenset(json.loads(row.skills)),
        departments=frozenset(json.loads(row.departments)),
        demo=bool(row.demo),
        active=bool(row.active),
        session_generation=row.session_generation,
        locale=row.locale,
        mail=row.mail,
    )


def _to_row(person: Person) -> dict[str, object]:
    return {
        "name": person.name,
        "display_name": person.display_name,
        "roles": json.dumps(sorted(person.roles)),
        "skills": json.dumps(sorted(person.skills)),
        "departments": json.dumps(sorted(person.departments)),
        "demo": int(person.demo),
        "active": int(person.active),
        "session_generation": person.session_generation,
        "locale": person.locale,
        "mail": person.mail,
    }
