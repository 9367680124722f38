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
    Diverged,
    GongdanError,
    NotFound,
    Rejected,
    TechnicalFailure,
    Unavailable,
)
from engine.base.instants import iso
from engine.base.texts import cleaned
from engine.privacy.sealing import Erased
from engine.storage.database import Database
from engine.storage.tables import cases, incident, outbox, task, timer

from .commands import Command, NoteIncident, parse, to_plain
from .dispatch import Dispatcher, Receipt
from .projections.incidents import STUCK, where

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
CASES_A_ROUND = 5000  #: open cases that one round looks through for such ones
FOUND_A_ROUND = 50  #: of those found, how many it loads


class Incidents:
    """Opening, retrying and closing incidents."""

    def __init__(self, db: Database, dispatcher: Dispatcher) -> None:
        self._db = db
        self._dispatcher = dispatcher
        self._looked: str | None = ""  #: the case up to which was looked for stuck ones; None: at all

    def dispatch(self, command: Command, at: datetime) -> Receipt:
        """Dispatch ``command``; a technical failure opens an incident before it is passed on."""
        try:
            return self._dispatcher.dispatch(command)
        except TechnicalFailure as error:
            if command.case_id:
                self.open(command.case_id, error, {**to_plain(command), "case_id": command.case_id}, at)
            raise

    def open_for_timer(self, case_id: str, error: GongdanError, at: datetime) -> str:
        """A case could not be woken: it is left alone until somebody retries."""
        opened = self.open(case_id, error, {"type": "wake", "at": iso(at)}, at)
        with self._db.begin() as connection:
            connection.execute(
                sa.update(cases).where(cases.c.id == case_id).values(next_due=None, wake_lease=None)
            )
        return opened

    def open(self, case_id: str, error: GongdanError, command: Mapping[str, Any], at: datetime) -> str:
        """Record an incident (or one more attempt of the same); returns its id."""
        said = cleaned(str(error))
        with self._db.begin() as connection:
            connection.execute(_alone(case_id))
            same = connection.execute(
                sa.select(incident.c.id).where(
                    incident.c.case_id == case_id,
                    incident.c.closed_at.is_(None),
                    incident.c.message == said,
                )
            ).scalar()
            if same is not None:
                connection.execute(
                    sa.update(incident)
                    .where(incident.c.id == same)
                    .values(attempts=incident.c.attempts + 1, command=_text(command))
                )
                return str(same)
            element = getattr(error, "element", None)
            new = _new(case_id, element, type(error).__name__, said, command, at)
            connection.execute(sa.insert(incident).values(new))
        return self._opened(new, at)

    def _opened(self, new: Mapping[str, Any], at: datetime) -> str:
        """Note in the history of the case that an incident was opened; returns its id."""
        self._note(new["case_id"], new["id"], "opened", new["message"][:500], "system:incidents", at)
        return str(new["id"])

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
        with self._db.begin() as connection:
            connection.execute(_alone(case_id))
            told = sa.select(incident.c.id).where(incident.c.case_id == case_id, incident.c.kind == STUCK)
            if connection.scalar(told.limit(1)) is not None:
                return False  # another worker was first
            connection.execute(sa.insert(incident).values(new))
        self._opened(new, at)
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
        kept = resolution if self._dispatcher.keys.get(found.case_id) is not None else "erased"
        with self._db.begin() as connection:
            connection.execute(
                sa.update(incident)
                .where(incident.c.id == incident_id)
                .values(closed_at=iso(at), closed_by=actor, resolution=kept)
            )
        self._note(found.case_id, incident_id, "closed", resolution, actor, at)

    def get(self, incident_id: str) -> Incident:
        """One incident; raises :class:`NotFound`."""
        rows = self._db.rows(sa.select(incident).where(incident.c.id == incident_id))
        if not rows:
            raise NotFound(f"there is no incident {incident_id}")
        return _from_row(rows[0])

    def _note(
        self, case_id: str, incident_id: str, action: str, detail: str, actor: str, at: datetime
    ) -> None:
        trusted = actor if actor.startswith("system:") else f"system:incidents:{actor}"
        note = NoteIncident(
            case_id=case_id, actor=trusted, at=iso(at), incident=incident_id, action=action, detail=detail
        )
        try:
            self._dispatcher.dispatch(note)
        except (Diverged, Erased):
            # Nothing is written behind a history that does not execute, or cannot be read; the incident stays.
            log.warning("the history of the case takes no note of its incident", case=case_id)

    def _stands_still(self, case_id: str) -> bool:
        instance = self._dispatcher.current(case_id)
        return not (instance.done or instance.machine.can_move)

    def _rewake(self, case_id: str) -> None:
        due = self._dispatcher.current(case_id).next_due()
        with self._db.begin() as connection:
            connection.execute(
                sa.update(cases).where(cases.c.id == case_id).values(next_due=due[0] if due else None)
            )


def _alone(case_id: str) -> sa.Select[Any]:
    """Read first in a transaction: of two that open an incident of one case, the second sees what the first did."""
    return sa.select(cases.c.id).where(cases.c.id == case_id).with_for_update()


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
