"""Mail to a role, or to a role of a department (``specialist@om``): each person gets one, at their own address."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from engine.people import Person

from . import FAILED, RETRY, SENT, UNKNOWN, Answer, Entry, Gateway

_MOST_KEPT = 10_000  #: deliveries remembered at most


class StaffMail:
    """In front of the gateway for mail; what is addressed to no role passes through as it is."""

    def __init__(
        self,
        inner: Gateway,
        people: Callable[[], Iterable[Person]],
        roles: Callable[[], Collection[str]],
        may_know: Callable[[Person, str], bool],
        longest: timedelta,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """``may_know``: whether a person may learn of a case; one about themselves they may not.

        ``longest``: after that no further mail of an entry is begun, it goes on at the next attempt. Whoever claimed
        the entry must be done while it is theirs, or somebody else sends it beside them.
        """
        self._inner, self._people, self._roles, self._may_know = inner, people, roles, may_know
        self._longest, self._elapsed = longest.total_seconds(), elapsed
        self._delivered: dict[str, Answer] = {}  # of entries that are tried again for others

    def send(self, entry: Entry) -> Answer:
        """Send ``entry`` to everybody its role names: sent when somebody has it, with whoever has not in the answer."""
        role, _, department = entry.recipient.partition("@")
        if (
            role not in self._roles() or "." in department
        ):  # an address, perhaps one that begins as a role is called
            return self._inner.send(entry)
        chosen = [
            one
            for one in self._people()
            if one.active
            and role in one.roles
            and department in ("", *one.departments)
            and self._may_know(one, entry.case_id)
        ]
        addressed = {one.name: one.mail for one in chosen if one.mail}
        if not addressed:
            return Answer(FAILED, f"nobody who has the role {entry.recipient} has a mail address")
        answers, more = self._all(entry, addressed)
        states = {answer.state for answer in answers.values()}
        if RETRY in states or len(answers) < len(addressed):
            left = f"{len(addressed) - len(answers)} not yet tried" if len(answers) < len(addressed) else ""
            return Answer(RETRY, "; ".join(filter(None, [_told(answers, RETRY), left])), more=more)
        for name in answers:
            self._delivered.pop(f"{entry.id}/{name}", None)
        if SENT in states:
            missed = {name: answer for name, answer in answers.items() if answer.state != SENT}
            got = ", ".join(name for name in answers if name not in missed)
            return Answer(SENT, "; ".join(filter(None, [f"sent to {got}", _told(missed)])))
        state = UNKNOWN if UNKNOWN in states else FAILED
        return Answer(state, _told(answers))

    def _all(self, entry: Entry, addressed: dict[str, str]) -> tuple[dict[str, Answer], bool]:
        """What became of those there was time for; and whether the rest is left only because somebody got it now."""
        answers: dict[str, Answer] = {}
        more = False
        began = self._elapsed()
        for name, address in addressed.items():
            if self._elapsed() - began > self._longest:
                return answers, more
            asked = f"{entry.id}/{name}" not in self._delivered
            answers[name] = answer = self._one(entry, name, address)
            if answer.away and answer.state != FAILED and asked:
                return answers, False  # it is away for all
            more = more or (asked and answer.state == SENT)
        return answers, False

    def _one(self, entry: Entry, name: str, address: str) -> Answer:
        """One person's mail, under an id of its own; who has it already gets no second one."""
        own = f"{entry.id}/{name}"
        if own in self._delivered:
            return self._delivered[own]
        answer = self._inner.send(replace(entry, id=own, recipient=address))
        if answer.state != RETRY:
            while len(self._delivered) >= _MOST_KEPT:
                self._delivered.pop(next(iter(self._delivered)))
            self._delivered[own] = answer
        return answer


def _told(answers: dict[str, Answer], state: str | None = None) -> str:
    return "; ".join(
        f"{name}: {answer.state} ({answer.detail})"
        for name, answer in answers.items()
        if state in (None, answer.state)
    )
