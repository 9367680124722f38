"""What is no password: short, with the account's name in it, one thing over and over, or what everybody tries first."""

from __future__ import annotations

import re
import unicodedata

from engine.base.errors import Rejected
from engine.base.texts import check as check_text

LEAST = 10  #: characters
_SHORTEST = 3  #: characters of a name that is looked for
_FEWEST = 5  #: different characters
#: rows of keys, digits and letters as fingers run along them, both ways
_RUNS = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb",
)
#: what is tried first, with whatever digits and signs around it
_COMMON = frozenset({
    "password", "passwort", "passwd", "pass", "qwerty", "qwertz", "letmein", "welcome", "changeme", "secret", "admin",
    "administrator", "iloveyou", "woaini", "woaiwojia", "mima", "monkey", "dragon", "football", "sunshine", "princess",
    "master", "login", "default", "test", "guest", "root", "user", "hello", "gongdan", "demo", "gongdandemo", "china",
    "zhongguo", "beijing", "shanghai", "kefu", "tousu", "huawei", "tencent", "alibaba", "abc", "asd", "qwe", "zxc",
})  # fmt: skip
_LEET = str.maketrans("@4301$57!", "aaeoissti")


def check(password: str, name: str) -> None:
    """Raise :class:`Rejected` when ``password`` is none for the account ``name``."""
    check_text(password)
    if len(password) < LEAST:
        raise Rejected("Expected a password of at least {least} characters", least=LEAST)
    plain = unicodedata.normalize("NFKC", password).casefold()
    own = unicodedata.normalize("NFKC", name).casefold()
    if len(own) >= _SHORTEST and any(one in plain for one in (own, own[::-1])):
        raise Rejected("Expected a password that does not hold the account's name")
    if len(set(plain)) < _FEWEST or _repeats(plain) or _runs(plain):
        raise Rejected("Expected a password that is not one thing repeated, nor a row of keys")
    if any(
        re.sub(r"[\W\d_]+", "", text) in _COMMON for text in (plain, plain.translate(_LEET), _inner(plain))
    ):
        raise Rejected("Expected a password that is not what everybody tries first")


def _inner(plain: str) -> str:
    """Without digits and signs at both ends, with those between read as the letters they resemble."""
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain).translate(_LEET)


def _repeats(plain: str) -> bool:
    """Whether it is a part of at most half its length over and over, the last one perhaps cut."""
    return any((plain[:part] * len(plain)).startswith(plain) for part in range(1, len(plain) // 2 + 1))


def _runs(plain: str) -> bool:
    """Whether it consists of pieces, four characters or more each, of rows of keys and letters."""
    rows = [row * 2 for run in _RUNS for row in (run, run[::-1])]
    at = 0
    while at < len(plain):
        end = at + 1
        while end < len(plain) and any(plain[at : end + 1] in row for row in rows):
            end += 1
        if end - at < 4 and not (at > 0 and end == len(plain)):
            return False
        at = end
    return True
