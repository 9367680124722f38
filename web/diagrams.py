"""Diagrams for pages: which to show, where a case stands on them, and the same as a list of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, url_for

from engine.bpmn.diagrams import Element, Process
from engine.bpmn.kinds import STEPS
from engine.queries import timeline, work
from engine.queries.cases import Case
from engine.release.release import Release

from . import formatting, request_context
from .i18n import pick


@dataclass(frozen=True, slots=True)
class StepLine:
    """One drawn step for those who do not see the drawing."""

    element: str
    name: str
    lane: str
    state: str
    times: int
    documentation: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One diagram of a case: address of its XML, marks on it, its steps in words."""

    process: str
    name: str
    source: str
    marks: Mapping[str, Any]
    steps: Sequence[StepLine]
    current: bool


def _lines(process: Process, here: Mapping[str, timeline.Position]) -> list[StepLine]:
    return [
        StepLine(
            element.id,
            element.name or element.id,
            formatting.lane(element.lane),
            here[element.id].state if element.id in here else "",
            here[element.id].times if element.id in here else 0,
            element.documentation,
        )
        for element in process.elements.values()
        if element.kind in STEPS and (element.name or element.id in here)
    ]


def _flows(process: Process, here: Mapping[str, timeline.Position]) -> list[str]:
    """Sequence flows between an element that was left and one that was reached."""

    def reached(element: str | None) -> bool:
        return element in here and here[element or ""].state != "cancelled"

    def left(element: Element) -> bool:
        return reached(element.source) and here[element.source or ""].times > 0

    return [e.id for e in process.elements.values() if e.source and left(e) and reached(e.target)]


def marks(
    process: Process,
    here: Mapping[str, timeline.Position],
    timers: Mapping[str, str] | None = None,
    late: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """What the drawing shows: element states, flows passed, pending timers (element → due)."""
    return {
        "elements": {id: {"state": position.state, "times": position.times} for id, position in here.items()},
        "flows": _flows(process, here),
        "timers": {element: formatting.local(due) for element, due in (timers or {}).items()},
        "late": sorted(late),
    }


def of_case(case: Case, release: Release, told: Sequence[timeline.Step]) -> list[Sheet]:
    """The diagrams a case has entered: its own process first; the one with work on it is current."""
    positions = timeline.positions(told, release, case.process)
    db = request_context.gongdan().db
    timers = {row.element: row.due for row in work.timers(db, case.id) if row.state == "pending"}
    open_tasks = [task for task in work.tasks(db, case.id) if task.state == "open"]
    late = {
        (task.process, task.element)
        for task in open_tasks
        if task.due_at and task.due_at <= request_context.now()
    }
    busy = open_tasks[-1].process if open_tasks else case.process
    entered = [case.process, *(id for id in positions if id != case.process)]
    sheets = []
    for id in entered:
        process = release.processes.get(id)
        if process is None:
            continue
        here = positions.get(id, {})
        own = {ref.partition("/")[2] or ref: due for ref, due in timers.items() if _owner(ref, case) == id}
        red = frozenset(element for owner, element in late if owner == id)
        sheets.append(
            Sheet(
                id,
                pick(process.names),
                url_for("cases.diagram", case_id=case.id, process=id),
                marks(process, here, own, red),
                _lines(process, here),
                id == busy,
            )
        )
    return sheets


def _owner(ref: str, case: Case) -> str:
    process, slash, _ = ref.partition("/")
    return process if slash else case.process


def by_domain(processes: Iterable[Process]) -> dict[str, list[Process]]:
    """Processes by domain: the telephone company's first, shared steps last."""
    found: dict[str, list[Process]] = {domain: [] for domain in formatting.DOMAINS if domain != "shared"}
    for process in processes:
        found.setdefault(process.domain, []).append(process)
    return {domain: listed for domain, listed in found.items() if listed}


def plain_steps(process: Process) -> list[StepLine]:
    """The steps of a process as drawn, without a case."""
    return _lines(process, {})


def answer(release: Release, process: Process) -> Response:
    """A diagram's XML; files of a release never change, so browsers may keep it."""
    return kept(release.files[process.path])


def kept(body: bytes) -> Response:
    """A file of a release as XML or text."""
    found = Response(body, mimetype="application/xml" if body.lstrip().startswith(b"<") else "text/plain")
    found.headers["Cache-Control"] = "private, max-age=86400"
    return found


def at_step(case: Case, release: Release, told: Sequence[timeline.Step]) -> list[Sheet]:
    """The diagrams a case had entered by the last of ``told``; the one that step touched is current."""
    positions = timeline.positions(told, release, case.process)
    timers: dict[str, str] = {}
    numbers: dict[int, str] = {}
    for step in told:
        for armed in step.effects.armed:
            numbers[armed.timer], timers[armed.element] = armed.element, armed.due
        for timer in step.effects.ended:
            timers.pop(numbers.get(timer, ""), None)
    touched = [moved.element for moved in told[-1].effects.moves]
    owners = [_owner(ref, case) for ref in touched]
    busy = owners[-1] if owners else case.process
    sheets = []
    for id in [case.process, *(id for id in positions if id != case.process)]:
        process = release.processes.get(id)
        if process is None:
            continue
        here = positions.get(id, {})
        own = {ref.partition("/")[2] or ref: due for ref, due in timers.items() if _owner(ref, case) == id}
        found = marks(process, here, own)
        found["focus"] = [ref.partition("/")[2] or ref for ref in touched if _owner(ref, case) == id]
        source = url_for("cases.diagram", case_id=case.id, process=id)
        sheets.append(Sheet(id, pick(process.names), source, found, _lines(process, here), id == busy))
    return sheets
