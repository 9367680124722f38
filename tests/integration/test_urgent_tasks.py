"""What is to be handled first stands first in the work lists, whatever is due (seed 004:425, 531; 004:362)."""

from __future__ import annotations

import sqlalchemy as sa

from engine.case.commands import AmendData
from engine.case.rebuild import differences, rebuild
from engine.people.directory import DEMO_PEOPLE
from engine.queries import inbox
from engine.storage.tables import task
from tests.casework import Desk

AGENT = next(person for person in DEMO_PEOPLE if person.name == "agent1")


def queue(desk: Desk) -> list[tuple[str, bool]]:
    """The cases of an agent's queue, in order, and whether each is urgent."""
    page = inbox.work(desk.g.db, AGENT, "queues", desk.at, inbox.Filters())
    return [(row.case_id, row.urgent) for row in page.rows]


def test_an_urgent_case_stands_before_one_that_is_due_earlier(any_desk: Desk) -> None:
    earlier = any_desk.start()
    any_desk.clock.advance(minutes=30)
    urgent = any_desk.start(priority="P1")
    ordinary = any_desk.start(priority="P2")
    assert queue(any_desk) == [(urgent, True), (earlier, False), (ordinary, False)]


def test_its_next_tasks_are_urgent_too(any_desk: Desk) -> None:
    ordinary = any_desk.start()
    urgent = any_desk.start(priority="P1")
    any_desk.complete(urgent, result="busy")
    assert queue(any_desk) == [(urgent, True), (ordinary, False)]


def test_a_corrected_priority_moves_the_open_task(any_desk: Desk) -> None:
    first, second = any_desk.start(), any_desk.start()
    for case, priority, order in [(second, "P1", [second, first]), (second, "P3", [first, second])]:
        any_desk.g.dispatch(
            AmendData(
                case_id=case,
                data={"priority": priority},
                reason="更正优先级",
                actor="supervisor1",
                at=any_desk.at,
            )
        )
        assert [name for name, _ in queue(any_desk)] == order
        assert differences(any_desk.g, case) == []
        assert any_desk.g.verify(case).state == "identical"


def test_a_rebuild_finds_again_what_is_urgent(any_desk: Desk) -> None:
    urgent, ordinary = any_desk.start(priority="P1"), any_desk.start()
    with any_desk.g.db.begin() as connection:
        connection.execute(sa.update(task).values(rank=1))
    assert differences(any_desk.g, urgent) != []
    assert dict(rebuild(any_desk.g)) == dict.fromkeys([urgent, ordinary])
    assert queue(any_desk) == [(urgent, True), (ordinary, False)]
