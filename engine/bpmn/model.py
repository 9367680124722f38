"""A BPMN file as everybody reads it: processes, steps, flows, lanes and whatever else, each with its line.

Reading never fails: what is missing or odd is simply empty here (:mod:`engine.bpmn.reading`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from engine.base.safe_parsing import BPMN, SPIFF, line_of, local

from .drawing import Drawing, read_drawing

#: characters of scripts and expressions in one file that lint still reads
MAX_WRITTEN = 150_000
_WRITTEN = frozenset(
    {
        *("script", "preScript", "postScript", "conditionExpression", "property"),
        *("timeDate", "timeDuration", "timeCycle", "calledDecisionId"),
        *("loopCardinality", "completionCondition", "loopCondition"),
    }
)


@dataclass(eq=False)
class Flow:
    """A sequence flow; ``source`` and ``target`` are ids as written, perhaps empty or of nothing."""

    id: str
    name: str
    source: str
    target: str
    condition: str | None
    line: int | None
    element: etree._Element


@dataclass(eq=False)
class Timer:
    """A timer definition: ``kind`` is ``timeDate``, ``timeDuration``, ``timeCycle`` or ``""``."""

    kind: str
    text: str
    line: int | None


@dataclass(eq=False)
class Node:
    """One flow node with its flows (by id in the same scope)."""

    id: str
    kind: str
    name: str
    line: int | None
    element: etree._Element
    scope: Scope
    lane: str | None
    properties: dict[str, str]
    documentation: str
    events: list[str]
    timers: list[Timer]
    attached_to: str | None = None
    incoming: list[Flow] = field(default_factory=list)
    outgoing: list[Flow] = field(default_factory=list)
    boundary: list[Node] = field(default_factory=list)
    inner: Scope | None = None

    @property
    def interrupting(self) -> bool:
        """For boundary events: does it end the activity?"""
        return self.element.get("cancelActivity", "true") != "false"

    @property
    def multiple(self) -> bool:
        """True for multi-instance activities."""
        return self.loop("multiInstance") is not None

    def loop(self, kind: str) -> etree._Element | None:
        """The ``multiInstance`` or ``standard`` loop of an activity."""
        return self.element.find(f"{{{BPMN}}}{kind}LoopCharacteristics")

    def listed(self, name: str) -> list[str]:
        """A comma-separated property as a list."""
        return [part.strip() for part in self.properties.get(name, "").split(",") if part.strip()]

    def extension(self, tag: str) -> str | None:
        """Text of an engine extension such as ``preScript``; None when absent."""
        found = self.element.find(f"{{{BPMN}}}extensionElements/{{{SPIFF}}}{tag}")
        return None if found is None else (found.text or "").strip()

    @property
    def script(self) -> tuple[str, int | None] | None:
        """The script of a script task and the line it starts on."""
        found = self.element.find(f"{{{BPMN}}}script")
        return None if found is None or found.text is None else (found.text, line_of(found))


@dataclass(eq=False)
class Other:
    """Whatever else a process holds: notes, data, associations, and elements that are not known."""

    id: str
    kind: str
    name: str
    line: int | None
    element: etree._Element


@dataclass(eq=False)
class Lane:
    """A lane. ``refs`` are the ids it lists; ``parents`` the lanes around it, outermost first."""

    id: str
    name: str
    refs: list[str]
    parents: list[Lane]
    divided: bool  #: it has lanes of its own


@dataclass(eq=False)
class Scope:
    """Flow nodes of a process or sub-process; ``contents`` is all that it holds, in the order of the file."""

    id: str
    kind: str
    line: int | None
    element: etree._Element
    parent: Scope | None
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    contents: list[Node | Flow | Other] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)

    def all_nodes(self) -> Iterator[Node]:
        """The nodes of this scope and of those inside."""
        for node in self.nodes.values():
            yield node
            if node.inner is not None:
                yield from node.inner.all_nodes()

    def steps(self, node: Node) -> Iterator[Node]:
        """Where the process may go from ``node``: along flows and onto its boundary events."""
        for flow in node.outgoing:
            following = self.nodes.get(flow.target)
            if following is not None:
                yield following
        yield from node.boundary


@dataclass(eq=False)
class DrawnProcess:
    """One process of the file. ``all_lanes`` has those of its sub-processes, too.

    ``lanes``: the name of the lane that lists an element, by the element's id.
    """

    id: str
    name: str
    line: int | None
    element: etree._Element
    properties: dict[str, str]
    documentation: str
    all_lanes: list[Lane]
    lanes: dict[str, str]
    scope: Scope


@dataclass(eq=False)
class DiagramModel:
    """The whole file."""

    file: str
    root: etree._Element
    processes: list[DrawnProcess]
    collaborations: list[etree._Element]
    scopes: list[Scope]

    @cached_property
    def drawing(self) -> Drawing:
        """What the file draws."""
        return read_drawing(self.root)

    @cached_property
    def written(self) -> int:
        """Characters of all scripts and expressions together."""
        elements = (element for element in self.root.iter("*") if local(element) in _WRITTEN)
        return sum(len(element.text or "") + len(element.get("value", "")) for element in elements)

    @property
    def readable(self) -> bool:
        """False when there is more to read in scripts and expressions than anybody takes time for."""
        return self.written <= MAX_WRITTEN

    def nodes(self) -> Iterator[Node]:
        """Every flow node, process by process."""
        for scope in self.scopes:
            yield from scope.nodes.values()

    def with_kind(self, *kinds: str) -> Iterator[Node]:
        """Every flow node of the given kinds."""
        return (node for node in self.nodes() if node.kind in kinds)
