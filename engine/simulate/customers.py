"""Stories from the scenarios of a release: what people answer there, a simulated customer's people answer too.

A scenario in ``bpmn/scenarios/`` is one way through a process, written by hand. StepText as a persona it keeps its
choices, amounts and distances in time; names, telephone numbers and days are the customer's own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from engine.forms import Field, Form
from engine.release.release import Release
from engine.release.scenario_files import instant
from engine.scenarios import Scenario, load
from engine.sla.time_rules import TimeRules

from .behaviour import Persona

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*")


def stories(release: Release, untold: Collection[str] = ()) -> dict[str, list[Persona]]:
    """The scenarios of ``release`` as personas, by process; raises :class:`InvalidFile`.

    ``untold``: fields, as ``form.field``, that no story answers.
    """
    found: dict[str, list[Persona]] = {}
    for scenario in load(release.files):
        found.setdefault(scenario.process, []).append(story(scenario, release, untold))
    return found


def called(release: Release) -> dict[str, dict[str, frozenset[str]]]:
    """The processes that each process of ``release`` calls, directly or not, each with the elements it brings."""
    return {
        process.id: {
            one: frozenset(_forms(release, one)) - process.elements.keys()
            for one in _calls(release, process.id)
        }
        for process in release.processes.values()
    }


def story(scenario: Scenario, release: Release, untold: Collection[str] = ()) -> Persona:
    """One scenario as a persona: the answers of every element in the order given, pauses counted."""
    answers: dict[str, list[Any]] = {}
    forms = _forms(release, scenario.process)
    for clock, step in _timed(scenario, release.time):
        form = forms.get(step.get("complete", ""))
        if form is None or "refused" in step:
            continue
        for name, value in step.get("data", {}).items():
            if f"{form.key}.{name}" not in untold and not _is_own(form.group.by_name[name]):
                answers.setdefault(f"{step['complete']}.{name}", []).append(
                    _moved(value, clock, release.time)
                )
    pauses = sum("pause" in step for step in scenario.steps)
    done = Counter(
        step["complete"] for step in scenario.steps if "complete" in step and "refused" not in step
    )
    return Persona(scenario.name, 1, answers, pauses, done=done)


def _is_own(field: Field) -> bool:
    """Whether each customer has an own answer: names, numbers, places in one line; codes are the story's."""
    return field.widget == "phone" or (field.widget == "text" and "pattern" not in field.schema)


def _timed(scenario: Scenario, time: TimeRules) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Each step with the scenario's clock at it."""
    clock = instant(scenario.start_at)
    for step in scenario.steps:
        if "wait" in step:
            clock = time.after(clock, step["wait"])
        elif "until" in step:
            clock = instant(step["until"])
        yield clock, step


def _moved(value: Any, clock: datetime, time: TimeRules) -> Any:
    """``value`` with its days and instants told as distances from ``clock``."""
    if isinstance(value, list):
        return [_moved(one, clock, time) for one in value]
    if isinstance(value, dict):
        return {name: _moved(one, clock, time) for name, one in value.items()}
    if not isinstance(value, str):
        return value
    if value.startswith("@"):
        moment = clock if value == "@now" else time.after(clock, value[1:])
        return f"@hours:{_hours(moment - clock)}"
    if _DAY.fullmatch(value):
        return f"@days:{(date.fromisoformat(value) - clock.date()).days}"
    if _INSTANT.fullmatch(value):
        return f"@hours:{_hours(instant(value) - clock)}"
    return value


def _hours(distance: timedelta) -> float:
    return distance.total_seconds() / 3600


def _forms(release: Release, process: str) -> dict[str, Form]:
    """The form of every task that a case of ``process`` can come to, called processes included."""
    found: dict[str, Form] = {}
    for one in (process, *_calls(release, process)):
        for element in release.process(one).elements.values():
            if (form := release.forms.get(element.properties.get("form", ""))) is not None:
                found.setdefault(element.id, form)
    return found


def _calls(release: Release, process: str) -> list[str]:
    """The processes that ``process`` calls and those that these call, nearest first, itself left out."""
    found = [process]
    for one in found:
        calls = dict.fromkeys(e.calls for e in release.process(one).elements.values() if e.calls)
        found += [called for called in calls if called not in found]
    return found[1:]
