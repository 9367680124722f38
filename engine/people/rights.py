"""Who may do what: one table of actions and the roles that have them. docs/rights.md is written from it.

Pages and commands name an action (``web/doors.py``, ``COMMANDS`` below); none names roles. What depends on the case or
its task comes on top: whose task it is (:mod:`engine.people.rules`), whom it complains about
(:mod:`engine.people.respondents`), which cases somebody may know of (:mod:`engine.queries.scope`).
"""

from __future__ import annotations

from dataclasses import dataclass

from .directory import Person

#: every role that people hold, as docs/rights.md lists them
ROLES = (
    "agent", "senior_agent", "dispatcher", "specialist", "complaint_centre", "supervisor", "manager", "quality",
    "auditor", "designer", "admin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Right:
    """The roles that may do something, and what that is."""

    roles: frozenset[str]
    what: str


def _right(what: str, *roles: str) -> Right:
    return Right(frozenset(roles), what)


_SEE_ALL = ("supervisor", "manager", "auditor", "admin", "quality", "complaint_centre")
RIGHTS: dict[str, Right] = {
    "cases.open": _right("open cases", "agent", "senior_agent", "supervisor", "complaint_centre"),
    "cases.all": _right("know of every case that does not complain about them", *_SEE_ALL),
    "cases.answer": _right(
        "know of every case of the processes that the front desk takes part in", "agent", "senior_agent", "dispatcher"
    ),
    "cases.lead": _right(
        "give tasks to others and take them back, move times and limits, pause any case, correct data, skip a step "
        "that failed", "supervisor", "admin",
    ),
    "inbox.all": _right(
        "see all open work, and the board", "supervisor", "manager", "admin", "complaint_centre", "quality"
    ),
    "reports": _right("reports and dossiers", *_SEE_ALL),
    "outbox": _right("see messages", *_SEE_ALL),
    "outbox.again": _right("send a message once more", "supervisor", "admin"),
    "audit": _right("step through histories and verify them", "auditor", "quality", "supervisor", "manager", "admin"),
    "processes.design": _right("draw processes, publish them", "designer", "admin"),
    "releases.approve": _right(
        "approve or refuse a release that waits for a second person, not one of their own", "supervisor", "admin"
    ),
    "rights.give": _right("publish who works in which lane (bpmn/roles.json)", "admin"),
    "people.see": _right("see accounts", "admin", "supervisor"),
    "people.change": _right("change accounts, end sessions", "admin"),
    "incidents.see": _right("see automatic steps that failed", "admin", "supervisor", "designer"),
    "incidents.settle": _right("try such a step again, close it", "admin"),
    "health": _right("hear what is wrong with the installation", "admin"),
    "security": _right("read the security log", "admin", "auditor"),
}  # fmt: skip

# ---------------------------------------------------------------- commands
TASK = "task"  #: who has the task's role, skill and department, and is not kept off it
TASK_OR_LEAD = (
    "task or cases.lead"  #: the same for any task of the case, or who leads; to give back: its holder
)
SOFTWARE = "software"  #: no person
#: kind of command (engine/case/commands.py) → the action it takes
COMMANDS = {
    "start": "cases.open", "claim": TASK, "complete": TASK, "release": TASK_OR_LEAD, "assign": "cases.lead",
    "reschedule": "cases.lead", "amend": "cases.lead", "move_clock": "cases.lead", "pause": TASK_OR_LEAD,
    "resume": TASK_OR_LEAD, "timer": SOFTWARE, "warn": SOFTWARE, "breach": SOFTWARE, "service_result": SOFTWARE,
    "incident": SOFTWARE, "erase": SOFTWARE,
}  # fmt: skip


def may(person: Person, action: str) -> bool:
    """Whether one of the person's roles has ``action``; raises KeyError for what is none."""
    return not RIGHTS[action].roles.isdisjoint(person.roles)
