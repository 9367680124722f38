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
def house(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    """A desk where a case may be the duplicate of another."""
    with opened(tmp_path, clock, database_url, files=DOUBLING) as made:
        yield made


def refusal(house: Desk, case: str, number: str) -> tuple[str, str]:
    with pytest.raises(InvalidForm) as refused:
        house.complete(case, "record", duplicate_of=number)
    (error,) = refused.value.errors
    return error.field, error.code


def test_only_the_number_of_another_case_is_taken(house: Desk) -> None:
    earlier, case = house.start(), house.start("doubling")
    slip = earlier[:-1] + str((int(earlier[-1]) + 1) % 10)
    assert refusal(house, case, "no number") == ("duplicate_of", "not_case_number")
    assert refusal(house, case, slip) == ("duplicate_of", "not_case_number")
    assert refusal(house, case, "990101-00001-1") == ("duplicate_of", "no_such_case")
    assert refusal(house, case, case) == ("duplicate_of", "case_itself")
    house.complete(case, "record", duplicate_of=earlier)


def test_both_know_of_each_other_once_it_is_confirmed(house: Desk) -> None:
    earlier, case, other = house.start(), house.start("doubling"), house.start("doubling")
    house.complete(case, "record", duplicate_of=earlier)
    assert duplicates(house.g.db, case) == duplicates(house.g.db, earlier) == []
    house.complete(case, "confirm", duplicate_relation="same_issue")
    house.complete(other, "record", duplicate_of=earlier)
    house.complete(other, "confirm")
    assert [one.id for one in duplicates(house.g.db, case)] == [earlier]
    assert [one.id for one in duplicates(house.g.db, earlier)] == [case]
    assert duplicates(house.g.db, other) == [], "it was another matter after all"


def test_a_history_is_true_whatever_other_cases_there_are_by_then(house: Desk) -> None:
    earlier, case = house.start(), house.start("doubling")
    house.complete(case, "record", duplicate_of=earlier)
    with house.g.db.begin() as connection:
        connection.execute(sa.delete(cases).where(cases.c.id == earlier))
    assert house.g.verify(case).state == IDENTICAL
