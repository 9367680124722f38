"""A case's history as people read it: each command with its effects, and what they did to the data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.base.errors import GongdanError
from engine.base.facts import Effects, State, resolve
from engine.bpmn.kinds import HOLDING
from engine.privacy.sealing import MARK, Erased, Seal
from engine.release.release import Release
from engine.storage.database import Database
from engine.storage.tables import history, subject_key, task

from . import sound
from .rows import text

ERASED = "▒▒▒"  #: stands where a personal value was, after erasure
UNREADABLE = "▒?▒"  #: stands where a sealed value is that does not open: it, or the key, is not what it was
_OPEN = frozenset({State.WAITING, State.READY, State.STARTED})


@dataclass(frozen=True, slots=True)
class Step:
    """One history row, opened. ``changes`` are (name, before, after); None means absent.

    ``given`` are answers of its form that scripts of the diagram put aside in the same step: (name, value).
    """

    seq: int
    at: str
    recorded_at: str
    actor: str
    kind: str
    command: Mapping[str, Any]
    effects: Effects
    release: int
    hash: str
    changes: list[tuple[str, Any, Any]] = field(default_factory=list)
    given: list[tuple[str, Any]] = field(default_factory=list)


Answered = Mapping[str, str | None]
"""Data that somebody gave → the form that asked for it last; None: given on opening or as a correction."""


def answered(db: Database, case_id: str) -> Answered:
    """The case's data that somebody gave, and where."""
    with db.read() as c:
        rows = c.scalars(
            sa.select(history.c.command).where(history.c.case_id == case_id).order_by(history.c.seq)
        ).all()
    return _answers((sound.command(sound.parsed(row)) for row in rows), _forms(db, case_id))


def given(db: Database, case_id: str, steps: Iterable[Step]) -> Answered:
    """:func:`answered`, as far as these steps go."""
    return _answers((step.command for step in steps), _forms(db, case_id))


def _forms(db: Database, case_id: str) -> dict[int, str | None]:
    query = sa.select(task.c.task, task.c.form).where(task.c.case_id == case_id)
    return {row.task: row.form for row in db.rows(query)}


def _answers(commands: Iterable[Mapping[str, Any]], forms: Mapping[int, str | None]) -> Answered:
    found: dict[str, str | None] = {}
    for command in commands:
        form = forms.get(command.get("task") or 0)
        for name in command.get("data") or ():
            found[name] = form or found.get(name)
    return found


def steps(db: Database, release: Release, case_id: str, holding: Collection[bytes] = ()) -> list[Step]:
    """All steps of a case, oldest first, with personal values readable unless they were erased.

    With ``holding`` only those whose stored effects hold one of these; their changes are then not the case's.
    """
    with db.read() as c:
        key = c.execute(
            sa.select(subject_key.c.key).where(subject_key.c.case_id == case_id)
        ).scalar_one_or_none()
        rows = c.execute(sa.select(history).where(history.c.case_id == case_id).order_by(history.c.seq)).all()
    seal = _seal(release, key)
    told: list[Step] = []
    data: dict[str, Any] = {}
    for row in rows:
        if holding and not any(mark in text(row.effects).encode() for mark in holding):
            continue
        command = sound.command(_opened(seal, sound.parsed(row.command)))
        effects = sound.effects(_opened(seal, sound.parsed(row.effects)))
        changes = _fold(data, command, effects)
        told.append(
            Step(
                row.seq,
                text(row.at),
                text(row.recorded_at),
                text(row.actor),
                str(command.pop("type", "")),
                command,
                effects,
                row.release,
                row.hash.hex() if isinstance(row.hash, bytes) else text(row.hash),
                changes,
                [
                    (name, value)
                    for name, value in (command.get("data") or {}).items()
                    if data.get(name) != value
                ],
            )
        )
    return told


def _seal(release: Release, key: Any) -> Seal | None:
    """What opens the values of a case; None with a key that is none."""
    try:
        return release.seal(key)
    except (ValueError, TypeError):
        return None


def _opened(seal: Seal | None, value: Any) -> Any:
    if isinstance(value, dict):
        if len(value) == 1 and MARK in value:
            try:
                return UNREADABLE if seal is None else seal.open(value)
            except Erased:
                return ERASED
            except (GongdanError, ValueError, TypeError):
                return UNREADABLE
        return {k: _opened(seal, v) for k, v in value.items()}
    if isinstance(value, list):
        return [_opened(seal, v) for v in value]
    return value


def _fold(data: dict[str, Any], command: Mapping[str, Any], effects: Effects) -> list[tuple[str, Any, Any]]:
    """Apply a step to ``data``; returns what changed."""
    put: dict[str, Any] = dict(command.get("data") or {})
    gone: set[str] = set()
    for change in effects.data:
        put.update(change.put)
        gone.update(change.gone)
    changes = [(name, data.get(name), value) for name, value in put.items() if data.get(name) != value]
    changes += [(name, data[name], None) for name in sorted(gone) if name in data and name not in put]
    data.update(put)
    for name in gone - put.keys():
        data.pop(name, None)
    return changes


def data_after(told: Iterable[Step]) -> dict[str, Any]:
    """The case data that these steps left, by name."""
    data: dict[str, Any] = {}
    for step in told:
        for name, _, after in step.changes:
            if after is None:
                data.pop(name, None)
            else:
                data[name] = after
    return data


@dataclass(slots=True)
class Position:
    """Where a case stands on one element.

    ``state`` is done, here, inside, armed or cancelled; ``times`` how often it was completed.
    """

    state: str
    times: int = 0


def positions(told: Iterable[Step], release: Release, process: str) -> dict[str, dict[str, Position]]:
    """Process → element → position after these steps, for drawing on the diagrams."""
    last: dict[int, tuple[str, State]] = {}
    times: dict[str, int] = {}
    for step in told:
        for moved in step.effects.moves:
            last[moved.task] = moved.element, moved.state
            if moved.state is State.COMPLETED:
                times[moved.element] = times.get(moved.element, 0) + 1
    found: dict[str, dict[str, Position]] = {}
    for ref, reached in last.values():
        owner, element = resolve(process, ref)
        here = found.setdefault(owner, {})
        state = _state(reached, release, owner, element)
        known = here.get(element)
        if known is None or _RANK[state] > _RANK[known.state]:
            here[element] = Position(state, times.get(ref, 0))
    return found


_RANK = {"cancelled": 0, "done": 1, "armed": 2, "inside": 3, "here": 4}


def _state(reached: State, release: Release, process: str, element: str) -> str:
    if reached not in _OPEN:
        return "done" if reached is State.COMPLETED else "cancelled"
    drawn = release.processes[process].elements.get(element) if process in release.processes else None
    kind = drawn.kind if drawn else ""
    return "armed" if kind == "boundaryEvent" else "inside" if kind in HOLDING else "here"
