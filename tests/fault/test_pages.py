"""``kill -9`` of the pages and the workers behind them, and fifty agents who press one button: through HTTP."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.app import Gongdan, open_gongdan
from engine.base.settings import CHECKOUT
from tests.fault import installation as place
from tests.fault.pages import AGENTS, Clicker, Crowd, Site, assert_kept, hire, open_cases

CROWD = 6  #: agents at work while processes die


def test_a_killed_server_loses_nothing_it_acknowledged(
    tmp_path: Path, database_url: str, full: bool, record_property: Any
) -> None:
    sqlite = database_url.startswith("sqlite")
    rounds = 25 if full else 1
    place.install(tmp_path, database_url)
    gongdan = open_gongdan(place.settings(tmp_path, database_url))
    hire(gongdan)
    chance, kills = random.Random(20260302), 0
    with (
        Site(tmp_path, database_url) as site,
        Crowd([Clicker(site.port, n) for n in range(CROWD)], gongdan) as crowd,
    ):
        for _ in range(rounds):
            worker = (
                None if sqlite else _worker(tmp_path, database_url)
            )  # on SQLite it lives beside the pages
            _work_for(gongdan, crowd, chance)
            site.kill_serving()  # pages, and the worker beside them; the master starts another
            _work_for(gongdan, crowd, chance)
            if worker is not None:
                os.kill(worker.pid, signal.SIGKILL)
                worker.wait()
                kills += 1
            site.kill()
            kills += 2
            site.start()
        crowd.until(len(crowd.ledger) + 5)
    assert not any(status >= 500 for status in crowd.statuses), crowd.statuses
    _judge(gongdan, crowd)
    record_property(
        "fault",
        f"kill -9 of pages and workers on {gongdan.db.engine.name}: {rounds} rounds, {kills} kills, "
        f"{len(crowd.ledger):,} clicks acknowledged, 0 lost, 0 done twice, 0 stuck",
    )
    gongdan.close()


def _worker(var: Path, url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "run.py", "worker"],
        env=place.environment(var, url),
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _work_for(gongdan: Gongdan, crowd: Crowd, chance: random.Random) -> None:
    """A little load: cases whose limits have passed and others, some of them completed, then a random moment."""
    before = len(crowd.ledger)
    for _ in range(4):
        open_cases(gongdan, 2, place.long_ago())
        open_cases(gongdan, 4, datetime.now(UTC).isoformat())
    crowd.until(before + chance.randint(3, 20))
    time.sleep(chance.random() * 0.2)


def _judge(gongdan: Gongdan, crowd: Crowd) -> None:
    assert_kept(gongdan, crowd.ledger)
    place.assert_nothing_lost(gongdan, [])
    place.assert_goes_on(gongdan)
    assert_kept(gongdan, crowd.ledger)
    place.assert_nothing_lost(gongdan, [])
    place.assert_proves_itself(gongdan)


def test_of_fifty_agents_who_press_the_button_at_once_one_wins_and_the_others_read_who_was_faster(
    tmp_path: Path, database_url: str, full: bool, record_property: Any
) -> None:
    place.install(tmp_path, database_url)
    gongdan = open_gongdan(place.settings(tmp_path, database_url))
    hire(gongdan)
    work = open_cases(gongdan, 200 if full else 3, datetime.now(UTC).isoformat())
    with Site(tmp_path, database_url) as site:
        agents = [Clicker(site.port, n) for n in range(AGENTS)]
        for case, task in work:
            assert _press_at_once(agents, case, task) == {303: 1, 409: AGENTS - 1}
        for agent in agents:
            agent.connection.close()
    place.assert_nothing_lost(gongdan, [])
    assert place.assert_proves_itself(gongdan) == len(work)
    record_property(
        "fault",
        f"{AGENTS} agents on one task over HTTP on {gongdan.db.engine.name}: {len(work)} tasks, "
        "one winner each, no 5xx",
    )
    gongdan.close()


def _press_at_once(agents: list[Clicker], case: str, task: int) -> Counter[int]:
    statuses: Counter[int] = Counter()
    gate = threading.Barrier(len(agents))

    def press(agent: Clicker) -> None:
        gate.wait()
        statuses[agent.click(case, task, f"{agent.name}-{case}-{task}")] += 1

    threads = [threading.Thread(target=press, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses
