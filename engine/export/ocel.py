"""OCEL 2.0 (JSON): cases, user tasks and people as objects, steps as events. Written as it goes along."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import Any, BinaryIO

import orjson

from engine.bpmn.kinds import OPENS_TASK

from .events import Event, Trace

CASE, TASK, PERSON = "case", "task", "person"
_CASE = ("process", "process_name", "outcome", "severity", "channel")
_EVENT = ("lifecycle", "element", "process", "kind")


def write(traces: Iterable[Trace], out: BinaryIO) -> int:
    """Write the log to ``out``; returns the number of events. Objects wait in a file until the events are out."""
    kinds: dict[str, None] = {}
    people: dict[str, None] = {}
    events = 0
    with tempfile.TemporaryFile() as objects:
        out.write(b'{"events":[')
        for trace in traces:
            for event in trace.events:
                kinds.setdefault(event.activity)
                if event.actor != "system":
                    people.setdefault(event.actor)
                out.write((b"," if events else b"") + b"\n" + orjson.dumps(_event(event, events)))
                events += 1
            for thing in _objects(trace):
                objects.write(b",\n" + orjson.dumps(thing))
        out.write(b'\n],"objects":[\n')
        named = [orjson.dumps(_object(PERSON, f"{PERSON}:{name}")) for name in people]
        out.write(b",\n".join(named))
        objects.seek(0)
        first = objects.read(2)
        if first and named:
            out.write(b",\n")
        while chunk := objects.read(1 << 16):
            out.write(chunk)
    types = {
        "objectTypes": [
            {"name": CASE, "attributes": [{"name": name, "type": "string"} for name in _CASE]},
            {"name": TASK, "attributes": [{"name": "element", "type": "string"}]},
            {"name": PERSON, "attributes": []},
        ],
        "eventTypes": [
            {"name": kind, "attributes": [{"name": name, "type": "string"} for name in _EVENT]}
            for kind in kinds
        ],
    }
    out.write(b"\n]," + orjson.dumps(types)[1:] + b"\n")
    return events


def _event(event: Event, number: int) -> dict[str, Any]:
    relations = [{"objectId": event.case_id, "qualifier": "of"}]
    if event.kind in OPENS_TASK:
        relations.append({"objectId": _task(event), "qualifier": "on"})
    if event.actor != "system":
        relations.append({"objectId": f"{PERSON}:{event.actor}", "qualifier": "by"})
    return {
        "id": f"e{number}",
        "type": event.activity,
        "time": event.at,
        "attributes": [{"name": name, "value": getattr(event, name)} for name in _EVENT],
        "relationships": relations,
    }


def _objects(trace: Trace) -> Iterable[dict[str, Any]]:
    tasks = {_task(event): event for event in trace.events if event.kind in OPENS_TASK}
    told = ((name, getattr(trace, name)) for name in _CASE)
    yield {
        **_object(CASE, trace.case_id),
        "attributes": [
            {"name": name, "value": value, "time": trace.opened_at} for name, value in told if value
        ],
        "relationships": [{"objectId": task, "qualifier": "has"} for task in tasks],
    }
    for id, event in tasks.items():
        named = [{"name": "element", "value": f"{event.process}/{event.element}", "time": event.at}]
        yield {**_object(TASK, id), "attributes": named}


def _object(kind: str, id: str) -> dict[str, Any]:
    return {"id": id, "type": kind, "attributes": [], "relationships": []}


def _task(event: Event) -> str:
    return f"{event.case_id}/{event.task}"
