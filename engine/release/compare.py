"""What differs between two releases: files, elements of a diagram with their invisible properties, lines of text."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from engine.base.errors import InvalidFile
from engine.base.safe_parsing import BPMN, children, load_bpmn, local
from engine.bpmn.reading import read_diagram

from .release import Release

_OWN_ENTRY = frozenset(
    {"laneSet", "incoming", "outgoing"}
)  #: what wiring and lanes repeat about other elements


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that one of two releases lacks or has otherwise: ``kind`` is added, removed or changed."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class ElementChange:
    """An element that differs. ``facts`` are (what, before, after) with None for absent."""

    element: str
    name: str
    kind: str
    facts: list[tuple[str, str | None, str | None]]


def files(old: Release, new: Release) -> list[FileChange]:
    """Files that differ, by path."""
    found = []
    for path in sorted(old.files.keys() | new.files.keys()):
        if path not in old.files:
            found.append(FileChange(path, "added"))
        elif path not in new.files:
            found.append(FileChange(path, "removed"))
        elif old.files[path] != new.files[path]:
            found.append(FileChange(path, "changed"))
    return found


def elements(old: Release, new: Release, path: str) -> list[ElementChange]:
    """Elements of the diagram ``path`` that differ in anything but how they are drawn."""
    before, after = described(old, path), described(new, path)
    found = []
    for element in [*before, *(id for id in after if id not in before)]:
        was, now = before.get(element), after.get(element)
        if was == now:
            continue
        kind = "added" if was is None else "removed" if now is None else "changed"
        known = was or {}
        fresh = now or {}
        facts = [
            (fact, known.get(fact), fresh.get(fact))
            for fact in [*known, *(f for f in fresh if f not in known)]
            if known.get(fact) != fresh.get(fact)
        ]
        found.append(ElementChange(element, fresh.get("name") or known.get("name") or element, kind, facts))
    return found


def readable(body: bytes) -> bool:
    """Is it a diagram whose elements can be compared? A draft may be anything."""
    try:
        load_bpmn(body)
    except InvalidFile:
        return False
    return True


def text(old: Release, new: Release, path: str) -> list[str]:
    """Lines of a unified comparison of a text file."""
    before, after = (release.files.get(path, b"") for release in (old, new))
    return lines(before, after, f"{old.number}/{path}", f"{new.number}/{path}")


def lines(before: bytes, after: bytes, before_name: str = "", after_name: str = "") -> list[str]:
    """Lines of a unified comparison of two texts."""
    one, two = (body.decode("utf-8", "replace").splitlines() for body in (before, after))
    return list(difflib.unified_diff(one, two, before_name, after_name, lineterm=""))


def described(release: Release, path: str) -> Mapping[str, Mapping[str, str]]:
    """Element id → its facts: attributes, properties, conditions, scripts, timers, lane; none without the file."""
    body = release.files.get(path)
    return {} if body is None else _read(body, path)


@lru_cache(maxsize=256)  # most diagrams of two releases are the same
def _read(body: bytes, path: str) -> Mapping[str, Mapping[str, str]]:
    root = load_bpmn(body, path)
    found: dict[str, dict[str, str]] = {}
    lanes: dict[str, str] = {}
    for process in read_diagram(root, path).processes:
        lanes |= process.lanes
        for node in process.element.iter(etree.Element):
            if (
                etree.QName(node).namespace == BPMN
                and node.get("id")
                and local(node) not in ("lane", "laneSet")
            ):
                found[node.get("id", "")] = _facts(node)
    for element, lane_name in lanes.items():
        if element in found:
            found[element]["lane"] = lane_name
    return found


def _facts(node: etree._Element) -> dict[str, str]:
    facts = {"type": local(node)}
    facts |= {str(key): str(value) for key, value in node.attrib.items() if key != "id"}
    for child in children(node):
        tag = local(child)
        if tag in _OWN_ENTRY or (
            child.get("id") and tag != "documentation" and not tag.endswith("EventDefinition")
        ):
            continue
        if tag == "extensionElements":
            facts |= _extensions(child)
        elif tag.endswith("EventDefinition"):
            facts |= {local(part): (part.text or "").strip() for part in children(child)}
        else:
            facts[tag] = (child.text or "").strip()
    return facts


def _extensions(holder: etree._Element) -> Mapping[str, str]:
    facts = {}
    for node in holder.iter(etree.Element):
        if local(node) == "property":
            facts[node.get("name", "")] = node.get("value", "")
        elif node is not holder and (node.text or "").strip():
            facts[local(node)] = (node.text or "").strip()
    return facts
