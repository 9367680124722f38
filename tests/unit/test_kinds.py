"""The table of BPMN elements says what the engine does with each."""

from __future__ import annotations

import pytest
from lxml import etree
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser

from engine.base.locales import WRITTEN
from engine.base.safe_parsing import BPMN
from engine.bpmn.kinds import KINDS, NODES, PROPERTIES, Category
from engine.bpmn.properties import OF_PROCESS
from engine.bpmn.reading import read_diagram
from engine.design.layout.model import scope_of

#: kinds that stock SpiffWorkflow has no parser for
UNREAD = {"adHocSubProcess", "complexGateway"}


def read(kind: str) -> etree._Element:
    return etree.fromstring(
        f'<definitions xmlns="{BPMN}"><process id="p"><{kind} id="one" name="一"/></process></definitions>'
    )


def test_what_passes_has_a_parser_or_a_rule_against_it() -> None:
    tags = [*SpiffBpmnParser.PARSER_CLASSES, *SpiffBpmnParser.OVERRIDE_PARSER_CLASSES]
    parsed = {tag.rpartition("}")[2] for tag in tags}
    assert NODES - parsed <= UNREAD
    assert all(KINDS[kind].finding for kind in UNREAD)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_read_and_drawn(kind: str) -> None:
    scope = read_diagram(read(kind), "one.bpmn").processes[0].scope
    assert [(part.id, part.name) for part in scope.contents] == [("one", "一")]
    drawn = scope_of(scope)
    found = drawn.nodes if KINDS[kind].is_node else drawn.artifacts
    assert [one.id for one in found] == ["one"]
    if KINDS[kind].category in (Category.EVENT, Category.GATEWAY):
        assert (drawn.nodes[0].width, drawn.nodes[0].height) == KINDS[kind].size


def test_what_is_unknown_is_kept() -> None:
    scope = read_diagram(read("pigeon"), "one.bpmn").processes[0].scope
    assert [(part.id, part.element.tag) for part in scope.contents] == [("one", f"{{{BPMN}}}pigeon")]


def test_properties_that_the_panel_asks_for_have_words_in_every_language() -> None:
    for one in (*OF_PROCESS, *(one for properties in PROPERTIES.values() for one in properties)):
        for words in (one.label, one.hint):
            assert set(words) in (set(), set(WRITTEN)), one.name
