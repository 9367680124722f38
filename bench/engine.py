"""Our side: the engine on a database in a temporary folder, with everything a completion writes."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.case.commands import CompleteTask, StartCase
from engine.people.directory import Person

WORKLOADS = Path(__file__).parent / "workloads"
FORM = {"ok": 3, "note": "called, nobody answered", "result": "no_answer"}
BEGIN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TRUSTED = "system:bench"  #: no rules, no forms: the engine alone
AGENT = "bench"
FIRST_DUE = timedelta(hours=2)  #: after the start of a case its timer is due


@contextmanager
def engine(*, full: bool = False, synchronous: str = "FULL", **settings: Any) -> Iterator[Gongdan]:
    """An engine with the workloads published; ``full`` adds forms, texts, calendar and limits."""
    with TemporaryDirectory(prefix="gongdan-bench-") as folder:
        gongdan = open_gongdan(Settings.from_env({}, var=Path(folder), **settings), synchronous=synchronous)
        try:
            gongdan.releases.publish(files(full=full), "bench", "workloads", BEGIN.isoformat())
            gongdan.settle()
            gongdan.people.add_many([Person(AGENT, "Bench", frozenset({"agent", "supervisor"}))], "none")
            yield gongdan
        finally:
            gongdan.close()


def files(*, full: bool) -> dict[str, bytes | None]:
    """The files of the workloads' release."""
    found: dict[str, bytes | None] = {
        f"bpmn/bench/{p.name}": p.read_bytes()
        for p in WORKLOADS.glob("*.bpmn")
        if full or "full" not in p.name
    }
    if full:
        project = WORKLOADS.parent.parent
        found |= {f"forms/{p.name}": p.read_bytes() for p in (WORKLOADS / "forms").glob("*.json")}
        found |= {
            f"bpmn/templates/{p.name}": p.read_bytes() for p in (WORKLOADS / "templates").glob("*.json")
        }
        for path in ("bpmn/decisions/sla.dmn", "bpmn/calendars/cn.json", "bpmn/roles.json"):
            found[path] = (project / path).read_bytes()
    return found


@dataclass
class Opened:
    """A case with its open tasks, and the instant of its last command."""

    case: str
    tasks: list[int]
    at: datetime


def open_cases(gongdan: Gongdan, process: str, cases: int) -> Iterator[Opened]:
    """Open ``cases`` cases of ``process``, one by one."""
    for number in range(cases):
        at = BEGIN + timedelta(seconds=number)
        receipt = gongdan.dispatch(StartCase(process=process, data={}, actor=TRUSTED, at=at.isoformat()))
        yield Opened(receipt.case_id, list(receipt.opened), at)


def complete_case(gongdan: Gongdan, opened: Opened, actor: str, form: dict[str, Any]) -> int:
    """Complete task after task of a case to its end; how many those were."""
    done, at, tasks = 0, opened.at, opened.tasks
    while tasks:
        at += timedelta(seconds=1)
        step = gongdan.dispatch(
            CompleteTask(case_id=opened.case, task=tasks.pop(0), data=form, actor=actor, at=at.isoformat())
        )
        tasks += step.opened
        done += 1
    return done


def complete_cases(
    gongdan: Gongdan, process: str, cases: int, actor: str, form: dict[str, Any]
) -> dict[str, float]:
    """Run ``cases`` cases to their end; CPU and wall seconds of the completions alone."""
    cpu, wall, done = 0.0, 0.0, 0
    for opened in open_cases(gongdan, process, cases):
        c, w = time.process_time(), time.perf_counter()
        done += complete_case(gongdan, opened, actor, form)
        cpu += time.process_time() - c
        wall += time.perf_counter() - w
    return {"cpu": cpu, "wall": wall, "completions": done}


def commit_cpu(cases: int) -> dict[str, float]:
    """CPU seconds of completions, of the transactions in them, and of as many bare commits of as many bytes."""
    with engine() as gongdan:
        complete_cases(gongdan, "callback", 20, TRUSTED, FORM)
        spent, transaction = [0.0], gongdan.db._transaction

        def measured(jobs: list[Any]) -> None:
            began = time.process_time()
            transaction(jobs)
            spent[0] += time.process_time() - began

        total = 0.0
        done = 0
        for opened in open_cases(gongdan, "callback", cases):
            gongdan.db._transaction = measured  # type: ignore[method-assign]
            began = time.process_time()
            done += complete_case(gongdan, opened, TRUSTED, FORM)
            total += time.process_time() - began
            gongdan.db._transaction = transaction  # type: ignore[method-assign]
        with TemporaryDirectory(prefix="gongdan-bench-") as folder:
            bare = bare_commits(Path(folder), done)
    return {"completions": done, "cpu": total, "transactions": spent[0], "bare": bare["cpu"]}


def bare_commits(folder: Path, count: int) -> dict[str, float]:
    """CPU and wall seconds of ``count`` commits of one row of as many bytes as a completion writes, FULL sync."""
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE bare (body BLOB)")
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        db.execute("INSERT INTO bare VALUES (?)", (b"x" * 1_200,))
    spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    db.close()
    return spent


def loop_growth(rounds: tuple[int, int], width: int = 50) -> dict[str, float]:
    """CPU seconds per completion around each of two loop rounds of one case."""
    with engine(synchronous="OFF") as gongdan:
        at = BEGIN
        receipt = gongdan.dispatch(StartCase(process="loop", data={}, actor=TRUSTED, at=at.isoformat()))
        task = receipt.opened[0]
        found: dict[int, float] = {}
        low, high = rounds
        for n in range(1, high + width + 1):
            began = time.process_time()
            at += timedelta(seconds=1)
            step = gongdan.dispatch(
                CompleteTask(
                    case_id=receipt.case_id,
                    task=task,
                    data={"done": False, "n": n},
                    actor=TRUSTED,
                    at=at.isoformat(),
                )
            )
            task = step.opened[0]
            for mark in (low, high):
                if mark < n <= mark + width:
                    found[mark] = found.get(mark, 0.0) + time.process_time() - began
        return {"ours": found[high] / width, "reference": found[low] / width}


if __name__ == "__main__":
    mode, count = sys.argv[1], int(sys.argv[2])
    if mode == "commit":
        print(json.dumps(commit_cpu(count)))
        sys.exit()
    with engine(full=mode == "full") as running:
        name, person = ("callback_full", AGENT) if mode == "full" else ("callback", TRUSTED)
        complete_cases(running, name, 20, person, FORM)
        print(json.dumps(complete_cases(running, name, count, person, FORM)))
