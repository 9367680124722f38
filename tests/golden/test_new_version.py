"""What happens on the day somebody changes what a command does: with a version of its own, and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.base.errors import Diverged
from engine.base.facts import Effects
from engine.case import behaviour, dispatch, handlers, snapshots, store
from engine.case.commands import Command, CompleteTask
from engine.case.instance import Instance
from engine.case.store import rows
from tests.casework import Desk
from tests.golden.files import FOLDER, read_cases
from tests.golden.test_golden import fault

NEXT = behaviour.NEWEST + 1
RECORDED = read_cases(FOLDER / "v1" / "odd_work.json.gz")
COMPLETING: type[Command] = CompleteTask  #: the line in the table of handlers that is changed


def changed(when: Callable[[Instance], bool]) -> Callable[[Instance, CompleteTask], Effects]:
    """The handler of completions, with one effect more ``when`` it is to have it."""
    original = handlers.HANDLERS[CompleteTask]

    def complete(instance: Instance, command: CompleteTask) -> Effects:
        effects = original(instance, command)
        if when(instance):
            effects.suppressed = ["something new"]
        return effects

    return complete


@pytest.fixture
def started(any_desk: Desk) -> tuple[Desk, str]:
    """A case on which somebody worked before the change."""
    case = any_desk.start(attempts=1)
    any_desk.complete(case, result="busy", note="第一次")
    return any_desk, case


def publish(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of the next version, which has one change of behaviour."""
    monkeypatch.setattr(behaviour, "NEWEST", NEXT)
    monkeypatch.setattr(dispatch, "NEWEST", NEXT)
    monkeypatch.setattr(store, "ENGINE", str(NEXT))
    monkeypatch.setattr(snapshots, "MADE_BY", [*snapshots.MADE_BY, "next"])
    monkeypatch.setitem(handlers.HANDLERS, COMPLETING, changed(lambda instance: instance.version >= NEXT))


def test_with_a_version_old_histories_stay_true_and_a_running_case_goes_on(
    started: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, case = started
    publish(monkeypatch)
    assert [fault(recorded) for recorded in RECORDED] == [None] * len(RECORDED)
    desk.g.dispatcher.forget(case)
    desk.complete(case, result="reached")
    written = [(row.engine, b"something new" in row.effects) for row in rows(desk.g.db, case)]
    assert written[:2] == [(str(NEXT - 1), False)] * 2
    assert written[-1] == (str(NEXT), True)
    assert desk.g.verify(case).state == "identical"


def test_without_a_version_it_fails_loudly_everywhere(
    started: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, case = started
    monkeypatch.setitem(handlers.HANDLERS, COMPLETING, changed(lambda instance: True))
    completed = [one for one in RECORDED if one.key and any(b'"complete"' in row.command for row in one.rows)]
    assert len(completed) >= 3
    assert all(fault(recorded) for recorded in completed)
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", 2)
    assert verdict.reason == (
        "re-execution gives other effects: suppressed is recorded as nothing, "
        'and executing gives ["something new"]'
    )


def test_no_case_goes_on_from_a_state_that_its_history_does_not_say(
    started: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, case = started
    task = desk.open(case)["call"]
    monkeypatch.setitem(handlers.HANDLERS, COMPLETING, changed(lambda instance: True))
    desk.g.dispatcher.forget(case)
    before = desk.kinds(case)
    command = CompleteTask(case_id=case, task=task, data={"result": "reached"}, actor="agent1", at=desk.at)
    with pytest.raises(Diverged, match="row 2 of its history"):
        desk.g.dispatch(command)
    assert desk.kinds(case) == before
    (incident,) = desk.incidents()
    assert incident.kind == "Diverged"
    assert "row 2" in incident.message
    assert "something new" in incident.message


def test_a_timer_of_such_a_case_opens_an_incident_and_stops_nobody_else(
    started: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, case = started
    other = desk.start(attempts=1)
    monkeypatch.setitem(handlers.HANDLERS, COMPLETING, changed(lambda instance: True))
    desk.g.dispatcher.forget(case)
    desk.clock.advance(days=3)
    desk.wake()
    assert [found.case_id for found in desk.incidents()] == [case]
    assert "timer" in desk.kinds(other)


def test_a_snapshot_of_another_version_is_not_used(any_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case = any_desk.start(attempts=1)
    for _ in range(25):
        any_desk.complete(case, result="busy")
    live = snapshots.fingerprint(any_desk.g.dispatcher.instance(case))
    loaded = any_desk.g.dispatcher.load(case)
    assert loaded.snapshot_seq > 0
    monkeypatch.setattr(snapshots, "MADE_BY", [*snapshots.MADE_BY, "another"])
    rebuilt = any_desk.g.dispatcher.load(case)
    assert rebuilt.snapshot_seq == 0
    assert snapshots.fingerprint(rebuilt) == snapshots.fingerprint(loaded) == live
