"""Cases that are due together are woken in one transaction: all of them, once each, whatever one of them does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from engine.app import open_gongdan
from engine.base.errors import TechnicalFailure, Unavailable
from engine.base.instants import iso
from engine.case.instance import Instance
from engine.delivery.timers import TOGETHER, Timers
from engine.storage.database import Database
from engine.storage.statements import Write
from tests.casework import Desk

WARNED, FIRED = ["start", "warn"], ["start", "warn", "timer"]


def due(desk: Desk, cases: int) -> list[str]:
    """Cases whose call is overdue: the warning at four fifths of it and the timer at its end are to come."""
    started = [desk.start() for _ in range(cases)]
    desk.clock.advance(hours=3)
    return started


@pytest.fixture
def transactions(any_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many statements each transaction of the command path had."""
    seen: list[int] = []
    usual = any_desk.g.db.write

    def write(writes: Iterable[Write]) -> None:
        listed = list(writes)
        seen.append(len(listed))
        usual(listed)

    monkeypatch.setattr(any_desk.g.db, "write", write)
    return seen


def test_all_that_is_due_on_several_cases_is_one_transaction(any_desk: Desk, transactions: list[int]) -> None:
    cases = due(any_desk, 3)
    transactions.clear()
    assert any_desk.g.dispatcher.wake_together(cases, any_desk.at) == (6, [])
    assert len(transactions) == 1
    assert [any_desk.kinds(case) for case in cases] == [FIRED] * 3
    assert {any_desk.g.verify(case).state for case in cases} == {"identical"}
    assert any_desk.g.dispatcher.wake_together(cases, any_desk.at) == (0, sorted(cases)), "nothing twice"


def test_cases_that_are_not_in_memory_are_asked_for_at_once(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = due(any_desk, 3)
    for case in cases:
        any_desk.g.dispatcher.forget(case)
    asked: list[list[str]] = []
    usual = Database.ask_each

    def ask_each(db: Database, question: Any, several: Any) -> Any:
        asked.append([values.get("case", "") for values in several])
        return usual(db, question, several)

    monkeypatch.setattr(Database, "ask_each", ask_each)
    assert any_desk.g.dispatcher.wake_together(cases, any_desk.at) == (6, [])
    assert asked == [sorted(cases)]


def test_one_that_fails_is_left_out_whole_and_told_alone(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *good = due(any_desk, 3)
    run = any_desk.g.dispatcher._run

    def failing(instance: Instance, command: dict[str, Any], *given: Any, **more: Any) -> Any:
        if instance.case_id == bad and command["type"] == "timer":  # its warning went well
            raise TechnicalFailure("no number")
        return run(instance, command, *given, **more)

    monkeypatch.setattr(any_desk.g.dispatcher, "_run", failing)
    assert any_desk.g.dispatcher.wake_together([bad, *good], any_desk.at) == (4, [bad])
    assert any_desk.kinds(bad) == ["start"], (
        "its warning is not kept either: it is woken again from the start"
    )
    assert [any_desk.kinds(case) for case in good] == [FIRED] * 2


def test_the_worker_opens_an_incident_for_the_one_that_fails(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *good = due(any_desk, 3)
    work_off = any_desk.g.dispatcher._work_off

    def failing(instance: Instance, now: str, asked: Any, *given: Any) -> int:
        if instance.case_id == bad and asked is None:
            raise TechnicalFailure("no number")
        return work_off(instance, now, asked, *given)

    monkeypatch.setattr(any_desk.g.dispatcher, "_work_off", failing)
    assert any_desk.wake() >= 4
    monkeypatch.undo()
    assert [found.case_id for found in any_desk.incidents()] == [bad]
    assert [any_desk.kinds(case) for case in good] == [FIRED] * 2


def test_somebody_who_was_first_on_one_case_costs_no_case_anything(
    any_desk: Desk, second: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what was read and the commit, another process does what is due on one of the cases."""
    raced, *others = cases = due(any_desk, 3)
    usual = any_desk.g.db.write

    def write(writes: Iterable[Write]) -> None:
        monkeypatch.undo()
        assert second.g.dispatcher.wake(raced, second.at) == 2
        usual(writes)

    monkeypatch.setattr(any_desk.g.db, "write", write)
    assert any_desk.g.dispatcher.wake_together(cases, any_desk.at) == (0, cases)
    assert [any_desk.kinds(case) for case in others] == [["start"]] * 2
    assert any_desk.g.timers.wake(cases, any_desk.clock.instant) == 4
    assert [any_desk.kinds(case) for case in cases] == [FIRED] * 3
    assert {any_desk.g.verify(case).state for case in cases} == {"identical"}


def test_a_case_that_another_process_moved_on_is_woken_with_the_others(any_desk: Desk, second: Desk) -> None:
    cases = due(any_desk, 3)
    assert second.g.dispatcher.wake(cases[0], iso(second.clock.instant - timedelta(minutes=75))) == 1
    assert any_desk.kinds(cases[0]) == WARNED
    assert any_desk.g.dispatcher.wake_together(cases, any_desk.at) == (5, [])


def test_a_case_that_somebody_works_on_is_left_alone(any_desk: Desk) -> None:
    held, *free = due(any_desk, 3)
    lock = any_desk.g.dispatcher.instance(held).lock
    taken = Thread(target=lock.acquire)
    taken.start()
    taken.join()
    assert any_desk.g.dispatcher.wake_together([held, *free], any_desk.at) == (4, [held])


def test_nothing_is_kept_while_the_database_is_away(any_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = due(any_desk, 3)

    def away(_: Iterable[Write]) -> None:
        raise Unavailable("the database is away")

    monkeypatch.setattr(any_desk.g.db, "write", away)
    with pytest.raises(Unavailable):
        any_desk.g.timers.wake(cases, any_desk.clock.instant)
    monkeypatch.undo()
    assert [any_desk.kinds(case) for case in cases] == [["start"]] * 3
    assert any_desk.g.timers.wake(cases, any_desk.clock.instant) == 6


def test_several_threads_wake_each_case_once(any_desk: Desk) -> None:
    cases = due(any_desk, TOGETHER + 3)
    g = any_desk.g
    assert Timers(g.db, g.dispatcher, g.incidents, threads=2).wake_due(any_desk.clock.instant) == 2 * len(
        cases
    )
    assert all(any_desk.kinds(case) == FIRED for case in cases)


def test_the_setting_says_how_many_threads_wake_on_postgresql(any_desk: Desk) -> None:
    chosen = replace(any_desk.g.settings, worker_threads=5)
    gongdan = open_gongdan(chosen, migrate=False)
    assert gongdan.timers.threads == (1 if gongdan.db.sqlite else 5)
    gongdan.close()
