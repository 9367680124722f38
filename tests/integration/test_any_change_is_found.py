"""Whatever is changed in a database past the software is named by a check, or proved to do no harm.

One value of one row, of any table that says something about cases; a row taken out, or put in twice; a history whose
chain was computed anew. 150 of them on every run, 1,200 in ``make fault`` on 200 cases.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from engine.base.errors import GongdanError
from engine.case import rebuild, snapshots
from engine.case.commands import AmendData, PauseClocks
from engine.case.history import chain
from engine.case.instance import GENESIS
from engine.operations import erasure, inspection
from engine.people.security_events import By, SignInFailed
from engine.proof import checkpoints, log, records, verifications
from engine.proof.log import Leaf
from engine.proof.verify import DIVERGED, ERASED
from engine.release.releases import Releases
from engine.storage.metadata import metadata
from engine.storage.tables import cases, history, snapshot
from tests.casework import Desk, opened
from tests.clock import Clock
from tests.erasing import REQUEST

#: tables that say nothing about cases: accounts, drafts, what was told, what was answered to a repeated submit
BESIDE = {
    "alembic_version", "answer", "attempt", "case_number", "diagram_draft", "draft", "incident", "notice", "person",
    "proposal", "proposal_file", "pulse", "recovery_code", "second_step", "security_sink", "session", "setting",
}  # fmt: skip
#: who works on a row just now, and how often it was tried: bounded wherever it is read (engine/delivery/leases.py)
AT_WORK = {("cases", "wake_lease"), ("outbox", "lease"), ("outbox", "attempts"), ("outbox", "received")}
TABLES = [table for table in metadata.sorted_tables if table.name not in BESIDE]
Row = dict[str, Any]


@dataclass
class Watched:
    """The database, and what an auditor kept of it elsewhere."""

    desk: Desk
    cases: list[str]
    erased: set[str]
    kept: list[Leaf]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Watched]:
    many = 200 if request.config.getoption("--full") else 24
    with opened(tmp_path_factory.mktemp("watched"), Clock()) as desk:
        made = [_case(desk, number) for number in range(many)]
        desk.send()
        erasure.erase(desk.g, made[6::8], REQUEST)
        desk.g.access_log.note("agent1", made[0], "case", desk.at)
        desk.g.access_log.note("agent2", made[1], "case", desk.at)
        for name in ("agent1", "?0123"):
            desk.g.security_log.note(By("", "192.0.2.1"), SignInFailed(about=name), desk.at)
        verifications.record(desk.g.db, desk.at, "auditor1", "page", verifications.summary([], []), made[:1])
        checkpoints.make(desk.g.db, desk.g.settings.heads_key, desk.at)
        with desk.g.db.begin() as connection:
            for trigger in connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).all():
                connection.exec_driver_sql(f"DROP TRIGGER {trigger[0]}")
        yield Watched(desk, made, set(made[6::8]), list(log.as_far_as_whole(desk.g.db)))


def _case(desk: Desk, number: int) -> str:
    """Cases of many kinds: quiet, busy, paused, corrected, late, closed, long enough for a snapshot."""
    case = desk.start(contact_phone=f"138{number:08}")
    kind = number % 8
    if kind == 6:
        desk.complete(case, result="busy", note="占线")
    if kind in (1, 6):
        desk.complete(case, result="reached", said="好的")
    elif kind == 2:
        desk.complete(case, result="busy", note="占线")
        desk.claim(case)
    elif kind == 3:
        desk.g.dispatch(PauseClocks(case_id=case, actor="supervisor1", at=desk.at, reason="等客户"))
    elif kind == 4:
        for _ in range(snapshots.EVERY + 2):
            amended = AmendData(
                case_id=case, actor="supervisor1", at=desk.at, data={"priority": "P1"}, reason="更正"
            )
            desk.g.dispatch(amended)
    elif kind == 5:
        desk.clock.advance(hours=5)
        desk.wake()
    desk.clock.advance(minutes=7)
    return case


def findings(watched: Watched, of: set[str]) -> list[str]:
    """What the checks say of these cases and of all that is beside the cases: ``verify`` and ``db check``."""
    g = watched.desk.g
    g.dispatcher.releases = g.releases = Releases(g.db)
    told = records.faults(g.db, [checkpoints.own_verifier(g.settings.heads_key)])
    by_case, others = records.held_against(g.db, watched.kept)
    told += [f"{case}: {fault.reason}" for case, fault in by_case.items()] + others + rebuild.orphans(g)
    for case in sorted(of):
        verdict = inspection.verify(g, case)
        if verdict.state == DIVERGED:
            told.append(f"{case}: {verdict.reason}")
        elif verdict.state == ERASED:
            told += rebuild.erased_faults(g.db, case)
        else:
            told += rebuild.differences(g, case)
    return told


def _other(value: Any, chance: random.Random) -> Any:
    """Another value for a column: a little off, or of another kind."""
    if isinstance(value, int):
        return value + chance.choice((-1, 1, 1000))
    if isinstance(value, bytes):
        if not value or chance.random() < 0.2:
            return None if chance.random() < 0.3 else value + b"\0"
        at = chance.randrange(len(value))
        return value[:at] + bytes([value[at] ^ 1 << chance.randrange(8)]) + value[at + 1 :]
    if isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        return chance.choice(
            (value[:at] + "7" + value[at + 1 :], value + "0", "", "2031-01-01T00:00:00+00:00")
        )
    return chance.choice(("x", "2026-01-01T00:00:00+00:00", 1))


def _rechained(rows: list[Row]) -> list[Row]:
    made, previous = [], GENESIS
    for row in rows:
        parts = (row["command"], row["effects"], row["release"], row["engine"], previous, row["recorded_at"])
        row = {**row, "prev_hash": previous, "hash": chain(row["case_id"], row["seq"], *parts)}
        previous = row["hash"]
        made.append(row)
    return made


class Change:
    """One change of one table, which can be taken back."""

    def __init__(self, watched: Watched, chance: random.Random) -> None:
        self.db = watched.desk.g.db
        self.table, self.before = chance.choice(
            [(table, rows) for table in TABLES if (rows := self._rows(table))]
        )
        self.head: tuple[str, bytes] | None = None
        ended = [
            i for i, row in enumerate(self.before) if row.get("case_id", row.get("id")) in watched.erased
        ]
        chosen = chance.choice(ended if ended and chance.random() < 0.3 else range(len(self.before)))
        row = self.before[chosen]
        rest = [*self.before[:chosen], *self.before[chosen + 1 :]]
        deed, self.column = chance.random(), ""
        if deed < 0.15:
            self.after, self.told = rest, f"{self.table.name}: a row is taken out: {row}"
        else:
            columns = [c.name for c in self.table.c if (self.table.name, c.name) not in AT_WORK]
            column = self.column = chance.choice(columns)
            changed = {**row, column: _other(row[column], chance)}
            while changed == row:
                changed = {**row, column: _other(row[column], chance)}
            self.after, self.told = (
                [*rest, changed],
                f"{self.table.name}.{column}: {row[column]!r:.80} → {changed[column]!r:.80}",
            )
        self.row = row
        self.cases = {
            str(one[name]) for one in (row, *self.after[-1:]) for name in ("case_id", "id") if name in one
        }
        if self.table is history and deed >= 0.5:
            self._chain_anew(row["case_id"])

    def _chain_anew(self, case: str) -> None:
        """What a careful forger does: every hash fits again, and the case's row says where the history ends."""
        try:
            mine = sorted((r for r in self.after if r["case_id"] == case), key=lambda r: r["seq"])
            made = _rechained(mine)
        except (TypeError, ValueError):  # of another kind: there is nothing to hash
            return
        if made:
            self.after = [r for r in self.after if r["case_id"] != case] + made
            self.head = case, made[-1]["hash"]
            self.told += ", and the chain was computed anew"

    @property
    def same(self) -> bool:
        """Whether computing the chain anew gave what was there."""
        return sorted(map(repr, self.before)) == sorted(map(repr, self.after))

    def _rows(self, table: sa.Table) -> list[Row]:
        return [dict(row._mapping) for row in self.db.rows(sa.select(table))]

    def write(self, rows: list[Row]) -> None:
        with self.db.begin() as connection:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            connection.execute(sa.delete(self.table))
            for row in rows:
                connection.execute(sa.insert(self.table).values(row))

    def behead(self, head: tuple[str, bytes] | None) -> bytes | None:
        """Write the head of a case; returns what stood there."""
        if head is None:
            return None
        was = self.db.rows(sa.select(cases.c.head).where(cases.c.id == head[0]))[0][0]
        with self.db.begin() as connection:
            connection.execute(sa.update(cases).where(cases.c.id == head[0]).values(head=head[1]))
        return bytes(was)


