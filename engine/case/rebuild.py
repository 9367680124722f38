"""Read models from history: re-execute a case and write its rows anew, or compare them with what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

import orjson
import sqlalchemy as sa

from engine.base.errors import Conflict, GongdanError, Unavailable
from engine.base.settings import Settings
from engine.privacy.keys import Keys
from engine.release.releases import Releases
from engine.storage.database import Database
from engine.storage.statements import Statement, Write
from engine.storage.tables import (
    case_fact,
    cases,
    history,
    incident,
    metadata,
    notice,
    outbox,
    respondent,
    sla_clock,
    snapshot,
    subject_key,
    task,
    timer,
)

from . import erasing, kept_rows, outbox_held, projections, store
from .behaviour import version
from .commands import parse
from .dispatch import Dispatcher
from .handlers import NONSENSE, execute
from .instance import Instance
from .projections import Change
from .store import case_ids
from .waking import ATTEMPTS

_PERSONAL = ("title", "customer", "phone", "phone_key", "waiting_customer")  #: columns of cases
ERASED = "erased"  #: stands in rows that stay where something personal was
DERIVED = (
    task,
    timer,
    sla_clock,
    case_fact,
    respondent,
)  #: rebuilt whole; outbox and notices keep what gateways and people did to them
_KEPT = {outbox, notice, incident}
_WIPES = [
    *(Statement(sa.delete(t).where(t.c.case_id == sa.bindparam("b_id"))) for t in DERIVED),
    Statement(sa.delete(cases).where(cases.c.id == sa.bindparam("b_id"))),
]
_SEQ = sa.select(sa.func.max(history.c.seq))
#: touches the case row while its history is as long as what was replayed, and nothing when somebody wrote on
_FENCE = Statement(
    sa.update(cases)
    .where(
        cases.c.id == sa.bindparam("b_id"),
        _SEQ.where(history.c.case_id == sa.bindparam("b_id")).scalar_subquery() == sa.bindparam("b_seq"),
    )
    .values(wake_lease=sa.null()),
    fence=True,
)


class Opened(Protocol):
    """What is needed of an opened Gongdan."""

    settings: Settings
    db: Database
    releases: Releases
    keys: Keys
    dispatcher: Dispatcher

    @property
    def wall(self) -> Callable[[], datetime]:
        """The wall clock."""


def rebuild(gongdan: Opened, after: str = "") -> Iterator[tuple[str, str | None]]:
    """Rebuild the read models of every case behind ``after``, one transaction a case; yields each as it is done.

    With its number comes why the case could not be rebuilt (its rows are as before); None: it was. Erased cases keep
    their rows: there is nothing left to build them from.
    """
    for case_id in (case for case in case_ids(gongdan.db) if case > after):
        fault = None
        if gongdan.keys.get(case_id) is not None:
            try:
                _rebuild_case(gongdan, case_id)
            except Unavailable:
                raise  # the next case would fare no better
            except Conflict:
                fault = "somebody worked on it all the time"
            except NONSENSE as error:
                fault = f"its history does not run: {error or type(error).__name__}"
            gongdan.dispatcher.forget(case_id)
        yield case_id, fault


def _rebuild_case(gongdan: Opened, case_id: str) -> None:
    """Write the rows of one case anew; again when somebody worked on the case meanwhile."""
    for attempt in range(ATTEMPTS):
        seq = len(store.rows(gongdan.db, case_id))  # none: the replay says so
        writes = [write for write in replayed(gongdan, case_id) if write[0].table not in _KEPT]
        missing = store.head(gongdan.db, case_id) is None
        fence = [] if missing else [_FENCE(b_id=case_id, b_seq=seq)]
        try:
            gongdan.db.write([*fence, *(wipe(b_id=case_id) for wipe in _WIPES), *writes])
            return
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise


def replayed(gongdan: Opened, case_id: str) -> Iterator[Write]:
    """The read-model writes of a case's whole history; raises :class:`GongdanError` when history does not run."""
    rows = store.rows(gongdan.db, case_id)
    if not rows:
        raise GongdanError(f"case {case_id} has no history")
    release = gongdan.releases.get(rows[0].release)
    seal = release.seal(gongdan.keys.get(case_id))
    instance = Instance(case_id, orjson.loads(rows[0].command)["process"], release, seal)
    for row in rows:
        command = parse(seal.parse(row.command))
        effects = execute(instance, command, version(row.engine))
        instance.seq, instance.head = row.seq, row.hash
        yield from projections.writes(Change(instance, command, effects, gongdan.settings.lookup_key))


