"""What people sign in with, as they and administrators keep it: passwords, second steps, sessions, locks.

Each act is one transaction with its entry in the security log.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from engine.app import Gongdan
from engine.base.errors import NotFound, Rejected
from engine.base.instants import iso
from engine.people import passwords
from engine.people.directory import ENDED, Person
from engine.people.security_events import (
    AccountChanged,
    By,
    PasswordChanged,
    SecondFactor,
    SessionsEnded,
    SignedOut,
    Unlocked,
)
from engine.people.security_log import append

_CHOSEN: dict[str, Any] = {
    "must_change": 0,
    "password_until": None,
}  #: columns of a password that a person chose


def give_password(gongdan: Gongdan, name: str, password: str, by: By) -> None:
    """Give an account a password that was chosen; its sessions end. Raises :class:`NotFound`, :class:`Rejected`."""
    passwords.check(password, name, gongdan.people.get(name).display_name)
    _set_password(gongdan, name, gongdan.people.hashed(password), by, "reset", _CHOSEN)


def reset_password(gongdan: Gongdan, name: str, by: By) -> str:
    """Give an account a one-time password, which is returned; its sessions end. Raises :class:`NotFound`."""
    secret, more = one_time(gongdan)
    _set_password(gongdan, name, gongdan.people.hashed(secret, made=True), by, "reset", more)
    return secret


def change_own_password(gongdan: Gongdan, name: str, password: str, by: By) -> None:
    """The password that ``name`` chose instead of the one so far; every session ends. Raises :class:`Rejected`."""
    passwords.check(password, name, gongdan.people.get(name).display_name)
    if gongdan.people.authenticate(name, password) is not None:
        raise Rejected("Expected another password than the one so far")
    _set_password(gongdan, name, gongdan.people.hashed(password), by, "own", _CHOSEN)


def demand_change(gongdan: Gongdan, name: str, by: By) -> None:
    """``name`` has to choose a new password before anything else. Raises :class:`NotFound`."""
    with gongdan.db.begin() as connection:
        gongdan.people.update(connection, name, must_change=1)
        append(
            connection,
            by,
            [AccountChanged(about=name, changed={"must_change": [False, True]})],
            gongdan.now(),
        )


def _set_password(gongdan: Gongdan, name: str, hashed: str, by: By, means: str, more: dict[str, Any]) -> None:
    with gongdan.db.begin() as connection:
        gongdan.people.update(connection, name, password_hash=hashed, **ENDED, **more)
        gongdan.door.attempts.forgive(connection, name)
        append(connection, by, [PasswordChanged(about=name, means=means)], gongdan.now())


def one_time(gongdan: Gongdan) -> tuple[str, dict[str, Any]]:
    """A password for one sign-in, and the columns that say so."""
    ends = datetime.fromisoformat(gongdan.now()) + timedelta(hours=gongdan.settings.one_time_hours)
    return passwords.one_time(), {"must_change": 1, "password_until": iso(ends)}


def unlock(gongdan: Gongdan, name: str, by: By) -> None:
    """Whoever waits to sign in as ``name`` need not wait any more. Raises :class:`NotFound`."""
    gongdan.people.get(name)
    with gongdan.db.begin() as connection:
        gongdan.door.attempts.forgive(connection, name)
        append(connection, by, [Unlocked(about=name)], gongdan.now())


def take_second_step(gongdan: Gongdan, name: str, by: By) -> None:
    """Take the second step of an account away, its phone being lost; its sessions end.

    Raises :class:`NotFound`, and :class:`Rejected` when there is none.
    """
    gongdan.people.get(name)
    with gongdan.db.begin() as connection:
        if not gongdan.door.steps.remove(connection, name):
            raise Rejected("Expected an account with a second step, but {person} has none", person=name)
        gongdan.people.update(connection, name, **ENDED)
        append(connection, by, [SecondFactor(about=name, done="taken away")], gongdan.now())


def end_sessions(gongdan: Gongdan, name: str, by: By) -> None:
    """Sign ``name`` out everywhere. Raises :class:`NotFound`."""
    with gongdan.db.begin() as connection:
        gongdan.people.update(connection, name, **ENDED)
        append(connection, by, [SessionsEnded(about=name)], gongdan.now())


def end_session(gongdan: Gongdan, name: str, id: str, by: By) -> None:
    """End one session of ``name``. Raises :class:`NotFound` when there is none of that id any more."""
    with gongdan.db.begin() as connection:
        if not gongdan.door.sessions.end(connection, name, id):
            raise NotFound(f"there is no session {id!r} of {name!r}")
        append(connection, by, [SessionsEnded(about=name, which="one")], gongdan.now())


def sign_out(gongdan: Gongdan, name: str, id: str, by: By) -> None:
    """``name`` ends the session they are in; nothing when something else ended it meanwhile."""
    with gongdan.db.begin() as connection:
        if gongdan.door.sessions.end(connection, name, id):
            append(connection, by, [SignedOut(about=name)], gongdan.now())


# ---------------------------------------------------------------- one's own second step
def confirm_second_step(gongdan: Gongdan, name: str, code: str, by: By) -> list[str]:
    """Take the second step that was offered to ``name`` into use; returns the recovery codes, told nowhere else.

    Raises :class:`Rejected` for a code that the phone does not show now.
    """
    with gongdan.db.begin() as connection:
        codes = gongdan.door.steps.confirm(connection, name, code, gongdan.now())
        if codes is None:
            raise Rejected(
                "Expected the six digits that the phone shows now, but it was something else: look whether the "
                "phone's clock is right, and send the next ones"
            )
        append(connection, by, [SecondFactor(about=name, done="set up")], gongdan.now())
    return codes


def new_recovery_codes(gongdan: Gongdan, name: str, by: By) -> list[str]:
    """Ten recovery codes in place of those so far. Raises :class:`Rejected` when there is no second step."""
    if gongdan.door.steps.state(name) is None:
        raise Rejected("Expected an account with a second step, but {person} has none", person=name)
    with gongdan.db.begin() as connection:
        codes = gongdan.door.steps.new_codes(connection, name)
        append(connection, by, [SecondFactor(about=name, done="new recovery codes")], gongdan.now())
    return codes


def do_without_second_step(gongdan: Gongdan, person: Person, by: By) -> None:
    """``person`` takes their own second step away; raises :class:`Rejected` when a role of theirs asks for it."""
    if needs_second_step(gongdan, person.roles):
        raise Rejected(
            "Expected somebody whose roles do without a second step, but one of {person} asks for it",
            person=person.name,
        )
    take_second_step(gongdan, person.name, by)


def needs_second_step(gongdan: Gongdan, roles: frozenset[str]) -> bool:
    """Whether who holds ``roles`` must have a second step (GONGDAN_SECOND_STEP_ROLES)."""
    return not roles.isdisjoint(gongdan.settings.second_step_roles)
