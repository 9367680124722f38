"""What is no password: short, with its owner's name in it, known from a breach, or guessed in a moment (zxcvbn).

A password that the software makes is random, shown once, and good for one sign-in.
"""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path

from engine.base.errors import Rejected
from engine.base.texts import check as check_text

from .spelling import folded

LEAST = 10  #: characters
MOST = 200  #: characters; more only keep the server busy
_SHORTEST = 3  #: characters of a name that is looked for
_STRONG = 3  #: of zxcvbn's scores from 0 to 4: more than 10⁸ guesses
_LOOKED_AT = 72  #: characters that zxcvbn looks at; it takes long for more
_BREACHED = Path(__file__).with_name("breached_passwords.txt")
#: words of the trade and of the house, which zxcvbn does not know
_WORDS = (
    "gongdan", "demo", "passwort", "qwertz", "changeme", "woaini", "woaiwojia", "mima", "china", "zhongguo", "beijing",
    "shanghai", "guangzhou", "shenzhen", "kefu", "tousu", "huawei", "tencent", "alibaba",
)  # fmt: skip
#: without those that look alike
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4  #: of a password that the software makes: 79 bits


def check(password: str, name: str, displayed: str = "") -> None:
    """Raise :class:`Rejected` when ``password`` is none for the account ``name``, shown as ``displayed``."""
    check_text(password)
    if len(password) < LEAST:
        raise Rejected("Expected a password of at least {least} characters", least=LEAST)
    if len(password) > MOST:
        raise Rejected("Expected a password of at most {most} characters", most=MOST)
    plain = folded(password)
    own = [word for word in (folded(name), folded(displayed)) if len(word) >= _SHORTEST]
    if any(one in plain for word in own for one in (word, word[::-1])):
        raise Rejected("Expected a password that does not hold the account's name")
    if plain in _breached():
        raise Rejected("Expected a password that is not known from a breach: everybody tries those first")
    from zxcvbn import zxcvbn  # its dictionaries are read once, when somebody first chooses a password

    found = zxcvbn(plain[:_LOOKED_AT], user_inputs=[*own, *_WORDS])
    if found["score"] < _STRONG:
        raise Rejected(
            "Expected a password that is harder to guess: several words that do not belong together, and no row of "
            "keys, name, date or repetition"
        )


def one_time() -> str:
    """A password that somebody types from a sheet of paper, once."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


@cache
def _breached() -> frozenset[str]:
    lines = _BREACHED.read_text(encoding="utf-8").splitlines()
    return frozenset(folded(line) for line in lines if not line.startswith("#"))
