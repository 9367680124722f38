"""The door: who somebody is, shown by password and, where there is one, by a second step; then a session begins.

Whatever else may show who somebody is one day (ADR 0020) ends in :meth:`Door.open`, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from engine.base.errors import Rejected
from engine.storage.database import Database

from .attempts import CODE, PASSWORD, Attempts, Caller, Counted
from .directory import People, Person
from .second_step import PAPER, SecondSteps
from .security_events import By, Event, LockedOut, SecondFactor, SignedIn, SignInFailed
from .security_log import append, tried
from .sessions import Session, Sessions

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Door:
    """What a process needs to let people in."""

    db: Database
    people: People
    attempts: Attempts
    steps: SecondSteps
    sessions: Sessions

    def password(self, name: str, password: str, caller: Caller, at: str) -> Person | None:
        """Who it is, when ``password`` is that of the account ``name``; the second step is still to come.

        Raises :class:`engine.people.attempts.TooMany` while the caller has to wait, and :class:`Rejected` for a
        one-time password that ended.
        """

        def check() -> Person | None:
            return self.people.authenticate(name, password, at)

        return self._tried(PASSWORD, name, caller, at, check)

    def code(self, person: Person, code: str, caller: Caller, at: str) -> str | None:
        """What showed ``code``, a one-time code of ``person`` (it counts no more), or None. Raises as above."""

        def check() -> str | None:
            with self.db.begin() as connection:
                shown = self.steps.passes(connection, person.name, code, at)
                if shown == PAPER:
                    used = SecondFactor(about=person.name, done="recovery code used")
                    append(connection, By(person.name, caller.address), [used], at)
            return shown

        return self._tried(CODE, person.name, caller, at, check)

    def open(self, person: Person, address: str, browser: str, at: str, means: str) -> tuple[str, Session]:
        """Begin a session of ``person``, who showed by ``means`` who they are; returns its token, too."""
        with self.db.begin() as connection:
            begun = self.sessions.begin(connection, person, address, browser, at)
            append(connection, By(person.name, address), [SignedIn(about=person.name, means=means)], at)
        return begun

    def _tried(
        self, what: str, name: str, caller: Caller, at: str, check: Callable[[], Shown | None]
    ) -> Shown | None:
        counted = self.attempts.begin(what, name, caller, at)
        reason = what
        try:
            found = check()
        except Rejected as refused:
            self._failed(counted, name, "ended", caller, at)
            raise refused
        if found is None:
            self._failed(counted, name, reason, caller, at)
        else:
            self.attempts.succeeded(counted, at)
        return found

    def _failed(self, counted: Counted, name: str, reason: str, caller: Caller, at: str) -> None:
        about = tried(self.db, name)
        events: list[Event] = [SignInFailed(about=about, reason=reason if about == name else "unknown")]
        if counted.until is not None:
            events.append(LockedOut(about=about, limit=f"until {counted.until}"))
        with self.db.begin() as connection:
            append(connection, By("", caller.address), events, at)
