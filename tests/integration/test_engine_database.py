"""The database: read models equal a rebuild, migrations may run from anywhere, trouble is told as what it is."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from json import JSONDecodeError
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.errors import ConfigurationError, GongdanError, Unavailable
from engine.base.settings import CHECKOUT, Settings
from engine.case import rebuild as rebuilding
from engine.case import snapshots
from engine.case.dispatch import Receipt
from engine.case.rebuild import differences, orphans, rebuild
from engine.people.directory import DEMO_PEOPLE, People
from engine.release.releases import Releases
from engine.storage.database import Database
from engine.storage.statements import Write
from engine.storage.tables import cases, metadata, sla_clock, snapshot, task, timer
from engine.storage.upgrade import head, revision, upgrade
from tests.casework import Desk


def a_worked_company(desk: Desk) -> list[str]:
    """Cases in every state a read model can show."""
    busy, late, done, fresh = (desk.start() for _ in range(4))
    desk.claim(busy)
    desk.complete(busy, result="busy")
    desk.complete(done, result="reached")
    desk.send()
    desk.clock.advance(hours=3)
    desk.g.dispatcher.wake(late, desk.at)
    desk.complete(late, result="busy")
    return [busy, late, done, fresh]


def everything(desk: Desk, *tables: sa.Table) -> dict[str, list[str]]:
    """All rows of some tables, in an order that does not matter."""
    with desk.g.db.read() as connection:
        return {t.name: sorted(repr(tuple(r)) for r in connection.execute(sa.select(t))) for t in tables}


def test_stored_read_models_are_what_history_gives(any_desk: Desk) -> None:
    for case in a_worked_company(any_desk):
        assert differences(any_desk.g, case) == []
    assert orphans(any_desk.g) == []


def test_a_rebuild_gives_back_every_row_that_was_lost_or_spoiled(any_desk: Desk) -> None:
    chosen = a_worked_company(any_desk)
    before = everything(any_desk, cases, task, timer, sla_clock)
    with any_desk.g.db.begin() as connection:
        connection.execute(sa.delete(task).where(task.c.state == "open"))
        connection.execute(sa.update(timer).values(state="nonsense"))
        connection.execute(sa.delete(sla_clock))
        connection.execute(sa.update(cases).values(title="spoiled", severity="9"))
        connection.execute(sa.delete(snapshot))
    assert [bool(differences(any_desk.g, case)) for case in chosen] == [True] * len(chosen)
    assert dict(rebuild(any_desk.g)) == dict.fromkeys(chosen)
    assert [differences(any_desk.g, case) for case in chosen] == [[]] * len(chosen)
    assert everything(any_desk, cases, task, timer, sla_clock) == before
    any_desk.complete(chosen[3], result="reached")


def test_a_case_that_goes_on_while_it_is_rebuilt_keeps_its_end(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = any_desk.start()
    usual = rebuilding.replayed
    done: list[Receipt] = []

    def meanwhile(gongdan: Gongdan, case_id: str) -> Iterator[Write]:
        writes = list(usual(gongdan, case_id))
        if not done:  # another process is faster, once
            done.append(any_desk.complete(case, result="busy"))
        yield from writes

    monkeypatch.setattr(rebuilding, "replayed", meanwhile)
    assert dict(rebuild(any_desk.g)) == {case: None}
    monkeypatch.undo()
    assert any_desk.g.verify(case).state == "identical"
    assert differences(any_desk.g, case) == []
    any_desk.complete(case, result="reached")


def test_rows_without_a_case_are_found(any_desk: Desk) -> None:
    a_worked_company(any_desk)
    with any_desk.g.db.begin() as connection:
        connection.execute(sa.insert(snapshot).values(case_id="nobody", seq=1, body=b""))
    assert orphans(any_desk.g) == ["snapshot: 1 rows without a case"]


def test_a_spoiled_snapshot_costs_time_and_nothing_else(any_desk: Desk) -> None:
    case = any_desk.start()
    for _ in range(25):
        any_desk.complete(case, result="busy")
    for body in (b"", b"\x00" * 100, b"no snapshot"):
        with any_desk.g.db.begin() as connection:
            connection.execute(sa.update(snapshot).values(body=body))
        any_desk.g.dispatcher.forget(case)
        any_desk.complete(case, result="busy")
    assert any_desk.g.verify(case).state == "identical"


# ---------------------------------------------------------------- migrations
def test_a_case_that_is_loaded_from_its_history_gets_a_snapshot_sooner(any_desk: Desk) -> None:
    case = any_desk.start()
    for _ in range(snapshots.FEW):
        any_desk.complete(case, result="busy")
    assert any_desk.values("SELECT count(*) FROM snapshot") == [0]
    any_desk.g.dispatcher.forget(case)
    any_desk.complete(case, result="busy")
    (seq,) = any_desk.values("SELECT seq FROM snapshot")
    assert seq > snapshots.FEW
    any_desk.g.dispatcher.forget(case)
    any_desk.complete(case, result="busy")
    assert any_desk.values("SELECT seq FROM snapshot") == [seq], "few commands since then are executed again"


def test_many_processes_may_migrate_at_once(settings: Settings) -> None:
    def start() -> None:
        open_gongdan(settings).close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(start) for _ in range(4)]:
            done.result()
    with closing(Database(settings.database_url)) as db:
        assert revision(db) == head()
        upgrade(db)
        with db.read() as connection:
            assert set(metadata.tables) <= set(sa.inspect(connection).get_table_names())


# ---------------------------------------------------------------- trouble
@pytest.fixture
def locked(desk: Desk) -> Iterator[sqlite3.Connection]:
    """Another process holds SQLite's write lock, and the engine waits for it no longer than a moment."""

    def impatient(raw: sqlite3.Connection, *_: object) -> None:
        raw.execute("PRAGMA busy_timeout=50")

    sa.event.listen(desk.g.db.engine, "connect", impatient)
    desk.g.db.close()
    other = sqlite3.connect(desk.g.db.url.removeprefix("sqlite:///"), isolation_level=None)
    yield other
    other.close()


