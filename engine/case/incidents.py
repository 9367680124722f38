"""Incidents: automatic steps that failed technically. The case stays where it was; a person retries or corrects."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog

from engine.base.errors import (
    Conflict,
    GongdanError,
    NotFound,
    Rejected,
    TechnicalFailure,
    Unavailable,
)
from engine.base.instants import iso
from engine.base.texts import cleaned
from engine.storage.database import Database
from engine.storage.statements import Statement, Write
from engine.storage.tables import cases, incident, outbox, task, timer

from . import store
from .commands import Command, NoteIncident, parse, to_plain
from .dispatch import Dispatcher, Receipt
from .projections import incidents
from .projections.incidents import STUCK, where
from .rebuild import ERASED

log = structlog.get_logger("gongdan.incidents")


@dataclass(frozen=True, slots=True)
class Incident:
    """One open or closed incident."""

    id: str
    case_id: str
    element: str | None
    kind: str
    message: str
    command: Mapping[str, Any]
    opened_at: str
    closed_at: str | None
    attempts: int


#: open cases without an open task, a timer, something to be sent, or an incident of this kind ever
_STANDING_STILL = (
    sa.select(cases.c.id)
    .where(cases.c.state == "open")
    .where(~sa.exists().where(task.c.case_id == cases.c.id, task.c.state == "open"))
    .where(~sa.exists().where(timer.c.case_id == cases.c.id, timer.c.state.in_(("pending", "paused"))))
    .where(~sa.exists().where(outbox.c.case_id == cases.c.id, outbox.c.state.in_(("pending", "sending"))))
    .where(~sa.exists().where(incident.c.case_id == cases.c.id, incident.c.kind == STUCK))
    .order_by(cases.c.id)
)
P = sa.bindparam
#: as far as the history goes on which something was decided: whoever moved the case on since said when it wakes
_AS_IT_WAS = (cases.c.id == P("b_id"), cases.c.seq == P("b_seq"))
ASLEEP = Statement(sa.update(cases).where(*_AS_IT_WAS).values(next_due=sa.null(), wake_lease=sa.null()))
AWAKE = Statement(sa.update(cases).where(*_AS_IT_WAS).values(next_due=P("next_due")))
AGAIN = Statement(
    sa.update(incident)
    .where(incident.c.id == P("b_id"))
    .values(attempts=incident.c.attempts + 1, command=P("command")),
)
CLOSED = Statement(
    sa.update(incident)
    .where(incident.c.id == P("b_id"), incident.c.closed_at.is_(None))
    .values(closed_at=P("closed_at"), closed_by=P("closed_by"), resolution=P("resolution")),
    fence=True,
)


def _no_other(*like: sa.ColumnElement[bool]) -> Statement:
    """Touches the row of a case, and nothing while it has an incident ``like`` this: of two that open it, one does."""
    other = sa.exists().where(incident.c.case_id == P("b_id"), *like)
    this = sa.update(cases).where(cases.c.id == P("b_id"), ~other)
    return Statement(this.values(wake_lease=cases.c.wake_lease), fence=True)


_NO_OTHER = _no_other(incident.c.closed_at.is_(None), incident.c.message == P("b_message"))
_NO_OTHER_STUCK = _no_other(incident.c.kind == STUCK)
CASES_A_ROUND = 5000  #: open cases that one round looks through for such ones
FOUND_A_ROUND = 50  #: of those found, how many it loads


class Incidents:
    """Opening, retrying and closing incidents."""

    def __init__(self, db: Database, dispatcher: Dispatcher) -> None:
        self._db = db
        self._dispatcher = dispatcher
        self._looked: str | None = ""  #: the case up to which was looked for stuck ones; None: at all

    def dispatch(self, command: Command, at: datetime) -> Receipt:
        """Dispatch ``command``; a technical failure opens an incident before it is passed on, and names it.

        A start that fails leaves no case that could have one: whoever asked for it is told, and asks again.
        """
        try:
            return self._dispatcher.dispatch(command)
        except TechnicalFailure as error:
            if command.case_id:
                error.incident = self.open(
                    command.case_id, error, {**to_plain(command), "case_id": command.case_id}, at
                )
            raise

    def open_for_timer(self, case_id: str, error: GongdanError, at: datetime) -> str:
        """A case could not be woken: it is left alone until somebody retries, or works on it."""
        seq = error.seq
        if seq is None:
            head = store.head(self._db, case_id)
            seq = head.seq if head is not None else 0
        return self._open(case_id, error, {"type": "wake", "at": iso(at)}, at, seq)

    def open(self, case_id: str, error: GongdanError, command: Mapping[str, Any], at: datetime) -> str:
        """Record an incident (or one more attempt of the same); returns its id.

        Raises :class:`Conflict` when others keep changing the case; then nothing is recorded.
        """
        return self._open(case_id, error, command, at, None)

    def _open(
        self, case_id: str, error: GongdanError, command: Mapping[str, Any], at: datetime, failed: int | None
    ) -> str:
        """As :meth:`open`; with ``failed``, the end of the history that time failed on, time leaves it alone."""

        def asleep(rows: int) -> list[Write]:
            """Written ``rows`` of history later."""
            return [] if failed is None else [ASLEEP(b_id=case_id, b_seq=failed + rows)]

        said = cleaned(str(error))
        same = self._same(case_id, said)
        if same is None:
            element = getattr(error, "element", None)
            new = _new(case_id, element, type(error).__name__, said, command, at)
            beside = [_NO_OTHER(b_id=case_id, b_message=said), incidents.NEW(**new)]
            try:
                self._note_opened(new, at, [*beside, *asleep(1)], [*beside, *asleep(0)])
                return str(new["id"])
            except Conflict:
                same = self._same(case_id, said)
                if same is None:
                    raise
        self._db.write([AGAIN(b_id=same, command=_text(command)), *asleep(0)])
        return same

    def _same(self, case_id: str, said: str) -> str | None:
        """The open incident of a case that says the same."""
        of = incident.c.case_id == case_id, incident.c.closed_at.is_(None), incident.c.message == said
        found = self._db.rows(sa.select(incident.c.id).where(*of).limit(1))
        return str(found[0][0]) if found else None

    def find_stuck(self, at: datetime) -> int:
        """Open an incident for cases that got stuck before the engine told so; returns for how many.

        One call looks through a portion, the next one goes on behind it; at the end it is over for this process,
        since what gets stuck later says so itself.
        """
        if self._looked is None:
            return 0
        portion = sa.select(cases.c.id).where(cases.c.state == "open", cases.c.id > self._looked)
        portion = portion.order_by(cases.c.id).limit(CASES_A_ROUND)
        last = self._db.rows(sa.select(sa.func.max(portion.subquery().c.id)))[0][0]
        if last is None:
            self._looked = None
            return 0
        of = _STANDING_STILL.where(cases.c.id > self._looked, cases.c.id <= last).limit(FOUND_A_ROUND)
        found = [row[0] for row in self._db.rows(of)]
        opened = sum(self._look_at(case_id, at) for case_id in found)
        self._looked = found[-1] if len(found) == FOUND_A_ROUND else last
        return opened

    def _look_at(self, case_id: str, at: datetime) -> bool:
        """Whether this call opened the incident of a case that is stuck; there is one of this kind a case, ever."""
        try:
            instance = self._dispatcher.current(case_id)
        except Unavailable:
            raise  # no fault of the case: the portion is looked through again
        except GongdanError as error:  # a damaged history: verify names it, the others are looked at
            log.warning("case could not be looked at", case=case_id, error=str(error))
            return False
        if instance.done or instance.machine.can_move:
            return False
        places = instance.standing()
        message = where(instance.release, instance.process, places)
        new = _new(case_id, places[0] if places else None, STUCK, message, {"type": "wake"}, at)
        beside = [_NO_OTHER_STUCK(b_id=case_id), incidents.NEW(**new)]
        try:
            self._note_opened(new, at, beside, beside)
        except Conflict:
            return False  # another worker was first, or somebody works on it
        return True

    def retry(self, incident_id: str, actor: str, at: datetime, skip: tuple[str, ...] = ()) -> Receipt | None:
        """Try the failed command again, now; ``skip`` passes over failed automatic steps (by a supervisor's leave).

        Closes the incident when it works; raises what the command raises, and the incident stays open.
        """
        found = self.get(incident_id)
        if found.closed_at is not None:
            raise Rejected("Expected an open incident, but it is closed")
        plain = {name: value for name, value in found.command.items() if name != "cleared"}
        receipt = None
        if found.command["type"] == "wake":
            self._dispatcher.forget(found.case_id)
            if skip:
                self._dispatcher.wake_once(found.case_id, iso(at), skip, actor)
            self._dispatcher.wake(found.case_id, iso(at))
            self._rewake(found.case_id)
            if found.kind == STUCK and self._stands_still(found.case_id):
                raise Rejected(
                    "Expected something to happen in case {case_id}, but it stands still as before; "
                    "close the incident with what was done for the customer",
                    case_id=found.case_id,
                )
        else:
            by = {"skip": skip, "skipped_by": actor} if skip else {}
            receipt = self.dispatch(parse({**plain, "at": iso(at), **by}), at)
        self.close(incident_id, actor, f"retried, passing over {', '.join(skip)}" if skip else "retried", at)
        return receipt

    def close(self, incident_id: str, actor: str, resolution: str, at: datetime) -> None:
        """Close an incident with what was done about it; part of the case's history."""
        found = self.get(incident_id)
        if not resolution.strip():
            raise Rejected("Expected a reason, but it is empty")
        if found.closed_at is not None:
            raise Rejected("Expected an open incident, but it is closed")
        kept = resolution if self._dispatcher.keys.get(found.case_id) is not None else ERASED
        closed = {"b_id": incident_id, "closed_at": iso(at), "closed_by": actor}
        beside, alone = (CLOSED(**closed, resolution=said) for said in (resolution, kept))
        self._note(found.case_id, incident_id, "closed", resolution, actor, at, [beside], [alone])

    def get(self, incident_id: str) -> Incident:
        """One incident; raises :class:`NotFound`."""
        rows = self._db.rows(sa.select(incident).where(incident.c.id == incident_id))
        if not rows:
            raise NotFound(f"there is no incident {incident_id}")
        return _from_row(rows[0])

    def _note_opened(
        self, new: Mapping[str, Any], at: datetime, beside: list[Write], alone: list[Write]
    ) -> None:
        said = new["message"][:500]
        self._note(new["case_id"], new["id"], "opened", said, "system:incidents", at, beside, alone)

    def _note(
        self, case_id: str, incident_id: str, action: str, detail: str, actor: str, at: datetime,
        beside: list[Write], alone: list[Write],
    ) -> None:  # fmt: skip
        """Note in the history what became of an incident, with what is written ``beside``: one transaction.

        ``alone`` is written where the history takes no note.
        """
        trusted = actor if actor.startswith("system:") else f"system:incidents:{actor}"
        note = NoteIncident(
            case_id=case_id, actor=trusted, at=iso(at), incident=incident_id, action=action, detail=detail
        )
        try:
            self._dispatcher.dispatch(note, beside)
        except (Conflict, Unavailable):
            raise
        except GongdanError as error:
            # Nothing is written behind a history that does not execute, or cannot be read; the incident stays.
            log.warning(
                "the history of the case takes no note of its incident", case=case_id, reason=str(error)
            )
            self._db.write(alone)

    def _stands_still(self, case_id: str) -> bool:
        instance = self._dispatcher.current(case_id)
        return not (instance.done or instance.machine.can_move)

    def _rewake(self, case_id: str) -> None:
        """Let time see to the case again, unless somebody moved it meanwhile: then it does."""
        instance = self._dispatcher.current(case_id)
        due = instance.next_due()
        self._db.write([AWAKE(b_id=case_id, b_seq=instance.seq, next_due=due[0] if due else None)])


def _new(
    case_id: str, element: str | None, kind: str, said: str, command: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """The row of a new incident."""
    return {
        "id": uuid.uuid4().hex,
        "case_id": case_id,
        "element": element,
        "kind": kind,
        "message": said,
        "command": _text(command),
        "opened_at": iso(at),
        "closed_at": None,
        "closed_by": None,
        "resolution": None,
        "attempts": 1,
    }


def _text(command: Mapping[str, Any]) -> str:
    return json.dumps(command, ensure_ascii=False, default=str)


def _from_row(row: sa.Row[tuple[object, ...]]) -> Incident:
    return Incident(
        row.id,
        row.case_id,
        row.element,
        row.kind,
        row.message,
        json.loads(row.command),
        row.opened_at,
        row.closed_at,
        row.attempts,
    )
