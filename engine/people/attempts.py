"""Wrong passwords and codes: who failed waits, ever longer; strangers make nobody else wait.

Counted in the database, so for all processes together and over restarts, and before a password is looked at, so that
guesses which arrive at the same moment count as well. A failure counts for

- the *pair* of account and address: a stranger who guesses makes themself wait, not the owner at another address;
- the *address*, over all accounts: one who tries one password on everybody;
- the *account*, over all addresses: one who guesses from everywhere. Only this reaches the owner, and only at a browser
  that nobody knows yet;
- for a browser in which the account was signed in before, its *browser* alone.

So many are free; after that the wait doubles from a second up to :data:`LONGEST`. One failure is forgotten each
``forgets``. Names are kept as keyed digests: people type passwords where a name belongs.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.base.errors import Rejected
from engine.base.instants import iso
from engine.storage.database import Database
from engine.storage.people_tables import attempt as table
from engine.storage.people_tables import person
from engine.storage.upsert import insert

LONGEST = timedelta(minutes=15)
_KEPT = timedelta(days=2)  #: without a failure; then nothing of it counts any more


@dataclass(frozen=True, slots=True)
class _Limit:
    free: int  #: failures before anybody waits
    forgets: timedelta  #: the time in which one failure is forgotten


_LIMITS = {
    "pair": _Limit(5, timedelta(minutes=10)),
    "address": _Limit(30, timedelta(minutes=2)),
    "account": _Limit(40, timedelta(minutes=10)),
    "browser": _Limit(10, timedelta(minutes=10)),
}
PASSWORD, CODE = "password", "code"  #: what is tried


class TooMany(Rejected):
    """Who tried must wait until ``values["wait"]`` (ISO 8601)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the door: the address, and the browser if the account was signed in there before."""

    address: str
    browser: str | None = None


@dataclass(frozen=True, slots=True)
class Failures:
    """What was tried in the name of an account. ``until``: when a browser nobody knows may try again (ISO 8601)."""

    count: int
    last_at: str
    addresses: tuple[str, ...]
    until: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """An attempt that was counted as a failure until it is known to be none."""

    keys: tuple[str, ...]
    own: tuple[str, ...]  #: of these, what a success clears whole: others have no part in it
    until: str | None  #: when the next one is looked at, should this one fail; None: at once (ISO 8601)


class Attempts:
    """The counters of one installation."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def begin(self, what: str, name: str, caller: Caller, at: str) -> Counted:
        """Count an attempt at the password or code of ``name``, as failed until :meth:`succeeded` says otherwise.

        Raises :class:`TooMany`, and counts nothing, while the caller has to wait.
        """
        kinds = ("browser",) if caller.browser is not None else ("pair", "address", "account")
        keys = {kind: self._key(kind, what, name, caller) for kind in kinds}
        now = datetime.fromisoformat(at)
        with self._db.begin() as connection:
            known = connection.scalar(sa.select(person.c.name).where(person.c.name == name))
            rows = [self._row(kind, keys[kind], known, caller, at) for kind in sorted(kinds)]
            rows.sort(
                key=lambda row: str(row["key"])
            )  # of two who try at once neither waits for the other for ever
            connection.execute(
                insert(self._db.sqlite, table).on_conflict_do_nothing(index_elements=["key"]), rows
            )
            held = connection.execute(
                sa.select(table).where(table.c.key.in_(keys.values())).order_by(table.c.key).with_for_update()
            ).all()
            free_at = max(_free_at(row.kind, row.failures, row.at, now) for row in held)
            if free_at > now and known is None:
                raise _too_many(free_at)  # and nothing is kept: names that are nobody's are without end
            next_at = now
            for row in held if free_at <= now else ():
                failures = _left(row.kind, row.failures, row.at, now) + 1
                next_at = max(next_at, _free_at(row.kind, failures, at, now))
                more = sa.update(table).where(table.c.key == row.key).values(failures=failures, at=at)
                connection.execute(more)
        if free_at > now:
            raise _too_many(free_at)
        own = tuple(keys[kind] for kind in kinds if kind in ("pair", "browser"))
        return Counted(tuple(keys.values()), own, iso(next_at) if next_at > now else None)

    def succeeded(self, counted: Counted, at: str) -> None:
        """It was no failure: what only this caller had against them is forgotten."""
        old = iso(datetime.fromisoformat(at) - _KEPT)
        with self._db.begin() as connection:
            for key in sorted(set(counted.keys) - set(counted.own)):
                less = sa.update(table).where(table.c.key == key, table.c.failures > 0)
                connection.execute(less.values(failures=table.c.failures - 1))
            connection.execute(sa.delete(table).where(sa.or_(table.c.key.in_(counted.own), table.c.at < old)))

    def of(self, at: str) -> dict[str, Failures]:
        """What was tried in the name of each account and failed, as far as it still counts."""
        now = datetime.fromisoformat(at)
        query = sa.select(table).where(table.c.account.is_not(None)).order_by(table.c.at)
        found: dict[str, list[sa.Row[*tuple[object, ...]]]] = {}
        for row in self._db.rows(query):
            found.setdefault(str(row.account), []).append(row)
        told = {name: _failures(rows, now) for name, rows in found.items()}
        return {name: one for name, one in told.items() if one.count}

    def forgive(self, connection: sa.Connection, name: str) -> None:
        """Unlock the account ``name``, and the addresses that try it, within the caller's transaction."""
        mine = table.c.account == name
        places = sa.select(table.c.address).where(mine, table.c.kind == "pair")
        connection.execute(
            sa.delete(table).where(
                sa.or_(mine, sa.and_(table.c.kind == "address", table.c.address.in_(places)))
            )
        )

    def _key(self, kind: str, what: str, name: str, caller: Caller) -> str:
        parts = {
            "pair": (name, network(caller.address)),
            "address": (network(caller.address),),
            "account": (name,),
            "browser": (name, caller.browser or ""),
        }[kind]
        told = "\0".join(("attempt", kind, what, *parts)).encode()
        return hmac.new(self._db.lookup_key, told, hashlib.sha256).hexdigest()

    @staticmethod
    def _row(kind: str, key: str, account: str | None, caller: Caller, at: str) -> dict[str, object]:
        of_account = kind != "address"
        return {
            "key": key,
            "kind": kind,
            "account": account if of_account else None,
            "address": network(caller.address) if kind != "account" else None,
            "failures": 0,
            "at": at,
        }


