"""Erasing a person: destroy the keys of their cases and clear what read models hold in the open.

History stays, its hashes stay provable, and nothing in it can be read again (ADR 0005); it says when a case was erased,
by whom, on whose request and why. A person is found by the keyed HMAC of the phone number; every case under it is
erased, closed or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import NotFound, Rejected
from engine.base.phones import one_form
from engine.base.sending import CASE
from engine.base.texts import check
from engine.case import erasing
from engine.case.commands import EraseCase
from engine.forms.attachments import Folder
from engine.people import respondents
from engine.people.security_events import By, Erasing
from engine.privacy.sealing import lookup_key
from engine.storage.statements import Statement, Write
from engine.storage.tables import case_fact, cases, draft, incident, notice, outbox, respondent, snapshot

LONGEST = 500  #: characters of a reason, and of who asked
_CASE: sa.BindParameter[str] = sa.bindparam("b_id")
_UNSENT = Statement(
    sa.update(outbox)
    .where(outbox.c.case_id == _CASE, outbox.c.state != "sent")
    .values(state="cancelled", lease=sa.null())
)
#: what replaces personal data in the rows that stay
_CLEARED = [
    Statement(sa.update(table).where(column == _CASE).values(values))
    for table, column, values in (
        (
            cases,
            cases.c.id,
            dict.fromkeys(("title", "customer", "phone", "phone_key", "waiting_customer"), sa.null()),
        ),
        (
            outbox,
            outbox.c.case_id,
            {"recipient": "erased", "body": "erased", "result": sa.null(), "received": sa.null()},
        ),
        (notice, notice.c.case_id, {"text": "erased"}),
        (incident, incident.c.case_id, {"message": "erased", "command": "{}", "resolution": sa.null()}),
    )
]
_DROPPED = [Statement(sa.delete(table).where(table.c.case_id == _CASE)) for table in (snapshot, draft)]
_FACT_DROPPED = Statement(
    sa.delete(case_fact).where(
        case_fact.c.case_id == _CASE,
        case_fact.c.seq == sa.bindparam("b_seq"),
        case_fact.c.name == sa.bindparam("b_name"),
    )
)
_RESPONDENT_DROPPED = Statement(
    sa.delete(respondent).where(respondent.c.case_id == _CASE, respondent.c.who == sa.bindparam("b_who"))
)


@dataclass(frozen=True, slots=True)
class Request:
    """Why a case is erased: who does it, on whose request, for what reason. It stays readable for good."""

    actor: str
    requested_by: str
    reason: str


def cases_of(gongdan: Gongdan, phone: str) -> list[str]:
    """Case numbers under a phone number."""
    key = lookup_key(gongdan.settings.lookup_key, one_form(phone))
    return [
        row[0]
        for row in gongdan.db.rows(sa.select(cases.c.id).where(cases.c.phone_key == key).order_by(cases.c.id))
    ]


def erase(gongdan: Gongdan, case_ids: Iterable[str], request: Request) -> list[str]:
    """Erase the personal data of cases for good. Returns their numbers.

    Messages that were not sent never will be. Raises :class:`NotFound` for an unknown case and :class:`Rejected`
    for an open one (close it first, since nobody could work on it any more), one whose child is still to be opened, or
    a request that says too little; then none is erased. Each case is one transaction: after a crash, ask again.
    """
    chosen = sorted(set(case_ids))
    _check(gongdan, chosen, request)
    for case_id in chosen:
        if gongdan.keys.get(case_id) is None:
            continue  # it is erased already
        now = gongdan.now()
        told = Erasing(about=case_id, requested_by=request.requested_by, reason=request.reason)
        gongdan.security_log.note(By(request.actor), told, now)
        command = EraseCase(
            case_id=case_id,
            actor=request.actor,
            at=now,
            requested_by=request.requested_by.strip(),
            reason=request.reason.strip(),
        )
        recorded_at = gongdan.wall().isoformat() if gongdan.keys.seed is None else now
        erasing.erase(gongdan.db, command, recorded_at, _cleared(gongdan, case_id))
    gongdan.db.shed()
    for case_id in chosen:
        Folder(gongdan.settings.var, case_id).remove()
        gongdan.dispatcher.forget(case_id)
    return chosen


def _check(gongdan: Gongdan, chosen: list[str], request: Request) -> None:
    check(request.requested_by, request.reason)
    if not 0 < (length := len(request.requested_by.strip())) <= LONGEST:
        raise Rejected(
            "Expected on whose request this is in 1 to {most} characters, but it has {length}",
            most=LONGEST,
            length=length,
        )
    if not 0 < (length := len(request.reason.strip())) <= LONGEST:
        raise Rejected(
            "Expected a reason in 1 to {most} characters, but it has {length}", most=LONGEST, length=length
        )
    rows = gongdan.db.rows(sa.select(cases.c.id, cases.c.state).where(cases.c.id.in_(chosen)))
    states = {row.id: row.state for row in rows}
    for case_id in chosen:
        if case_id not in states:
            raise NotFound(f"there is no case {case_id}")
        if states[case_id] != "closed":
            raise Rejected("Expected closed cases, but {case_id} is open; close it first", case_id=case_id)
    opening = sa.select(outbox.c.case_id).where(
        outbox.c.case_id.in_(chosen), outbox.c.kind == CASE, outbox.c.state.in_(("pending", "sending"))
    )
    if waiting := gongdan.db.rows(opening):
        raise Rejected(
            "Expected cases that wait for nothing, but {case_id} is about to open another; try again in a minute",
            case_id=waiting[0][0],
        )


def _cleared(gongdan: Gongdan, case_id: str) -> Iterator[Write]:
    """What of a case is cleared in rows that can be read."""
    for statement in (_UNSENT, *_CLEARED, *_DROPPED):
        yield statement(b_id=case_id)
    release = gongdan.db.rows(sa.select(cases.c.release).where(cases.c.id == case_id))[0][0]
    typed = case_fact.c.case_id == case_id, case_fact.c.name.not_in(gongdan.releases.get(release).coded)
    text = sa.or_(case_fact.c.value.startswith('"'), case_fact.c.value.startswith("["))
    for seq, name in gongdan.db.rows(sa.select(case_fact.c.seq, case_fact.c.name).where(*typed, text)):
        yield _FACT_DROPPED(b_id=case_id, b_seq=seq, b_name=name)
    for who in respondents.without_account(gongdan.db, gongdan.people.all(), case_id):
        yield _RESPONDENT_DROPPED(b_id=case_id, b_who=who)
