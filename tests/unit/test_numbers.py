"""Case numbers as people type them."""

from __future__ import annotations

import pytest

from engine.case.numbers import check_digit, parse

NUMBER = f"260302-00001-{check_digit('26030200001')}"


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
