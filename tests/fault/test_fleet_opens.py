"""Two workers of a fleet on PostgreSQL: what the software opens is there once, however both look at it."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from engine.app import open_gongdan
from engine.base.settings import CHECKOUT
from engine.case.commands import CompleteTask, StartCase
from engine.queries.cases import children
from engine.sla.durations import parse_moment
from engine.storage.tables import cases
from tests.bpmn_text import begins, bpmn
from tests.casework import CUSTOMER
from tests.clock import SHANGHAI
from tests.fault import installation as place
from tests.linked_cases import LINKING

WEEKLY = bpmn("weekly", "start > call > end", begins("COU_WEEKLY_LIST"))


def test_two_workers_make_up_for_an_outage_and_open_linked_cases_once(
    tmp_path: Path, postgres_url: str
) -> None:
    now = datetime.now(UTC)
    since = now - timedelta(days=70)
    gongdan = open_gongdan(place.settings(tmp_path, postgres_url))
    files = LINKING | {"bpmn/tests/weekly.bpmn": WEEKLY}
    gongdan.releases.publish(files, "tests", "before the outage", since.isoformat())
    parents = []
    for _ in range(5):
        start = StartCase(process="asking", data=CUSTOMER, actor="system:test", at=gongdan.now())
        receipt = gongdan.dispatch(start)
        completed = CompleteTask(
            case_id=receipt.case_id,
            task=receipt.opened[0],
            data={"result": "no"},
            actor="system:test",
            at=gongdan.now(),
        )
        gongdan.dispatch(completed)
        parents.append(receipt.case_id)
    workers = [
        subprocess.Popen(
            [sys.executable, "run.py", "worker"],
            env=place.environment(tmp_path, postgres_url),
            cwd=CHECKOUT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    monday, weeks = parse_moment("R/P1W"), []
    at = monday.after(since, SHANGHAI)
    while at <= now:
        weeks.append(f"schedule:weekly:{monday.closes(at, SHANGHAI)}")
        at = monday.after(at, SHANGHAI)
    try:
        for _ in range(600):
            opened = gongdan.db.rows(sa.select(cases.c.external_id).where(cases.c.external_id.is_not(None)))
            if len(opened) >= len(weeks) + len(parents):
                break
            time.sleep(0.1)
        time.sleep(1)  # both look again
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()
    found = gongdan.db.rows(
        sa.select(cases.c.external_id).where(cases.c.process == "weekly").order_by(cases.c.opened_at)
    )
    assert [row[0] for row in found] == weeks
    assert [len(children(gongdan.db, parent)) for parent in parents] == [1] * len(parents)
    gongdan.close()
