"""What a projection is given: one command, what it did, and the instance as it now is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.base.facts import Effects
from engine.case.commands import Command, GivingData
from engine.case.instance import Instance


@dataclass(frozen=True, slots=True)
class Change:
    """``command`` has its personal values open; ``effects`` are as stored (sealed)."""

    instance: Instance
    command: Command
    effects: Effects
    lookup_key: bytes  #: HMAC key for phone look-ups

    @property
    def case_id(self) -> str:
        """The case."""
        return self.instance.case_id

    @property
    def at(self) -> str:
        """Logical instant of the command."""
        return self.command.at

    @property
    def given(self) -> Mapping[str, Any]:
        """Case data that somebody gave with the command."""
        return self.command.data if isinstance(self.command, GivingData) else {}

    def news(self) -> dict[str, Any]:
        """Names and plain values of case data this command set, latest last."""
        found: dict[str, Any] = dict(self.given)
        for change in self.effects.data:
            found.update(change.put)
        return found
