"""Mail to a role, or to a role of a department (``specialist@om``): each person gets one, at their own address."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from engine.base.sending import FAILED, RETRY, SENT, Answer, Entry, Gateway
from engine.people.directory import Person
from engine.queries.receivers import STOPPED, Received, outcome

_LEFT = Answer(RETRY, "not yet tried")


class StaffMail:
    """In front of the gateway for mail; what is addressed to no role passes through as it is."""

    def __init__(
        self,
        inner: Gateway,
        people: Callable[[], Iterable[Person]],
        roles: Callable[[], Collection[str]],
        may_know: Callable[[Person, str], bool],
        keep: Callable[[Entry, Received], bool],
        longest: timedelta,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """``may_know``: whether a person may learn of a case; one about themselves they may not.

        ``keep``: keeps who has an entry; False when it is no more ours. ``longest``: after that no further mail of
        an entry is begun, it goes on at the next attempt. Whoever claimed the entry must be done while it is
        theirs, or somebody else sends it beside them.
        """
        self._inner, self._people, self._roles, self._may_know = inner, people, roles, may_know
        self._keep = keep
        self._longest, self._elapsed = longest.total_seconds(), elapsed

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
        settled = {name: one for name, one in entry.received.items() if one.state != RETRY}
        if not (addressed or settled):
            return Answer(FAILED, f"nobody who has the role {entry.recipient} has a mail address")
        waiting = {name: entry.received.get(name, _LEFT) for name in addressed if name not in settled}
        return self._all(entry, addressed, dict(sorted({**settled, **waiting}.items())))

    def _all(self, entry: Entry, addressed: dict[str, str], received: dict[str, Answer]) -> Answer:
        """Send to those who are still to get it, while there is time and a server; who was refused comes last."""
        began = self._elapsed()
        got = False
        waiting = [name for name, one in received.items() if one.state == RETRY]
        for name in sorted(waiting, key=lambda one: received[one] != _LEFT):
            if self._elapsed() - began > self._longest:
                return outcome(received, more=got)
            if not self._keep(entry, {**received, name: STOPPED}):
                break
            own = replace(entry, id=f"{entry.id}/{name}", recipient=addressed[name])
            received[name] = answer = self._inner.send(own)
            self._keep(entry, received)
            got = got or answer.state == SENT
            if answer.away and answer.state != FAILED:
                break  # for all of them
        return outcome(received)
