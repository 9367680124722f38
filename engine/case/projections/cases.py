"""The case list: one row a case, with the fence that makes a lost update impossible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from engine.base.phones import phone_digits
from engine.case.commands import StartCase
from engine.privacy.sealing import lookup_key
from engine.storage.statements import Statement, Write
from engine.storage.tables import cases

from .change import Change

P = sa.bindparam
_TITLE = 60  #: characters of the complaint shown in lists
#: column → the case data that gives it, first found wins
FACTS = {
    "channel": ("channel",),
    "severity": ("severity",),
    "title": ("content", "question", "problem"),
    "customer": ("customer_name",),
    "phone": ("contact_phone", "user_number"),
}

NEW = Statement(sa.insert(cases))
_THIS = cases.c.id == P("b_id")
MOVED = Statement(
    sa.update(cases)
    .where(_THIS, cases.c.seq == P("b_was"))
    .values(seq=P("seq"), head=P("head"), at=P("at"), next_due=P("next_due"), wake_lease=sa.null()),
    fence=True,
)
CLOSED = Statement(
    sa.update(cases).where(_THIS).values(state="closed", closed_at=P("closed_at"), outcome=P("outcome")),
)
WAITING = Statement(sa.update(cases).where(_THIS).values(waiting_customer=P("waiting_customer")))
#: column → the statement that sets it alone
LEARNED = {
    column: Statement(sa.update(cases).where(_THIS).values({column: P("value")}))
    for column in (*FACTS, "phone_key")
}


def project(change: Change) -> Iterator[Write]:
    """The case row: made at the start, moved on by every command, facts as they become known."""
    instance, effects = change.instance, change.effects
    facts = _facts(change)
    due = instance.next_due()
    moved: dict[str, Any] = {
        "seq": instance.seq,
        "head": instance.head,
        "at": change.at,
        "next_due": due[0] if due else None,
    }
    if instance.seq == 1:
        yield NEW(**{**dict.fromkeys(cases.c.keys()), **_opened(change), **facts, **moved})
    else:
        yield MOVED(b_id=change.case_id, b_was=instance.seq - 1, **moved)
        for column, value in facts.items():
            yield LEARNED[column](b_id=change.case_id, value=value)
    if effects.paused is not None or effects.resumed:
        reason = instance.seal.open_all(effects.paused)
        yield WAITING(b_id=change.case_id, waiting_customer=reason)
    if effects.done is not None:
        yield CLOSED(b_id=change.case_id, closed_at=change.at, outcome=effects.done)


def _opened(change: Change) -> dict[str, Any]:
    command = change.command
    began = (
        {"external_id": command.external_id, "parent": command.parent}
        if isinstance(command, StartCase)
        else {}
    )
    return {
        **began,
        "id": change.case_id,
        "process": change.instance.process,
        "release": change.instance.release.number,
        "opened_at": change.at,
        "state": "open",
        "started_by": command.actor,
    }


def _facts(change: Change) -> dict[str, Any]:
    news = change.news
    found: dict[str, Any] = {}
    for column, names in FACTS.items():
        name = next((n for n in names if news.get(n)), None)
        if name is not None:
            found[column] = str(change.instance.seal.open_all(news[name]))
    if "title" in found:
        found["title"] = found["title"].strip()[:_TITLE]
    if phone_digits(found.get("phone", "")):  # customers without a number are not one customer
        found["phone_key"] = lookup_key(change.lookup_key, found["phone"])
    return found
