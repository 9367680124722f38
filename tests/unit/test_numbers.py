"""Case numbers as people type them."""

from __future__ import annotations

from contextlib import closing

import pytest

from engine.case.numbers import CaseNumbers, check_digit, is_case_number, parse
from engine.storage.database import Database
from engine.storage.metadata import metadata

NUMBER = f"260302-00001-{check_digit('26030200001')}"


def test_numbers_count_the_cases_of_a_local_day_and_one_given_back_is_the_next() -> None:
    with closing(Database("sqlite://")) as db:
        metadata.create_all(db.engine)
        numbers = CaseNumbers(db)
        early, late, next_day = (
            "2026-03-01T16:00:00+00:00",
            "2026-03-02T15:59:59+00:00",
            "2026-03-02T16:00:00+00:00",
        )
        given = [numbers.next(at) for at in (early, late, next_day)]
        assert [number[:-2] for number in given] == ["260302-00001", "260302-00002", "260303-00001"]
        assert all(is_case_number(number) for number in given)
        numbers.give_back(given[0])
        assert [numbers.next(late) for _ in range(2)] == [
            given[0],
            f"260302-00003-{check_digit('26030200003')}",
        ]


@pytest.mark.parametrize("dash", ["-", "", " ", "－", "–", " - "])
def test_a_number_is_known_however_its_dashes_are_written(dash: str) -> None:
    assert parse(NUMBER.replace("-", dash)) == NUMBER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "13800138000",  # a mobile phone
        "075583660000",  # a landline with its area code: no such day
        NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10),
        "26030200001x",
        "２６０３０２０００００１８",
    ],
)
def test_what_is_no_case_number_is_not_taken_for_one(text: str) -> None:
    assert parse(text) is None


def test_the_check_digits_of_numbers_that_were_given_stay_what_they_are() -> None:
    """By hand: 2·7 + 6·3 + 0·1 + 3·7 + 0·3 + 2·1 + 0·7 + 0·3 + 0·1 + 0·7 + 1·3 = 58."""
    assert check_digit("26030200001") == 8
    assert [check_digit(digits) for digits in ("1", "01", "001", "0001")] == [7, 3, 1, 7]
