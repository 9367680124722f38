"""Histories as events for process mining: what happened on which drawn element, by whom. No case data at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from engine.base.errors import GongdanError, NotFound
from engine.base.facts import State, parse, resolve
from engine.base.phones import mask_phones_in
from engine.bpmn.diagrams import Element
from engine.bpmn.kinds import RECORDED
from engine.privacy.sealing import MARK
from engine.release.release import Release
from engine.release.releases import Releases
from engine.storage.database import Database
from engine.storage.tables import cases, history


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``lifecycle`` is of the standard XES model; ``task`` tells occurrences of an element apart."""

    case_id: str
    seq: int
    at: str
    actor: str
    activity: str
    element: str
    process: str
    kind: str
    lifecycle: str
    task: int


@dataclass(frozen=True, slots=True)
class Trace:
    """A case and its events in order; only what is not personal."""

    case_id: str
    process: str
    process_name: str
    release: int
    opened_at: str
    closed_at: str | None
    outcome: str | None
    severity: str | None
    channel: str | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class _Stored:
    """What events are made of in a history row: sealed values are sealed."""

    seq: int
    at: str
    actor: str
    command: dict[str, Any]
    effects: dict[str, Any]


def case_numbers(db: Database) -> list[str]:
    """All case numbers, in order."""
    return [row[0] for row in db.rows(sa.select(cases.c.id).order_by(cases.c.id))]


#: what reading a history raises whose bytes were changed past the software
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, GongdanError)


def traces(db: Database, releases: Releases, spoilt: list[str]) -> Iterator[Trace]:
    """Every case with its events, one case in memory at a time; one that cannot be read is left out, as above."""
    names = ("process", "release", "opened_at", "closed_at", "outcome", "severity", "channel")
    for case_id in case_numbers(db):
        row = db.rows(sa.select(*(cases.c[name] for name in names)).where(cases.c.id == case_id))[0]
        try:
            release = releases.get(row.release)
            known = release.processes.get(row.process)
            events = tuple(_events(db, release, case_id, row.process))
        except UNREADABLE:
            spoilt.append(case_id)
            continue
        yield Trace(
            case_id, row.process, known.name if known else row.process, row.release, row.opened_at,
            row.closed_at, row.outcome, row.severity, row.channel,
            events,
        )  # fmt: skip


def _events(db: Database, release: Release, case_id: str, process: str) -> Iterator[Event]:
    refs: dict[int, str] = {}

    def event(row: _Stored, actor: str, task: int, ref: str, lifecycle: str) -> Event | None:
        owner, name = resolve(process, ref)
        element = _element(release, owner, name)
        if element is None:
            return None
        label = element.name or name
        return Event(case_id, row.seq, row.at, actor, label, name, owner, element.kind, lifecycle, task)

    for row in _stored(db, case_id):
        found: list[Event | None] = []
        done = row.command.get("task") if row.command["type"] == "complete" else None
        effects = parse(row.effects)
        for task in effects.closed:
            if task in refs:
                mine = task == done
                actor = row.actor if mine else "system"
                found.append(event(row, actor, task, refs[task], "complete" if mine else "withdraw"))
        for moved in effects.moves:
            completed = moved.state is State.COMPLETED
            passed = event(row, "system", moved.task, moved.element, "complete") if completed else None
            if passed is not None and passed.kind in RECORDED:
                found.append(passed)
        for opened in effects.opened:
            refs[opened.task] = opened.element
            found.append(event(row, "system", opened.task, opened.element, "schedule"))
        for claimed in effects.claimed:
            if claimed.task in refs:
                who = claimed.person
                lifecycle = "reassign" if who is None else "start" if who == row.actor else "assign"
                found.append(event(row, who or row.actor, claimed.task, refs[claimed.task], lifecycle))
        yield from (one for one in found if one is not None)


def _stored(db: Database, case_id: str) -> Iterator[_Stored]:
    columns = [history.c[name] for name in _Stored.__slots__]
    for row in db.rows(sa.select(*columns).where(history.c.case_id == case_id).order_by(history.c.seq)):
        command, effects = masked(orjson.loads(row.command)), masked(orjson.loads(row.effects))
        yield _Stored(row.seq, row.at, row.actor, command, effects)


def _element(release: Release, process: str, name: str) -> Element | None:
    try:
        return release.element(process, name)
    except NotFound:
        return None


def masked(value: Any) -> Any:
    """A value with numbers masked that staff may have typed in reasons and notes; sealed values are left alone."""
    if isinstance(value, str):
        return mask_phones_in(value)
    if isinstance(value, list):
        return [masked(one) for one in value]
    if isinstance(value, dict) and MARK not in value:
        return {name: masked(one) for name, one in value.items()}
    return value
