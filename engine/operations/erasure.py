"""Erasing a person: destroy the keys of their cases and clear what read models hold in the open.

History stays, its hashes stay provable, and nothing in it can be read again (ADR 0005). A person is found by the
keyed HMAC of the phone number; every case under it is erased, closed or not.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import NotFound, Rejected
from engine.base.sending import CASE
from engine.forms.attachments import Folder
from engine.people import respondents
from engine.privacy.sealing import lookup_key
from engine.storage.tables import case_fact, cases, draft, incident, notice, outbox, snapshot

#: what replaces personal data in the rows that stay
_CLEARED: dict[sa.Table, dict[str, str | None]] = {
    outbox: {"recipient": "erased", "body": "erased", "result": None, "received": None},
    notice: {"text": "erased"},
    incident: {"message": "erased", "command": "{}", "resolution": None},
}


def cases_of(gongdan: Gongdan, phone: str) -> list[str]:
    """Case numbers under a phone number."""
    key = lookup_key(gongdan.settings.lookup_key, phone)
    return [
        row[0]
        for row in gongdan.db.rows(sa.select(cases.c.id).where(cases.c.phone_key == key).order_by(cases.c.id))
    ]


def erase(gongdan: Gongdan, case_ids: Iterable[str]) -> list[str]:
    """Erase the personal data of cases for good. Returns their numbers.

    Messages that were not sent never will be. Raises :class:`NotFound` for an unknown case and :class:`Rejected`
    for an open one (close it first, since nobody could work on it any more) or one whose child is still to be
    opened. All or nothing.
    """
    chosen = sorted(set(case_ids))
    rows = gongdan.db.rows(
        sa.select(cases.c.id, cases.c.state, cases.c.release).where(cases.c.id.in_(chosen))
    )
    states = {row.id: row.state for row in rows}
    coded = {row.id: gongdan.releases.get(row.release).coded for row in rows}
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
    with gongdan.db.begin() as connection:
        unsent = outbox.c.case_id.in_(chosen), outbox.c.state != "sent"
        connection.execute(sa.update(outbox).where(*unsent).values(state="cancelled", lease=None))
        connection.execute(
            sa.update(cases)
            .where(cases.c.id.in_(chosen))
            .values(title=None, customer=None, phone=None, phone_key=None, waiting_customer=None)
        )
        for table, values in _CLEARED.items():
            connection.execute(sa.update(table).where(table.c.case_id.in_(chosen)).values(values))
        for table in (snapshot, draft):
            connection.execute(sa.delete(table).where(table.c.case_id.in_(chosen)))
        for case_id in chosen:
            typed = case_fact.c.case_id == case_id, case_fact.c.name.not_in(coded[case_id])
            text = sa.or_(case_fact.c.value.startswith('"'), case_fact.c.value.startswith("["))
            connection.execute(sa.delete(case_fact).where(*typed, text))
        respondents.forget_others(connection, gongdan.db.lookup_key, gongdan.people.all(), chosen)
        gongdan.keys.destroy(connection, chosen)
    gongdan.db.shed()
    for case_id in chosen:
        Folder(gongdan.settings.var, case_id).remove()
        gongdan.dispatcher.forget(case_id)
    return chosen
