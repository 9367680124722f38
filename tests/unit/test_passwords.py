"""What is refused as a password, and what is not."""

from __future__ import annotations

import pytest

from engine.base.errors import Rejected
from engine.people import passwords


@pytest.mark.parametrize(
    "password",
    [
        "", "short-9ca", "aaaaaaaaaa", "ABABABABAB", "abcabcabcabc", "wang.fang1", "WANG.FANG12", "gnaf.gnaw99",
        "wang.fangwang.fang", "password12", "Passw0rd!!", "P@ssw0rd2024", "0123456789", "9876543210", "qwertyuiop",
        "qwertyasdfgh", "abcdefghijk", "1qaz2wsx3edc", "12345678901234", "admin123456", "gongdan-demo", "Welcome2026!",
        "iloveyou1314", "woaini1314520", "１２３４５６７８９０", "letmein!!!!!!", "wang.fang-likes-tea",
        "my.WANG.FANG.kettle",
    ],
)  # fmt: skip
def test_what_everybody_guesses_is_refused(password: str) -> None:
    with pytest.raises(Rejected):
        passwords.check(password, "wang.fang")


@pytest.mark.parametrize(
    "password",
    [
        "green kettle 42", "雨天带伞去上班的人", "x9-Kf2!pLq", "correcthorsebatterystaple", "wang-likes-fang-tea",
        "mima-is-a-horse", "a password of the tests", "1830 steps up", "密码很长而且只有我知道", "test-driven lemon",
    ],
)  # fmt: skip
def test_what_is_hard_to_guess_is_taken(password: str) -> None:
    if len(password) >= passwords.LEAST:
        passwords.check(password, "wang.fang")
    else:
        with pytest.raises(Rejected, match="at least 10"):
            passwords.check(password, "wang.fang")


@pytest.mark.parametrize("password", ["eve12345678", "Evening-in-may-7", "kettle.eve.42"])
def test_a_password_does_not_hold_the_name_of_its_account(password: str) -> None:
    with pytest.raises(Rejected, match="hold the account's name"):
        passwords.check(password, "eve")
    passwords.check("morning kettle 7", "eve")


def test_a_short_account_name_says_little() -> None:
    passwords.check("comfortable kettle 9", "om")


def test_a_password_does_not_hold_the_name_that_colleagues_know() -> None:
    with pytest.raises(Rejected, match="hold the account's name"):
        passwords.check("陈小敏的猫今天去公园玩", "agent1", "陈小敏")
    passwords.check("隔壁的猫今天去公园玩了", "agent1", "陈小敏")


@pytest.mark.parametrize("password", ["passer2009", "PASSER2009", "pe#5gz29ptzmse", "ｐａｓｓｅｒ２００９"])
def test_what_was_in_a_breach_is_refused_however_odd_it_looks(password: str) -> None:
    with pytest.raises(Rejected, match="from a breach"):
        passwords.check(password, "wang.fang")


def test_a_password_has_an_end() -> None:
    long = "green kettle 42 " * 12
    passwords.check("green kettle 42, seven doors and a lemon " * 4, "wang.fang")
    with pytest.raises(Rejected, match="at most 200"):
        passwords.check(long + "and some more", "wang.fang")


def test_one_time_passwords_are_long_different_and_easily_read() -> None:
    made = {passwords.one_time() for _ in range(50)}
    assert len(made) == 50
    for one in made:
        assert len(one) == 19
        assert not set(one) & set("0O1lI")
        passwords.check(one, "wang.fang")
