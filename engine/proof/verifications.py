"""That somebody verified: who, when, what, and what came of it. A chain, so that none is taken out or made up later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from engine.people import security_log
from engine.people.security_events import By, Verified
from engine.queries.rows import text
from engine.storage.chains import VERIFICATIONS, append
from engine.storage.database import Database
from engine.storage.proof_tables import verification

from .verify import DIVERGED, ERASED, IDENTICAL, Verdict

PAGE, COMMAND_LINE = "page", "command line"
FIRST = 5  #: findings that a record names
_NAMED = 20  #: cases that a record names


@dataclass(frozen=True, slots=True)
class Verification:
    """One verification. ``person`` is an account (on a page) or a user of the operating system (command line).

    ``scope`` has ``cases`` (``"all"``, or some numbers and how ``many``) and ``against`` (what was kept, or None);
    ``result`` the counts and the ``first`` findings.
    """

    id: int
    at: str
    person: str
    channel: str
    scope: dict[str, Any]
    result: dict[str, Any]


def summary(verdicts: list[Verdict], faults: list[str]) -> dict[str, Any]:
    """The counts and findings of a verification. ``faults``: what was found beside the cases."""
    return {
        "cases": len(verdicts),
        "commands": sum(v.commands for v in verdicts),
        "identical": sum(v.state == IDENTICAL for v in verdicts),
        "erased": sum(v.state == ERASED for v in verdicts),
        "diverged": [
            {"case": v.case_id, "seq": v.seq, "reason": v.reason} for v in verdicts if v.state == DIVERGED
        ],
        "faults": faults,
    }


def record(
    db: Database,
    at: str,
    person: str,
    channel: str,
    found: dict[str, Any],
    cases: list[str] | None = None,
    against: dict[str, Any] | None = None,
    by: By | None = None,
) -> int:
    """Record a verification of some ``cases`` (None: all) that gave ``found`` (:func:`summary`); returns its number.

    ``by``: who asked for it, where that says more than ``person``.

    Raises :class:`Unavailable` where nothing can be written.
    """
    named = "all" if cases is None else cases[:_NAMED]
    first = [f"{one['case']} row {one['seq']}: {one['reason']}" for one in found["diverged"][:FIRST]]
    result = {
        **{name: found[name] for name in ("cases", "commands", "identical", "erased")},
        "diverged": len(found["diverged"]),
        "faults": len(found["faults"]),
        "first": [*first, *found["faults"]][:FIRST],
    }
    row = {
        "at": at,
        "person": person,
        "channel": channel,
        "scope": _written({"cases": named, "many": found["cases"], "against": against}),
        "result": _written(result),
    }
    wrong = len(found["diverged"]) + len(found["faults"])
    with db.begin() as connection:
        number = append(connection, VERIFICATIONS, [row])
        event = Verified(about=str(number), channel=channel, wrong=wrong)
        security_log.append(connection, by or By(person), [event], at)
    return number


def listed(db: Database, limit: int, before: int | None = None) -> list[Verification]:
    """The latest verifications first; with ``before`` those older than that number."""
    columns = (verification.c[name] for name in Verification.__slots__)
    query = sa.select(*columns).order_by(verification.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(verification.c.id < before)
    return [
        Verification(id, text(at), text(person), text(channel), _read(scope), _read(result))
        for id, at, person, channel, scope, result in db.rows(query)
    ]


def _written(value: dict[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _read(stored: object) -> dict[str, Any]:
    """What a column says; nothing of what somebody put in its place, which the chain tells of."""
    try:
        said = orjson.loads(text(stored))
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
