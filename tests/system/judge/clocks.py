"""Of time: timers and limits do what they should, once, when they are due; computed anew from the plain facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from engine.base.instants import SHANGHAI
from engine.release.release import Release
from engine.sla.durations import Duration

from .facts import Facts, Row, Step, instant

GRACE = timedelta(minutes=10)  #: more than clocks of two processes differ, and than a round of work takes
SECOND = timedelta(seconds=1)


@dataclass
class Clock:
    """One limit as history tells it."""

    parameter: str
    started: datetime
    due: datetime
    warnings: list[datetime]
    state: str = "running"
    paused: datetime | None = None
    left: timedelta = timedelta()  #: when it was paused
    breached: datetime | None = None


@dataclass
class Case:
    """What time is to do to one case."""

    release: Release
    clocks: dict[str, Clock] = field(default_factory=dict)
    ended: dict[str, Clock] = field(default_factory=dict)
    timers: dict[int, datetime] = field(default_factory=dict)
    gone: dict[int, str] = field(default_factory=dict)
    over: bool = False

    def due(self) -> list[datetime]:
        """Everything to come."""
        if self.over:
            return []
        running = [(name, clock) for name, clock in self.clocks.items() if clock.state == "running"]
        found = [*self.timers.values(), *(clock.warnings[0] for _, clock in running if clock.warnings)]
        return found + [clock.due for name, clock in running if not name.isdigit()]


def faults(facts: Facts, release: Release, now: datetime) -> Iterator[str]:
    """What is wrong with time, everything being at rest at ``now``."""
    for case_id, steps in facts.history.items():
        case = Case(release)
        stuck = bool(facts.of("incident", case_id))
        for step in steps:
            yield from _step(case, step, stuck)
        yield from _tables(case, case_id, facts)
        waits = any(row["closed_at"] is None for row in facts.of("incident", case_id))
        late = [due for due in case.due() if due <= now]
        if late and not waits:
            yield f"{case_id}: due since {min(late)}, and nothing was done"


def _step(case: Case, step: Step, stuck: bool) -> Iterator[str]:
    where = f"{step.case_id} row {step.seq}"
    late = [due for due in case.due() if due < step.at - GRACE]
    if late and step.is_persons and step.kind != "amend" and not stuck:
        yield f"{where}: {step.kind} came before what was due at {min(late)}"
    match step.kind:
        case "timer":
            due = case.timers.get(step.command["timer"])
            yield from _stamped(step, "timer", due)
        case "warn":
            clock = case.clocks.get(step.command["clock"])
            to_come = clock.warnings if clock is not None and clock.state == "running" else []
            yield from _stamped(step, "warning", to_come[0] if to_come else None)
        case "breach":
            clock = case.clocks.get(step.command["clock"])
            running = clock if clock is not None and clock.state == "running" else None
            yield from _stamped(step, "breach", running.due if running is not None else None)
    _timers(case, step)
    for row in step.effects.get("clocks", ()):
        yield from _started(case, where, row)
    for name, state, detail in step.effects.get("clock_changes", ()):
        if name not in case.clocks:
            yield f"{where}: the limit {name} is {state}, but does not run"
            continue
        yield from _changed(case, step, name, state, detail)
    yield from _held(case, step)
    case.over = case.over or "done" in step.effects


def _stamped(step: Step, what: str, due: datetime | None) -> Iterator[str]:
    """What time does carries the instant it was due, and is not done before."""
    where = f"{step.case_id} row {step.seq}"
    if due is None:
        yield f"{where}: a {what} that is not to come"
    elif step.at < due:
        yield f"{where}: a {what} of {due} is stamped {step.at}"
    elif step.recorded < due:
        yield f"{where}: a {what} of {due} came at {step.recorded}"


def _timers(case: Case, step: Step) -> None:
    fired = step.command.get("timer") if step.kind == "timer" else None
    for timer in step.effects.get("ended", ()):
        case.timers.pop(timer, None)
        case.gone[timer] = "fired" if timer == fired else "ended"
    for timer, _, due, _ in step.effects.get("armed", ()):
        case.timers[timer] = instant(due)
    for name, state, detail in step.effects.get("clock_changes", ()):
        if name.isdigit() and state == "paused":
            case.timers.pop(int(name), None)
        elif name.isdigit() and state in ("resumed", "moved"):
            case.timers[int(name)] = instant(detail[0])


def _started(case: Case, where: str, row: list[Any]) -> Iterator[str]:
    name, parameter, started, due, warnings, *_ = row
    clock = Clock(parameter, instant(started), instant(due), [instant(one) for one in warnings])
    if name in case.clocks:
        yield f"{where}: the limit {name} starts a second time"
    case.clocks[name] = clock
    expected = _due(case.release, parameter, clock.started)
    if expected is not None and expected != clock.due:
        yield f"{where}: {parameter} from {started} is due {due}, and should be {expected}"


def _changed(case: Case, step: Step, name: str, state: str, detail: Any) -> Iterator[str]:
    where, clock = f"{step.case_id} row {step.seq}", case.clocks[name]
    if state == "warned":
        if clock.state != "running" or not clock.warnings or clock.warnings[0] != instant(detail):
            yield f"{where}: {name} warns of {detail}, which is not to come"
        clock.warnings = clock.warnings[1:]
    elif state == "breached":
        if clock.state != "running":
            yield f"{where}: {name} is breached, but is {clock.state}"
        clock.state, clock.warnings, clock.breached = "breached", [], step.at
    elif state == "paused":
        if clock.state != "running":
            yield f"{where}: {name} pauses, but is {clock.state}"
        clock.state, clock.paused = "paused", step.at
        clock.left = _between(case.release, clock.parameter, step.at, clock.due)
    elif state == "resumed":
        clock.due, clock.warnings = instant(detail[0]), [instant(one) for one in detail[1]]
        left = _between(case.release, clock.parameter, step.at, clock.due)
        if clock.state != "paused":
            yield f"{where}: {name} runs on, but is {clock.state}"
        elif abs(left - clock.left) >= SECOND:
            yield f"{where}: {name} had {clock.left} left when it was paused, and has {left} now"
        clock.state = "running"
    elif state == "moved":
        if step.command.get("clock") != name or instant(detail[0]) != instant(step.command["due"]):
            yield f"{where}: {name} is moved to {detail[0]}, which nobody asked for"
        clock.due, clock.warnings = instant(detail[0]), [instant(one) for one in detail[1]]
    elif state == "recounted":
        clock.due, clock.warnings = instant(detail[0]), [instant(one) for one in detail[1]]
        clock.started = instant(detail[2])
        clock.left = (
            _between(case.release, clock.parameter, clock.paused, clock.due) if clock.paused else clock.left
        )
    else:
        late = clock.state == "breached"
        if state != "stopped" and (state == "missed") is not late:
            yield f"{where}: {name} is {state}, and was {clock.state}"
        if state == "met" and clock.state == "running" and step.at > clock.due + GRACE:
            yield f"{where}: {name} is met at {step.at}, and was due {clock.due}"
        clock.state = state
        case.ended[name] = case.clocks.pop(name)


def _held(case: Case, step: Step) -> Iterator[str]:
    """What may pause does while the case waits for its customer, and nothing else."""
    paused = "paused" in step.effects
    for name, clock in case.clocks.items():
        pausable = case.release.parameters[clock.parameter].pausable
        if paused and pausable and clock.state == "running":
            yield f"{step.case_id} row {step.seq}: {name} runs on, though the case waits"
        if clock.state == "paused" and not pausable:
            yield f"{step.case_id} row {step.seq}: {name} pauses, and may not"
        if step.effects.get("resumed") and clock.state == "paused":
            yield f"{step.case_id} row {step.seq}: {name} stays paused"


def _tables(case: Case, case_id: str, facts: Facts) -> Iterator[str]:
    stored = {row["clock"]: row for row in facts.of("sla_clock", case_id)}
    expected = {**case.ended, **case.clocks}
    for name in sorted(stored.keys() | expected.keys()):
        row, clock = stored.get(name), expected.get(name)
        if row is None or clock is None or not _same(row, clock):
            yield f"{case_id}: the list of limits says otherwise of {name}: {row} is {clock}"
    timers = {row["timer"]: (row["state"], instant(row["due"])) for row in facts.of("timer", case_id)}
    for number, due in case.timers.items():
        if timers.get(number) != ("pending", due):
            yield f"{case_id}: the list of timers says {timers.get(number)} of {number}, due {due}"
    for number, state in case.gone.items():
        if number not in case.timers and timers.get(number, ("",))[0] != state:
            yield f"{case_id}: the list of timers says {timers.get(number)} of {number}, which {state}"
    row = facts.cases.get(case_id)
    if row is None or any(one["closed_at"] is None for one in facts.of("incident", case_id)):
        return
    next_due = min(case.due(), default=None)
    if (instant(row["next_due"]) if row["next_due"] else None) != next_due:
        yield f"{case_id}: it is next due {next_due}, its row says {row['next_due']}"


def _same(row: Row, clock: Clock) -> bool:
    times = {"due": clock.due, "started": clock.started}
    return (
        row["state"] == clock.state
        and bool(row["breached_at"]) == (clock.breached is not None)
        and all(instant(row[column]) == value for column, value in times.items())
        and (clock.state != "running" or (row["warn_at"] or None) == _text(clock.warnings))
    )


def _text(warnings: list[datetime]) -> str | None:
    return warnings[0].isoformat() if warnings else None


# ---------------------------------------------------------------- the calendar, once more and simpler
def _due(release: Release, parameter: str, start: datetime) -> datetime | None:
    limit = release.parameters[parameter].limit
    if not isinstance(limit, Duration) or limit.every:
        return None  # a moment of the day or month; what recurs may be agreed otherwise
    return start + limit.length if limit.kind == "clock" else _working_end(release, start, limit.length)


def _between(release: Release, parameter: str, start: datetime, end: datetime) -> timedelta:
    """How much of a limit lies between two instants."""
    if end <= start:
        return timedelta()
    if getattr(release.parameters[parameter].limit, "kind", "clock") == "clock":
        return end - start
    return sum((stop - begin for begin, stop in _working(release, start, end)), timedelta())


def _working_end(release: Release, start: datetime, length: timedelta) -> datetime:
    left = length
    for begin, stop in _working(release, start, start + timedelta(days=120)):
        if stop - begin >= left:
            return begin + left
        left -= stop - begin
    raise AssertionError(f"no end of {length} from {start}")


def _working(release: Release, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of working time between two instants."""
    assert release.calendar is not None
    day = start.astimezone(SHANGHAI).date()
    while day <= end.astimezone(SHANGHAI).date():
        for opens, closes in _hours(release, day):
            begin = max(start, _moment(day, opens))
            stop = min(end, _moment(day, closes))
            if begin < stop:
                yield begin, stop
        day += timedelta(days=1)


def _hours(release: Release, day: date) -> tuple[tuple[int, int], ...]:
    assert release.calendar is not None
    file = release.calendar.file
    special = file.years.get(day.year, {}).get(day)
    return special.hours if special is not None else file.week[day.weekday()]


def _moment(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time(), SHANGHAI) + timedelta(minutes=minutes)
