"""What a projection is given: one command, what it did, and the instance as it now is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.base.facts import Effects
from engine.case.commands import Command, GivingData
from engine.case.instance import Instance


class Change:
    """``command`` has its personal values open; ``effects`` are as stored (sealed)."""

    __slots__ = ("at", "case_id", "command", "effects", "given", "instance", "lookup_key", "news")

    def __init__(self, instance: Instance, command: Command, effects: Effects, lookup_key: bytes) -> None:
        """``lookup_key`` is the HMAC key for look-ups by phone and name."""
        self.instance = instance
        self.command = command
        self.effects = effects
        self.lookup_key = lookup_key
        self.case_id = instance.case_id
        #: logical instant of the command
        self.at = command.at
        #: case data that somebody gave with the command
        self.given: Mapping[str, Any] = command.data if isinstance(command, GivingData) else {}
        #: names and plain values of all case data that it set, latest last
        self.news: dict[str, Any] = dict(self.given)
        for step in effects.data:
            self.news.update(step.put)
