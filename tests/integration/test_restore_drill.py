"""A restore for a trial proves the backup and leaves nothing behind; what is in use is only looked at."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from engine.base import age_files
from engine.base.errors import GongdanError
from engine.cli.database import db
from engine.operations.backup import backup
from engine.operations.drill import drill
from engine.operations.erasure import Request, erase
from engine.people.security_events import Drilled
from engine.storage.database import Database
from engine.storage.proof_tables import security_log
from engine.storage.tables import history
from tests.casework import Desk
from tests.integration.test_backup import postgresql_tools
from tests.integration.test_respondents import closed_case

__all__ = ["postgresql_tools"]  # a fixture


def databases(desk: Desk) -> set[str]:
    """What databases and folders there are where a trial may be made."""
    if desk.g.db.sqlite:
        return {path.name for path in desk.g.settings.var.iterdir()}
    with desk.g.db.read() as connection:
        return set(connection.execute(sa.text("SELECT datname FROM pg_database")).scalars())


def test_a_drill_proves_a_backup_and_leaves_nothing_behind(any_desk: Desk, tmp_path: Path) -> None:
    called, secret = any_desk.start(), tmp_path / "secret"
    gone = closed_case(any_desk)
    erase(any_desk.g, [gone], Request("system:operator/test", "file 7", "asked to"))
    public = age_files.new_identity(secret)
    backup(any_desk.g.db, tmp_path / "copy.age", [public])
    newest = max(any_desk.values("SELECT recorded_at FROM history"))
    any_desk.clock.advance(hours=5)
    any_desk.complete(called, result="busy")
    before, rows = databases(any_desk), any_desk.values("SELECT count(*) FROM history")
    done = drill(any_desk.g, tmp_path / "copy.age", identity=secret)
    assert (done.cases, done.identical, done.erased, done.compared) == (2, 1, 1, 2)
    assert done.findings == []
    assert (done.newest, done.age) == (newest, 5 * 3600)
    assert databases(any_desk) == before
    assert any_desk.values("SELECT count(*) FROM history") == rows


def test_what_was_rewritten_in_use_since_the_backup_is_found(any_desk: Desk, tmp_path: Path) -> None:
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    backup(any_desk.g.db, tmp_path / "copy")
    rewrite(any_desk.g.db, case)
    done = drill(any_desk.g, tmp_path / "copy")
    assert done.identical == 1, "the backup itself is right"
    (finding,) = done.findings
    assert finding.startswith(f"in use: {case} row 2: ")


def rewrite(db: Database, case: str) -> None:
    """Cut the end off a history, past the software."""
    with db.begin() as connection:
        switch = "DROP TRIGGER history_no_delete" if db.sqlite else "ALTER TABLE history DISABLE TRIGGER USER"
        connection.exec_driver_sql(switch)
        connection.execute(sa.delete(history).where(history.c.case_id == case, history.c.seq == 2))


def test_what_was_wrong_already_when_it_was_backed_up_is_found(desk: Desk, tmp_path: Path) -> None:
    case = desk.start()
    with desk.g.db.begin() as connection:
        connection.execute(sa.text("UPDATE cases SET title = 'forged'"))
    backup(desk.g.db, tmp_path / "copy")
    assert drill(desk.g, tmp_path / "copy").findings == [f"{case} cases: 2 rows differ"]


def test_a_backup_made_under_another_look_up_key_is_told(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    with desk.g.db.begin() as connection:
        connection.execute(sa.text("UPDATE cases SET phone_key = 'of another key'"))
    backup(desk.g.db, tmp_path / "copy")
    assert "is not the one that this database was made with" in drill(desk.g, tmp_path / "copy").findings[0]


# ---------------------------------------------------------------- the command line
@pytest.fixture
def place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The desk's installation, as the environment names it, with a backup in its folder."""
    monkeypatch.setenv("GONGDAN_VAR", str(desk.g.settings.var))
    for name in ("DATABASE_URL", "GONGDAN_KEY"):
        monkeypatch.delenv(name, raising=False)
    desk.start()
    backup(desk.g.db, desk.g.settings.var / "copy")
    return desk


def run(desk: Desk, *options: str) -> Result:
    return CliRunner().invoke(db, ["drill", str(desk.g.settings.var / "copy"), *options])


def test_the_command_says_how_long_it_took_and_how_old_the_data_is(place: Desk) -> None:
    done = run(place)
    assert done.exit_code == 0, done.output
    assert "1 cases: 1 identical, 0 erased, 0 findings; 1 held against those in use" in done.stdout
    assert "restored in " in done.stdout
    assert f"data up to {place.values('SELECT recorded_at FROM history')[0]}, " in done.stdout
    told = place.g.db.rows(sa.select(security_log).where(security_log.c.kind == Drilled.kind))
    assert [json.loads(row.detail)["findings"] for row in told] == [0]


def test_data_that_is_too_old_fails_the_drill(place: Desk) -> None:
    done = run(place, "--max-age", "26", "--json")
    assert done.exit_code == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding.endswith("hours old, more than 26")


def test_a_dump_needs_a_server_for_the_trial(desk: Desk, tmp_path: Path, postgres_server: str) -> None:
    (tmp_path / "dump").write_bytes(b"PGDMP and so on")
    with pytest.raises(GongdanError, match="name a server where one may be made for the trial by --server"):
        drill(desk.g, tmp_path / "dump")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
        url = postgres_server.replace("postgresql://postgres", "postgresql+psycopg://guest")
        with pytest.raises(GongdanError, match="let the account make one"):
            drill(desk.g, tmp_path / "dump", server=url)
        connection.execute("DROP ROLE guest")
