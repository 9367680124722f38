"""A small installation to be maltreated: the benchmark's diagram with limits, texts and forms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.engine import files
from engine.app import Gongdan, open_gongdan
from engine.base.settings import CHECKOUT, Settings
from engine.case.commands import CompleteTask
from engine.case.rebuild import differences
from engine.case.store import case_ids
from engine.people.directory import Person
from engine.proof.verify import IDENTICAL
from engine.storage.tables import cases, history, outbox, task

PROCESS = "callback_full"
FORM: dict[str, Any] = {"ok": 3, "note": "nobody answered", "result": "no_answer"}
AGENT = "agent1"
SAMPLE = 500  #: cases whose read models are compared; all are re-executed
SECRET, KEY = "s" * 32, "k" * 32
STOPPED = 70  #: exit code of a process that a failpoint stopped


def settings(var: Path, url: str = "", **others: Any) -> Settings:
    """Settings of the installation in ``var`` (SQLite there, unless ``url`` names another database)."""
    given = {"database_url": url, **others} if url else others
    return Settings.from_env({}, var=var, secret_key=SECRET, lookup_key=KEY.encode(), **given)


def environment(var: Path, url: str = "") -> dict[str, str]:
    """The same for a process of ``run.py``; its project is empty, so that it serves what is published."""
    (var / "project").mkdir(exist_ok=True)
    return {
        **{name: text for name, text in os.environ.items() if not name.startswith("GONGDAN_")},
        "DATABASE_URL": url,
        "GONGDAN_VAR": str(var),
        "GONGDAN_PROJECT": str(var / "project"),
        "SECRET_KEY": SECRET,
        "GONGDAN_KEY": KEY,
        "GONGDAN_WORKER_POLL": "0.05",
    }


def install(var: Path, url: str = "") -> None:
    """Publish the diagrams and add the one agent."""
    gongdan = open_gongdan(settings(var, url))
    gongdan.releases.publish(files(full=True), "tests", "workload", "2026-01-01T00:00:00+00:00")
    gongdan.people.add_many([Person(AGENT, "Agent", frozenset({"agent"}))], "none")
    gongdan.close()


def long_ago() -> str:
    """An instant whose two-hour limits have passed."""
    return (datetime.now(UTC) - timedelta(hours=3)).isoformat()


def run(module: str, *arguments: str, failpoint: str = "", url: str = "") -> subprocess.Popen[bytes]:
    """Start ``python -m module`` of this checkout."""
    env = {**os.environ, "GONGDAN_FAILPOINT": failpoint, "FAULT_DATABASE_URL": url}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], env=env)


def ledger(path: Path) -> list[dict[str, Any]]:
    """Acknowledgements the client wrote down; a line cut short was never finished and does not count."""
    if not path.exists():
        return []
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def assert_nothing_lost(gongdan: Gongdan, acknowledged: list[dict[str, Any]]) -> None:
    """Every acknowledged command is in history, no timer fired twice, nothing was sent twice."""
    rows = gongdan.db.rows(sa.select(history.c.case_id, history.c.seq, history.c.command))
    recorded = {(case, seq) for case, seq, _ in rows}
    lost = [a for a in acknowledged if (a["case"], a["seq"]) not in recorded]
    assert not lost, f"{len(lost)} acknowledged commands are lost: {lost[:3]}"
    fired = [
        (case, command["timer"])
        for case, _, body in rows
        if (command := json.loads(bytes(body)))["type"] == "timer"
    ]
    assert len(fired) == len(set(fired)), "a timer fired twice"


def assert_goes_on(gongdan: Gongdan) -> int:
    """No case is stuck: time and an agent bring every one to its end. Returns how many cases there are."""
    now = datetime.now(UTC) + timedelta(minutes=10)  # past every lease
    while gongdan.timers.wake_due(now, 500):
        pass
    while open_tasks := gongdan.db.rows(sa.select(task.c.case_id, task.c.task).where(task.c.state == "open")):
        for case, number in open_tasks:
            gongdan.dispatch(
                CompleteTask(case_id=case, task=number, data=FORM, actor=AGENT, at=now.isoformat())
            )
    still_open = gongdan.db.rows(sa.select(cases.c.id).where(cases.c.state == "open"))
    assert not still_open, f"stuck: {still_open[:3]}"
    while gongdan.outbox.work(now + timedelta(days=1)):
        pass
    unfinished = sa.select(outbox.c.id).where(outbox.c.state.in_(["pending", "sending"]))
    assert not gongdan.db.rows(unfinished), "messages that nobody will send"
    return len(case_ids(gongdan.db))


def assert_proves_itself(gongdan: Gongdan) -> int:
    """Every case re-executes identically, in ``run.py verify --all`` too, and its read models equal a rebuild.

    Returns how many cases there are.
    """
    var, url = gongdan.settings.var, gongdan.settings.database_url
    command = [sys.executable, "run.py", "verify", "--all", "--json"]
    done = subprocess.run(command, env=environment(var, url), cwd=CHECKOUT, capture_output=True, check=False)
    said = json.loads(done.stdout)
    known = case_ids(gongdan.db)
    assert (said["cases"], said["identical"], said["diverged"]) == (len(known), len(known), [])
    for case in known[:: max(1, len(known) // SAMPLE)]:
        verdict = gongdan.verify(case)
        assert verdict.state == IDENTICAL, verdict
        assert not differences(gongdan, case)
    return len(known)
