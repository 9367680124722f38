"""Leaves of the log are read from files of others: what is none is refused in one sentence."""

from __future__ import annotations

import pytest

from engine.base.errors import InvalidFile
from engine.proof.log import parse

GOOD = b'{"hash":"00","kind":"case","name":"260302-00001-7","seq":4}'


def test_a_leaf_is_read_as_it_was_written() -> None:
    assert bytes(parse(GOOD)) == GOOD


@pytest.mark.parametrize(
    "seq", [b"1e30", b"-1e999", b"4.0", b"true", b'"4"', b"null", b"04", b"99999999999999999999999"]
)
def test_a_number_that_numbers_no_row_is_no_leaf(seq: bytes) -> None:
    with pytest.raises(InvalidFile, match="no leaf of a log"):
        parse(GOOD.replace(b"4}", seq + b"}"))