def test_a_database_that_cannot_be_written_says_so_and_goes_on_afterwards(
    desk: Desk, locked: sqlite3.Connection
) -> None:
    case = desk.start()
    locked.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        desk.complete(case, result="busy")
    with pytest.raises(Unavailable):
        desk.start()
    with pytest.raises(Unavailable), desk.g.db.begin() as connection:
        connection.execute(sa.delete(snapshot))
    locked.execute("ROLLBACK")
    assert desk.kinds(case) == ["start"]
    desk.complete(case, result="busy")
    assert desk.g.verify(case).state == "identical"


def test_a_full_disk_says_so_also_where_no_command_runs(desk: Desk) -> None:
    """The error of the rollback must not hide the error that caused it."""
    case = desk.start()
    with desk.g.db.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def small(raw: sqlite3.Connection, *_: object) -> None:
        raw.execute(f"PRAGMA max_page_count={pages}")

    sa.event.listen(desk.g.db.engine, "connect", small)
    desk.g.db.close()
    with pytest.raises(Unavailable, match="full"), desk.g.db.begin() as connection:
        connection.execute(sa.insert(snapshot).values(case_id=case, seq=1, body=b"x" * 1_000_000))
    sa.event.remove(desk.g.db.engine, "connect", small)
    desk.g.db.close()
    assert desk.complete(case, result="reached").done == "reached"


def test_a_write_that_fails_wherever_it_may_leaves_no_transaction_open(desk: Desk) -> None:
    """One that fails while it begins may have begun: left open it would block every process for good."""
    raw = desk.g.db._kept_writer().connection.driver_connection
    assert raw is not None
    refused = 0
    for instructions in range(1, 60):
        once = iter((1,))
        raw.set_progress_handler(lambda once=once: next(once, 0), instructions)
        try:
            with desk.g.db.begin() as connection:
                connection.execute(sa.delete(snapshot))
        except Unavailable:
            refused += 1
        raw.set_progress_handler(None, 0)
        assert not raw.in_transaction
    assert refused
    assert desk.start()


