"""A task of the department that a case is with: for its people, and in their work list only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.base.errors import NotAllowed
from engine.proof.verify import IDENTICAL
from engine.queries import inbox
from tests.bpmn_text import bpmn, script, user
from tests.casework import FILES, Desk, opened
from tests.clock import Clock

FINDING_OUT: dict[str, bytes | None] = {
    **FILES,
    "bpmn/tests/finding.bpmn": bpmn(
        "finding",
        "start > hand_over > call > end",
        script("hand_over", "department = data_get('place', None)"),
        user("call", form="call"),
        lanes={"承办部门": "call"},
        startable="true",
    ),
}


@pytest.fixture
def desk(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    """A desk whose cases are handed to a department."""
    with opened(tmp_path, clock, database_url, files=FINDING_OUT) as made:
        yield made


def sees(desk: Desk, name: str) -> list[str]:
    person = desk.g.people.get(name)
    return [row.case_id for row in inbox.work(desk.g.db, person, "queues", desk.at, inbox.Filters()).rows]


def test_the_task_is_for_the_department_in_the_data(desk: Desk) -> None:
    case = desk.start("finding", place="billing")
    assert [sees(desk, who) for who in ("billing1", "vas1", "agent1")] == [[case], [], []]
    with pytest.raises(NotAllowed):
        desk.claim(case, actor="vas1")
    with pytest.raises(NotAllowed):
        desk.complete(case, actor="vas1", result="done")
    desk.complete(case, actor="billing1", result="done")
    assert desk.g.verify(case).state == IDENTICAL


@pytest.mark.parametrize("place", [None, "other", 7, ["billing"]])
def test_without_a_department_that_has_people_the_role_is_enough(desk: Desk, place: object) -> None:
    case = desk.start("finding", place=place)
    assert [sees(desk, who) for who in ("billing1", "vas1", "agent1")] == [[case], [case], []]
    desk.complete(case, actor="vas1", result="done")