def _too_many(until: datetime) -> TooMany:
    return TooMany(
        "Expected fewer wrong attempts: wait until {wait}, or ask an administrator to unlock the account",
        wait=iso(until),
    )


def network(address: str) -> str:
    """The address that is counted: of IPv6 the network of 64 bits, all of which one machine may have."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _left(kind: str, failures: int, at: str, now: datetime) -> int:
    """Failures that still count ``now`` of those there were ``at`` an instant."""
    passed = max(timedelta(), now - datetime.fromisoformat(at))
    return max(0, failures - passed // _LIMITS[kind].forgets)


def _free_at(kind: str, failures: int, at: str, now: datetime) -> datetime:
    """The instant from which the next attempt is looked at."""
    over = _left(kind, failures, at, now) - _LIMITS[kind].free
    if over < 0:
        return now
    return datetime.fromisoformat(at) + min(LONGEST, timedelta(seconds=2.0 ** min(over, 20)))


def _failures(rows: Sequence[sa.Row[*tuple[object, ...]]], now: datetime) -> Failures:
    def left(row: sa.Row[*tuple[object, ...]]) -> int:
        return _left(row.kind, row.failures, row.at, now)

    counted = [row for row in rows if row.kind in ("account", "browser") and left(row)]
    places = dict.fromkeys(row.address for row in rows if row.address is not None and left(row))
    waits = [_free_at(row.kind, row.failures, row.at, now) for row in rows if row.kind in ("account", "pair")]
    until = max(waits, default=now)
    return Failures(
        sum(map(left, counted)),
        max((row.at for row in counted), default=""),
        tuple(places),
        iso(until) if until > now else None,
    )
