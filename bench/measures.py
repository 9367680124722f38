"""What is measured. Each measure returns ``{"ours", "reference", "ratio", "unit"}`` from one run on this machine."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.engine import AGENT, BEGIN, FORM, TRUSTED, complete_cases, engine, loop_growth
from engine.case.commands import CompleteTask, StartCase
from engine.case.store import case_ids

Figure = dict[str, Any]
MEMORY = "/dev/shm"  # noqa: S108 - a folder in memory, if there is one
ROUNDS = 5  #: pairs measured in turn; the median pair counts


def figure(ours: float, reference: float, unit: str) -> Figure:
    """A figure with its ratio."""
    return {
        "ours": ours,
        "reference": reference,
        "ratio": ours / reference if reference else None,
        "unit": unit,
    }


def _child(*arguments: str, **env: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, env={**os.environ, **env}
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _cpu(result: dict[str, float]) -> float:
    return result["cpu"] / result["completions"] * 1e6


def _against_stock(mode: str, **env: str) -> Figure:
    pairs = []
    for _ in range(ROUNDS):
        stock = _cpu(_child("bench/stock.py", "memory", "150"))
        ours = _cpu(_child("-m", "bench.engine", mode, "150", **env))
        pairs.append((ours, stock))
    ours, stock = sorted(pairs, key=lambda p: p[0] / p[1])[len(pairs) // 2]
    return figure(ours, stock, "CPU µs per completion")


def completion_cpu_vs_stock_memory() -> Figure:
    """The engine alone, durable, against stock SpiffWorkflow in memory with nothing stored."""
    return _against_stock("core")


def completion_cpu_full_vs_stock_memory() -> Figure:
    """With form check, rules, sealing, SLA clocks, texts and outbox, against the same."""
    return _against_stock("full")


def _without_disk(mode: str) -> Figure:
    if not os.access(MEMORY, os.W_OK):
        return {"skipped": f"no file system in memory at {MEMORY}"}
    return _against_stock(mode, TMPDIR=MEMORY)


def completion_cpu_without_disk() -> Figure:
    """The engine alone with its database in memory: its own work, without what the file system costs."""
    return _without_disk("core")


def completion_cpu_full_without_disk() -> Figure:
    """With everything, and its database in memory."""
    return _without_disk("full")


def commit_cpu_of_a_completion() -> Figure:
    """CPU of the transaction in a completion, against a bare commit of as many bytes: what no engine can save."""
    runs = [_child("-m", "bench.engine", "commit", "150") for _ in range(3)]
    run = sorted(runs, key=lambda r: r["transactions"] / r["bare"])[1]
    done = run["completions"] / 1e6
    share = run["transactions"] / run["cpu"]
    return figure(run["transactions"] / done, run["bare"] / done, f"CPU µs; {share:.0%} of a completion")


def completion_vs_naive() -> Figure:
    """Completions a second against stock that reloads and saves everything at every step."""
    pairs = []
    for _ in range(3):
        with TemporaryDirectory() as folder:
            naive = _child("bench/stock.py", "naive", "30", str(Path(folder) / "naive.db"))
        ours = _child("-m", "bench.engine", "core", "150")
        pairs.append((ours["completions"] / ours["wall"], naive["completions"] / naive["wall"]))
    ours_rate, naive_rate = sorted(pairs, key=lambda p: p[0] / p[1])[1]
    return figure(ours_rate, naive_rate, "completions/s")


def loop_growth_1000_vs_10() -> Figure:
    """CPU of a completion at loop round 1,000 against round 10 of the same case."""
    found = loop_growth((10, 1_000))
    return figure(found["ours"] * 1e6, found["reference"] * 1e6, "CPU µs per completion")


def cold_load_300_ms() -> Figure:
    """Loading a case of about 300 commands: from its snapshot, against from history alone.

    The mean of five lengths, since the last snapshot may be just written or long ago.
    """
    with engine(synchronous="OFF") as gongdan:
        cases = [_looped(gongdan, commands) for commands in (280, 290, 300, 310, 320)]
        load = gongdan.dispatcher.load
        with_snapshot = statistics.mean(_median(partial(load, case)) for case in cases)
        replayed = statistics.mean(_median(partial(load, case, use_snapshot=False)) for case in cases)
    return figure(with_snapshot * 1e3, replayed * 1e3, "ms (snapshot, replay alone)")


def cold_load_5000_ms() -> Figure:
    """The same for 5,000 commands."""
    with engine(synchronous="OFF") as gongdan:
        case = _looped(gongdan, 5_000)
        load = gongdan.dispatcher.load
        with_snapshot = _median(lambda: load(case), 3)
        replayed = _median(lambda: load(case, use_snapshot=False), 1)
    return figure(with_snapshot * 1e3, replayed * 1e3, "ms (snapshot, replay alone)")


def verify_commands_per_s() -> Figure:
    """Commands re-executed and compared per CPU second, callback workload; the target is 1,000."""
    with engine(synchronous="OFF") as gongdan:
        complete_cases(gongdan, "callback", 150, TRUSTED, FORM)
        began, commands = time.process_time(), 0
        for case in case_ids(gongdan.db):
            verdict = gongdan.verify(case)
            if verdict.state != "identical":
                raise AssertionError(f"{case}: {verdict.reason}")
            commands += verdict.commands
        return figure(commands / (time.process_time() - began), 1_000, "commands per CPU second")


def live_instance_kb() -> Figure:
    """Memory of one live instance at its second task, by the allocator's own count; the bound is 40 KB."""
    with engine(synchronous="OFF", lru=5_000) as gongdan:
        complete_cases(gongdan, "callback", 5, TRUSTED, FORM)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            receipt = gongdan.dispatch(
                StartCase(process="callback", data={}, actor=TRUSTED, at=BEGIN.isoformat())
            )
            gongdan.dispatch(
                CompleteTask(
                    case_id=receipt.case_id,
                    task=receipt.opened[0],
                    data=FORM,
                    actor=TRUSTED,
                    at=BEGIN.isoformat(),
                )
            )
        used = (tracemalloc.get_traced_memory()[0] - before) / 200 / 1024
        tracemalloc.stop()
    return figure(used, 40, "KB a live instance")


def history_row_bytes() -> Figure:
    """Mean size of a history row with its hashes, with everything on; the bound is 900."""
    with engine(full=True, synchronous="OFF") as gongdan:
        complete_cases(gongdan, "callback_full", 50, AGENT, FORM)
        with gongdan.db.read() as connection:
            sizes = connection.exec_driver_sql(
                "SELECT length(case_id) + length(at) + length(recorded_at) + length(actor) + length(command) "
                "+ length(effects) + length(prev_hash) + length(hash) FROM history"
            ).scalars()
            return figure(statistics.mean(int(s) for s in sizes), 900, "bytes a history row")


def _looped(gongdan: Any, commands: int) -> str:
    receipt = gongdan.dispatch(StartCase(process="loop", data={}, actor=TRUSTED, at=BEGIN.isoformat()))
    task = receipt.opened[0]
    for n in range(commands - 1):
        step = gongdan.dispatch(
            CompleteTask(
                case_id=receipt.case_id,
                task=task,
                data={"done": False, "n": n},
                actor=TRUSTED,
                at=BEGIN.isoformat(),
            )
        )
        task = step.opened[0]
    return str(receipt.case_id)


def _median(work: Callable[[], Any], times: int = 7) -> float:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return statistics.median(found)
