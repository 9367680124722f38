"""Pages and timers on a database of a million cases against one of a thousand. The tables are filled in bulk."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from bench.measures import Figure, figure
from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.people.directory import Person
from engine.queries import inbox
from engine.storage.tables import ORDINARY, URGENT, cases, task

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)
OPEN_SHARE = 5  #: every fifth case is open
_CHUNK = 20_000


@contextmanager
def filled(count: int) -> Iterator[Gongdan]:
    """A database with ``count`` cases, a fifth of them open with one task and a pending timer each."""
    with TemporaryDirectory(prefix="gongdan-bench-") as folder:
        gongdan = open_gongdan(Settings.from_env({}, var=Path(folder)), synchronous="OFF")
        try:
            for first in range(0, count, _CHUNK):
                _fill(gongdan, first, min(first + _CHUNK, count))
            with gongdan.db.begin() as connection:
                connection.exec_driver_sql("ANALYZE")
            yield gongdan
        finally:
            gongdan.close()


def _fill(gongdan: Gongdan, first: int, last: int) -> None:
    case_rows, task_rows = [], []
    for n in range(first, last):
        opened = NOW - timedelta(seconds=13 * (last - n) + n % 7)
        due = (NOW + timedelta(seconds=60 + n % 90_000)).isoformat()
        is_open = n % OPEN_SHARE == 0
        case_id = f"260601-{n:07d}-0"
        case_rows.append(
            dict.fromkeys(cases.c.keys())
            | {
                "id": case_id,
                "seq": 3,
                "head": b"\0" * 32,
                "at": opened.isoformat(),
                "process": ("billing_dispute", "network_fault_consultation", "general_complaint")[n % 3],
                "release": 1,
                "opened_at": opened.isoformat(),
                "closed_at": None if is_open else due,
                "outcome": None if is_open else "resolved",
                "state": "open" if is_open else "closed",
                "channel": "phone",
                "title": "网速太慢",
                "customer": f"客户{n}",
                "phone": f"138{n:08d}",
                "phone_key": f"{n:064x}",
                "started_by": "agent1",
                "next_due": due if is_open else None,
            }
        )
        task_rows.append(
            dict.fromkeys(task.c.keys())
            | {
                "case_id": case_id,
                "task": 3,
                "element": "reply_customer",
                "name": "答复客户",
                "process": "billing_dispute",
                "form": "reply_customer",
                "lane": "一线坐席",
                "role": "agent",
                "opened_at": opened.isoformat(),
                "due_at": due if is_open else None,
                "closed_at": None if is_open else due,
                "claimed_by": "agent1" if is_open and n % 1_000 == 0 else None,
                "completed_by": None if is_open else "agent1",
                "state": "open" if is_open else "completed",
                "rank": URGENT if n % 50 == 0 else ORDINARY,
            }
        )
    with gongdan.db.begin() as connection:
        connection.execute(sa.insert(cases), case_rows)
        connection.execute(sa.insert(task), task_rows)


def _median_ms(work: Callable[[], Any], times: int = 30) -> float:
    work()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return statistics.median(found) * 1e3


def _inbox(gongdan: Gongdan) -> float:
    person = Person("agent1", "Agent", frozenset({"agent"}))
    now = NOW.isoformat()

    def page() -> None:
        inbox.counts(gongdan.db, person, now)
        inbox.work(gongdan.db, person, "queues", now, inbox.Filters())

    return _median_ms(page)


def _claim(gongdan: Gongdan) -> float:
    moments = iter(NOW + timedelta(seconds=61 + n) for n in range(10_000))
    return _median_ms(lambda: gongdan.timers.claim(next(moments), 100))


@cache
def _both() -> tuple[Figure, Figure]:
    """Fill each size once and measure both things on it."""
    with filled(1_000) as small:
        small_inbox, small_claim = _inbox(small), _claim(small)
    with filled(1_000_000) as large:
        large_inbox, large_claim = _inbox(large), _claim(large)
    return (
        figure(large_inbox, small_inbox, "ms an inbox page with its counts"),
        figure(large_claim, small_claim, "ms a claim of the next due timers"),
    )


def inbox_million_vs_thousand() -> Figure:
    """The first inbox page with its counts, as an agent sees it."""
    return _both()[0]


def due_claim_million_vs_thousand() -> Figure:
    """Claiming the next hundred due timers, some due at each call."""
    return _both()[1]
