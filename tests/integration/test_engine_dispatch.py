"""Dispatch, on both databases: what time brought comes first, a repeat gets the first answer, nobody's work is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import Conflict, InvalidForm, NotAllowed, NotFound, Rejected
from engine.case.commands import (
    AmendData,
    AssignTask,
    ClaimTask,
    CompleteTask,
    FireTimer,
    ReleaseTask,
    StartCase,
)
from engine.case.dispatch import Receipt
from engine.case.snapshots import fingerprint
from engine.privacy.sealing import MARK
from tests.bpmn_text import bpmn, end, timer_on, user
from tests.casework import CUSTOMER, FILES, Desk, opened
from tests.clock import Clock
from tests.threads import together


# ---------------------------------------------------------------- order
def test_what_is_due_happens_before_the_asked_command_and_in_due_order(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.clock.advance(hours=3)
    any_desk.complete(case, result="reached")
    told = [(command["type"], at) for _, at, command, _ in any_desk.history(case)]
    assert told == [
        ("start", "2026-03-02T01:00:00+00:00"),
        ("warn", "2026-03-02T02:36:00+00:00"),
        ("timer", "2026-03-02T03:00:00+00:00"),
        ("complete", "2026-03-02T04:00:00+00:00"),
    ]


def test_a_command_at_the_due_instant_comes_after_the_timer(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.clock.advance(hours=2)
    any_desk.complete(case, result="reached")
    assert any_desk.kinds(case)[-2:] == ["timer", "complete"]


def test_an_outage_leaves_the_history_it_would_have_been_without_it(any_desk: Desk) -> None:
    """Only the instant of writing (``recorded_at``) may differ."""
    awake, asleep = any_desk.start(), any_desk.start()
    for _ in range(72):
        any_desk.clock.advance(hours=5)
        any_desk.g.dispatcher.wake(awake, any_desk.at)
    any_desk.g.dispatcher.wake(asleep, any_desk.at)

    def told(case: str) -> list[Any]:
        rows = [(at, command, effects) for _, at, command, effects in any_desk.history(case)]
        return rows[1:]

    def renamed(case: str) -> list[Any]:
        return [(at, c["type"], _renamed(e, asleep, awake)) for at, c, e in told(case)]

    assert renamed(awake) == renamed(asleep)
    assert any_desk.kinds(awake) == ["start", "warn", "timer", "warn", "warn", "breach"]


def _renamed(effects: Any, old: str, new: str) -> Any:
    """Effects with one case number for another; texts sealed with the case's own key are left out of it."""
    if isinstance(effects, dict):
        if effects.keys() == {MARK}:
            return MARK
        return {k: _renamed(v, old, new) for k, v in effects.items()}
    if isinstance(effects, list):
        return [_renamed(v, old, new) for v in effects]
    return effects.replace(old, new) if isinstance(effects, str) else effects


def test_time_never_runs_backwards_on_a_case(any_desk: Desk) -> None:
    case = any_desk.start()
    before = any_desk.clock.now
    any_desk.clock.advance(hours=-1)
    receipt = any_desk.complete(case, result="busy")
    assert receipt.at == before, "a clock that was set back does not rewrite the past"


# ---------------------------------------------------------------- idempotency
def test_a_double_submit_completes_once_and_both_get_the_same_receipt(any_desk: Desk) -> None:
    case = any_desk.start()
    task = any_desk.open(case)["call"]
    asked = CompleteTask(
        case_id=case, task=task, data={"result": "busy"}, actor="agent1", at=any_desk.at, key="submit-1"
    )
    first, second = any_desk.g.dispatch(asked), any_desk.g.dispatch(asked)
    assert (first.already, second.already) == (False, True)
    assert _plain(first) == _plain(second)
    assert any_desk.kinds(case) == ["start", "complete"]


@pytest.mark.parametrize("key", ["submit-2"])
def test_eight_threads_submit_the_same_form_once(any_desk: Desk, key: str) -> None:
    case = any_desk.start()
    task = any_desk.open(case)["call"]
    asked = CompleteTask(
        case_id=case, task=task, data={"result": "busy"}, actor="agent1", at=any_desk.at, key=key
    )
    receipts = together(*[lambda: any_desk.g.dispatch(asked)] * 8)
    assert all(isinstance(r, Receipt) for r in receipts), receipts
    assert sum(not r.already for r in receipts) == 1
    assert len({str(_plain(r)) for r in receipts}) == 1
    assert any_desk.kinds(case) == ["start", "complete"]


