"""Which texts can be stored. PostgreSQL takes no NUL, no database takes half a surrogate pair; no person types either.

Both are refused on every database, so that what one installation keeps another can take over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from .errors import Rejected

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: Unicode's category Cf without the joiners of scripts and emoji, and without marks that are seen (U+0600 …)
_UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
)
_LOOSE_JOINER = re.compile(r"(?:^|(?<=\s))[\u200c\u200d]+|[\u200c\u200d]+(?=\s|$)")  #: joins nothing
_JOINERS = re.compile("[\u200c\u200d]")
_NUL = b"\\u0000"  #: as JSON writes it

_MAIL = re.compile(r"[^\s@,;<>\"]{1,64}@[^\s@,;<>\"]{1,255}")


def storable(text: str) -> bool:
    """Whether every database can hold ``text``."""
    return _UNSTORABLE.search(text) is None


def cleaned(text: str) -> str:
    """``text`` of the outside world with a mark in place of what cannot be stored."""
    return _UNSTORABLE.sub("\ufffd", text)


def seen(text: str, *, joined: bool = True) -> str:
    """``text`` without what nobody sees and nobody typed: byte order marks, marks of direction and of formatting.

    They come with what is pasted from chats, contacts and spreadsheets, and make equal texts unequal. Joiners stay
    between letters and in emoji, unless the text is a value of single signs (not ``joined``), such as a number.
    """
    text = _UNSEEN.sub("", text)
    return _LOOSE_JOINER.sub("", text) if joined else _JOINERS.sub("", text)


def all_storable(value: Any) -> bool:
    """Whether every text within ``value`` (plain data, names included) can be stored."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return all(all_storable(part) for pair in value.items() for part in pair)
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return all(map(all_storable, value))
    return True


def is_mail_address(text: str) -> bool:
    """Whether ``text`` is one mail address, as far as can be seen without sending to it."""
    return _MAIL.fullmatch(text) is not None


def check(*values: Any) -> None:
    """Raise :class:`Rejected` when a text within ``values`` cannot be stored."""
    if not (_plainly_storable(values) or all_storable(values)):
        raise Rejected(
            "Expected text that can be stored, but it holds a character that is none (NUL or the like)"
        )


def _plainly_storable(values: Any) -> bool:
    """Whether ``values`` in JSON show that they can be stored; where not, each text has to be looked at.

    Every command comes by here, and this costs a twentieth of looking.
    """
    try:
        return _NUL not in orjson.dumps(values)
    except TypeError:  # half a surrogate pair, or no plain data
        return False
