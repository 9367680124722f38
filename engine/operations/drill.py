"""A restore for a trial: a backup is restored into a throw-away place, where everything in it must prove itself.

What is in use is only looked at: the histories of the backup must be the beginnings of those there.
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.errors import GongdanError, Unavailable
from engine.case.refresh import Progress
from engine.case.store import case_ids
from engine.proof import log, records
from engine.proof.log import CASE, Leaf
from engine.proof.verify import ERASED, IDENTICAL
from engine.storage.database import Database
from engine.storage.tables import cases, history

from . import backup, whole_check
from .installation_keys import wrong_key

_IS_MISSING = " is missing"  #: how a finding about a file ends that is not there


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill found. Times in seconds; ``newest``: the instant (ISO 8601) of the last thing that was recorded."""

    cases: int
    identical: int
    erased: int
    compared: int  #: histories that were held against those in use
    findings: list[str]
    newest: str | None
    age: float | None  #: from then until now; None where nothing was ever recorded
    restored_in: float
    proved_in: float


def drill(
    live: Gongdan,
    source: Path,
    *,
    identity: Path | None = None,
    server: str = "",
    attachments: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Drilled:
    """Restore the backup ``source`` and prove it; nothing of it stays, and nothing in use is changed.

    ``identity``: the secret key of an encrypted backup. ``server``: the address of a PostgreSQL database on the server
    where one may be made for the trial (default: that of ``live``). ``attachments``: the folder of the files that
    belong to it (default: those in use; what was erased since is not missed there). Raises :class:`GongdanError` for
    a backup that cannot be restored, and where no place can be made.
    """
    begun = time.monotonic()
    settings = live.settings
    beside = Path(live.db.engine.url.database or "").resolve().parent if live.db.sqlite else None
    with tempfile.TemporaryDirectory(prefix=".gongdan-drill-", dir=beside) as made:
        place = Path(made)
        with (
            backup.opened(source, identity, place) as plain,
            _database(plain, place, server or settings.database_url) as url,
        ):
            with closing(Database(url)) as empty:
                backup.restore(empty, plain, force=False)
            files = (attachments or settings.var / "attachments").resolve()
            (place / "attachments").symlink_to(files)
            tried = replace(settings, var=place, database_url=url)
            with closing(open_gongdan(tried, wall=live.wall)) as copy:
                restored = time.monotonic()
                return _proved(
                    live, copy, restored - begun, own_files=attachments is not None, progress=progress
                )


@contextmanager
def _database(plain: Path, place: Path, server: str) -> Iterator[str]:
    """The address of an empty database of the kind that the backup needs, gone after the block."""
    if not backup.is_dump(plain):
        yield f"sqlite:///{place / 'gongdan.db'}"
        return
    if server.startswith("sqlite"):
        raise GongdanError(
            "this is a backup of a PostgreSQL database: name a server where one may be made for the trial by --server"
        )
    name = f"gongdan_drill_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
    except sa.exc.DBAPIError as error:
        raise GongdanError(
            f"no database can be made for the trial ({str(error.orig).strip()}): let the account make one "
            "(ALTER ROLE … CREATEDB), or name another server by --server"
        ) from None
    try:
        yield engine.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')


def _proved(
    live: Gongdan, copy: Gongdan, restored_in: float, *, own_files: bool, progress: Progress
) -> Drilled:
    begun = time.monotonic()
    wrong = wrong_key(copy)
    findings = [wrong] if wrong else []
    chosen = case_ids(copy.db)
    states = {IDENTICAL: 0, ERASED: 0}
    for done, case in enumerate(chosen, 1):
        verdict = copy.verify(case)
        states[verdict.state] = states.get(verdict.state, 0) + 1
        found = whole_check.of_case(copy, verdict)
        if not own_files and live.keys.get(case) is None:  # erased since, with its files
            found = [line for line in found if not line.endswith(_IS_MISSING)]
        findings += found
        progress(done, len(chosen))
    findings += whole_check.beside(copy)
    compared, others = _held_against(live, copy)
    newest = copy.db.rows(sa.select(sa.func.max(history.c.recorded_at)))[0][0]
    age = None if newest is None else (live.wall() - datetime.fromisoformat(newest)).total_seconds()
    return Drilled(
        cases=len(chosen),
        identical=states[IDENTICAL],
        erased=states[ERASED],
        compared=compared,
        findings=findings + others,
        newest=newest,
        age=age,
        restored_in=restored_in,
        proved_in=time.monotonic() - begun,
    )


def _held_against(live: Gongdan, copy: Gongdan) -> tuple[int, list[str]]:
    """Where what is in use does not go on from the backup: every history, and every leaf of its log.

    How many histories were compared: none where nothing is in use, as on a machine that is there for drills alone.
    """
    try:
        if not case_ids(live.db):
            return 0, []
        heads = [
            Leaf(CASE, row.id, row.seq, bytes(row.hash).hex())
            for row in copy.db.rows(
                sa.select(cases.c.id, history.c.seq, history.c.hash)
                .join(history, sa.and_(history.c.case_id == cases.c.id, history.c.hash == cases.c.head))
                .order_by(cases.c.id)
            )
        ]
        found, others = records.held_against(live.db, [*log.as_far_as_whole(copy.db), *heads])
    except Unavailable as error:
        return 0, [f"what is in use could not be looked at: {error}"]
    return len(heads), [
        *(f"in use: {case} row {fault.leaf.seq}: {fault.reason}" for case, fault in found.items()),
        *(f"in use: {line}" for line in others),
    ]