def test_eight_threads_open_the_same_case_once(any_desk: Desk) -> None:
    asked = StartCase(process="work", data=CUSTOMER, actor="agent1", at=any_desk.at, key="start-1")
    receipts = together(*[lambda: any_desk.g.dispatch(asked)] * 8)
    assert all(isinstance(r, Receipt) for r in receipts), receipts
    assert len({r.case_id for r in receipts}) == 1
    assert any_desk.values("SELECT count(*) FROM cases") == [1]
    assert any_desk.values("SELECT count(*) FROM subject_key") == [1], "no key of a case that never was"


def test_the_same_key_for_another_case_is_not_answered_with_the_first_one_s_receipt(any_desk: Desk) -> None:
    one, two = any_desk.start(), any_desk.start()
    any_desk.complete(one, result="busy", key="k")
    with pytest.raises(Rejected, match="key"):
        any_desk.complete(two, result="busy", key="k")
    assert any_desk.kinds(two) == ["start"]


def test_a_refused_command_keeps_no_answer(any_desk: Desk) -> None:
    case = any_desk.start()
    with pytest.raises(InvalidForm):
        any_desk.complete(case, key="k")
    assert any_desk.complete(case, result="busy", key="k").already is False


def _plain(receipt: Receipt) -> tuple[Any, ...]:
    return receipt.case_id, receipt.seq, receipt.at, receipt.opened, receipt.closed, receipt.done


