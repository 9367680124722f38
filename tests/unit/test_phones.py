"""Telephone numbers as people type and paste them become one form, and are found by it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.phones import one_form, phone_digits
from engine.forms.loading import PHONE

SEPARATORS = st.sampled_from(["", " ", "-", "\u2011", "－", ".", "\u00a0", "\u200b", "\u202c"])


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        # mobiles, with the country code in every way
        ("138-1234-5678", "13812345678"),
        ("+86 138 1234 5678", "13812345678"),
        ("86-13812345678", "13812345678"),
        ("8613812345678", "13812345678"),
        ("86138 1234 5678", "13812345678"),
        ("0086 13812345678", "13812345678"),
        ("（＋８６）138－1234－5678", "13812345678"),
        ("\ufeff\u202d+86\u202c 138\u200b12345678\u2069", "13812345678"),
        ("电话：13812345678", "13812345678"),
        # landlines get the 0 that +86 takes the place of
        ("+86 21 6123 4567", "02161234567"),
        ("+86 (0)21 6123-4567", "02161234567"),
        ("86-10-65123456", "01065123456"),
        ("0755-12345678", "075512345678"),
        ("010-65123456转12", "01065123456-12"),
        ("0755-12345678 ext. 3", "075512345678-3"),
        ("010-1234567-12", "0101234567-12"),
        # services
        ("95588", "95588"),
        ("+86 95588", "95588"),
        ("400-800-1234", "4008001234"),
        ("+86-400-800-1234", "4008001234"),
        ("12345", "12345"),
        # elsewhere
        ("+852 9123 4567", "+85291234567"),
        ("852 9123 4567", "+85291234567"),
        ("(852)91234567", "+85291234567"),
        ("00853 6612 3456", "+85366123456"),
        ("+1 (415) 555-0100", "+14155550100"),
    ],
)
def test_a_number_has_one_form(typed: str, kept: str) -> None:
    assert one_form(typed) == kept
    assert one_form(kept) == kept
    assert re.search(PHONE, kept)


@pytest.mark.parametrize(
    "typed",
    [
        "13812345678/13912345678",
        "13812345678 13912345678",
        "李四 13812345678",
        "852 12345",
        "12",
        "1381234567",
        "+86",
        "+",
    ],
)
def test_what_is_no_number_stays_as_typed_and_fits_no_form(typed: str) -> None:
    assert not re.search(PHONE, one_form(typed))
    assert phone_digits(one_form(typed)) == phone_digits(typed)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.lists(SEPARATORS, min_size=12, max_size=12))
def test_separators_between_digits_never_matter(number: str, between: list[str]) -> None:
    typed = "".join(sign + digit for sign, digit in zip(between, number, strict=False)) + between[-1]
    assert one_form(typed.lstrip("-\u2011－.")) == number
    assert one_form(f"+86{typed}") == number
