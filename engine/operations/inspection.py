"""What is wrong with the records of a case, as far as a page must say before it shows them.

A glance looks at the chain of hashes, at its head and at what the case needs to be read: cheap enough for every page.
The whole verdict (:meth:`engine.app.Gongdan.verify`) executes the case anew; rooms of evidence ask for that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from engine.app import Gongdan
from engine.base.errors import GongdanError, NotFound, Unavailable
from engine.case import store
from engine.case.handlers import NONSENSE
from engine.case.rebuild import differences
from engine.people.security_events import By
from engine.privacy.sealing import Seal
from engine.proof import verifications
from engine.proof.verifications import PAGE, summary
from engine.proof.verify import DIVERGED, Verdict, first_fault
from engine.queries import sound
from engine.queries.rows import text

KEPT = 256  #: verdicts that are remembered


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: at a row of history, or (``seq`` None) with the case as a whole."""

    reason: str
    seq: int | None = None


def glance(gongdan: Gongdan, case_id: str) -> list[Fault]:
    """The first fault of the chain, and what is missing beside it."""
    found: list[Fault] = []
    try:
        head, rows = store.head(gongdan.db, case_id), store.rows(gongdan.db, case_id)
        chain = first_fault(case_id, rows, lambda _: None)
    except Unavailable:  # the database is away: that says nothing about the case
        raise
    except NONSENSE as error:
        return [Fault(f"the history cannot be read: {error or type(error).__name__}")]
    if chain.reason is not None:
        found.append(Fault(chain.reason, chain.seq))
    elif not rows and head is not None:
        found.append(Fault("the history is gone"))
    elif head is None and rows:
        found.append(Fault("history without a case row"))
    elif head is not None and (head.seq, head.hash) != (chain.count, chain.last):
        found.append(Fault("the history ends elsewhere than the case's head says", chain.count))
    if head is not None and rows:
        opened = sound.parsed(rows[0].command).get("process"), rows[0].release
        if not found and opened != (head.process, head.release):
            found.append(Fault("the case's row names another process or release than its history"))
    numbers = {row.release for row in rows} | ({head.release} if head is not None else set())
    process = head.process if head is not None else None
    found += [fault for number in sorted(numbers, key=str) for fault in _release(gongdan, number, process)]
    return found + _key(gongdan, case_id)


def whole(gongdan: Gongdan, case_id: str) -> list[Fault]:
    """:func:`glance`, and what executing the case anew finds. Found once for as long as nothing of it changes."""
    found = glance(gongdan, case_id)
    if found:
        return found
    state = _state(gongdan, case_id)
    known = gongdan.examined.get(case_id)
    if known is not None and known[0] == state:
        return known[1]
    found = _executed(gongdan, case_id)
    while len(gongdan.examined) >= KEPT:
        gongdan.examined.pop(next(iter(gongdan.examined)), None)
    gongdan.examined[case_id] = (state, found)
    return found


def _state(gongdan: Gongdan, case_id: str) -> str:
    """What the verdict depends on: each byte of the history, its head, and the key."""
    parts = [store.head(gongdan.db, case_id), gongdan.keys.get(case_id), store.rows(gongdan.db, case_id)]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _executed(gongdan: Gongdan, case_id: str) -> list[Fault]:
    verdict = verify(gongdan, case_id)
    return [Fault(verdict.reason or "", verdict.seq)] if verdict.state == DIVERGED else []


def verify(gongdan: Gongdan, case_id: str) -> Verdict:
    """The verdict of executing a case anew, also where its rows are beyond executing."""
    try:
        return gongdan.verify(case_id)
    except NotFound:
        return Verdict(case_id, DIVERGED, 0, None, "the history is gone")
    except Unavailable:  # the database is away: that says nothing about the case
        raise
    except NONSENSE as error:
        return Verdict(case_id, DIVERGED, 0, None, f"re-execution failed: {error or type(error).__name__}")


def verify_for(gongdan: Gongdan, case_id: str, by: By, at: str) -> tuple[Verdict, bool]:
    """:func:`verify` for somebody on a page, and whether it could be recorded that they did, ``at`` an instant."""
    verdict = verify(gongdan, case_id)
    found = summary([verdict], [])
    try:
        verifications.record(gongdan.db, at, by.person, PAGE, found, [case_id], by=by)
    except Unavailable:
        return verdict, False
    return verdict, True


def derived(gongdan: Gongdan, case_id: str) -> list[Fault]:
    """Where the rows that pages list differ from what history gives; ``run.py rebuild`` makes them anew."""
    try:
        return [Fault(f"read models: {line}") for line in differences(gongdan, case_id)]
    except Unavailable:  # the database is away: that says nothing about the case
        raise
    except NONSENSE as error:
        return [Fault(f"read models: {error or type(error).__name__}")]


def _key(gongdan: Gongdan, case_id: str) -> list[Fault]:
    try:
        Seal(gongdan.keys.get(case_id), frozenset())
    except (ValueError, TypeError):
        return [Fault("the key of the case is none")]
    return []


def _release(gongdan: Gongdan, number: object, process: str | None) -> list[Fault]:
    try:
        if type(number) is not int:
            raise NotFound
        release = gongdan.releases.get(number)
        _ = (release.forms, release.roles, release.parameters, release.templates)
        if process is not None:
            release.process(process)
    except GongdanError as error:
        return [Fault(f"release {number} cannot be read{f': {error}' if str(error) else ''}")]
    return []


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row of history as it stands there, whatever that is; sealed values stay sealed."""

    seq: str
    at: str
    actor: str
    command: str
    effects: str

    def as_json(self) -> dict[str, str]:
        """The same as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


def recorded(gongdan: Gongdan, case_id: str) -> list[Recorded]:
    """All rows of a case's history as texts."""
    return [
        Recorded(*(text(value) for value in (row.seq, row.at, row.actor, row.command, row.effects)))
        for row in store.rows(gongdan.db, case_id)
    ]
