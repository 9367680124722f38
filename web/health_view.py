"""What the page of health calls things: checks, figures and their units."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

from engine.operations import checks
from engine.operations.health import State

NAMES = {
    checks.DATABASE: lazy_gettext("Database"),
    checks.FILES: lazy_gettext("Disk"),
    checks.CLOCK: lazy_gettext("Clock"),
    checks.RELEASE: lazy_gettext("Release in force"),
    checks.WORKER: lazy_gettext("Worker"),
    checks.TIMERS: lazy_gettext("Timers"),
    checks.OUTBOX: lazy_gettext("Messages"),
    checks.INCIDENTS: lazy_gettext("Incidents"),
}


def figures(state: State) -> list[tuple[str, str]]:
    """What waits and how much room there is, with its name; empty while the database tells nothing."""
    found = state.figures
    if found is None:
        return []
    return [
        (gettext("Cases in which a timer is due"), _number(found.timers_due)),
        (gettext("The oldest of them is late by"), _seconds(found.timer_lag)),
        (gettext("Messages that wait to be sent"), _number(found.messages["pending"])),
        (gettext("The oldest of them is late by"), _seconds(found.message_lag)),
        (gettext("Messages whose outcome is unknown"), _number(found.messages["unknown"])),
        (gettext("Messages that failed"), _number(found.messages["failed"])),
        (gettext("Open incidents"), _number(found.incidents)),
        (gettext("Limits that were breached and still run"), _number(found.breached)),
        (gettext("Room on the disk"), f"{min(state.room.values(), default=0.0) / (1 << 30):,.1f} GB"),
    ]


def _number(number: int) -> str:
    return f"{number:,}"


def _seconds(seconds: float) -> str:
    return gettext("%(seconds)s s", seconds=f"{seconds:,.0f}")
