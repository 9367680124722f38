"""Known faults, planted one at a time: the simulation that finds none in the engine must find each of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any
from unittest import mock

import sqlalchemy as sa
from msgspec.structs import replace

from engine.base.errors import Unavailable
from engine.base.sending import SENT, UNKNOWN
from engine.case import checks, kept_rows, snapshots, store
from engine.case.clocks import PAUSED, RUNNING, Clocks
from engine.case.dispatch import Dispatcher
from engine.case.instance_cache import LiveInstances
from engine.case.projections import PROJECTIONS, Change, outbox, tasks
from engine.case.projections import cases as case_rows
from engine.delivery import outbox as sending
from engine.delivery.leases import free
from engine.delivery.links import CaseOpener
from engine.delivery.outbox import Outbox
from engine.operations import erasure
from engine.privacy.keys import Keys
from engine.sla.time_rules import TimeRules
from engine.storage import database
from engine.storage.statements import Statement, Write
from engine.storage.tables import outbox as entries
from engine.storage.tables import subject_key

Plant = AbstractContextManager[Any]
Project = Callable[[Change], Iterable[Write]]


def _projecting(project: Project, change: Callable[[Write], Write | None]) -> Plant:
    """While planted, ``project`` writes what ``change`` makes of each of its writes (None: nothing)."""

    def planted(given: Change) -> Iterator[Write]:
        yield from (made for write in project(given) if (made := change(write)) is not None)

    chosen = tuple(planted if one is project else one for one in PROJECTIONS)
    return mock.patch("engine.case.projections.PROJECTIONS", chosen)


def _without(project: Project, statement: Statement) -> Plant:
    return _projecting(project, lambda write: None if write[0] is statement else write)


def _sent_before_sending() -> Plant:
    def send(self: Any, entry: Any, now: Any) -> Any:
        done = self._record(entry, SENT, "", now)
        self._gateways[entry.kind].send(entry)
        return done

    return mock.patch.object(Outbox, "_send", send)


def _unknown_is_tried_again() -> Plant:
    record = Outbox._record

    def planted(self: Any, entry: Any, state: str, detail: str, now: Any) -> Any:
        if state == UNKNOWN:
            return self._postpone(entry, detail, now)
        return record(self, entry, state, detail, now)

    return mock.patch.object(Outbox, "_record", planted)


def _lease_ignored() -> Plant:
    def begin(self: Any, claimed: tuple[str, str], now: Any) -> Any:
        return self.entry(claimed[0])

    return mock.patch.object(Outbox, "_begin", begin)


def _acknowledged_unwritten() -> Plant:
    commit = store.commit

    def planted(*given: Any) -> None:
        with suppress(Unavailable):
            commit(*given)

    return mock.patch.object(store, "commit", planted)


def _wakes_once() -> Plant:
    def change(write: Write) -> Write:
        statement, row = write
        return (statement, {**row, "next_due": None}) if statement is case_rows.MOVED else write

    return _projecting(case_rows.project, change)


def _no_breach_of_a_case() -> Plant:
    def next_due(self: Clocks) -> Any:
        live = (clock for clock in self.live.values() if clock.state == RUNNING and clock.warnings)
        return min(((clock.warnings[0], 0, clock.id) for clock in live), default=None)

    return mock.patch.object(Clocks, "next_due", next_due)


def _pause_takes_half() -> Plant:
    remaining = TimeRules.remaining
    return mock.patch.object(TimeRules, "remaining", lambda *given: remaining(*given) // 2)


def _paused_clock_warns() -> Plant:
    next_due = Clocks.next_due

    def planted(self: Clocks) -> Any:
        held = [c for c in self.live.values() if c.state == PAUSED and c.warnings]
        return min([*((c.warnings[0], 0, c.id) for c in held), *filter(None, [next_due(self)])], default=None)

    return mock.patch.object(Clocks, "next_due", planted)


def _erase_leaves_messages() -> Plant:
    cleared = [statement for statement in erasure._CLEARED if statement.table.name != "outbox"]
    return mock.patch.object(erasure, "_CLEARED", cleared)


def _opened_twice() -> Plant:
    command = CaseOpener._command

    def planted(self: Any, entry: Any) -> Any:
        number = f"link:{entry.id}:{entry.attempts}"
        return replace(command(self, entry), external_id=number, key=number)

    return mock.patch.object(CaseOpener, "_command", planted)


def _too_early() -> Plant:
    def waiting(now: Any) -> sa.ColumnElement[bool]:
        return sa.and_(entries.c.state == "pending", free(entries.c.lease, now, sending.LEASE))

    return mock.patch.object(sending, "_waiting", waiting)


def _snapshot_forgets_claims() -> Plant:
    dump = snapshots.dump
    return mock.patch.object(snapshots, "dump", lambda instance: {**dump(instance), "claims": []})


def _nothing_synced() -> Plant:
    prepare = database._prepare_sqlite
    return mock.patch.object(database, "_prepare_sqlite", lambda raw, _: prepare(raw, "OFF"))


def _anybody_may() -> Plant:
    return mock.patch.object(checks, "check_work", return_value=None)


#: destroys the key of no case
KEY_STAYS = Statement(sa.delete(subject_key).where(subject_key.c.case_id == sa.bindparam("b_id"), sa.false()))
#: what is wrong → how it is planted
PLANTED: dict[str, Callable[[], Plant]] = {
    "a message is marked as sent before it is": _sent_before_sending,
    "what nobody can say is tried again": _unknown_is_tried_again,
    "the lease of a message is ignored": _lease_ignored,
    "a message goes out at any hour": _too_early,
    "a message that was taken back goes out": lambda: _without(outbox.project, outbox.TAKEN_BACK),
    "nobody is told of a message that failed": lambda: mock.patch.object(sending, "telling", return_value=[]),
    "a linked case is opened at each attempt": _opened_twice,
    "a submit key is ignored": lambda: mock.patch.object(Dispatcher, "_answered", return_value=None),
    "a command that could not be written is acknowledged": _acknowledged_unwritten,
    "a commit is not synced": _nothing_synced,
    "a case is kept after its command failed": lambda: mock.patch.object(
        LiveInstances, "_drop", return_value=None
    ),
    "a snapshot forgets who holds what": _snapshot_forgets_claims,
    "the list of tasks learns of no claim": lambda: _without(tasks.project, tasks.CLAIMED),
    "the list of cases learns of no end": lambda: _without(case_rows.project, case_rows.CLOSED),
    "a case is due once and never again": _wakes_once,
    "the limit of a whole case is never breached": _no_breach_of_a_case,
    "a limit that is paused warns": _paused_clock_warns,
    "a limit that was paused has half of its time left": _pause_takes_half,
    "a limit never pauses": lambda: mock.patch.object(TimeRules, "pausable", return_value=False),
    "erasing leaves the words of messages": _erase_leaves_messages,
    "erasing says of the rows that stay what they held before": lambda: mock.patch.object(
        kept_rows, "after", lambda db, case_id, _: kept_rows.digests(db, case_id)
    ),
    "erasing leaves the key": lambda: mock.patch.object(Keys, "DESTROYED", KEY_STAYS),
    "anybody may do any task": _anybody_may,
}
