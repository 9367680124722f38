"""Several processes on one database: copies of a case may be old, and nobody's work is lost by it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from engine.base.errors import Conflict, GongdanError, Rejected
from engine.case.commands import AmendData, CompleteTask, EraseCase
from engine.case.erasing import erase
from engine.case.snapshots import fingerprint
from engine.operations.task_view import desk as show
from engine.privacy.sealing import Erased
from engine.storage.tables import cases
from tests.casework import Desk
from tests.threads import together


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


def test_a_live_case_learns_what_another_process_did_without_being_built_anew(
    any_desk: Desk, second: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = any_desk.start()
    live = second.g.dispatcher.current(case)
    any_desk.complete(case, result="busy")
    monkeypatch.setattr(second.g.dispatcher, "load", lambda *_: pytest.fail("it was built anew"))
    assert second.g.dispatcher.current(case) is live
    task = second.open(case)["call"]
    asked = CompleteTask(case_id=case, task=task, data={"result": "reached"}, actor="agent1", at=any_desk.at)
    second.g.dispatch(asked)
    assert any_desk.kinds(case) == ["start", "complete", "complete"]
    assert any_desk.g.verify(case).state == "identical"


def test_who_learnt_a_case_knows_it_as_who_loads_it(any_desk: Desk, second: Desk) -> None:
    case = any_desk.start()
    learnt = second.g.dispatcher.current(case)
    for _ in range(3):
        any_desk.complete(case, result="busy")
    second.g.dispatcher.current(case)
    assert fingerprint(learnt) == fingerprint(second.g.dispatcher.load(case, use_snapshot=False))


def test_processes_that_take_turns_on_a_case_do_nothing_in_vain(
    any_desk: Desk, second: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first surprise a process asks before it acts: no command is executed only to be refused."""
    case = any_desk.start()
    tried: list[str] = []
    for desk in (any_desk, second):
        run = desk.g.dispatcher._run

        def counted(instance: Any, plain: Any, *given: Any, run: Any = run, **more: Any) -> Any:
            tried.append(plain["type"])
            return run(instance, plain, *given, **more)

        monkeypatch.setattr(desk.g.dispatcher, "_run", counted)
    tasks = [any_desk.open(case)["call"]]
    for turn in range(8):
        asked = CompleteTask(
            case_id=case, task=tasks[-1], data={"result": "busy"}, actor="agent1", at=any_desk.at
        )
        tasks += (any_desk, second)[turn % 2].g.dispatch(asked).opened
    assert any_desk.kinds(case) == ["start"] + ["complete"] * 8
    assert len(tried) <= 9, "at most the first surprise"


def test_who_has_an_erased_case_in_memory_reads_no_more_of_it(any_desk: Desk, second: Desk) -> None:
    case = any_desk.start()
    live = second.g.dispatcher.current(case)
    asked = EraseCase(
        case_id=case, actor="system:erase", at=any_desk.at, requested_by="customer", reason="asked for"
    )
    erase(any_desk.g.db, asked, any_desk.at, [])
    with pytest.raises(Erased):
        second.g.dispatcher.current(case)
    assert live.spoiled


def test_a_head_that_no_history_leads_to_is_found_by_who_has_the_case_in_memory(
    any_desk: Desk, second: Desk
) -> None:
    case = any_desk.start()
    second.g.dispatcher.current(case)
    any_desk.complete(case, result="busy")
    with any_desk.g.db.begin() as connection:
        connection.execute(sa.update(cases).where(cases.c.id == case).values(head=b"forged"))
    with pytest.raises(GongdanError, match="does not lead to its head"):
        second.g.dispatcher.current(case)
