"""Where a release uses its limits: read from the files, and listed by hand in ``tests/data/sla_uses.psv``.

Columns of the list: the limit; the process (of a text: its file's key) and the element that uses it; how (``beside x``
is a boundary timer on x that leaves the work open, ``ends x`` one that ends it, ``before`` an event that waits before
the work, ``opens`` the rhythm by which the software opens cases, else ``script``, ``gateway`` or ``text``); what (of a
timer the instant it counts from, else the line that reads the limit); who sets that instant (element of this process
or ``process/element`` of a called one, with the value, ``form``, or ``schedule`` where the software opens the case);
and what a timer leads to.
"""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import orjson

from engine.bpmn.model import Node
from engine.design.lint.context import model_of
from engine.release.release import Release

LIST = Path(__file__).parent.parent / "data" / "sla_uses.psv"
READS = ("sla_due", "param")


class Use(NamedTuple):
    """One use of a limit; the columns of the list."""

    limit: str
    process: str
    element: str
    how: str
    what: str
    set_by: str
    then: str


def listed() -> list[Use]:
    """The list written by hand."""
    with LIST.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE)
        assert tuple(next(rows)) == Use._fields
        return [Use(*row) for row in rows]


def found(release: Release) -> list[Use]:
    """Every use in the diagrams and texts of a release."""
    return [
        use
        for process in release.processes
        for read in (_timers, _scripts, _gateways)
        for use in read(release, process)
    ] + list(_texts(release))


def _timers(release: Release, process: str) -> Iterator[Use]:
    for element in release.process(process).elements.values():
        for limit, anchor in _calls(element.timer or ""):
            name = anchor.id if isinstance(anchor, ast.Name) else ""
            how = f"{'ends' if element.interrupting else 'beside'} {element.attached_to}"
            yield Use(
                limit,
                process,
                element.id,
                {"intermediateCatchEvent": "before", "startEvent": "opens"}.get(element.kind, how),
                ast.unparse(anchor) if anchor is not None else "",
                "; ".join(_set_by(release, process, name)),
                _then(release, process, element.id),
            )


def _scripts(release: Release, process: str) -> Iterator[Use]:
    for node in _nodes(release, process):
        for line in _lines(node):
            for limit, _ in _calls(line):
                yield Use(limit, process, node.id, "script", line, "", "")


def _gateways(release: Release, process: str) -> Iterator[Use]:
    for node in _nodes(release, process):
        for flow in node.outgoing:
            condition = " ".join((flow.condition or "").split()).replace('"', "'")
            for limit, _ in _calls(condition):
                yield Use(limit, process, node.id, "gateway", condition, "", "")


def _texts(release: Release) -> Iterator[Use]:
    for path, body in release.files.items():
        if path.startswith("bpmn/templates/"):
            for slot, expression in orjson.loads(body).get("slots", {}).items():
                for limit, _ in _calls(expression):
                    yield Use(limit, Path(path).stem, slot, "text", expression.replace('"', "'"), "", "")


def _calls(text: str) -> Iterator[tuple[str, ast.expr | None]]:
    """The limits an expression or a line reads, each with the instant it counts from."""
    for node in ast.walk(ast.parse(text.strip())):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(limit)), *rest]) if (
                name in READS
            ):
                yield limit, rest[0] if rest else None


@cache
def _nodes(release: Release, process: str) -> list[Node]:
    path = release.process(process).path
    model = model_of(path, release.files[path])
    assert model is not None
    return list(model.nodes())


def _lines(node: Node) -> list[str]:
    """The assignments of a script, without what surrounds them."""
    tree = ast.parse(node.script[0]) if node.script is not None else ast.Module([], [])
    return [ast.unparse(part) for part in ast.walk(tree) if isinstance(part, ast.Assign)]


def _set_by(release: Release, process: str, name: str) -> Iterator[str]:
    """Who sets ``name`` in a process or in what it calls."""
    if name == "scheduled_for":
        yield f"{next(e.id for e in release.process(process).elements.values() if e.kind == 'startEvent')}: schedule"
    for inside in _called(release, process):
        for node in _nodes(release, inside):
            who = node.id if inside == process else f"{inside}/{node.id}"
            values = [line.partition(" = ")[2] for line in _lines(node) if line.startswith(f"{name} = ")]
            if values:
                yield f"{who}: {' / '.join(values)}"
            form = release.forms.get(node.properties.get("form", ""))
            if form is not None and any(field.name == name for field in form.fields):
                yield f"{who}: form"


def _called(release: Release, process: str) -> list[str]:
    """The process and all it calls, itself first, the others by name."""
    met, ahead = {process}, [process]
    while ahead:
        calls = {e.calls for e in release.process(ahead.pop()).elements.values() if e.calls} - met
        met |= calls
        ahead += calls
    return [process, *sorted(met - {process})]


def _then(release: Release, process: str, timer: str) -> str:
    """What follows a timer: a notice and to whom, or the element."""
    elements = release.process(process).elements
    (after,) = [e.target for e in elements.values() if e.source == timer]
    follower = elements[after or ""]
    if follower.kind != "serviceTask":
        return follower.id
    return f"{follower.properties['service']} {follower.properties['to']}".replace('"', "")
