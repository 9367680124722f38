"""A case said to be a duplicate: the number is that of another case there is, and both know of each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.base.errors import InvalidForm
from engine.proof.verify import IDENTICAL
from engine.queries.cases import duplicates
from engine.storage.tables import cases
from tests.bpmn_text import bpmn, user
from tests.casework import FILES, Desk, form, opened
from tests.clock import Clock

DOUBLING: dict[str, bytes | None] = {
    **FILES,
    "bpmn/tests/doubling.bpmn": bpmn(
        "doubling",
        "start > record > confirm > end",
        user("record", form="record"),
        user("confirm", form="confirm"),
        startable="true",
    ),
    "forms/record.json": form("record", {"name": "duplicate_of", "widget": "case"}),
    "forms/confirm.json": form("confirm", {"name": "duplicate_relation"}),
}


@pytest.fixture
def desk(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    """A desk where a case may be the duplicate of another."""
    with opened(tmp_path, clock, database_url, files=DOUBLING) as made:
        yield made


def refusal(desk: Desk, case: str, number: str) -> tuple[str, str]:
    with pytest.raises(InvalidForm) as refused:
        desk.complete(case, "record", duplicate_of=number)
    (error,) = refused.value.errors
    return error.field, error.code


def test_only_the_number_of_another_case_is_taken(desk: Desk) -> None:
    earlier, case = desk.start(), desk.start("doubling")
    slip = earlier[:-1] + str((int(earlier[-1]) + 1) % 10)
    assert refusal(desk, case, "no number") == ("duplicate_of", "not_case_number")
    assert refusal(desk, case, slip) == ("duplicate_of", "not_case_number")
    assert refusal(desk, case, "990101-00001-1") == ("duplicate_of", "no_such_case")
    assert refusal(desk, case, case) == ("duplicate_of", "case_itself")
    desk.complete(case, "record", duplicate_of=earlier)


def test_both_know_of_each_other_once_it_is_confirmed(desk: Desk) -> None:
    earlier, case, other = desk.start(), desk.start("doubling"), desk.start("doubling")
    desk.complete(case, "record", duplicate_of=earlier)
    assert duplicates(desk.g.db, case) == duplicates(desk.g.db, earlier) == []
    desk.complete(case, "confirm", duplicate_relation="same_issue")
    desk.complete(other, "record", duplicate_of=earlier)
    desk.complete(other, "confirm")
    assert [one.id for one in duplicates(desk.g.db, case)] == [earlier]
    assert [one.id for one in duplicates(desk.g.db, earlier)] == [case]
    assert duplicates(desk.g.db, other) == [], "it was another matter after all"


def test_a_history_is_true_whatever_other_cases_there_are_by_then(desk: Desk) -> None:
    earlier, case = desk.start(), desk.start("doubling")
    desk.complete(case, "record", duplicate_of=earlier)
    with desk.g.db.begin() as connection:
        connection.execute(sa.delete(cases).where(cases.c.id == earlier))
    assert desk.g.verify(case).state == IDENTICAL
