"""The power goes between a case and the one it opens: there is one child, and both histories prove it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.app import open_gongdan
from engine.case.commands import CompleteTask, StartCase
from engine.queries.cases import children
from tests.casework import CUSTOMER
from tests.fault import installation as place
from tests.linked_cases import LINKING

STOPS = (
    "outbox.claimed",  # the worker has the entry, nothing is opened
    "dispatch.executed",  # the child ran in memory only
    "commit.written",  # the child is written, not committed
    "commit.done",  # the child is there, nobody knows
    "outbox.sent",  # the worker knows, the parent does not
)


@pytest.mark.parametrize("stop", STOPS)
def test_one_child_however_the_worker_stops(stop: str, tmp_path: Path, database_url: str) -> None:
    gongdan = open_gongdan(place.settings(tmp_path, database_url))
    gongdan.releases.publish(LINKING, "tests", "linking", place.long_ago())
    start = StartCase(process="asking", data=CUSTOMER, actor="system:test", at=place.long_ago())
    receipt = gongdan.dispatch(start)
    parent, (task,) = receipt.case_id, receipt.opened
    values = {"result": "no"}
    gongdan.dispatch(
        CompleteTask(case_id=parent, task=task, data=values, actor="system:test", at=gongdan.now())
    )
    worker = place.run("tests.fault.background", str(tmp_path), failpoint=stop, url=database_url)
    assert worker.wait(60) == place.STOPPED, "the place was never reached"
    later = datetime.now(UTC)
    for _ in range(3):  # each round past every lease and pause
        later += timedelta(minutes=10)
        gongdan.outbox.work(later)
    (child,) = children(gongdan.db, parent)
    assert gongdan.outbox.entry(f"{parent}/became_complaint").attempts >= 1
    assert gongdan.outbox.counts() == {"sent": 1}
    assert child.parent == parent
    place.assert_proves_itself(gongdan)
    gongdan.close()
