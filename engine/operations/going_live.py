"""From looking around to real complaints: demo accounts are switched off, and the first administrator is made."""

from __future__ import annotations

from dataclasses import dataclass

from engine.app import Gongdan
from engine.base.errors import Rejected
from engine.people import passwords
from engine.people.directory import Person
from engine.people.security_events import By

from . import accounts
from .accounts import ADMIN, Handed

NO_PASSWORD = "none"  # noqa: S105 - the hash of nothing: what was public lets nobody in, also when it is switched on


@dataclass(frozen=True, slots=True)
class Live:
    """What was done: accounts switched off, the new one's one-time password where none was given, tasks given back."""

    off: list[str]
    one_time: str | None
    handed: Handed


def go_live(gongdan: Gongdan, administrator: Person, by: By, password: str | None = None) -> Live:
    """Make ``administrator`` and switch off every demo account, all or nothing.

    Cases, releases and settings stay as they are. Tasks that demo accounts hold go back to their queues. Raises
    :class:`Rejected` in a database without demo accounts that are switched on, and for what is no account.
    """
    demo = [person for person in gongdan.people.all() if person.demo and person.active]
    if not demo:
        raise Rejected(
            "Expected a database with demo accounts, but none is switched on: nothing is to be done"
        )
    if ADMIN not in administrator.roles:
        raise Rejected("Expected an administrator, but {person} is none", person=administrator.name)
    accounts.check(gongdan, administrator)
    if password is not None:
        passwords.check(password, administrator.name, administrator.display_name)
    with accounts.keeping_an_administrator(gongdan) as connection:
        one_time = accounts.insert(gongdan, connection, administrator, by, password)
        for person in demo:
            accounts.switch(gongdan, connection, person.name, by, on=False)
            gongdan.people.update(connection, person.name, password_hash=NO_PASSWORD)
    handed = Handed([], {})
    for person in demo:
        given = accounts.hand_back(gongdan, gongdan.people.get(person.name))
        handed.back.extend(given.back)
        handed.left.update(given.left)
    return Live([person.name for person in demo], one_time, handed)
