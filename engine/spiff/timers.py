"""Timer events that arm once, keep their due time in the task, and fire only when their own command names them.

Stock compares ``due < now``, fires every missed round of a cycle at once and reads the wall clock. Here an armed
timer is a fact with a due time; ``FireTimer`` commands fire it, one at a time, stamped with that due time, so an
outage replays faithfully.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent

from engine.errors import InvalidFile

from .logical import LogicalDatetime, current


def iso(instant: datetime) -> str:
    """ISO 8601 text in UTC."""
    return instant.astimezone(UTC).isoformat()


def _armed(definition: Any, task: Any, compute: Any) -> bool:
    data = task.internal_data
    logical = current()
    if data.get("event_value") is None:
        logical.take_due_call()
        answer = task.workflow.script_engine.evaluate(task, definition.expression)
        if type(answer) is not str:
            raise InvalidFile(
                f"timer {task.task_spec.name!r}: its expression must give text, not {type(answer).__name__}"
            )
        data["event_value"] = compute(answer)
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
        raise InvalidFile(f"timer: {text!r} is not an ISO 8601 date and time") from None
    if parsed.tzinfo is None:
        raise InvalidFile(f"timer: {text!r} has no zone; write an offset such as +08:00")
    return iso(parsed)


def _after(text: str) -> str:
    """The instant a duration text away from the command's time."""
    parsed = TimerEventDefinition.parse_iso_duration(text)
    return iso(LogicalDatetime.now(UTC) + TimerEventDefinition.get_timedelta_from_start(parsed))


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
        text = task.workflow.script_engine.evaluate(task, self.expression)
        rounds, start, every = TimerEventDefinition.parse_iso_recurring_interval(text)
        data["event_value"] = {"cycles": rounds, "next": iso(start), "duration": every.total_seconds()}
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
