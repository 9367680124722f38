"""The background work: what fails in one kind of it stops no other kind, and never the worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import Conflict
from engine.case.instance import Instance
from engine.delivery.timers import LEASE
from engine.operations.distributed_worker import Fleet
from engine.operations.worker import Worker, work_once
from tests.casework import Desk, opened
from tests.clock import Clock


def unforeseen(*_: Any) -> int:
    """A fault that no error of ours names."""
    raise ValueError("Invalid isoformat string: ''")


@pytest.fixture
def broken(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose schedule fails each time."""
    monkeypatch.setattr(desk.g.schedule, "open_due", unforeseen)
    return desk


def test_a_failing_schedule_stops_neither_timers_nor_messages(broken: Desk) -> None:
    case = broken.start()
    broken.complete(case, result="busy")
    broken.clock.advance(days=20)
    assert work_once(broken.g, broken.clock.instant) > 1
    assert broken.values("SELECT state FROM outbox") == ["sent"]
    assert "timer" in broken.kinds(case)


@pytest.mark.parametrize("kind", ["timers.wake_due", "outbox.work"])
def test_failing_timers_or_messages_stop_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    part, _, method = kind.partition(".")
    monkeypatch.setattr(getattr(desk.g, part), method, unforeseen)
    monkeypatch.setattr(desk.g.schedule, "open_due", lambda now: 3)
    assert work_once(desk.g, desk.clock.instant) == 3


def test_one_case_that_fails_in_a_way_nobody_foresaw_keeps_no_other_asleep(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = desk.start(), desk.start()
    usual = desk.g.dispatcher._work_off

    def work_off(instance: Instance, *given: Any) -> int:
        return unforeseen() if instance.case_id == bad else usual(instance, *given)

    monkeypatch.setattr(desk.g.dispatcher, "_work_off", work_off)
    desk.clock.advance(days=20)
    assert desk.wake() > 0
    assert "timer" in desk.kinds(good)


def test_a_case_that_others_keep_changing_keeps_no_other_asleep(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    contended, *others = [desk.start() for _ in range(3)]
    usual = desk.g.dispatcher._work_off

    def work_off(instance: Instance, *given: Any) -> int:
        if instance.case_id == contended:
            raise Conflict("somebody else was faster")
        return usual(instance, *given)

    monkeypatch.setattr(desk.g.dispatcher, "_work_off", work_off)
    desk.clock.advance(hours=2)
    assert desk.wake() == 4, "a warning and a breach of each of the others"
    assert [desk.clocks(case)["CAN_CALLBACK_1"] for case in others] == ["breached", "breached"]
    assert desk.incidents() == [], "it is no fault of the case"
    monkeypatch.undo()
    desk.clock.advance(minutes=2)
    assert desk.wake() == 2, "it is due again when its lease ends"


def test_a_lease_that_a_fast_clock_gave_keeps_no_case_asleep(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.clock.advance(hours=3)
    now = any_desk.clock.instant
    assert any_desk.g.timers.claim(now + timedelta(hours=1)) == [case], "by a worker that then dies"
    assert any_desk.g.timers.claim(now) == [case]


def test_who_looked_at_the_clock_earlier_takes_nothing_from_who_claimed_first(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.clock.advance(hours=3)
    now = any_desk.clock.instant
    assert any_desk.g.timers.claim(now + timedelta(seconds=2)) == [case]
    assert any_desk.g.timers.claim(now) == []


def test_a_lease_keeps_others_off_until_it_ends(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.clock.advance(hours=3)
    now = any_desk.clock.instant
    assert any_desk.g.timers.claim(now) == [case]
    assert any_desk.g.timers.claim(now + LEASE) == []
    assert any_desk.g.timers.claim(now + LEASE + timedelta(seconds=1)) == [case]


def test_the_worker_of_one_machine_outlives_it(broken: Desk) -> None:
    case = broken.start()
    broken.complete(case, result="busy")
    worker = Worker(broken.g)
    worker.start()
    until = time.monotonic() + 10
    while broken.values("SELECT state FROM outbox") != ["sent"] and time.monotonic() < until:
        time.sleep(0.02)
    worker.stop()
    assert broken.values("SELECT state FROM outbox") == ["sent"]


def awaited(coroutine: Coroutine[Any, Any, int]) -> int:
    """What a coroutine returns. In a thread of its own: the browser of other tests leaves its loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@pytest.fixture
def fleet_desk(tmp_path: Path, clock: Clock, postgres_url: str) -> Iterator[Desk]:
    """A desk on PostgreSQL."""
    with opened(tmp_path, clock, postgres_url) as made:
        yield made


def test_a_machine_of_a_fleet_hands_out_work_whatever_the_schedule_does(
    fleet_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet_desk.start()
    fleet_desk.clock.advance(days=20)
    monkeypatch.setattr(fleet_desk.g.schedule, "open_due", unforeseen)
    fleet = Fleet(fleet_desk.g)
    fleet.install()

    async def once() -> int:
        async with fleet.app.open_async():
            return await fleet.look(fleet_desk.clock.instant)

    assert awaited(once()) == 1
    assert fleet_desk.values("SELECT count(*) FROM procrastinate_jobs") == [1]


def test_a_machine_of_a_fleet_opens_cases_whatever_its_timers_do(
    fleet_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_desk.g.timers, "claim", unforeseen)
    monkeypatch.setattr(fleet_desk.g.schedule, "open_due", lambda now: 3)
    assert awaited(Fleet(fleet_desk.g).look(fleet_desk.clock.instant)) == 3