def _does_no_harm(watched: Watched, change: Change) -> bool:
    """The same bytes again; when a message that is over was due; a snapshot, which is not used when it was changed."""
    if change.same or (change.column == "next_at" and change.row["state"] in ("sent", "cancelled")):
        return True
    if change.table is not snapshot:
        return False
    dispatcher = watched.desk.g.dispatcher
    known = change.cases & set(watched.cases)
    return all(
        snapshots.fingerprint(dispatcher.load(case))
        == snapshots.fingerprint(dispatcher.load(case, use_snapshot=False))
        for case in known
    )


@pytest.mark.parametrize("part", range(6))
def test_any_change_of_any_table_is_named_or_does_no_harm(watched: Watched, part: int, full: bool) -> None:
    chance = random.Random(20261130 + part)
    unseen, done = [], 0
    for _ in range(200 if full else 25):
        change = Change(watched, chance)
        try:
            change.write(change.after)
        except (
            GongdanError,
            sa.exc.SQLAlchemyError,
        ):  # the database takes no such value: nothing was changed
            continue
        was = change.behead(change.head)
        try:
            if not findings(watched, change.cases & set(watched.cases)) and not _does_no_harm(
                watched, change
            ):
                unseen.append(change.told)
        finally:
            change.write(change.before)
            if change.head is not None:
                change.behead((change.head[0], was or b""))
        done += 1
    assert unseen == [], "\n".join(unseen)
    assert done > 10


def test_of_what_nobody_changed_nothing_is_said(watched: Watched) -> None:
    assert findings(watched, set(watched.cases)) == []
    assert {watched.desk.g.verify(case).state for case in watched.cases} == {"identical", "erased"}
