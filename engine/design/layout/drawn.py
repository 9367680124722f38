"""A drawing as it stands in a file: boxes, ways and labels by element, and which element lies in which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from engine.bpmn.drawing import Box, Drawing, Way
from engine.bpmn.kinds import FLOW
from engine.bpmn.model import DrawnProcess, Flow, Node, Scope


@dataclass(frozen=True)
class Part:
    """A step, event, gateway or flow of a process; ``around`` are the sub-processes it lies in, outermost first."""

    id: str
    kind: str
    name: str
    ends: tuple[str, str]  #: source and target of a flow; the activity of a boundary event and ""
    around: tuple[str, ...]


class Drawn:
    """What is drawn of one process."""

    def __init__(self, drawing: Drawing, process: DrawnProcess) -> None:
        self.parts = {part.id: part for part in _parts(process.scope, ())}
        self.shapes = drawing.boxes
        self.ways = drawing.ways
        self.labels = {ident: box for ident, box in drawing.labels.items() if ident in self.parts}
        #: sub-processes whose steps are shown where they stand
        self.open = {shape.about for shape in drawing.shapes if shape.is_open}
        self.lanes = {lane.id: lane.name for lane in process.all_lanes}

    @cached_property
    def steps(self) -> dict[str, Box]:
        """Boxes of everything but flows."""
        return {i: self.shapes[i] for i, p in self.parts.items() if not is_flow(p) and i in self.shapes}

    @cached_property
    def flows(self) -> dict[str, Way]:
        """Ways of the flows that are drawn."""
        return {
            i: self.ways[i] for i, p in self.parts.items() if is_flow(p) and len(self.ways.get(i, [])) > 1
        }

    @cached_property
    def bands(self) -> dict[str, Box]:
        """Boxes of the lanes that are drawn."""
        return {lane: self.shapes[lane] for lane in self.lanes if lane in self.shapes}

    def frame_of(self, part: Part) -> str:
        """The sub-process whose box ``part`` is shown in, "" for none."""
        return next((ident for ident in reversed(part.around) if ident in self.open), "")

    def together(self, one: str, two: str) -> bool:
        """True for two parts on one sheet: the steps of a folded sub-process are on a sheet of their own."""
        return self._sheet(self.parts[one]) == self._sheet(self.parts[two])

    def _sheet(self, part: Part) -> str:
        return next((ident for ident in reversed(part.around) if ident not in self.open), "")


def is_flow(part: Part) -> bool:
    """True for a sequence flow."""
    return part.kind == FLOW


def _parts(scope: Scope, around: tuple[str, ...]) -> Iterator[Part]:
    for part in scope.contents:
        if isinstance(part, Flow):
            yield Part(part.id, FLOW, part.name, (part.source, part.target), around)
        elif isinstance(part, Node):
            yield Part(part.id, part.kind, part.name, (part.attached_to or "", ""), around)
            if part.inner is not None:
                yield from _parts(part.inner, (*around, part.id))
