"""Databases that older versions left: after an upgrade everything in them is right, without a command nobody told of.

``databases/`` holds one of 22 November 2026 and one of 29 November 2026, both at revision 0004: thirty simulated
cases of every process, some still open, with urgent tasks and customers without a number; the keys look phones up.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from engine.app import open_gongdan
from engine.base.errors import ConfigurationError, NewerDatabase
from engine.base.failpoints import _EXIT as STOPPED
from engine.base.settings import CHECKOUT, Settings
from engine.case import refresh
from engine.case.kept_rows import digests
from engine.case.rebuild import differences, rebuild
from engine.case.store import case_ids, rows
from engine.privacy.keys import Keys
from engine.storage.database import Database
from engine.storage.tables import cases, history, setting, task
from engine.storage.upgrade import head, revision
from run import cli

FOLDER = Path(__file__).parent / "databases"
AGES = sorted(path.name.removesuffix(".db.xz") for path in FOLDER.glob("*.db.xz"))


@pytest.fixture(params=AGES)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with the database and the key of that day."""
    with lzma.open(FOLDER / f"{request.param}.db.xz") as packed, (tmp_path / "gongdan.db").open("wb") as file:
        shutil.copyfileobj(packed, file)
    shutil.copyfile(FOLDER / f"{request.param}.key", tmp_path / "lookup.key")
    for path in tmp_path.iterdir():
        path.chmod(0o600)
    return tmp_path