def differences(gongdan: Opened, case_id: str) -> list[str]:
    """Where the stored rows of a case differ from what its history gives. Changes nothing."""
    scratch = Database("sqlite://")
    try:
        metadata.create_all(scratch.engine)
        scratch.write(list(replayed(gongdan, case_id)))
        stored, expected = _rows(gongdan.db, case_id), _rows(scratch, case_id)
        sent = list(outbox_held.faults(_outbox(gongdan.db, case_id), _outbox(scratch, case_id)))
        wakes = _wakes_elsewhere(gongdan.db, scratch, case_id)
    finally:
        scratch.close()
    rows = [
        f"{name}: {len(stored[name] ^ expected[name])} rows differ"
        for name in stored
        if stored[name] != expected[name]
    ]
    return rows + sent + wakes


def _outbox(db: Database, case_id: str) -> outbox_held.Rows:
    with db.read() as connection:
        rows = connection.execute(sa.select(outbox).where(outbox.c.case_id == case_id)).mappings()
        return {row["id"]: dict(row) for row in rows}


def _wakes_elsewhere(db: Database, scratch: Database, case_id: str) -> list[str]:
    """A case that time would do nothing to, or at another instant than its history says."""
    when = sa.select(cases.c.next_due).where(cases.c.id == case_id)
    stored, expected = db.rows(when)[0][0], scratch.rows(when)[0][0]
    if stored == expected:
        return []
    failed = sa.select(incident.c.id).where(incident.c.case_id == case_id, incident.c.closed_at.is_(None))
    if stored is None and db.rows(failed.limit(1)):  # it waits for somebody to mend what failed
        return []
    return [f"cases: it wakes at {stored}, and by its history at {expected}"]


def erased_faults(db: Database, case_id: str) -> list[str]:
    """What can still be read of an erased case, and where its rows are not those that its erasure says."""
    held = {
        "cases": sa.select(cases.c.id).where(
            cases.c.id == case_id, sa.or_(*(cases.c[name].is_not(None) for name in _PERSONAL))
        ),
        "outbox": sa.select(outbox.c.id).where(
            outbox.c.case_id == case_id, sa.or_(outbox.c.recipient != ERASED, outbox.c.body != ERASED)
        ),
        "notice": sa.select(notice.c.id).where(notice.c.case_id == case_id, notice.c.text != ERASED),
        "snapshot": sa.select(snapshot.c.case_id).where(snapshot.c.case_id == case_id),
    }
    found = [f"{name}: holds what was erased" for name, query in held.items() if db.rows(query.limit(1))]
    if not db.rows(sa.select(subject_key.c.case_id).where(subject_key.c.case_id == case_id)):
        found.append("subject_key: nothing says that there was a key")
    kept = erasing.kept(store.rows(db, case_id))
    if kept is None:
        return [*found, "its erasure does not say what the rows hold that stay"]
    # every table that is covered, whichever the erasure names: a row that names none says of none that it is right
    there = kept_rows.digests(db, case_id)
    return found + [
        f"{name}: not the rows that its erasure says"
        for name, held in there.items()
        if kept.get(name) != held
    ]


def orphans(gongdan: Opened) -> list[str]:
    """Rows of read models, and keys, whose case does not exist."""
    found = []
    with gongdan.db.read() as connection:
        for table in (*DERIVED, outbox, snapshot, subject_key):
            query = sa.select(sa.func.count()).where(table.c.case_id.not_in(sa.select(cases.c.id)))
            if count := connection.scalar(query):
                found.append(f"{table.name}: {count} rows without a case")
    return found


def _rows(db: Database, case_id: str) -> dict[str, set[str]]:
    found = {}
    with db.read() as connection:
        for table in DERIVED:
            rows = connection.execute(sa.select(table).where(table.c.case_id == case_id)).mappings()
            found[table.name] = {repr(dict(row)) for row in rows}
        row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).mappings().one()
        found["cases"] = {repr({k: v for k, v in row.items() if k not in ("head", "wake_lease", "next_due")})}
    return found
