"""The outbox: what is to be sent, and cases to be opened, after commit; and in-page notices, which need no sending."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from engine.base.sending import CASE, NEVER, NOTICE, SENT, WITHDRAWN
from engine.storage.statements import Statement, Write
from engine.storage.tables import outbox

from . import notices
from .change import Change

P = sa.bindparam

NEW = Statement(sa.insert(outbox))
_THIS = outbox.c.id == P("b_id")
ANSWERED = Statement(
    sa.update(outbox)
    .where(_THIS)
    .values(state=P("state"), result=P("result"), sent_at=P("sent_at"), lease=sa.null()),
)
# What a sender has in its hands goes out: its answer says so. What is only claimed does not.
TAKEN_BACK = Statement(
    sa.update(outbox).where(_THIS, outbox.c.state == "pending").values(state=WITHDRAWN, lease=sa.null()),
)
# … and is not tried again when the gateway wants it later (engine/delivery/outbox.py). The lease stays: if its
# sender stops, somebody must notice.
TAKEN_BACK_UNDER_WAY = Statement(
    sa.update(outbox).where(_THIS, outbox.c.state == "sending").values(next_at=NEVER)
)
# One that failed says what is no longer true: it goes out neither when somebody has sent it again, nor later.
CONTRADICTED = Statement(
    sa.update(outbox)
    .where(_THIS, sa.or_(outbox.c.state == "pending", outbox.c.state == "failed"))
    .values(state=WITHDRAWN, lease=sa.null()),
)


def entry_id(case_id: str, event: str) -> str:
    """The id of an outbox entry: one send for one event of a case, ever. Gateways get it as idempotency key."""
    return f"{case_id}/{event}"


def project(change: Change) -> Iterator[Write]:
    """Requests become entries (notices for staff appear at once); results close them."""
    open_all = change.instance.seal.open_all
    for request in change.effects.requests:
        if request.service == NOTICE:
            yield notices.NEW(
                case_id=change.case_id,
                role=request.to,
                text=open_all(request.text),
                at=change.at,
                level=request.level,
                person=None,
                read_by=None,
                topic=None,
            )
            continue
        yield _entry(
            change,
            kind=request.service,
            key=request.event,
            template=request.template,
            recipient=str(open_all(request.to)),
            body=open_all(request.text),
            not_before=request.not_before,
        )
    for event in change.effects.withdrawn:
        this = {"b_id": entry_id(change.case_id, event)}
        yield TAKEN_BACK, this
        yield TAKEN_BACK_UNDER_WAY, this
    for event in sorted(change.instance.contradicted):
        this = {"b_id": entry_id(change.case_id, event)}
        yield CONTRADICTED, this
        yield TAKEN_BACK_UNDER_WAY, this
    for link in change.effects.linked:
        asked: dict[str, Any] = {"process": link.process, "data": link.data}
        if link.respondent is not None:
            asked["respondent"] = link.respondent
        asked["at"] = change.at
        yield _entry(
            change,
            kind=CASE,
            key=link.event,
            template="",
            recipient=link.process,
            body=orjson.dumps(asked).decode(),  # personal values stay sealed: it is no text for people
            not_before=change.at,
        )
    if (answered := change.effects.service) is not None:
        yield ANSWERED(
            b_id=entry_id(change.case_id, answered.event),
            state=answered.state,
            result=open_all(answered.detail),
            sent_at=change.at if answered.state == SENT else None,
        )


def _entry(change: Change, *, kind: str, key: str, not_before: str, **what: str) -> Write:
    return NEW(
        id=entry_id(change.case_id, key),
        case_id=change.case_id,
        seq=change.instance.seq,
        kind=kind,
        key=key,
        **what,
        created_at=change.at,
        not_before=not_before,
        state="pending",
        attempts=0,
        next_at=not_before,
        sent_at=None,
        result=None,
        lease=None,
        received=None,
    )