def test_a_database_that_is_away_is_unavailable_for_readers_too(tmp_path: Path) -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable):
        away.rows(sa.select(cases.c.id))
    with pytest.raises(Unavailable), away.begin() as connection:
        connection.execute(sa.delete(snapshot))
    with pytest.raises(Unavailable):
        away.write([])
    away.close()


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ("", Unavailable, "port 1 failed: Connection refused"),
        ("?colour=red", ConfigurationError, "DATABASE_URL cannot be used: .*colour"),
        ("?connect_timeout=soon", ConfigurationError, "DATABASE_URL cannot be used: .*connect_timeout"),
    ],
)
def test_a_postgresql_that_cannot_be_reached_is_told_without_the_password(
    tmp_path: Path, options: str, kind: type[Exception], words: str
) -> None:
    url = f"postgresql://g:hunter2@127.0.0.1:1/g{options}"
    chosen = Settings.from_env({"DATABASE_URL": url}, var=tmp_path)
    with pytest.raises(kind, match=words) as told:
        open_gongdan(chosen)
    assert "hunter2" not in str(told.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    other = tmp_path / "letter.db"
    other.write_text("dear sir or madam, " * 100)
    with (
        closing(Database(f"sqlite:///{other}")) as db,
        pytest.raises(ConfigurationError, match=f"{other} is no database"),
    ):
        upgrade(db)


def test_a_fault_of_ours_is_not_taken_for_a_fault_of_the_database(any_desk: Desk) -> None:
    with pytest.raises(ZeroDivisionError), any_desk.g.db.begin():
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), any_desk.g.db.read():
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "fault",
    [GongdanError("no such process"), JSONDecodeError("no such process", "{broken", 1)],
    ids=["refused", "unreadable"],
)
def test_a_history_that_does_not_run_keeps_no_other_case_from_its_rebuild(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    broken, whole = any_desk.start(), any_desk.start()
    usual = rebuilding.replayed

    def replayed(gongdan: Gongdan, case_id: str) -> Iterator[Write]:
        if case_id == broken:
            raise fault
        return usual(gongdan, case_id)

    monkeypatch.setattr(rebuilding, "replayed", replayed)
    with any_desk.g.db.begin() as connection:
        connection.execute(sa.update(cases).values(title="spoiled"))
    done = dict(rebuild(any_desk.g))
    assert list(done) == [broken, whole]
    assert done[whole] is None
    assert "its history does not run: no such process" in str(done[broken])
    titles = any_desk.values("SELECT title FROM cases ORDER BY id")
    assert [title == "spoiled" for title in titles] == [True, False]


def test_demo_accounts_that_another_process_added_meanwhile_are_taken_as_they_are(
    gongdan: Gongdan, monkeypatch: pytest.MonkeyPatch
) -> None:
    gongdan.people.ensure_demo()
    everybody = gongdan.people.all()
    monkeypatch.setattr(gongdan.people, "all", lambda: everybody[:3])  # as they were a moment ago
    gongdan.people.ensure_demo()
    monkeypatch.undo()
    assert gongdan.people.all() == everybody


START = """
import sys
from engine.app import open_gongdan
from engine.base.settings import Settings
from web.cli import prepare
sys.stdin.readline()
gongdan = open_gongdan(Settings.from_env(demo=True))
prepare(gongdan)
gongdan.close()
"""


def test_processes_that_start_together_in_an_empty_place_all_start(tmp_path: Path, database_url: str) -> None:
    env = {**os.environ, "GONGDAN_VAR": str(tmp_path / "var"), "DATABASE_URL": database_url}
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", START],
            cwd=CHECKOUT,
            env=env,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in starting:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[1] for process in starting]
    assert [process.returncode for process in starting] == [0, 0, 0], said
    with closing(Database(database_url)) as db:
        assert [info.number for info in Releases(db).numbers()] == [1]
        assert len(People(db).all()) == len(DEMO_PEOPLE)


def test_a_damaged_file_is_called_that(desk: Desk) -> None:
    case = desk.start()
    file = desk.g.settings.var / "gongdan.db"
    desk.g.close()
    size = file.stat().st_size
    with file.open("r+b") as pages:
        for page in range(4096 * 10, size, 4096):
            pages.seek(page)
            pages.write(b"\xff" * 300)
    with (
        closing(Database(f"sqlite:///{file}")) as db,
        pytest.raises(Unavailable, match=r"is damaged.*restore a backup"),
    ):
        db.rows(sa.select(cases).where(cases.c.id == case))


def test_a_new_database_takes_nothing_from_the_log_of_a_removed_one(tmp_path: Path) -> None:
    place = tmp_path / "gongdan.db"
    with closing(sqlite3.connect(place)) as old:  # never checkpointed, as after a crash
        old.executescript("PRAGMA journal_mode=WAL; CREATE TABLE old (x); INSERT INTO old VALUES (1)")
        log = Path(f"{place}-wal").read_bytes()
    place.unlink()
    Path(f"{place}-wal").write_bytes(log)
    with closing(Database(f"sqlite:///{place}")) as db, db.read() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_the_files_beside_a_database_are_its_owners(tmp_path: Path) -> None:
    """A command that root runs once must not shut the service out."""
    place = tmp_path / "gongdan.db"
    sqlite3.connect(place).close()
    if os.geteuid() == 0:
        os.chown(place, 1234, 1234)
    with closing(Database(f"sqlite:///{place}")) as db:
        with db.begin():
            pass
        for ending in (".used", ".turn"):
            assert Path(f"{place}{ending}").stat().st_uid == place.stat().st_uid


def test_a_database_whose_connections_are_all_taken_says_so(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken() -> None:
        raise sa.exc.TimeoutError("QueuePool limit reached")

    db = any_desk.g.db
    monkeypatch.setattr(db, "_kept_writer", taken)
    monkeypatch.setattr(db.engine, "raw_connection", taken)
    with pytest.raises(Unavailable, match="QueuePool limit"):
        db.write([])
