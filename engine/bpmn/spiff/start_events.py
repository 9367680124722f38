"""Start events with a timer. The timer says when the software opens a case (:mod:`engine.delivery.schedule`).

A case that is open is past it: stock would let every new case wait for the next round.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition
from SpiffWorkflow.spiff.parser.event_parsers import SpiffStartEventParser

from engine.bpmn.diagrams import rhythm_of


class StartParser(SpiffStartEventParser):  # type: ignore[misc]
    """Reads a start event; one that names a rhythm starts at once."""

    def get_event_definition(self, xpaths: list[str]) -> Any:
        """The event that the case waits for at its start: none where a rhythm has opened it."""
        cycles = self.xpath(".//bpmn:timeCycle")
        if len(cycles) == 1 and rhythm_of(cycles[0].text or ""):
            return NoneEventDefinition(description="Default")
        return super().get_event_definition(xpaths)
