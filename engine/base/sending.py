"""What goes out: kinds and states of an entry of the outbox, what a gateway is asked, and what it may answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

SENT = "sent"  #: the outside says it took it
FAILED = "failed"  #: it certainly did not happen and trying again will not help
RETRY = "retry"  #: it certainly did not happen; try again later
UNKNOWN = "unknown"  #: nobody can say whether it happened: never tried again by itself

WITHDRAWN = "withdrawn"  #: the state of an entry that was taken back before it was sent
#: when an entry is tried again that was taken back while it was under way
NEVER = "9999-12-31T23:59:59+00:00"

NOTICE = "notice"  #: the kind of request that staff read in the pages: no gateway sends it
CASE = "case"  #: the kind of entry that opens another case
WITHDRAW = "withdraw"  #: what a step asks that sends nothing, and only takes back what is not sent yet


@dataclass(frozen=True, slots=True)
class Answer:
    """One of SENT, FAILED, RETRY, UNKNOWN, with what the outside said.

    ``away``: the server itself did not answer, so that asking it anything else now is in vain. ``more``: some of it
    is done and there was no time for the rest; trying again is going on, not a failure.
    """

    state: str
    detail: str = ""
    away: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to send. ``id`` is the idempotency key the outside is given; ``received`` by whom of several."""

    id: str
    case_id: str
    kind: str
    key: str
    template: str
    recipient: str
    body: str
    attempts: int
    received: Mapping[str, Answer] = field(default_factory=dict)


class Gateway(Protocol):
    """Sends one entry and says what came of it. Never raises for what the outside does."""

    def send(self, entry: Entry) -> Answer:
        """Send ``entry``."""
        ...
