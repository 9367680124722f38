"""Named places where a fault test may stop the process dead. Off, they cost one comparison.

``GONGDAN_FAILPOINT=name`` or ``name:3`` (the third time) ends the process with exit code 70 and no clean-up, as a
power cut would. Only tests set it.
"""

from __future__ import annotations

import os

NAMES = (
    "dispatch.executed",  # the command ran in memory, nothing is written
    "commit.begun",  # the transaction is open, nothing is written
    "commit.written",  # everything is written, not committed
    "commit.done",  # committed, the caller does not know yet
    "dispatch.answered",  # the receipt is made
    "operation.asked",  # an operational write (a claim, an incident, a number …) is about to begin
    "operation.written",  # … everything is written, not committed
    "operation.done",  # … committed, whoever asked does not know yet
    "timers.claimed",  # due cases are claimed, none is woken
    "outbox.claimed",  # entries are claimed, none is sent
    "outbox.sent",  # the gateway has answered, nothing is recorded
)

_EXIT = 70
_name, _, _nth = os.environ.get("GONGDAN_FAILPOINT", "").partition(":")
_left = int(_nth or 1)


def reach(name: str) -> None:
    """Stop here when this place was asked for."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left <= 0:
        os._exit(_EXIT)
