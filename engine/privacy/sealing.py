"""Personal values are sealed wherever they are stored for good: in history and in snapshots.

AES-SIV is deterministic, so re-executing a command seals to the same bytes and the hashes agree. Each case has a
key of its own (ADR 0005); destroying it erases the person and leaves the hash chain provable. Look-ups by phone
use a keyed HMAC.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from engine.base.errors import GongdanError
from engine.base.phones import phone_digits

MARK = "~"  #: the only key of a sealed value: {"~": "base64"}
KEY_BYTES = 32
_SEALED_JSON = b'{"~":'  #: how a sealed value begins in canonical JSON
_SHORTEST_TRACE = 4  #: characters; shorter personal values are not searched for in other texts …
_SHORTEST_NAME = 2  #: … but for those in Chinese characters, of which a whole name may have two


class Erased(GongdanError):
    """The key of this case was destroyed: its personal data cannot be read any more."""


class Seal:
    """Seals and unseals the personal values of one case."""

    def __init__(
        self, key: bytes | None, personal: frozenset[str], texts: frozenset[str] = frozenset()
    ) -> None:
        """``key`` is None after erasure.

        ``personal`` are the names of personal fields in the case's release, ``texts`` those of all fields that hold
        a text of a person's own; they are sealed too while ``every_text`` is set.
        """
        self._cipher = None if key is None else AESSIV(key)
        self.personal = personal
        self._all = personal | texts
        self.every_text = False

    @property
    def names(self) -> frozenset[str]:
        """Names of the data whose values are sealed now."""
        return self._all if self.every_text else self.personal

    def add(self, names: Iterable[str]) -> None:
        """Names that no form has, under which a person wrote a text: sealed from now on while ``every_text`` is set."""
        self._all |= frozenset(names)

    def close(self, value: Any) -> dict[str, str]:
        """One value, sealed."""
        if self._cipher is None:
            raise Erased("Expected a case whose personal data can be read, but its key was destroyed")
        return {MARK: base64.b64encode(self._cipher.encrypt(orjson.dumps(value), None)).decode()}

    def open(self, sealed: Mapping[str, str]) -> Any:
        """The value inside a sealed one; raises :class:`Erased` when the key is gone."""
        if self._cipher is None:
            raise Erased("Expected a case whose personal data can be read, but its key was destroyed")
        try:
            return orjson.loads(self._cipher.decrypt(base64.b64decode(sealed[MARK]), None))
        except (InvalidTag, ValueError) as error:
            raise GongdanError("a sealed value does not open with the key of its case") from error

    def close_fields(self, data: Mapping[str, Any], seen: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """``data`` with personal fields sealed, and also texts that repeat a personal value found in ``seen``."""
        names = self.names
        traces = self._traces(seen) if seen else ()
        return {
            name: self.close(value)
            if value is not None and (name in names or _repeats(value, traces))
            else value
            for name, value in data.items()
        }

    def _traces(self, seen: Mapping[str, Any]) -> tuple[str, ...]:
        values: Iterable[Any] = (seen[name] for name in self.names & seen.keys())
        if self.every_text:
            values = (text for value in values for text in _texts(value))
        return tuple(
            v
            for v in values
            if isinstance(v, str) and len(v) >= (_SHORTEST_TRACE if v.isascii() else _SHORTEST_NAME)
        )

    def parse(self, stored: bytes) -> Any:
        """Stored JSON with every sealed part opened; what holds none is not walked."""
        value = orjson.loads(stored)
        return self.open_all(value) if _SEALED_JSON in stored else value

    def open_all(self, value: Any) -> Any:
        """``value`` with every sealed part opened, however deep."""
        if isinstance(value, dict):
            if len(value) == 1 and MARK in value:
                return self.open(value)
            return {k: self.open_all(v) if isinstance(v, dict | list) else v for k, v in value.items()}
        if isinstance(value, list):
            return [self.open_all(v) if isinstance(v, dict | list) else v for v in value]
        return value


def looks_sealed(value: Any) -> bool:
    """Whether part of ``value`` has the form of a sealed value: plain data must not, or it would be read as one."""
    if isinstance(value, dict):
        return (len(value) == 1 and MARK in value) or any(map(looks_sealed, value.values()))
    return isinstance(value, list) and any(map(looks_sealed, value))


def _texts(value: Any) -> Iterator[str]:
    """Every text in ``value``, however deep: those of a table's rows are texts of a person too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value if isinstance(value, list) else value.values():
            yield from _texts(part)


def _repeats(value: Any, traces: Iterable[str]) -> bool:
    if isinstance(value, str):
        return any(trace in value for trace in traces)
    if isinstance(value, list):
        return any(_repeats(v, traces) for v in value)
    if isinstance(value, dict):
        return any(_repeats(v, traces) for v in value.values())
    return False


def lookup_key(secret: bytes, phone: str) -> str:
    """The keyed HMAC under which a phone number can be looked up (hex)."""
    return hmac.new(secret, b"phone:" + phone_digits(phone).encode(), hashlib.sha256).hexdigest()
