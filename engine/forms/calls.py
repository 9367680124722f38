"""What must be true of a call to a customer that is logged, and why the next one has to wait. Pure functions.

A call is logged by a form with the field ``started_at`` at a task that says ``not_before``. All that is checked
counts from when the call was made, never from when it was written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from engine.base.errors import FieldError, InvalidForm
from engine.base.instants import SHANGHAI
from engine.bpmn.diagrams import Element
from engine.people.rules import in_quiet_hours
from engine.sla.time_rules import TimeRules

from . import Form

CALLED_AT = "started_at"  #: the field of the forms that log a call
PROMISED = "promised"  #: the case data in which diagrams keep the instant agreed for the next call
GAP_OVER = "gap_over"  #: and that from which the gap after the last call is over
_MINUTE = timedelta(minutes=1)

Wait = Literal["promise", "quiet_hours", "gap"]


def logs_call(element: Element, form: Form | None) -> bool:
    """Whether a task is a call to a customer."""
    return "not_before" in element.properties and form is not None and CALLED_AT in form.names


def is_customers_own(data: Mapping[str, Any]) -> bool:
    """Whether a form logs a call that the customer made: that may be at any hour, and needs no waiting."""
    return data.get("direction") == "inbound"


def check(
    form: Form,
    element: Element,
    clean: Mapping[str, Any],
    context: Mapping[str, Any],
    opened: str | None,
    planned: str | None,
    time: TimeRules,
) -> None:
    """Raise :class:`InvalidForm` for a call that cannot have been made, or should not have been, when it says so.

    It was made while its task was ``opened``; one of ours not before it was ``planned`` (the gap after the last
    one, or the time the customer named), and not in quiet hours unless they agreed. Instants are ISO 8601.
    """
    started = clean.get(CALLED_AT)
    if started is None or not logs_call(element, form):
        return
    if opened is not None and _whole_minute(started) < _whole_minute(opened):
        raise _wrong(form, "call_before_task", opened)
    if is_customers_own(clean):
        return
    if in_quiet_hours(started, planned, context.get("night_call_ok"), time):
        until = time.outside_quiet_hours(datetime.fromisoformat(started))
        found = FieldError(CALLED_AT, "quiet_hours", {"until": f"{until.astimezone(SHANGHAI):%H:%M}"})
        raise InvalidForm(form.key, [found])
    if planned is not None and _whole_minute(started) < _whole_minute(planned):
        agreed = why_wait(planned, context, time) == "promise"
        raise _wrong(form, "call_before_promise" if agreed else "call_too_soon", planned)


def why_wait(planned: str, context: Mapping[str, Any], time: TimeRules) -> Wait | None:
    """Why a call is not to be made before ``planned``: they named the time, or were called a moment ago, or are
    not to be disturbed until then; None where the case does not say (a supervisor set it)."""
    at = datetime.fromisoformat(planned)
    if _is(context.get(PROMISED), at):
        return "promise"
    if _is(context.get(GAP_OVER), at):
        return "gap"
    return "quiet_hours" if time.outside_quiet_hours(at - _MINUTE) != at - _MINUTE else None


def quiet_until(now: str, planned: str | None, context: Mapping[str, Any], time: TimeRules) -> str | None:
    """When the quiet hours end in which ``now`` lies; None outside them, or when the customer agreed to a call."""
    if not in_quiet_hours(now, planned, context.get("night_call_ok"), time):
        return None
    return time.outside_quiet_hours(datetime.fromisoformat(now)).isoformat()


def _is(instant: object, at: datetime) -> bool:
    return isinstance(instant, str) and datetime.fromisoformat(instant) == at


def _whole_minute(instant: str) -> datetime:
    # Forms ask for whole minutes, the engine's instants have seconds.
    return datetime.fromisoformat(instant).replace(second=0, microsecond=0)


def _wrong(form: Form, code: str, instant: str) -> InvalidForm:
    local = datetime.fromisoformat(instant).astimezone(SHANGHAI)
    return InvalidForm(form.key, [FieldError(CALLED_AT, code, {"at": f"{local:%Y-%m-%d %H:%M}"})])
