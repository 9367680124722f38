"""What a case asks of the outbox: messages, and cases to be opened, as the facts that history keeps of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.base.errors import Rejected
from engine.base.facts import CaseLinked, MessageRequested
from engine.base.instants import iso
from engine.base.sending import NOTICE
from engine.base.services import SERVICES

if TYPE_CHECKING:
    from .instance import Instance


def link(instance: Instance, asked: Mapping[str, Any], event: str) -> CaseLinked:
    """What a case that this one opens begins with; it keeps off whom this one keeps off."""
    data = {name: asked["data"][name] for name in asked["carries"]}
    return CaseLinked(
        event=event,
        process=asked["process"],
        data=instance.seal.close_fields(data, asked["data"]),
        respondent=instance.respondent or None,
    )


def message(instance: Instance, asked: Mapping[str, Any], event: str, at: str) -> MessageRequested:
    """A message as it is to be sent: its text filled in, not before quiet hours have passed.

    Raises :class:`Rejected` for a text that the release does not have.
    """
    key, data = str(asked["template"]), asked["data"]
    template = instance.release.templates.get(key)
    if template is None:
        raise Rejected(
            "Expected a text {key!r} for element {element!r}, but the release has none",
            key=key,
            element=asked["element"],
        )
    functions = instance.release.program.scripts.functions
    text = template.fill(data, {**functions, "data_get": data.get}, data.get("sms_locale") or "zh-Hans")
    not_before = at
    if SERVICES[asked["service"]].quiet and not template.acknowledgement and not data.get("night_call_ok"):
        not_before = iso(instance.release.time.outside_quiet_hours(datetime.fromisoformat(at)))
    staff = asked["service"] == NOTICE
    return MessageRequested(
        event=event,
        service=asked["service"],
        to=str(asked["to"]) if staff else instance.seal.close(asked["to"]),
        template=key,
        text=instance.seal.close_fields({"text": text}, data)["text"] if staff else instance.seal.close(text),
        not_before=not_before,
        level=asked["level"],
    )
