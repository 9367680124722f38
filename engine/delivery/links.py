"""Cases that a case opens: a consultation that became a complaint, for one.

The asking is an effect of the parent (``linked``); the opening comes after its commit, from the outbox, under a key
that parent and event make. So it may be tried as often as it takes: there is one child (ADR 0015).
"""

from __future__ import annotations

from typing import Any

import orjson

from engine.base.errors import Conflict, GongdanError, Unavailable
from engine.base.sending import FAILED, RETRY, SENT, Answer, Entry
from engine.case.commands import StartCase
from engine.case.dispatch import Dispatcher
from engine.privacy.keys import Keys
from engine.privacy.sealing import Seal

ACTOR = "system:link"


class CaseOpener:
    """The gateway to ourselves: opens the case that an outbox entry asks for."""

    def __init__(self, dispatcher: Dispatcher, keys: Keys) -> None:
        self._dispatcher = dispatcher
        self._keys = keys

    def send(self, entry: Entry) -> Answer:
        """Open the child, or find the one there is; its number is the answer's detail.

        A process that cannot be opened now is a failure that people see; :class:`Unavailable` passes through.
        """
        try:
            receipt = self._dispatcher.dispatch(self._command(entry))
        except Unavailable:
            raise
        except Conflict as error:
            return Answer(RETRY, str(error))
        except GongdanError as error:
            return Answer(FAILED, str(error)[:300])
        return Answer(SENT, receipt.case_id)

    def _command(self, entry: Entry) -> StartCase:
        asked: dict[str, Any] = orjson.loads(entry.body)
        number = f"link:{entry.id}"
        return StartCase(
            process=asked["process"],
            data=Seal(self._keys.get(entry.case_id), frozenset()).open_all(asked["data"]),
            actor=ACTOR,
            at=asked["at"],
            external_id=number,
            key=number,
            respondent=asked.get("respondent"),
            parent=entry.case_id,
        )
