"""Stop the process dead at every named boundary; the next start goes on as if it had been the power."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.app import open_gongdan
from engine.base import failpoints
from engine.base.settings import Settings
from engine.case.commands import StartCase
from tests.fault import installation as place

OF_THE_WORKER = ("timers.claimed", "outbox.claimed", "outbox.sent")


@pytest.mark.parametrize("name", failpoints.NAMES)
def test_a_stop_there_loses_nothing_and_the_next_start_goes_on(
    name: str, tmp_path: Path, database_url: str, record_property: Any
) -> None:
    place.install(tmp_path, database_url)
    ledger = tmp_path / "ledger"
    client = ("tests.fault.client", str(tmp_path), str(ledger), "only")
    if name in OF_THE_WORKER:
        _stop(place.run(*client, failpoint="dispatch.answered:80", url=database_url))
        _make_due(place.settings(tmp_path, database_url))
        _stop(place.run("tests.fault.background", str(tmp_path), failpoint=name, url=database_url))
    else:
        _stop(place.run(*client, failpoint=f"{name}:15", url=database_url))
    gongdan = open_gongdan(place.settings(tmp_path, database_url))
    acknowledged = place.ledger(ledger)
    place.assert_nothing_lost(gongdan, acknowledged)
    cases = place.assert_goes_on(gongdan)
    assert cases >= 1
    place.assert_nothing_lost(gongdan, acknowledged)
    place.assert_proves_itself(gongdan)
    record_property(
        "fault",
        f"stopped at {name} on {gongdan.db.engine.name}: {len(acknowledged)} acknowledged, 0 lost, "
        f"0 done twice, {cases} cases end and prove themselves",
    )
    gongdan.close()


def test_a_message_whose_sender_stopped_after_the_gateway_answered_is_not_sent_again(
    tmp_path: Path,
) -> None:
    place.install(tmp_path)
    _stop(
        place.run(
            "tests.fault.client", str(tmp_path), str(tmp_path / "l"), "x", failpoint="dispatch.answered:80"
        )
    )
    _stop(place.run("tests.fault.background", str(tmp_path), failpoint="outbox.sent"))
    gongdan = open_gongdan(place.settings(tmp_path))
    place.assert_goes_on(gongdan)
    assert gongdan.outbox.counts().get("unknown", 0) >= 1
    gongdan.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process has stopped at its place."""
    try:
        assert process.wait(60) == place.STOPPED, "the place was never reached"
    finally:
        process.kill()
        process.wait()


def _make_due(settings: Settings) -> None:
    """Cases that wait for the worker, whatever the client has left."""
    gongdan = open_gongdan(settings)
    for _ in range(3):
        gongdan.dispatch(StartCase(process=place.PROCESS, data={}, actor="system:test", at=place.long_ago()))
    gongdan.close()
