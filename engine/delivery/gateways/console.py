"""The default gateway: writes messages to the log, phone masked, and says they were sent."""

from __future__ import annotations

import structlog

from engine.base.phones import mask_phone
from engine.base.sending import SENT, Answer, Entry

log = structlog.get_logger("gongdan.gateway")


class ConsoleGateway:
    """For development and demonstrations: nothing leaves the machine."""

    def send(self, entry: Entry) -> Answer:
        """Log ``entry`` and call it sent."""
        log.info(
            "message", kind=entry.kind, id=entry.id, to=mask_phone(entry.recipient), template=entry.template
        )
        return Answer(SENT, "written to the console")
