"""A name is the same however it is written, and another name is another one."""

from __future__ import annotations

import pytest

from engine.people.respondents import named
from engine.people.spelling import forms


@pytest.mark.parametrize(
    "written",
    [
        "admin1", "ADMIN1", "ａｄｍｉｎ１", " admin1 ", "ad min1", "ad\u200bmin1", "ad\u00admin1", "аdmin1",
        "ΑDΜΙN1", "admín1", "\u202eadmin1", "a\u0301dmin1", "ADМІN1", "ad\u3000min1",
    ],
)  # fmt: skip
def test_what_is_read_alike_is_the_same(written: str) -> None:
    assert forms(written) & forms("admin1")
    assert named(written) & forms("admin1")


@pytest.mark.parametrize("other", ["admin2", "adm1n", "administrator", "", " ", "\u200b", "王班长"])
def test_another_name_is_another_one(other: str) -> None:
    assert not forms(other) & forms("admin1")


def test_plain_names_have_one_form() -> None:
    assert forms("王班长") == {"王班长"}
    assert forms("agent1") == {"agent1"}
    assert named("王班长、李志强") == {"王班长、李志强", "王班长", "李志强"}
