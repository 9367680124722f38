"""``kill -9`` of clients and workers at random moments under load, judged by an independent ledger."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from engine.app import open_gongdan
from tests.fault import installation as place


def test_no_acknowledged_command_is_lost_when_processes_are_killed_at_random(
    tmp_path: Path, full: bool, record_property: Any
) -> None:
    record_property("fault", _rounds(tmp_path, "", 200 if full else 20))


def test_the_same_on_postgresql(tmp_path: Path, postgres_url: str, full: bool, record_property: Any) -> None:
    record_property("fault", _rounds(tmp_path, postgres_url, 200 if full else 4))


def _rounds(var: Path, url: str, rounds: int) -> str:
    """``rounds`` kills and their judgement, in words."""
    place.install(var, url)
    chance = random.Random(20260301)
    ledgers = []
    for number in range(0, rounds, 2):  # two processes die in each pass: one client, one worker
        path = var / f"ledger-{number}"
        ledgers.append(path)
        processes = [
            place.run("tests.fault.client", str(var), str(path), f"round{number}", url=url),
            place.run("tests.fault.background", str(var), url=url),
        ]
        try:
            _until_written(path, chance.randint(1, 25))
            time.sleep(chance.random() * 0.2)
        finally:
            chance.shuffle(processes)
            for process in processes:
                process.kill()
                process.wait()
    gongdan = open_gongdan(place.settings(var, url))
    acknowledged = [a for path in ledgers for a in place.ledger(path)]
    assert len(acknowledged) > rounds, "the clients did hardly anything: the test proves nothing"
    place.assert_nothing_lost(gongdan, acknowledged)
    place.assert_goes_on(gongdan)
    place.assert_nothing_lost(gongdan, acknowledged)
    cases = place.assert_proves_itself(gongdan)
    gongdan.close()
    return (
        f"kill -9 of engine processes on {gongdan.db.engine.name}: {rounds} kills, {len(acknowledged):,} "
        f"acknowledged, 0 lost, 0 timers twice, 0 stuck, {cases:,} cases identical"
    )


def _until_written(path: Path, lines: int) -> None:
    for _ in range(1_500):
        if len(place.ledger(path)) >= lines:
            return
        time.sleep(0.02)
    raise AssertionError("the client acknowledges nothing")
