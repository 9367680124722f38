"""Which processes a change may alter, so that only their scenarios need to run.

Rather one too many than one too few: a file counts for every process that names it, texts also where a script makes
their name from a beginning (``"notice_close_" + severity``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from copy import deepcopy

from lxml import etree

from engine.errors import GongdanError
from engine.release import CALENDAR, PARAMETERS, ROLES, Release
from engine.scenario_files import FOLDER
from engine.xml import BPMN, load_bpmn, local, safe_json

_WORD = re.compile(rb'(?:"|&quot;)([A-Za-z][A-Za-z0-9_]*)(?:"|&quot;)')
_DRAWN = "{http://www.omg.org/spec/BPMN/20100524/DI}BPMNDiagram"
#: limits that no diagram names and every process lives by
_EVERYWHERE = frozenset({"SLA_WARN_RATIO", "QUIET_HOURS"})


def touched(before: Release, after: Release, changed: Collection[str]) -> set[str]:
    """Processes of ``after`` whose own steps the changed files may alter; not those that merely call them."""
    everyone = set(after.processes)
    found: set[str] = set()
    for path in changed:
        old, new = before.files.get(path), after.files.get(path)
        if path in (CALENDAR, ROLES):
            return everyone
        if path == PARAMETERS:
            limits = {
                id
                for id in before.parameters.keys() | after.parameters.keys()
                if before.parameters.get(id) != after.parameters.get(id)
            }
            if limits & _EVERYWHERE:
                return everyone
            found |= _naming(after, {id.encode() for id in limits})
        elif path.startswith(FOLDER):
            found |= (_played(old) | _played(new)) & everyone
        elif path.endswith(".bpmn"):
            if new is not None and _behaviour(old, path) != _behaviour(new, path):
                found |= {process.id for process in after.processes.values() if process.path == path}
        else:
            found |= _naming(after, {path.rpartition("/")[2].rpartition(".")[0].encode()})
    return found


def callers(release: Release, processes: Collection[str]) -> set[str]:
    """``processes`` and every process that calls one of them or opens its cases, however indirectly."""
    calls = {
        p.id: {other for e in p.elements.values() if (other := e.calls or e.opens)}
        for p in release.processes.values()
    }
    found = set(processes)
    while more := {id for id, called in calls.items() if id not in found and called & found}:
        found |= more
    return found


def _naming(release: Release, keys: Collection[bytes]) -> set[str]:
    """Processes whose diagram, or a table it asks, names one of ``keys`` or begins its name."""
    return {
        process.id
        for process in release.processes.values()
        if any(
            key == word or (word.endswith(b"_") and key.startswith(word))
            for word in _words(release, process.id)
            for key in keys
        )
    }


def _words(release: Release, process: str) -> set[bytes]:
    found = release.process(process)
    tables = (f"bpmn/decisions/{e.decision}.dmn" for e in found.elements.values() if e.decision)
    bodies = [release.files[path] for path in (found.path, *tables) if path in release.files]
    clocks = {clock.encode() for clock in found.case_clocks}
    listed = {key.encode() for e in found.elements.values() for key in e.listed("say")}
    return {word for body in bodies for word in _WORD.findall(body)} | clocks | listed


def _played(body: bytes | None) -> set[str]:
    """The processes that a scenario file plays; none for one that cannot be read."""
    try:
        raw = safe_json(body or b"[]", FOLDER)
    except GongdanError:
        return set()
    items = raw if isinstance(raw, list) else []
    return {str(item.get("process")) for item in items if isinstance(item, Mapping)}


def _behaviour(body: bytes | None, path: str) -> bytes:
    """A diagram without what nobody but people read: the drawing, documentation, names of anything but lanes."""
    if body is None:
        return b""
    root = deepcopy(load_bpmn(body, path))
    etree.strip_elements(root, _DRAWN, f"{{{BPMN}}}documentation", with_tail=False)
    for node in root.iter(etree.Element):
        if node.tag.startswith(f"{{{BPMN}}}") and local(node) != "lane" and "name" in node.attrib:
            del node.attrib["name"]
        node.text, node.tail = (node.text or "").strip(), None
    return etree.tostring(root, method="c14n2")
