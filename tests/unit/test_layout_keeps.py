"""Drawing afresh loses nothing: every process is drawn, and a worse drawing is refused with the file untouched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from engine.base.errors import InvalidFile
from engine.base.safe_parsing import BPMN, BPMNDI, load_bpmn
from engine.cli.layout import layout as layout_command
from engine.design.layout import layout_bpmn
from engine.design.layout.check import check_drawing
from tests.unit.diagrams import HEAD

SHAPE = (
    '<bpmndi:BPMNShape id="{0}_di" bpmnElement="{0}"{4}><dc:Bounds x="{1}" y="{2}" width="{3}" height="80"/>'
    "</bpmndi:BPMNShape>"
)
EDGE = (
    '<bpmndi:BPMNEdge id="{0}_di" bpmnElement="{0}"><di:waypoint x="1" y="1"/><di:waypoint x="9" y="9"/>'
    "</bpmndi:BPMNEdge>"
)


def shape(ident: str, x: int = 0, y: int = 0, width: int = 100, more: str = "") -> str:
    return SHAPE.format(ident, x, y, width, f" {more}" if more else "")


def edge(ident: str) -> str:
    return EDGE.format(ident)


def small(ident: str, inner: str = "", lanes: str = "") -> str:
    """A process of one step."""
    return (
        f'<bpmn:process id="{ident}" isExecutable="true">{lanes}<bpmn:startEvent id="{ident}_s"/>'
        f'<bpmn:userTask id="{ident}_t"/><bpmn:endEvent id="{ident}_e"/>'
        f'<bpmn:sequenceFlow id="{ident}_1" sourceRef="{ident}_s" targetRef="{ident}_t"/>'
        f'<bpmn:sequenceFlow id="{ident}_2" sourceRef="{ident}_t" targetRef="{ident}_e"/>{inner}</bpmn:process>'
    )


def drawn_of(ident: str) -> str:
    """A drawing of :func:`small`."""
    steps = "".join(shape(f"{ident}_{part}", x) for x, part in ((0, "s"), (200, "t"), (400, "e")))
    return steps + edge(f"{ident}_1") + edge(f"{ident}_2")


def pools(ident: str, *named: str, more: str = "") -> str:
    inner = "".join(
        f'<bpmn:participant id="{ident}_{one}" name="{one}" processRef="{one}"/>' for one in named
    )
    return f'<bpmn:collaboration id="{ident}">{inner}{more}</bpmn:collaboration>'


def file(body: str, drawing: str = "", plane: str = "co") -> bytes:
    sheet = (
        f'<bpmndi:BPMNDiagram id="sheet"><bpmndi:BPMNPlane id="plane" bpmnElement="{plane}">{drawing}'
        "</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>"
        if drawing
        else ""
    )
    return f"{HEAD}{body}{sheet}</bpmn:definitions>".encode()


def shown(root: etree._Element) -> set[str]:
    """What a drawing shows, read by another way than the one that guards it."""
    return {str(found) for found in root.xpath("//*[local-name()='BPMNPlane']/*/@bpmnElement")}  # type: ignore[union-attr]


def everything(root: etree._Element) -> set[str]:
    """Whatever has an id and is a step, a flow, a lane, a pool or a note."""
    kinds = (
        r"(Event|Task|task|Gateway|subProcess|[fF]low|lane|participant|textAnnotation|association|Reference)$"
    )
    found = (e for e in root.iter(f"{{{BPMN}}}*") if re.search(kinds, str(e.tag)) and e.get("id"))
    return {e.get("id", "") for e in found}


LANED = (
    '<bpmn:laneSet id="p_ls"><bpmn:lane id="p_lane" name="坐席"><bpmn:flowNodeRef>p_s</bpmn:flowNodeRef>'
    "<bpmn:flowNodeRef>p_t</bpmn:flowNodeRef><bpmn:flowNodeRef>p_e</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>"
)
NOTE = (
    '<bpmn:textAnnotation id="{0}_n"><bpmn:text>两小时内</bpmn:text></bpmn:textAnnotation>'
    '<bpmn:association id="{0}_a" sourceRef="{0}_n" targetRef="{0}_1"/>'
)
DATA = (
    '<bpmn:dataObject id="{0}_o"/><bpmn:dataObjectReference id="{0}_d" dataObjectRef="{0}_o" name="单据"/>'
    '<bpmn:task id="{0}_w"><bpmn:property id="{0}_q"/><bpmn:dataInputAssociation id="{0}_i"><bpmn:sourceRef>{0}_d'
    "</bpmn:sourceRef><bpmn:targetRef>{0}_q</bpmn:targetRef></bpmn:dataInputAssociation></bpmn:task>"
)
MESSAGE = '<bpmn:messageFlow id="mail" sourceRef="p_t" targetRef="q_t"/>'
SUB = (
    '<bpmn:subProcess id="{0}_sub"><bpmn:laneSet id="{0}_ls"><bpmn:lane id="{0}_lane" name="内">'
    '<bpmn:flowNodeRef>{0}_x</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet><bpmn:task id="{0}_x"/></bpmn:subProcess>'
)

#: files of which something used to go, or may
KEPT = {
    "a process beside the pools": file(
        pools("co", "p") + small("p") + small("q"), shape("co_p") + drawn_of("p") + drawn_of("q")
    ),
    "a process with lanes beside the pools": file(
        pools("co", "q") + small("p", lanes=LANED) + small("q"),
        drawn_of("q") + drawn_of("p") + shape("p_lane"),
    ),
    "several collaborations": file(
        pools("co", "p") + pools("other", "q") + small("p") + small("q") + small("r"),
        shape("co_p") + drawn_of("p") + shape("other_q") + drawn_of("q") + drawn_of("r"),
    ),
    "a process in two collaborations": file(
        pools("co", "p") + pools("other", "p", "q", more=MESSAGE) + small("p") + small("q"),
        drawn_of("p") + drawn_of("q") + edge("mail"),
    ),
    "two pools of one process": file(
        pools("co", "p").replace("</bpmn:coll", '<bpmn:participant id="again" processRef="p"/></bpmn:coll')
        + small("p"),
        shape("co_p") + shape("again") + drawn_of("p"),
    ),
    "processes without any pool": file(small("p") + small("q"), drawn_of("p") + drawn_of("q"), "p"),
    "a pool of nobody and message flows": file(
        pools("co", "p", "q", "gone", more=MESSAGE) + small("p") + small("q"),
        shape("co_gone") + drawn_of("p") + drawn_of("q") + edge("mail"),
    ),
    "a note on a flow": file(small("p", NOTE.format("p")), drawn_of("p") + shape("p_n") + edge("p_a"), "p"),
    "a note of the collaboration": file(
        pools("co", "p", more=NOTE.format("p")) + small("p"),
        drawn_of("p") + shape("p_n") + edge("p_a"),
    ),
    "data of a step": file(
        small("p", DATA.format("p")), drawn_of("p") + shape("p_d") + shape("p_w") + edge("p_i"), "p"
    ),
    "lanes of a sub-process": file(
        small("p", SUB.format("p")), drawn_of("p") + shape("p_sub") + shape("p_x") + shape("p_lane"), "p"
    ),
    "a group around steps": file(
        small("p", '<bpmn:group id="p_g"/>'), drawn_of("p") + shape("p_g", -20, -20, 340), "p"
    ).replace(b'width="340" height="80"', b'width="340" height="140"'),
    "a step that is not drawn": file(small("p") + small("q", NOTE.format("q")), drawn_of("p"), "p"),
}


@pytest.mark.parametrize("what", KEPT)
def test_all_that_was_drawn_or_should_be_is_drawn(what: str) -> None:
    old = load_bpmn(KEPT[what])
    new = load_bpmn(layout_bpmn(KEPT[what]))
    assert shown(new) >= (shown(old) - {"co", "p"}) | everything(old)
    assert len(check_drawing(new)) <= len(check_drawing(old))
    names = [e.get("bpmnElement") for e in new.iter(f"{{{BPMNDI}}}BPMNShape", f"{{{BPMNDI}}}BPMNEdge")]
    assert len(names) == len(set(names)), "modelers take one drawing of each element"


def test_a_process_beside_the_pools_gets_one_where_modelers_look_for_it() -> None:
    new = load_bpmn(layout_bpmn(KEPT["a process beside the pools"]))
    (collaboration,) = new.iter(f"{{{BPMN}}}collaboration")
    assert [pool.get("processRef") for pool in collaboration] == ["p", "q"]
    assert [plane.get("bpmnElement") for plane in new.iter(f"{{{BPMNDI}}}BPMNPlane")] == ["co"]


def test_how_an_element_looks_stays() -> None:
    colour = 'xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0" bioc:stroke="#831311"'
    drawing = drawn_of("p").replace(shape("p_t", 200), shape("p_t", 200, more=colour))
    new = load_bpmn(layout_bpmn(file(small("p"), drawing, "p")))
    step = next(e for e in new.iter(f"{{{BPMNDI}}}BPMNShape") if e.get("bpmnElement") == "p_t")
    assert step.get("{http://bpmn.io/schema/bpmn/biocolor/1.0}stroke") == "#831311"


#: what this drawing cannot show, and what the refusal names
REFUSED = {
    "a group of which nothing is left": (
        file(small("p", '<bpmn:group id="p_g"/>'), drawn_of("p") + shape("p_g", 900, 900), "p"),
        "group p_g",
    ),
    "a flow that leads nowhere": (
        file(
            small("p", '<bpmn:task id="p_x"/>').replace('targetRef="p_e"', 'targetRef="p"'),
            drawn_of("p"),
            "p",
        ),
        "sequenceFlow p_2",
    ),
    "a choreography": (
        file(
            '<bpmn:choreography id="ch"><bpmn:participant id="a"/><bpmn:participant id="b"/><bpmn:choreographyTask '
            'id="task" initiatingParticipantRef="a"><bpmn:participantRef>a</bpmn:participantRef><bpmn:participantRef>'
            "b</bpmn:participantRef><bpmn:messageFlowRef>m</bpmn:messageFlowRef></bpmn:choreographyTask>"
            '<bpmn:messageFlow id="m" sourceRef="a" targetRef="b"/></bpmn:choreography>' + small("p"),
            shape("task") + shape("a") + shape("b"),
            "ch",
        ),
        "choreographyTask task",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_drawing_that_would_lack_something_is_refused_and_the_file_stays(what: str, tmp_path: Path) -> None:
    content, named = REFUSED[what]
    path = tmp_path / "kept.bpmn"
    path.write_bytes(content)
    answer = CliRunner().invoke(layout_command, [str(path)])
    assert answer.exit_code == 1
    assert "left as it is" in answer.output
    assert named in answer.output
    assert path.read_bytes() == content


def test_a_drawing_with_more_faults_is_refused() -> None:
    """A step drawn by hand as wide as its long name needs would come out narrower, its name cut."""
    name = "把处理结果在时限内回复给客户并记录" * 8
    body = small("p").replace('<bpmn:userTask id="p_t"/>', f'<bpmn:userTask id="p_t" name="{name}"/>')
    way = '<di:waypoint x="{}" y="40"/><di:waypoint x="{}" y="40"/>'
    old, marks = '<di:waypoint x="1" y="1"/><di:waypoint x="9" y="9"/>', ((100, 200), (1200, 1300))
    drawing = shape("p_s") + shape("p_t", 200, 0, 1000) + shape("p_e", 1300)
    drawing += "".join(edge(f"p_{n}").replace(old, way.format(*mark)) for n, mark in enumerate(marks, 1))
    content = file(body, drawing, "p")
    assert check_drawing(load_bpmn(content)) == []
    with pytest.raises(InvalidFile, match=r"\(1 instead of 0\): p_t: its name needs more room"):
        layout_bpmn(content)
    assert layout_bpmn(file(body)), "where nothing is drawn, any drawing is better"


@st.composite
def mixed(draw: st.DrawFn) -> tuple[bytes, bool]:
    """Files of several processes in pools, outside of pools or in none, wholly, partly or not drawn."""
    idents = ["p", "q", "r"][: draw(st.integers(1, 3))]
    parts = {"data": DATA, "sub": SUB, "note": NOTE}  # as the schema has them: notes last
    body, drawing = "", ""
    for ident in idents:
        more = [one for one in parts if draw(st.booleans())]
        body += small(ident, "".join(parts[one].format(ident) for one in more))
        if draw(st.booleans()):
            drawing += drawn_of(ident)
            drawing += shape(f"{ident}_n") + edge(f"{ident}_a") if "note" in more else ""
            drawing += shape(f"{ident}_w") + edge(f"{ident}_i") if "data" in more else ""
    named = [ident for ident in idents if draw(st.booleans())]
    split = draw(st.integers(0, len(named)))
    collaborations = [one for one in (named[:split], named[split:]) if one]
    heads = "".join(pools(f"co{number}", *one) for number, one in enumerate(collaborations))
    odd = draw(st.booleans()) and draw(st.booleans())
    if odd:
        body = body.replace("</bpmn:process>", '<bpmn:group id="odd"/></bpmn:process>', 1)
        drawing += shape("odd", 5000, 5000)
    plane = "co0" if heads else idents[0]
    return file(heads + body, drawing, plane), odd


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mixed())
def test_whatever_the_file_nothing_of_it_goes(made: tuple[bytes, bool]) -> None:
    content, odd = made
    old = load_bpmn(content)
    if odd:
        with pytest.raises(InvalidFile, match="group odd"):
            layout_bpmn(content)
        return
    new = load_bpmn(layout_bpmn(content))
    assert shown(new) >= shown(old) - {"co0", "p"} | everything(old)
    assert layout_bpmn(etree.tostring(new)) == layout_bpmn(layout_bpmn(content)), "drawn once, drawn for good"
