"""What was sent to whom, as the history of the case has it: words in a table beside it can be changed unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.base.sending import NOTICE, SENT, WITHDRAWN

from .timeline import ERASED, UNREADABLE, Step
from .work import Message

HOLDING = (b'"requests":', b'"service":', b'"withdrawn":')  #: effects of which this reads


@dataclass(frozen=True, slots=True)
class Sent:
    """A message. ``state`` is what the gateway answered, as recorded; before that, how far the outbox is with it.

    ``differs``: the outbox holds other words, another recipient or another outcome, or no such message, or one that
    the history does not know (then ``text`` is what the outbox holds).
    """

    key: str
    kind: str
    template: str
    recipient: str
    text: str
    created_at: str
    not_before: str
    state: str
    sent_at: str | None
    differs: bool


def messages(steps: Sequence[Step], entries: Sequence[Message]) -> list[Sent]:
    """Every message that the case asked for, in order, and those in the outbox that it did not."""
    asked: dict[str, Sent] = {}
    for step in steps:
        for one in step.effects.requests:
            if one.service != NOTICE:
                asked[one.event] = Sent(
                    key=one.event,
                    kind=one.service,
                    template=one.template,
                    recipient=str(one.to),
                    text=one.text,
                    created_at=step.at,
                    not_before=one.not_before,
                    state="",
                    sent_at=None,
                    differs=False,
                )
        for event in step.effects.withdrawn:
            if event in asked:
                asked[event] = replace(asked[event], state=WITHDRAWN)
        answered = step.effects.service
        if answered is not None and answered.event in asked:
            sent_at = step.at if answered.state == SENT else None
            asked[answered.event] = replace(asked[answered.event], state=answered.state, sent_at=sent_at)
    held = {entry.key: entry for entry in entries}
    found = [_beside(one, held.pop(one.key, None)) for one in asked.values()]
    return found + [_unknown(entry) for entry in held.values()]


def _beside(asked: Sent, entry: Message | None) -> Sent:
    if entry is None:
        return replace(asked, state=asked.state or "pending", differs=True)
    erased = {asked.text, asked.recipient} & {ERASED, UNREADABLE}
    words = not erased and (entry.body, entry.recipient, entry.kind) != (
        asked.text,
        asked.recipient,
        asked.kind,
    )
    outcome = entry.state == SENT and asked.state != SENT
    return replace(asked, state=asked.state or entry.state, differs=words or outcome)


def _unknown(entry: Message) -> Sent:
    return Sent(
        entry.key, entry.kind, entry.template, entry.recipient, entry.body, entry.created_at, entry.not_before,
        entry.state, entry.sent_at, differs=True,
    )  # fmt: skip
