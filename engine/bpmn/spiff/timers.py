"""Timer events that arm once, keep their due time in the task, and fire only when their own command names them.

Stock compares ``due < now``, fires every missed round of a cycle at once and reads the wall clock. Here an armed
timer is a fact with a due time; ``FireTimer`` commands fire it, one at a time, stamped with that due time, so an
outage replays faithfully.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent

from engine.base.errors import InvalidFile
from engine.base.instants import iso

from .logical_clock import LogicalDatetime, current

_TIME = r"T(?=\d)(\d{1,6}H)?(\d{1,6}M)?(\d{1,9}(\.\d{1,6})?S)?"
_DURATION = re.compile(rf"P(?!$)(\d{{1,4}}W|(\d{{1,3}}Y)?(\d{{1,4}}M)?(\d{{1,6}}D)?({_TIME})?)")
_CYCLE = re.compile(r"R(\d{0,6})(/[^/]+){1,2}")


def _computed(definition: Any, task: Any, compute: Any) -> Any:
    """What the timer's expression comes to; raises :class:`InvalidFile` naming the timer when it cannot be used."""
    answer = task.workflow.script_engine.evaluate(task, definition.expression)
    where = f"timer {task.task_spec.name!r}"
    if type(answer) is not str:
        raise InvalidFile(f"{where}: its expression must give text, not {type(answer).__name__}")
    try:
        return compute(answer)
    except (ValueError, OverflowError) as error:
        raise InvalidFile(f"{where}: {answer!r} {error}") from None


def _armed(definition: Any, task: Any, compute: Any) -> bool:
    data = task.internal_data
    logical = current()
    if data.get("event_value") is None:
        logical.take_due_call()
        data["event_value"] = _computed(definition, task, compute)
        asked = logical.take_due_call()
        if asked is not None and isinstance(task.task_spec, BoundaryEvent):
            data["sla"] = asked
    if logical.firing == task.id:
        data["event_fired"] = True
    return bool(data.get("event_fired", False))


def _instant(text: str) -> str:
    """A date timer's text as an instant in UTC; text without a zone is refused (never guessed)."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not an ISO 8601 date and time") from None
    if parsed.tzinfo is None:
        raise ValueError("has no zone; write an offset such as +08:00")
    return iso(parsed)


def _after(text: str) -> str:
    """The instant a duration text away from the command's time."""
    if not _DURATION.fullmatch(text):  # stock makes an hour of -PT1H and nothing of P
        raise ValueError("is not an ISO 8601 duration such as PT2H")
    parsed = TimerEventDefinition.parse_iso_duration(text)
    return iso(LogicalDatetime.now(UTC) + TimerEventDefinition.get_timedelta_from_start(parsed))


def _rounds(text: str) -> dict[str, Any]:
    """The rounds of a cycle text: how many (-1: for ever), when next, how many seconds apart."""
    if not _CYCLE.fullmatch(text):
        raise ValueError("is not an ISO 8601 repeating interval such as R3/PT2H")
    count, *parts = text.split("/")
    parts = [part if _DURATION.fullmatch(part) else _instant(part) for part in parts]
    if sum(part.startswith("P") for part in parts) != 1:
        raise ValueError("must have one duration")
    rounds, start, every = TimerEventDefinition.parse_iso_recurring_interval("/".join([count, *parts]))
    if every <= timedelta():
        raise ValueError("would come round again at the same instant")
    return {"cycles": rounds, "next": iso(start), "duration": every.total_seconds()}


def date_has_fired(self: Any, task: Any) -> bool:
    """Replaces ``TimeDateEventDefinition.has_fired``."""
    return _armed(self, task, _instant)


def duration_has_fired(self: Any, task: Any) -> bool:
    """Replaces ``DurationTimerEventDefinition.has_fired``."""
    return _armed(self, task, _after)


def cycle_complete(self: Any, task: Any) -> bool:
    """Replaces ``CycleTimerEventDefinition.cycle_complete``: one round per command that names the timer."""
    data, logical = task.internal_data, current()
    if data.get("event_value") is None:
        data["event_value"] = _computed(self, task, _rounds)
    value = data["event_value"]
    if value["cycles"] == 0:
        data["event_fired"] = True
        return False
    if logical.firing != task.id:
        return False
    logical.firing = None
    value["next"] = iso(datetime.fromisoformat(value["next"]) + timedelta(seconds=value["duration"]))
    value["cycles"] -= 1
    return True


def due_of(task: Any) -> str | None:
    """The due instant (ISO, UTC) of a timer task; None when not armed, fired, paused or exhausted."""
    data = task.internal_data
    value = data.get("event_value")
    if value is None or data.get("event_fired") or data.get("paused"):
        return None
    if isinstance(value, dict):
        return value["next"] if value["cycles"] else None
    return str(value)


def fire(task: Any) -> None:
    """Let the armed timer fire inside its own command; an exhausted cycle also leaves its element."""
    task.task_spec._update(task)
    value = task.internal_data.get("event_value")
    if isinstance(value, dict) and value["cycles"] == 0:
        task.task_spec._update(task)  # notes that it is exhausted
        task.task_spec._update(task)  # leaves the element
