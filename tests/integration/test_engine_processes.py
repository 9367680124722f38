"""Several processes on one database: copies of a case may be old, and nobody's work is lost by it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import Conflict, Rejected
from engine.case.commands import AmendData, CompleteTask
from engine.operations.task_view import desk as show
from tests.casework import Desk, opened
from tests.clock import Clock
from tests.threads import together


@pytest.fixture
def second(any_desk: Desk, tmp_path: Path, clock: Clock, database_url: str) -> Any:
    """Another process's engine on the same database (own connections, own live cases)."""
    with opened(tmp_path / "second", clock, database_url, lookup_key=any_desk.g.settings.lookup_key) as other:
        yield other


def test_a_stale_process_takes_the_case_anew_and_goes_on(any_desk: Desk, second: Desk) -> None:
    case = any_desk.start()
    stale = second.open(case)["call"]
    any_desk.complete(case, result="busy")
    asked = CompleteTask(case_id=case, task=stale, data={"result": "busy"}, actor="agent1", at=any_desk.at)
    with pytest.raises(Rejected, match=f"task {stale} of case {case} to be open"):
        second.g.dispatch(asked)
    assert second.complete(case, result="reached").done == "reached"
    assert any_desk.g.verify(case).state == "identical"


def test_a_stale_process_sees_the_claim_of_the_other(any_desk: Desk, second: Desk) -> None:
    case = any_desk.start()
    second.open(case)
    any_desk.claim(case, actor="agent2")
    with pytest.raises(Conflict, match="agent2 has claimed it"):
        second.claim(case, actor="agent1")


def test_a_stale_process_judges_by_what_is_true_now(any_desk: Desk, second: Desk) -> None:
    """Also what is not a state conflict: a form that was invalid on yesterday's data may be right on today's."""
    case = any_desk.start()
    second.open(case)
    correction = AmendData(
        case_id=case, data={"attempts": 7}, reason="补录", actor="supervisor1", at=any_desk.at
    )
    any_desk.g.dispatch(correction)
    second.complete(case, result="busy")
    changed = [put for _, _, _, effects in any_desk.history(case) for _, put, _ in effects.get("data", ())]
    assert changed[-1]["attempts"] == 8


def test_two_processes_complete_the_same_task_and_one_wins(any_desk: Desk, second: Desk) -> None:
    for _ in range(5):
        case = any_desk.start()
        task = any_desk.open(case)["call"]
        second.open(case)
        asked = CompleteTask(case_id=case, task=task, data={"result": "busy"}, actor="agent1", at=any_desk.at)
        answers = together(lambda a=asked: any_desk.g.dispatch(a), lambda a=asked: second.g.dispatch(a))  # type: ignore[misc]
        assert sorted(type(a).__name__ for a in answers) in (["Receipt", "Rejected"], ["Conflict", "Receipt"])
        assert any_desk.kinds(case) == ["start", "complete"]
        assert any_desk.g.verify(case).state == "identical"


def test_what_another_process_did_when_time_came_is_no_conflict(any_desk: Desk, second: Desk) -> None:
    """The copy still waits for a timer that the other process has fired; the agent must not hear of it."""
    case = any_desk.start()
    task = second.open(case)["call"]
    any_desk.clock.advance(hours=3)
    assert any_desk.wake()
    asked = CompleteTask(case_id=case, task=task, data={"result": "busy"}, actor="agent1", at=any_desk.at)
    assert second.g.dispatch(asked).opened
    assert any_desk.g.verify(case).state == "identical"


def test_two_processes_wake_the_same_case_and_each_timer_fires_once(any_desk: Desk, second: Desk) -> None:
    case = any_desk.start()
    second.open(case)
    any_desk.clock.advance(days=20)
    together(
        lambda: any_desk.g.dispatcher.wake(case, any_desk.at),
        lambda: second.g.dispatcher.wake(case, any_desk.at),
    )
    assert any_desk.kinds(case) == ["start", "warn", "timer", "warn", "warn", "breach"]


def test_a_worker_with_an_old_copy_still_wakes_what_another_process_armed(
    any_desk: Desk, second: Desk
) -> None:
    """The worker has the case live from an earlier wake; a web process has moved it on since."""
    case = any_desk.start()
    any_desk.clock.advance(hours=2)
    assert second.wake() == 2
    any_desk.complete(case, result="busy")  # arms a limit that is past already: due at once
    assert second.wake() > 0
    assert any_desk.kinds(case)[-1] == "timer"


def test_a_page_shows_what_another_process_did(any_desk: Desk, second: Desk) -> None:
    case = any_desk.start()
    second.open(case)
    task = any_desk.complete(case, result="busy").opened[0]
    person = second.g.people.get("agent1")
    page = show(second.g, case, task, person, "zh-Hans", second.at)
    assert (page.element.id, page.data["attempts"]) == ("call", 1)


def test_loading_while_another_process_writes_is_no_corruption(any_desk: Desk, second: Desk) -> None:
    case = any_desk.start()
    done = threading.Event()
    problems: list[BaseException] = []

    def load() -> None:
        while not done.is_set():
            try:
                second.g.dispatcher.load(case)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test reports it
                problems.append(error)
                return

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(load) for _ in range(2)]
        for _ in range(60):
            any_desk.complete(case, result="busy")
        done.set()
        for reader in readers:
            reader.result()
    assert not problems
