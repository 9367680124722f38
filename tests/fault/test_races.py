"""Many at once: workers race for due timers, clients for one task; exactly one wins, each time."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.errors import GongdanError, Rejected
from engine.case.commands import CompleteTask, StartCase
from engine.storage.tables import cases
from tests.fault import installation as place


def _start(gongdan: Gongdan, at: str) -> tuple[str, int]:
    receipt = gongdan.dispatch(StartCase(process=place.PROCESS, data={}, actor="system:test", at=at))
    return receipt.case_id, receipt.opened[0]


def test_workers_racing_for_due_timers_fire_each_exactly_once(
    tmp_path: Path, database_url: str, full: bool, record_property: Any
) -> None:
    place.install(tmp_path, database_url)
    gongdan = open_gongdan(place.settings(tmp_path, database_url), synchronous="OFF")
    count = 10_000 if full else 120
    for _ in range(count):
        _start(gongdan, place.long_ago())
    workers = [
        place.run("tests.fault.background", str(tmp_path), url=database_url) for _ in range(8 if full else 4)
    ]
    try:
        due = sa.select(sa.func.count()).where(cases.c.next_due <= datetime.now(UTC).isoformat())
        for _ in range(6_000 if full else 600):
            if not gongdan.db.rows(due)[0][0]:
                break
            threading.Event().wait(0.1)
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()
    place.assert_nothing_lost(gongdan, [])  # which also says: no timer fired twice
    fired = gongdan.db.rows(sa.text("SELECT count(*) FROM timer WHERE state = 'fired'"))  # type: ignore[arg-type]
    assert fired[0][0] == count
    assert place.assert_proves_itself(gongdan) == count
    record_property(
        "fault",
        f"{len(workers)} workers on {gongdan.db.engine.name}: {count:,} due timers, {count:,} fired, 0 twice",
    )
    gongdan.close()


def _race(engines: list[Gongdan], case: str, task: int) -> Counter[str]:
    """Fifty clients, half of them on each engine, complete one task at the same moment."""
    outcomes: Counter[str] = Counter()
    gate = threading.Barrier(50)

    def client(engine: Gongdan) -> None:
        at = datetime.now(UTC).isoformat()
        command = CompleteTask(case_id=case, task=task, data=place.FORM, actor=place.AGENT, at=at)
        gate.wait()
        try:
            engine.dispatch(command)
            outcomes["won"] += 1
        except Rejected:
            outcomes["told"] += 1
        except GongdanError as error:
            outcomes[f"{type(error).__name__}: {error}"] += 1

    threads = [threading.Thread(target=client, args=(engines[n % 2],)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_of_many_clients_completing_one_task_one_wins_and_the_rest_are_told(
    tmp_path: Path, database_url: str, full: bool, record_property: Any
) -> None:
    place.install(tmp_path, database_url)
    engines = [open_gongdan(place.settings(tmp_path, database_url)) for _ in range(2)]  # two processes' worth
    for _ in range(200 if full else 10):
        case, task = _start(engines[0], datetime.now(UTC).isoformat())
        outcomes = _race(engines, case, task)
        assert outcomes == {"won": 1, "told": 49}
    tasks = place.assert_proves_itself(engines[1])
    record_property(
        "fault", f"50 clients on one task on {engines[0].db.engine.name}: {tasks} tasks, one winner each"
    )
    for engine in engines:
        engine.close()


def test_one_submit_key_from_many_threads_completes_once_and_all_get_the_same_receipt(
    tmp_path: Path, database_url: str
) -> None:
    place.install(tmp_path, database_url)
    gongdan = open_gongdan(place.settings(tmp_path, database_url))
    case, task = _start(gongdan, datetime.now(UTC).isoformat())
    found = []

    def submit() -> None:
        command = CompleteTask(
            case_id=case,
            task=task,
            data=place.FORM,
            actor=place.AGENT,
            at=datetime.now(UTC).isoformat(),
            key="submit-1",
        )
        found.append(gongdan.dispatch(command))

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {(r.case_id, r.seq, tuple(r.opened)) for r in found} == {(case, 2, tuple(found[0].opened))}
    assert sum(not r.already for r in found) == 1
    gongdan.close()
