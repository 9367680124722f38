"""A first scenario of a process, to be finished by a person: each task once, with what its form must hold."""

from __future__ import annotations

from typing import Any

import orjson

from engine.bpmn.diagrams import Element
from engine.bpmn.kinds import OPENS_TASK
from engine.forms.model import Field
from engine.people.directory import DEMO_PEOPLE
from engine.people.rules import fits
from engine.release.release import Release
from engine.release.scenario_files import FOLDER

START = "2026-03-02T10:00:00+08:00"  #: a Monday morning, as in the scenarios that ship


def path_of(process: str) -> str:
    """Where the scenarios of a process stand."""
    return f"{FOLDER}{process}.json"


def sketch(release: Release, process: str) -> bytes:
    """A scenario file for ``process`` that goes through each of its tasks once; raises :class:`NotFound`.

    It is meant to fail at first: what the run then says (which tasks are open, which fields are refused) is how a
    person finishes it.
    """
    drawn = release.process(process)
    tasks = [e for e in drawn.elements.values() if e.kind in OPENS_TASK]
    scenario = {
        "process": drawn.id,
        "name": drawn.name,
        "source": "proposed",
        "start_at": START,
        "start": {},
        "steps": [*(_step(release, drawn.id, task) for task in tasks), {"expect": {"open": []}}],
    }
    return orjson.dumps([scenario], option=orjson.OPT_INDENT_2) + b"\n"


def _step(release: Release, process: str, task: Element) -> dict[str, Any]:
    duty = release.assignment(process, task.id, [])
    actor = next((person.name for person in DEMO_PEOPLE if fits(person, duty)), DEMO_PEOPLE[0].name)
    form = release.forms.get(task.properties.get("form", ""))
    data = (
        {field.name: _example(field) for field in form.fields if field.required} if form is not None else {}
    )
    return {"complete": task.id, "by": actor, "data": data}


def _example(field: Field) -> Any:
    """Some value of the field's kind: its first choice, now, one, or its label as text."""
    if field.options:
        return field.options[0].value
    if field.widget in ("date", "datetime"):
        return "@now"
    kind = field.schema.get("type")
    if kind in ("integer", "number"):
        return field.schema.get("minimum", 1)
    return True if kind == "boolean" else [] if kind == "array" else field.label["zh-Hans"]
