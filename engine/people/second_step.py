"""The second step of signing in: a code of six digits from a phone (TOTP, RFC 6238), or one of ten recovery codes.

The secret that makes the codes is sealed with the house's key (GONGDAN_KEY) and the account's name, so neither a stolen
database nor a row copied to another account lets anybody in. A code counts once, also within its half minute. Recovery
codes are kept as keyed digests, and each counts once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pyotp
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.base.errors import Rejected
from engine.storage.database import Database
from engine.storage.people_tables import recovery_code, second_step
from engine.storage.upsert import put

CODES = 10  #: recovery codes at a time
STEP = 30  #: seconds that a code stands
_DRIFT = 1  #: steps that a phone's clock may be fast or slow
_GROUPS, _GROUP = 3, 4  #: a recovery code: letters and digits without those that look alike, 59 bits
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
PHONE, PAPER = "phone", "paper"  #: what showed the code that passed


@dataclass(frozen=True, slots=True)
class State:
    """Since when an account has a second step (ISO 8601), and how many recovery codes are left."""

    since: str
    codes: int


def reseal(connection: sa.Connection, old: bytes, new: bytes) -> tuple[int, list[str], list[str]]:
    """Seal the secrets anew that are sealed with the key ``old``, within the caller's transaction.

    Returns how many, whose recovery codes went (digests under ``old``, of which nothing can be made), and whose secret
    opens with neither key and stays as it is.
    """
    before, now = _cipher_of(old), _cipher_of(new)
    count, spoilt = 0, []
    for name, sealed in connection.execute(sa.select(second_step.c.person, second_step.c.secret)).all():
        bound = [name.encode()]
        try:
            anew = now.encrypt(before.decrypt(bytes(sealed), bound), bound)
        except InvalidTag:
            if not _opens(now, bytes(sealed), bound):
                spoilt.append(name)
            continue
        mine = second_step.c.person == name
        count += connection.execute(sa.update(second_step).where(mine).values(secret=anew)).rowcount
    codes = sa.select(recovery_code.c.person).distinct().order_by(recovery_code.c.person)
    gone = list(connection.execute(codes).scalars())
    connection.execute(sa.delete(recovery_code))
    return count, gone, spoilt


def _cipher_of(key: bytes) -> AESSIV:
    return AESSIV(HKDF(SHA256(), 64, None, b"gongdan second step").derive(key))


def _opens(cipher: AESSIV, sealed: bytes, bound: list[bytes]) -> bool:
    try:
        cipher.decrypt(sealed, bound)
    except InvalidTag:
        return False
    return True


class SecondSteps:
    """The second steps of one installation."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @cached_property
    def _cipher(self) -> AESSIV:
        return _cipher_of(self._db.lookup_key)

    def state(self, name: str) -> State | None:
        """The second step of ``name``; None when there is none, or none that was confirmed."""
        codes = (
            sa.select(sa.func.count())
            .select_from(recovery_code)
            .where(recovery_code.c.person == name)
            .scalar_subquery()
        )
        rows = self._db.rows(
            sa.select(second_step.c.since, codes).where(
                second_step.c.person == name, second_step.c.since.is_not(None)
            )
        )
        return State(*rows[0]) if rows else None

    def everybody(self) -> frozenset[str]:
        """The accounts that have a second step."""
        rows = self._db.rows(sa.select(second_step.c.person).where(second_step.c.since.is_not(None)))
        return frozenset(row[0] for row in rows)

    def offer(self, name: str) -> str:
        """A new secret for the phone of ``name`` (Base32); it counts once :meth:`confirm` heard a code of it.

        Raises :class:`Rejected` when there is a second step already.
        """
        if self.state(name) is not None:
            raise Rejected("Expected an account without a second step, but {person} has one", person=name)
        secret = pyotp.random_base32()
        sealed = self._cipher.encrypt(secret.encode(), [name.encode()])
        row = {"person": name, "secret": sealed, "since": None, "last_step": 0}
        with self._db.begin() as connection:
            connection.execute(put(self._db, second_step, row))
        return secret

    def offered(self, name: str) -> str | None:
        """The secret that was offered and is not confirmed yet."""
        rows = self._db.rows(
            sa.select(second_step.c.secret).where(second_step.c.person == name, second_step.c.since.is_(None))
        )
        return self._open(name, rows[0][0]) if rows else None

    def confirm(self, connection: sa.Connection, name: str, code: str, at: str) -> list[str] | None:
        """Take the offered secret into use, within the caller's transaction; returns the recovery codes.

        None when ``code`` is none of it.
        """
        step = self._step(connection, name, code, at, confirmed=False)
        if step is None:
            return None
        mine = second_step.c.person == name, second_step.c.since.is_(None)
        taken = connection.execute(sa.update(second_step).where(*mine).values(since=at, last_step=step))
        return self.new_codes(connection, name) if taken.rowcount else None

    def new_codes(self, connection: sa.Connection, name: str) -> list[str]:
        """Ten recovery codes in place of those there are, within the caller's transaction."""
        codes = [
            "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
            for _ in range(CODES)
        ]
        connection.execute(sa.delete(recovery_code).where(recovery_code.c.person == name))
        rows = [{"person": name, "digest": self._digest(name, code)} for code in codes]
        connection.execute(sa.insert(recovery_code), rows)
        return codes

    def passes(self, connection: sa.Connection, name: str, code: str, at: str) -> str | None:
        """Whether ``code`` is one, and of what; it counts no more then. Within the caller's transaction."""
        step = self._step(connection, name, code, at, confirmed=True)
        if step is not None:  # of two who send the same code at once, one is first
            fresh = second_step.c.person == name, second_step.c.last_step < step
            used = connection.execute(sa.update(second_step).where(*fresh).values(last_step=step))
            return PHONE if used.rowcount else None
        mine = recovery_code.c.person == name, recovery_code.c.digest == self._digest(name, code)
        return PAPER if connection.execute(sa.delete(recovery_code).where(*mine)).rowcount else None

    def remove(self, connection: sa.Connection, name: str) -> bool:
        """Take the second step of ``name`` away, within the caller's transaction; False when there is none."""
        connection.execute(sa.delete(recovery_code).where(recovery_code.c.person == name))
        return bool(connection.execute(sa.delete(second_step).where(second_step.c.person == name)).rowcount)

    def _step(
        self, connection: sa.Connection, name: str, code: str, at: str, *, confirmed: bool
    ) -> int | None:
        """The half minute that ``code`` is of; None when it is of none near ``at``."""
        given = "".join(code.split())
        since = second_step.c.since.is_not(None) if confirmed else second_step.c.since.is_(None)
        sealed = connection.scalar(sa.select(second_step.c.secret).where(second_step.c.person == name, since))
        if sealed is None or not (given.isascii() and given.isdigit()):
            return None
        made, now = pyotp.TOTP(self._open(name, sealed)), datetime.fromisoformat(at)
        steps = range(made.timecode(now) - _DRIFT, made.timecode(now) + _DRIFT + 1)
        return next((step for step in steps if hmac.compare_digest(made.generate_otp(step), given)), None)

    def _open(self, name: str, sealed: bytes) -> str:
        try:
            return self._cipher.decrypt(bytes(sealed), [name.encode()]).decode()
        except InvalidTag:
            raise Rejected(
                "Expected a second step of {person} that this installation's key opens: an administrator takes it "
                "away, and it is set up again",
                person=name,
            ) from None

    def _digest(self, name: str, code: str) -> str:
        given = "".join(letter for letter in code.casefold() if letter.isalnum())
        told = f"recovery\0{name}\0{given}".encode()
        return hmac.new(self._db.lookup_key, told, hashlib.sha256).hexdigest()
