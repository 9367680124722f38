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

from .commands import KINDS, Command, NoteIncident, to_plain
from .db.database import Database
from .db.tables import cases, incident, outbox, task, timer
from .dispatch import Dispatcher, Receipt
from .errors import Diverged, GongdanError, NotFound, Rejected, TechnicalFailure
from .projections.incidents import STUCK, where
from .sealing import Erased
from .spiff.timers import iso
from .texts import cleaned

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


class _Stuck(GongdanError):
    """A case in which nothing can happen any more; its text names the elements."""

    element: str | None = None


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


class Incidents:
    """Opening, retrying and closing incidents."""

    def __init__(self, db: Database, dispatcher: Dispatcher) -> None:
        self._db = db
        self._dispatcher = dispatcher

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
        element, said = getattr(error, "element", None), cleaned(str(error))
        text = json.dumps(command, ensure_ascii=False, default=str)
        with self._db.begin() as connection:
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
                    .values(attempts=incident.c.attempts + 1, command=text)
                )
                return str(same)
            incident_id = uuid.uuid4().hex
            connection.execute(
                sa.insert(incident).values(
                    id=incident_id,
                    case_id=case_id,
                    element=element,
                    kind=STUCK if isinstance(error, _Stuck) else type(error).__name__,
                    message=said,
                    command=text,
                    opened_at=iso(at),
                    attempts=1,
                )
            )
        self._note(case_id, incident_id, "opened", said[:500], "system:incidents", at)
        return incident_id

    def find_stuck(self, at: datetime) -> int:
        """Open an incident for each case that got stuck before the engine told so; returns how many.

        Looked for once, when a worker begins: what gets stuck later says so itself.
        """
        found = self._db.rows(_STANDING_STILL)
        opened = 0
        for (case_id,) in found:
            try:
                instance = self._dispatcher.current(case_id)
            except GongdanError as error:  # a damaged history: verify names it, the others are looked at
                log.warning("case could not be looked at", case=case_id, error=str(error))
                continue
            if instance.done or instance.machine.can_move:
                continue
            places = instance.standing()
            stuck = _Stuck(where(instance.release, instance.process, places))
            stuck.element = places[0] if places else None
            self.open(case_id, stuck, {"type": "wake"}, at)
            opened += 1
        return opened

    def retry(self, incident_id: str, actor: str, at: datetime, skip: tuple[str, ...] = ()) -> Receipt | None:
        """Try the failed command again, now; ``skip`` passes over failed automatic steps (by a supervisor's leave).

        Closes the incident when it works; raises what the command raises, and the incident stays open.
        """
        found = self.get(incident_id)
        if found.closed_at is not None:
            raise Rejected("Expected an open incident, but it is closed")
        plain = {k: v for k, v in found.command.items() if k not in ("type", "cleared")}
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
            receipt = self.dispatch(KINDS[found.command["type"]](**{**plain, "at": iso(at), **by}), at)
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

    def open_list(self, limit: int = 200) -> list[Incident]:
        """Open incidents, oldest first."""
        query = (
            sa.select(incident)
            .where(incident.c.closed_at.is_(None))
            .order_by(incident.c.opened_at)
            .limit(limit)
        )
        return [_from_row(row) for row in self._db.rows(query)]

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
