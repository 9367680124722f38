"""Is the outbox what the history of its case asked for? In a table, words and outcomes can be changed unseen.

What a sender does meanwhile is no difference: an entry that history knows as asked for may be under way, one that
failed may be tried again by a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Rows = Mapping[str, Mapping[str, Any]]  #: entries of the outbox by their id

_ASKED = (
    "case_id",
    "seq",
    "kind",
    "key",
    "template",
    "recipient",
    "body",
    "created_at",
    "not_before",
    "sent_at",
)
_ANSWERED = frozenset({"sent", "failed", "unknown"})
#: state by the history alone → states in which the entry may be beside it
_MAY_BE = {
    "pending": {"pending", "sending"},
    "sent": {"sent"},
    "failed": {"failed", "pending", "sending"},  # a person asked to send it again
    "unknown": {"unknown", "pending", "sending"},
    "withdrawn": {"withdrawn", "sending"},  # its sender had begun already
}


def faults(stored: Rows, expected: Rows) -> Iterator[str]:
    """Where ``stored`` entries of a case are not what its history gives (``expected``), in words."""
    for entry in sorted(expected.keys() | stored.keys()):
        there, asked = stored.get(entry), expected.get(entry)
        if there is None:
            yield f"outbox: {entry} is gone"
        elif asked is None:
            yield f"outbox: {entry} was never asked for"
        else:
            yield from (f"outbox: {entry}: {what}" for what in _differs(there, asked))


def _differs(there: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[str]:
    for column in _ASKED:
        if there[column] != asked[column]:
            yield f"{column} is not what the history says"
    if there["state"] not in _MAY_BE[asked["state"]]:
        yield f"it is {there['state']}, and by the history {asked['state']}"
    elif there["state"] == "pending" and not there["attempts"] and there["next_at"] != asked["next_at"]:
        yield "it waits for another instant than the history says"
    elif there["result"] != asked["result"] and (there["state"] in _ANSWERED or not there["attempts"]):
        yield "result is not what the history says"
