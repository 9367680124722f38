"""What an onlooker of the whole system writes down while it runs: what was asked, what was answered, what went out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.base.sending import Answer
from engine.case.commands import Command
from engine.case.dispatch import Receipt

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"


@dataclass
class Attempt:
    """One command that somebody gave. ``order`` counts everything that is written down here, of all processes."""

    command: Command
    began: int
    ended: int = 0
    outcome: str = UNKNOWN
    receipt: Receipt | None = None
    error: str = ""


@dataclass
class Call:
    """One call of a gateway: for which message (``id``), by whom, and what the customer and the caller got of it."""

    id: str
    case_id: str
    kind: str
    order: int
    began: int  #: when the round of work began in which it was made
    clock: datetime  #: of the process that called
    delivered: bool = False
    answer: Answer | None = None  #: None: the caller never heard one


@dataclass
class Record:
    """Everything that was written down of one seed."""

    attempts: list[Attempt] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    asked_again: list[tuple[int, str]] = field(
        default_factory=list
    )  #: (order, message) sent anew by a person
    personal: dict[str, dict[str, str]] = field(
        default_factory=dict
    )  #: external number → what its customer told
    erased: set[str] = field(default_factory=set)  #: cases whose erasure was acknowledged
    maybe_erased: set[str] = field(default_factory=set)  #: cases whose erasure was asked for
    unforeseen: list[str] = field(default_factory=list)  #: errors that no code of the engine expects
    _orders: int = 0

    def next(self) -> int:
        """The next number in the order of everything."""
        self._orders += 1
        return self._orders

    def attempt(self, command: Command) -> Attempt:
        """Write down that a command is given."""
        made = Attempt(command, self.next())
        self.attempts.append(made)
        return made


def told(customer: Mapping[str, Any]) -> dict[str, str]:
    """What of a customer's data must be nowhere once the case is erased."""
    return {name: str(customer[name]) for name in ("customer_name", "contact_phone", "content")}
