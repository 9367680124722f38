"""Who of the people that one message goes to has it: kept with the message, so that no restart sends it to them twice.

What is about to be sent is noted as unknown first: if the sender stops there, nobody can say, and that is what is kept.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import sqlalchemy as sa

from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Answer, Entry
from engine.storage.database import Database
from engine.storage.tables import outbox

Received = Mapping[str, Answer]  #: by name of the person; those who are still to get it have RETRY

STOPPED = Answer(UNKNOWN, "the sender stopped before the answer came")


def read(text: str | None) -> dict[str, Answer]:
    """What a row of the outbox says; empty for a message to one address."""
    return {name: Answer(state, detail) for name, (state, detail) in orjson.loads(text or "{}").items()}


def written(received: Received) -> str | None:
    """As a row of the outbox keeps it."""
    if not received:
        return None
    return orjson.dumps({name: (one.state, one.detail) for name, one in received.items()}).decode()


def keep(db: Database, entry: Entry, received: Received) -> bool:
    """Keep who has ``entry``, which is under way; False when it is no more the caller's to send."""
    mine = outbox.c.id == entry.id, outbox.c.state == "sending", outbox.c.attempts == entry.attempts
    with db.begin() as connection:
        asked = sa.update(outbox).where(*mine).values(received=written(received))
        return bool(connection.execute(asked).rowcount)


def outcome(received: Received, more: bool = False) -> Answer:
    """What became of the whole message: it is tried again while anybody is to get it, and sent when somebody has it."""
    got = [name for name, one in received.items() if one.state == SENT]
    missed = [f"{name}: {one.state} ({one.detail})" for name, one in received.items() if one.state != SENT]
    said = [f"sent to {len(got)} of {len(received)}" + (f": {', '.join(got)}" if got else ""), *missed]
    states = {one.state for one in received.values()}
    # of several: what is most to do, then the best that happened, then the less sure
    state = next(one for one in (RETRY, SENT, UNKNOWN, *states) if one in states)
    return Answer(state, "; ".join(said), more=more)


def given_up(received: Received) -> Answer:
    """The outcome when nothing is tried again: who is still to get it, does not."""
    final = {
        name: Answer(FAILED, one.detail) if one.state == RETRY else one for name, one in received.items()
    }
    return outcome(final)


def to_ask_again(received: Received) -> dict[str, Answer]:
    """What is left of it when a person has it sent once more, at the risk of a double: those who surely have it."""
    return {name: one for name, one in received.items() if one.state == SENT}
