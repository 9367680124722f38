"""What scenarios reached of the diagrams: elements that completed, sequence flows that were taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.bpmn.diagrams import Process
from engine.bpmn.kinds import FLOW, NODES
from engine.release.release import Release

Reached = set[tuple[str, str]]  #: (process, id of an element or a sequence flow)


@dataclass
class Coverage:
    """What scenarios reached of ``processes``: elements that completed, flows that were taken."""

    processes: list[Process]
    reached: Reached = field(default_factory=set)

    def _all(self, flows: bool) -> Reached:
        return {
            (p.id, e.id)
            for p in self.processes
            for e in p.elements.values()
            if (e.kind == FLOW if flows else e.kind in NODES)
        }

    def share(self, *, flows: bool) -> float:
        """The reached share of elements (or sequence flows), 0 to 1."""
        wanted = self._all(flows)
        return len(wanted & self.reached) / len(wanted) if wanted else 1.0

    def uncovered(self) -> list[str]:
        """What no scenario reached, as ``process/id``."""
        return sorted(f"{p}/{e}" for p, e in (self._all(True) | self._all(False)) - self.reached)


def from_moves(release: Release, moves: Iterable[tuple[str, str, str]]) -> Reached:
    """What the (process, element, state) moves of one command reached, in the order they happened."""
    found, told = set(), list(moves)
    for i, (process, element, state) in enumerate(told):
        if state == "C":
            found.add((process, element))
            found |= _flow_taken(release, process, element, told[i + 1 :])
    return found


def _flow_taken(release: Release, process: str, element: str, later: list[tuple[str, str, str]]) -> Reached:
    """The flow by which ``element`` was left: its only one, the one whose target moved next, every one of a fork.

    Moves do not tell apart two flows to the same target: both count.
    """
    flows = [e for e in release.process(process).elements.values() if e.source == element]
    if len(flows) == 1 or release.element(process, element).kind == "parallelGateway":
        return {(process, flow.id) for flow in flows}
    targets = {flow.target for flow in flows}
    taken = next((e for p, e, _ in later if p == process and e in targets), None)
    return {(process, flow.id) for flow in flows if flow.target == taken}
