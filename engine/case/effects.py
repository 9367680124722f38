"""What a command did: the plain facts stored beside it in history, and the names they go by.

Every key here has a projection or is listed as history-only in :mod:`engine.case.projections` (a test checks it).
Empty ones are left out. Order inside each list is the order in which things happened.
"""

from __future__ import annotations

from typing import Any

Effects = dict[str, Any]

#: key → what its value is
KINDS: dict[str, str] = {
    "moves": "[[task, element, state]]: elements entered (W, R, S), left (C), failed (E) or cancelled (X)",
    "data": "[[task, {name: value}, [names removed]]]: what a completed step changed beyond its form",
    "opened": "[[task, element, duty, not_before]]: user tasks that opened; duty is role/skill/department",
    "closed": "[task]: user tasks that are open no more",
    "armed": "[[timer, element, due, attached task]]: BPMN timers armed or moved",
    "ended": "[timer]: BPMN timers that are pending no more",
    "claimed": "[[task, person or null]]: who holds a task now",
    "clocks": "[[clock, parameter, started, due, [warnings], task, element, provisional]]: SLA clocks started",
    "clock_changes": "[[clock, state, detail]]: warned, breached, met, missed, stopped, paused, resumed, moved, …",
    "requests": "[{event, service, to, template, text, not_before, level}]: what the outbox is to send",
    "linked": "[{event, process, data, respondent}]: cases to be opened after this command, with their start data",
    "suppressed": "[event]: sends asked for again under a key already used",
    "withdrawn": "[event]: messages taken back before they were sent",
    "service": "[event, state, detail]: what a gateway answered",
    "rescheduled": "[[task, not_before or null]]: user tasks that may be worked on from another instant",
    "paused": "reason: the case waits for the customer",
    "resumed": "true: it waits no more",
    "amended": "[names]: case data corrected by a person",
    "incident": "[incident, action]: a technical failure opened, retried or closed",
    "stuck": "[element]: where the case stands, in which nothing can happen any more although it is not done",
    "done": "outcome: the case is closed",
}


def reference(own_process: str, process: str, element: str) -> str:
    """How history names an element: alone in the case's own process, else ``process/element``."""
    return element if process == own_process else f"{process}/{element}"


def resolve(own_process: str, ref: str) -> tuple[str, str]:
    """(process, element) of a :func:`reference`."""
    process, slash, element = ref.partition("/")
    return (process, element) if slash else (own_process, ref)