# ---------------------------------------------------------------- conflicts
def test_a_claimed_task_is_refused_to_others_with_the_holder_s_name(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.claim(case, actor="agent2")
    with pytest.raises(Conflict, match=r"free, but agent2 has claimed it"):
        any_desk.claim(case, actor="agent1")
    with pytest.raises(Conflict, match=r"yours or free, but agent2 has claimed it"):
        any_desk.complete(case, actor="agent1", result="busy")
    any_desk.complete(case, actor="agent2", result="busy")


def test_claims_are_given_back_and_reassigned(any_desk: Desk) -> None:
    case = any_desk.start()
    task = any_desk.open(case)["call"]
    any_desk.claim(case, actor="agent2")
    give_back = ReleaseTask(case_id=case, task=task, actor="agent1", at=any_desk.at)
    with pytest.raises(NotAllowed):
        any_desk.g.dispatch(give_back)
    move = AssignTask(
        case_id=case, task=task, to="agent1", reason="班次交接", actor="supervisor1", at=any_desk.at
    )
    any_desk.g.dispatch(move)
    any_desk.g.dispatch(give_back)
    assert any_desk.values("SELECT claimed_by FROM task") == [None]
    with pytest.raises(Rejected, match="nobody holds it"):
        any_desk.g.dispatch(ReleaseTask(case_id=case, task=task, actor="supervisor1", at=any_desk.at))


def test_one_of_many_claims_wins(any_desk: Desk) -> None:
    case = any_desk.start()
    task = any_desk.open(case)["call"]
    people = ["agent1", "agent2", "yue1", "senior1", "supervisor1"]

    def claim(person: str) -> Callable[[], Receipt]:
        return lambda: any_desk.g.dispatch(ClaimTask(case_id=case, task=task, actor=person, at=any_desk.at))

    answers = together(*[claim(p) for p in people])
    winners = [p for p, a in zip(people, answers, strict=True) if isinstance(a, Receipt)]
    assert len(winners) == 1
    assert all(isinstance(a, Receipt) or f"{winners[0]} has claimed it" in str(a) for a in answers)
    assert any_desk.values("SELECT claimed_by FROM task") == winners


def test_a_closed_task_and_a_closed_case_say_so(any_desk: Desk) -> None:
    case = any_desk.start()
    old = any_desk.open(case)["call"]
    any_desk.complete(case, result="busy")
    again = CompleteTask(case_id=case, task=old, data={"result": "busy"}, actor="agent1", at=any_desk.at)
    with pytest.raises(Rejected, match=f"task {old} of case {case} to be open"):
        any_desk.g.dispatch(again)
    any_desk.complete(case, result="reached")
    with pytest.raises(Rejected, match="open"):
        any_desk.g.dispatch(again)
    with pytest.raises(NotFound):
        any_desk.g.dispatch(CompleteTask(case_id="no-such", task=1, data={}, actor="agent1", at=any_desk.at))


# ---------------------------------------------------------------- live instances
def test_the_number_of_live_cases_stays_bounded(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock, lru=3) as desk:
        cases = [desk.start() for _ in range(10)]
        assert desk.g.dispatcher.live_count == 3
        for case in cases:
            desk.complete(case, result="busy")
        assert desk.g.dispatcher.live_count == 3


def test_many_threads_and_a_tiny_memory_get_in_nobody_s_way(tmp_path: Path, clock: Clock) -> None:
    """With room for one live case, every thread throws out the others' case while they wait for it."""
    with opened(tmp_path, clock, lru=1) as desk:
        cases = [desk.start() for _ in range(4)]

        refused: list[str] = []

        def patiently(act: Callable[[], object]) -> None:
            """Nothing is recorded for who is asked to try again, which is rare: only a few times in a row."""
            for _ in range(20):
                try:
                    act()
                    return
                except Conflict as error:
                    if "try again" not in str(error):
                        raise
            raise AssertionError("nobody gets in")

        def work(number: int) -> None:
            for _ in range(10):
                if number < 4:
                    patiently(lambda: desk.complete(cases[number], result="busy"))
                    continue
                try:
                    patiently(lambda: desk.claim(cases[number % 4]))
                except Rejected as error:
                    refused.append(str(error))

        with ThreadPoolExecutor(8) as pool:
            for future in [pool.submit(work, n) for n in range(8)]:
                future.result()
        assert all("to be open" in reason for reason in refused), (
            "only a task that closed meanwhile is refused"
        )
        for case in cases:
            assert desk.kinds(case).count("complete") == 10
            assert desk.g.verify(case).state == "identical"


def test_live_reloaded_and_replayed_are_one_and_the_same(any_desk: Desk) -> None:
    case = any_desk.start()
    for number in range(50):
        any_desk.clock.advance(minutes=7)
        if number % 5 == 0:
            any_desk.claim(case)
        any_desk.complete(case, result="busy", note=f"第{number}次", said="忙")
        any_desk.send()
    live = any_desk.g.dispatcher.instance(case)
    from_snapshot = any_desk.g.dispatcher.load(case)
    assert from_snapshot.snapshot_seq > 0
    replayed = any_desk.g.dispatcher.load(case, use_snapshot=False)
    assert fingerprint(live) == fingerprint(from_snapshot) == fingerprint(replayed)


# ---------------------------------------------------------------- who may
def test_what_time_issues_nobody_else_may(any_desk: Desk) -> None:
    case = any_desk.start()
    with pytest.raises(NotAllowed):
        any_desk.g.dispatch(FireTimer(case_id=case, timer=6, actor="admin1", at=any_desk.at))


@pytest.mark.parametrize(
    "name", ["typename", "now", "sla_due", "__builtins__", "case_no", "for", "data_get", "print"]
)
def test_reserved_names_come_in_by_no_door(any_desk: Desk, name: str) -> None:
    with pytest.raises((Rejected, InvalidForm)):
        any_desk.start(**{name: "x"})
    case = any_desk.start()
    with pytest.raises((Rejected, InvalidForm)):
        any_desk.complete(case, **{"result": "busy", name: "x"})
    amend = AmendData(case_id=case, data={name: "x"}, reason="更正", actor="supervisor1", at=any_desk.at)
    with pytest.raises((Rejected, InvalidForm)):
        any_desk.g.dispatch(amend)


def test_a_side_branch_that_ends_last_leaves_the_outcome_alone(tmp_path: Path, clock: Clock) -> None:
    """As in an insurer's hotline: the offer to transfer the call outlives the call (seed 004:125)."""
    side = bpmn(
        "work",
        "start > call > done; t_limit > offer > end_offer",
        user("call", form="call"),
        end("done", outcome="settled"),
        timer_on("call", "t_limit", 'sla_due("CAN_CALLBACK_1", case_opened_at)', "timeDate"),
        user("offer", form="call"),
        startable="true",
    )
    with opened(tmp_path, clock, files={**FILES, "bpmn/tests/work.bpmn": side}) as desk:
        case = desk.start()
        clock.advance(hours=2)
        desk.wake()
        assert desk.complete(case, "call", result="reached").done is None
        assert desk.complete(case, "offer", result="reached").done == "settled"


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        ({"end_a": "first", "end_b": "second"}, "second"),
        ({"end_a": "first", "end_b": ""}, "first"),
        ({"end_a": "", "end_b": "second"}, "second"),
        ({"end_a": "", "end_b": ""}, "end_b"),
    ],
)
def test_of_two_ends_the_last_that_is_named_gives_the_outcome(
    tmp_path: Path, clock: Clock, ends: dict[str, str], outcome: str
) -> None:
    drawn = [end(name, **({"outcome": said} if said else {})) for name, said in ends.items()]
    flows = "start > p_split > call > end_a; p_split > offer > end_b"
    both = bpmn(
        "work", flows, *drawn, *(user(task, form="call") for task in ("call", "offer")), startable="true"
    )
    with opened(tmp_path, clock, files=FILES | {"bpmn/tests/work.bpmn": both}) as desk:
        case = desk.start()
        assert desk.complete(case, "call", result="reached").done is None
        assert desk.complete(case, "offer", result="reached").done == outcome
