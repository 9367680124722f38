"""Which processes a change may alter, so that only their scenarios need to run.

Rather one too many than one too few: a file counts for every process that names it, texts also where a script makes
their name from a beginning (``"notice_close_" + severity``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from html import unescape

from lxml import etree

from engine.base.errors import GongdanError
from engine.base.safe_parsing import BPMN, load_bpmn, local, safe_json
from engine.release.release import CALENDAR, PARAMETERS, ROLES, Release
from engine.release.scenario_files import FOLDER

_WORD = re.compile(r"""["']([A-Za-z][A-Za-z0-9_]*)(?=\\?["'])""")  # in JSON a quote follows a backslash
_SHOWN = ("forms/", "bpmn/templates/")  #: what people see, with expressions of its own
_DRAWN = "{http://www.omg.org/spec/BPMN/20100524/DI}BPMNDiagram"
#: limits that no diagram names and every process lives by
_EVERYWHERE = frozenset({"SLA_WARN_RATIO", "QUIET_HOURS"})


def touched(before: Release, after: Release, changed: Collection[str]) -> set[str]:
    """Processes of ``after`` whose own steps the changed files may alter; not those that merely call them."""
    everyone = set(after.processes)
    found: set[str] = set()
    keys: set[str] = set()
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
            keys |= limits
        elif path.startswith(FOLDER):
            found |= (_played(old) | _played(new)) & everyone
        elif path.endswith(".bpmn"):
            if new is not None and _behaviour(old, path) != _behaviour(new, path):
                found |= {process.id for process in after.processes.values() if process.path == path}
        else:
            keys.add(_key(path))
    return found | (_naming(after, keys) if keys else set())


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


def _naming(release: Release, keys: Collection[str]) -> set[str]:
    """Processes whose diagram, or a table, form or text of theirs, names one of ``keys`` or begins its name."""
    words = {path: _words(body) for path, body in release.files.items() if not path.startswith(FOLDER)}
    return {id for id in release.processes if any(_names(_said(release, id, words), key) for key in keys)}


def _names(words: Collection[str], key: str) -> bool:
    return key in words or any(word.endswith("_") and key.startswith(word) for word in words)


def _said(release: Release, process: str, words: Mapping[str, set[str]]) -> set[str]:
    """What a process names: in its diagram, in the tables it asks, then in the forms and texts named there."""
    found = release.process(process)
    tables = (f"bpmn/decisions/{e.decision}.dmn" for e in found.elements.values() if e.decision)
    said = set(found.case_clocks) | {key for e in found.elements.values() for key in e.listed("say")}
    said = said.union(*(words.get(path, ()) for path in (found.path, *tables)))
    named = [path for path in words if path.startswith(_SHOWN) and _names(said, _key(path))]
    return said.union(*(words[path] for path in named))


def _words(body: bytes) -> set[str]:
    return set(_WORD.findall(unescape(body.decode("utf-8", "replace"))))


def _key(path: str) -> str:
    """The name by which a diagram calls a form, a text or a table."""
    return path.rpartition("/")[2].rpartition(".")[0]


def played(files: Mapping[str, bytes]) -> set[str]:
    """The processes that the scenarios among ``files`` play."""
    return {id for path, body in files.items() if path.startswith(FOLDER) for id in _played(body)}


def _played(body: bytes | None) -> set[str]:
    """The processes that a scenario file plays; none for one that cannot be read."""
    try:
        raw = safe_json(body or b"[]", FOLDER)
    except GongdanError:
        return set()
    items = raw if isinstance(raw, list) else []
    return {str(item.get("process")) for item in items if isinstance(item, Mapping)}


def _behaviour(body: bytes | None, path: str) -> bytes:
    """A diagram without what nobody but people read: the drawing, documentation, names of steps and their likes."""
    if body is None:
        return b""
    root = deepcopy(load_bpmn(body, path))
    etree.strip_elements(root, _DRAWN, f"{{{BPMN}}}documentation", with_tail=False)
    for node in root.iter(etree.Element):
        if "name" in node.attrib and _only_read(node):
            del node.attrib["name"]
        node.text, node.tail = (node.text or "").strip(), None
    return etree.tostring(root, method="c14n2")


def _only_read(node: etree._Element) -> bool:
    """Is the name of an element for people alone? Lanes give duties by theirs, messages find their events by it."""
    if not node.tag.startswith(f"{{{BPMN}}}") or local(node) == "lane":
        return False
    process = f"{{{BPMN}}}process"
    return (
        local(node) == "participant"
        or node.tag == process
        or next(node.iterancestors(process), None) is not None
    )