def run(var: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GONGDAN_VAR": str(var), "DATABASE_URL": "", "SECRET_KEY": "s" * 32, **extra}
    command = [sys.executable, "run.py", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=250)


def held(var: Path) -> str | None:
    """Which version of read models the database says it holds."""
    with closing(Database(f"sqlite:///{var / 'gongdan.db'}")) as db:
        rows = db.rows(sa.select(setting.c.value).where(setting.c.key == "read-models"))
        return rows[0][0] if rows else None


def test_there_are_two_of_them_and_they_stay_small() -> None:
    assert len(AGES) == 2
    assert all(path.stat().st_size < 500_000 for path in FOLDER.iterdir())


def test_after_an_upgrade_everything_is_right(old: Path) -> None:
    done = run(old, "db", "upgrade")
    assert (done.returncode, done.stdout.strip()) == (0, f"database at revision {head()}")
    assert "\r" not in done.stderr, "bars are for terminals"
    checked = json.loads(run(old, "db", "check", "--json").stdout)
    # The files that these simulated customers sent were never there.
    assert [f for f in checked["findings"] if not f.endswith("is missing")] == []
    verified = json.loads(run(old, "verify", "--all", "--json").stdout)
    assert verified["cases"] == verified["identical"] == checked["cases"] >= 30
    assert run(old, "db", "upgrade").stderr == "", "the second time there is nothing to do"


def test_upgraded_under_another_key_backed_up_and_restored_everything_is_still_right(
    old: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an operator does over the years, each by its command."""
    apart, restored = (tmp_path_factory.mktemp(name) for name in ("apart", "restored"))
    secret = apart / "backup.age-key"

    def command(var: Path, *words: str, code: int = 0) -> str:
        monkeypatch.setenv("GONGDAN_VAR", str(var))
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == code, done.output
        assert "is not the one" not in done.stderr, "everybody is found with the key"
        return done.stdout

    def chained(var: Path) -> set[tuple[str, int, bytes]]:
        with closing(Database(f"sqlite:///{var / 'gongdan.db'}")) as db:
            return {(row.case_id, row.seq, bytes(row.hash)) for row in db.rows(sa.select(history))}

    def wrong(said: str) -> list[str]:
        """Findings; the files that these simulated customers sent were never there."""
        return [line for line in json.loads(said)["findings"] if not line.endswith("is missing")]

    for name in ("DATABASE_URL", "GONGDAN_KEY", "GONGDAN_HEADS_KEY"):
        monkeypatch.delenv(name, raising=False)
    command(old, "db", "upgrade")
    upgraded, keys = chained(old), {"first": (old / "lookup.key").read_text()}
    public = command(old, "keys", "new", str(secret)).strip()
    command(old, "db", "backup", str(apart / "first.age"), "--recipient", public)
    assert json.loads(command(old, "keys", "rotate", "--json"))["left"] == []
    keys["second"] = (old / "lookup.key").read_text()
    assert keys["second"] != keys["first"]
    assert chained(old) == upgraded, "another key changes nothing that is proved"
    command(old, "db", "backup", str(apart / "second.age"), "--recipient", public)
    files = ("--identity", str(secret), "--json")
    said = command(old, "db", "drill", str(apart / "second.age"), *files, code=1)
    assert wrong(said) == []
    drilled = json.loads(said)
    assert drilled["compared"] == drilled["identical"] == drilled["cases"] >= 30
    for name, key in keys.items():
        (restored / "lookup.key").write_text(key)
        command(restored, "db", "restore", str(apart / f"{name}.age"), "--force", *files[:2])
        assert chained(restored) == upgraded
    assert wrong(command(restored, "db", "check", "--json", code=1)) == []


def test_who_was_erased_before_erasures_were_commands_is_erased_afterwards(old: Path) -> None:
    with closing(Database(f"sqlite:///{old / 'gongdan.db'}")) as db:
        (chosen, *_) = case_ids(db)
        db.write([Keys.DESTROYED(b_id=chosen)])
    assert run(old, "db", "upgrade").returncode == 0
    with closing(open_gongdan(Settings.from_env({}, var=old))) as gongdan:
        assert gongdan.verify(chosen).state == "erased"
        last = json.loads(rows(gongdan.db, chosen)[-1].command)
        assert (last["type"], last["actor"]) == ("erase", "system:upgrade")
        assert last["kept"] == digests(gongdan.db, chosen)
        gongdan.db.write([Keys.DESTROYED(b_id=case_ids(gongdan.db)[1])])
        assert gongdan.verify(case_ids(gongdan.db)[1]).state == "diverged", "from now on it must be said"
        assert gongdan.verify(case_ids(gongdan.db)[2]).state == "identical"


def test_rows_of_format_1_are_checked_by_its_rules_by_the_independent_verifier_too(old: Path) -> None:
    assert run(old, "db", "upgrade").returncode == 0
    exported = old / "rows.json"
    assert run(old, "export", "json", "--exact", "-o", str(exported)).returncode == 0
    lines = exported.read_text("utf-8").splitlines()
    assert {row["format"] for row in map(json.loads, lines) if "case_id" in row} == {1}

    def checked() -> int:
        command = [sys.executable, "-I", "engine/proof/independent_verifier.py", str(exported)]
        return subprocess.run(command, cwd=CHECKOUT, capture_output=True, timeout=100).returncode

    assert checked() == 0
    forged = "\n".join(lines).replace(',"actor":"', ',"actor":"x', 1) + "\n"
    exported.write_text(forged, "utf-8")
    assert checked() == 1


def test_migrations_alone_would_leave_rows_that_history_does_not_give(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the refresh is there for: urgent tasks, customers without a number."""
    with monkeypatch.context() as without:
        without.setattr("engine.app.refresh", lambda *_: None)
        with closing(open_gongdan(Settings.from_env({}, var=old))) as gongdan:
            wrong = [line for case in case_ids(gongdan.db) for line in differences(gongdan, case)]
            assert {line.split(":")[0] for line in wrong} >= {"cases", "task"}
            before = gongdan.db.rows(sa.select(sa.func.count()).where(task.c.rank == 0))[0][0]
    with closing(open_gongdan(Settings.from_env({}, var=old))) as gongdan:
        assert not [line for case in case_ids(gongdan.db) for line in differences(gongdan, case)]
        urgent = gongdan.db.rows(sa.select(sa.func.count()).where(task.c.rank == 0))[0][0]
        assert urgent > before == 0


def test_a_killed_upgrade_goes_on_where_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"GONGDAN_FAILPOINT": "commit.written:12"}
    assert run(old, "db", "upgrade", **env).returncode == STOPPED
    assert held(old) is None, "whoever opens it next must know that it is not done"
    monkeypatch.setattr(refresh, "_EVERY", 5)
    heard: list[tuple[int, int]] = []

    class PowerCut(BaseException):
        pass

    def cut(done: int, total: int) -> None:
        heard.append((done, total))
        if done == 17:
            raise PowerCut

    with pytest.raises(PowerCut):
        open_gongdan(Settings.from_env({}, var=old), progress=cut)
    assert held(old) is None
    rest: list[int] = []
    with closing(
        open_gongdan(Settings.from_env({}, var=old), progress=lambda done, _: rest.append(done))
    ) as gongdan:
        assert rest[0] == 16, "fifteen were noted as done"
        assert rest[-1] == heard[0][1] == len(case_ids(gongdan.db))
        assert not [line for case in case_ids(gongdan.db) for line in differences(gongdan, case)]
    assert held(old) == str(refresh.VERSION)


def test_a_projection_that_changed_refreshes_what_was_fresh(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_gongdan(Settings.from_env({}, var=old)).close()
    with closing(Database(f"sqlite:///{old / 'gongdan.db'}")) as db, db.begin() as connection:
        connection.execute(sa.update(cases).values(title="as an older version had it"))
    open_gongdan(Settings.from_env({}, var=old)).close()
    monkeypatch.setattr(refresh, "VERSION", refresh.VERSION + 1)
    with closing(open_gongdan(Settings.from_env({}, var=old))) as gongdan:
        assert not [line for case in case_ids(gongdan.db) for line in differences(gongdan, case)]


def test_who_waited_while_another_refreshed_does_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(*given: Any, **named: Any) -> Any:
        calls.append(1)
        return rebuild(*given, **named)

    monkeypatch.setattr(refresh, "rebuild", counted)
    with closing(open_gongdan(Settings.from_env({}, var=old), migrate=False)) as first:
        open_gongdan(Settings.from_env({}, var=old)).close()
        with refresh._alone(first.db):
            pass
        refresh.refresh(first)
    assert len(calls) == 1


# ---------------------------------------------------------------- newer than the program
COMMANDS = (
    ["db", "upgrade"], ["db", "check"], ["db", "backup", "copy.db"], ["verify", "--all"], ["rebuild"], ["publish"],
    ["pull"], ["export", "xes", "-o", "out.xes"], ["report", "cable", "--period", "2026"], ["simulate"], ["worker"],
    ["import", "README.md", "--mapping", "comcast"],
    ["erase", "--case", "x", "--requested-by", "x", "--reason", "x", "--yes"],
    ["serve", "--demo"],
    ["user", "add", "x", "--display", "X", "--role", "agent", "--password", "long enough"],
)  # fmt: skip


def _newer_revision(connection: sa.Connection) -> None:
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")


def _newer_read_models(connection: sa.Connection) -> None:
    connection.execute(sa.update(setting).where(setting.c.key == "read-models").values(value="999"))


@pytest.mark.parametrize("newer", [_newer_revision, _newer_read_models])
def test_a_database_of_a_newer_version_is_told_in_one_sentence_by_every_command(
    settings: Settings, newer: Callable[[sa.Connection], None], tmp_path: Path
) -> None:
    open_gongdan(settings).close()
    with closing(Database(settings.database_url)) as db, db.begin() as connection:
        newer(connection)
    before = sorted(tmp_path.iterdir())
    env = {"GONGDAN_VAR": str(tmp_path), "DATABASE_URL": settings.database_url, "SECRET_KEY": "s" * 32}
    for command in COMMANDS:
        done = CliRunner().invoke(cli, command, env=env)
        assert done.exit_code == 1, (command, done.output)
        assert done.output.startswith("Error: the database was used by a newer version of Gongdan"), (
            done.output
        )
        assert len(done.output.strip().splitlines()) == 1
        assert isinstance(done.exception, SystemExit), command
    assert set(tmp_path.iterdir()) - set(before) <= {tmp_path / "heads.key", tmp_path / "session.key"}
    with pytest.raises(NewerDatabase):
        open_gongdan(settings)
    with closing(Database(settings.database_url)) as db:
        assert revision(db) in ("0999", head())


def test_a_backup_may_take_the_place_of_a_database_that_is_newer(old: Path, tmp_path: Path) -> None:
    shutil.copyfile(old / "gongdan.db", old / "kept.db")
    with closing(Database(f"sqlite:///{old / 'gongdan.db'}")) as db, db.begin() as connection:
        _newer_revision(connection)
    assert run(old, "db", "restore", str(old / "kept.db"), "--force").returncode == 0
    assert run(old, "db", "upgrade").returncode == 0


@pytest.mark.parametrize("told", ["x", "-1", "4.0", "４½", " 5"])
def test_a_version_of_read_models_that_is_none_is_told(settings: Settings, told: str) -> None:
    open_gongdan(settings).close()
    with closing(Database(settings.database_url)) as db, db.begin() as connection:
        connection.execute(sa.update(setting).where(setting.c.key == "read-models").values(value=told))
    with pytest.raises(ConfigurationError, match="no version of read models: somebody wrote it"):
        open_gongdan(settings)
