"""The reference side, run in a process of its own: SpiffWorkflow as it comes, nothing of ours imported.

``python bench/stock.py memory CASES`` prints CPU seconds per user-task completion with no persistence at all;
``naive CASES PATH`` the same with reload, JSON and save to SQLite at every step.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

DIAGRAM = Path(__file__).parent / "workloads" / "callback.bpmn"
FORM = {"ok": 3, "note": "called, nobody answered", "result": "no_answer"}
logging.disable(logging.CRITICAL)


def start() -> BpmnWorkflow:
    """A fresh case of the workload."""
    workflow = BpmnWorkflow(SPEC, INNER)
    workflow.do_engine_steps()
    return workflow


def complete(workflow: BpmnWorkflow) -> bool:
    """Complete the first open user task; False when there is none."""
    open_tasks = workflow.get_tasks(state=TaskState.READY, manual=True)
    if not open_tasks:
        return False
    open_tasks[0].set_data(**FORM)
    open_tasks[0].run()
    workflow.do_engine_steps()
    return True


def memory(cases: int) -> tuple[float, float, int]:
    """(CPU s, wall s, completions) with the case in memory only."""
    cpu, wall, done = 0.0, 0.0, 0
    for _ in range(cases):
        workflow = start()
        c, w = time.process_time(), time.perf_counter()
        while complete(workflow):
            done += 1
        cpu += time.process_time() - c
        wall += time.perf_counter() - w
    return cpu, wall, done


def naive(cases: int, path: str) -> tuple[float, float, int]:
    """(CPU s, wall s, completions) with reload, JSON and save around every completion."""
    serializer = BpmnWorkflowSerializer()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE state (id INTEGER PRIMARY KEY, body TEXT)")
    cpu, wall, done = 0.0, 0.0, 0
    for n in range(cases):
        db.execute("INSERT INTO state VALUES (?, ?)", (n, serializer.serialize_json(start())))
        c, w = time.process_time(), time.perf_counter()
        while True:
            body: Any = db.execute("SELECT body FROM state WHERE id = ?", (n,)).fetchone()[0]
            workflow = serializer.deserialize_json(body)
            if not complete(workflow):
                break
            db.execute("UPDATE state SET body = ? WHERE id = ?", (serializer.serialize_json(workflow), n))
            done += 1
        cpu += time.process_time() - c
        wall += time.perf_counter() - w
    return cpu, wall, done


_parser = BpmnParser()
_parser.add_bpmn_file(str(DIAGRAM))
SPEC, INNER = _parser.get_spec("callback"), _parser.get_subprocess_specs("callback")

if __name__ == "__main__":
    mode, count = sys.argv[1], int(sys.argv[2])
    cpu, wall, done = memory(count) if mode == "memory" else naive(count, sys.argv[3])
    print(json.dumps({"cpu": cpu, "wall": wall, "completions": done}))
