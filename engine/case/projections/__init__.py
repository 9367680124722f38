"""Read models: what one command writes beside its history row, in the same transaction.

Each projection turns a :class:`Change` into named statements with their parameters. ``PROJECTED`` says which
effects feed which projection; what is in no list is history-only, and a test holds the two against the effect kinds.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.storage.statements import Write

from . import cases, clocks, facts, incidents, notices, outbox, respondents, tasks, timers
from .change import Change

PROJECTIONS = (
    cases.project,
    tasks.project,
    timers.project,
    clocks.project,
    facts.project,
    outbox.project,
    notices.project,
    respondents.project,
    incidents.project,
)

PROJECTED: dict[str, str] = {
    "opened": "tasks",
    "closed": "tasks",
    "claimed": "tasks",
    "armed": "timers",
    "ended": "timers",
    "clocks": "clocks, tasks",
    "clock_changes": "clocks, tasks, timers, notices",
    "requests": "outbox",
    "linked": "outbox",
    "withdrawn": "outbox",
    "rescheduled": "tasks",
    "service": "outbox",
    "paused": "cases",
    "resumed": "cases",
    "data": "cases, facts, respondents",
    "amended": "tasks",
    "done": "cases",
    "stuck": "incidents",
}
#: read from history itself, by the audit pages
HISTORY_ONLY = frozenset({"moves", "suppressed", "incident", "release", "erased"})


def writes(change: Change) -> Iterator[Write]:
    """All read-model writes of one command."""
    for project in PROJECTIONS:
        yield from project(change)


__all__ = ["HISTORY_ONLY", "PROJECTED", "Change", "writes"]
