"""Cases that are not in memory as they stand: taken by two processes in turn, or loaded for each completion."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.engine import BEGIN, FORM, TRUSTED, files, open_cases
from bench.measures import Figure, figure
from bench.processes import NO_SERVER, has_server, server
from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.case.commands import CompleteTask

CASES = 60  #: of one round
ROUNDS = 5  #: pairs measured in turn; the median pair counts


def crossed_vs_own() -> Figure:
    """Completions a second where two engines take every case in turn, against one that has its cases, on SQLite."""
    return _on_sqlite(cold=False)


def crossed_vs_own_postgresql() -> Figure:
    """The same on PostgreSQL."""
    return _on_postgresql(cold=False)


def cold_vs_own() -> Figure:
    """Completions a second of an engine that loads the case each time, against one that has its cases, on SQLite."""
    return _on_sqlite(cold=True)


def cold_vs_own_postgresql() -> Figure:
    """The same on PostgreSQL."""
    return _on_postgresql(cold=True)


def _on_sqlite(*, cold: bool) -> Figure:
    with TemporaryDirectory(prefix="gongdan-bench-") as folder:
        return _measured(Path(folder), "", cold=cold)


def _on_postgresql(*, cold: bool) -> Figure:
    if not has_server():
        return NO_SERVER
    with server() as url, TemporaryDirectory(prefix="gongdan-bench-") as folder:
        return _measured(Path(folder), url, cold=cold)


def _measured(var: Path, url: str, *, cold: bool) -> Figure:
    with ExitStack() as opened:

        def engine(lru: int) -> Gongdan:
            chosen = Settings.from_env({}, var=var, lookup_key=b"b" * 32, database_url=url or None, lru=lru)
            return opened.enter_context(closing(open_gongdan(chosen)))

        own = engine(500)
        own.releases.publish(files(full=False), "bench", "workloads", BEGIN.isoformat())
        others = [engine(1)] if cold else [own, engine(500)]
        pairs = [(_rate(own, others), _rate(own, [own])) for _ in range(ROUNDS)]
    ours, reference = sorted(pairs, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
    return figure(ours, reference, "completions/s, one client")


def _rate(opener: Gongdan, engines: list[Gongdan]) -> float:
    """Completions a second, case after case and stage after stage, each of a case by the next of the engines."""
    work = list(open_cases(opener, "callback", CASES))
    done, turn, began = 0, 0, time.perf_counter()
    while any(opened.tasks for opened in work):
        turn += 1
        for opened in work:
            if opened.tasks:
                opened.at += timedelta(seconds=1)
                asked = CompleteTask(
                    case_id=opened.case,
                    task=opened.tasks.pop(0),
                    data=FORM,
                    actor=TRUSTED,
                    at=opened.at.isoformat(),
                )
                opened.tasks += engines[turn % len(engines)].dispatch(asked).opened
                done += 1
    return done / (time.perf_counter() - began)
