"""Automatic drawing: nothing overlaps, nothing runs through anything, everything is in its lane."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from engine.base.safe_parsing import BPMNDI, DC, DI, children, load_bpmn
from engine.base.settings import CHECKOUT
from engine.cli.layout import layout as layout_command
from engine.design.layout import layout_bpmn
from engine.design.layout.check import check_drawing
from tests.unit import diagrams
from tests.unit.diagrams import FlowLine, Step

NAMES = [
    "核实",
    "联系客户",
    "将处理结果在时限内回复给客户并记录",
    "Check",
    "",
    "登记投诉内容并派单至承办部门",
]
BRANCHES = ["是", "否", "不满意,要求升级", "", "未接通"]


def drawn(content: bytes) -> etree._Element:
    """The new drawing, valid by the schema."""
    return load_bpmn(layout_bpmn(content))


def ways(root: etree._Element) -> dict[str, list[tuple[int, int]]]:
    """Waypoints by flow."""
    return {
        edge.get("bpmnElement", ""): [
            (int(p.get("x", "")), int(p.get("y", ""))) for p in edge.findall(f"{{{DI}}}waypoint")
        ]
        for edge in root.iter(f"{{{BPMNDI}}}BPMNEdge")
    }


@pytest.mark.parametrize("sample", [diagrams.callback, diagrams.investigation])
def test_samples_are_drawn_without_fault(sample: Callable[[], bytes]) -> None:
    root = drawn(sample())
    assert check_drawing(root) == []


SHIPPED = sorted(path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "bpmn").rglob("*.bpmn"))


@pytest.mark.parametrize("path", SHIPPED)
def test_what_ships_is_drawn_without_fault(path: str) -> None:
    content = (CHECKOUT / path).read_bytes()
    assert check_drawing(load_bpmn(content)) == []
    again = drawn(content)
    assert check_drawing(again) == []


def test_flows_are_orthogonal_and_end_at_their_shapes() -> None:
    root = drawn(diagrams.investigation())
    shown = {shape.get("bpmnElement") for shape in root.iter(f"{{{BPMNDI}}}BPMNShape")}
    for ident, way in ways(root).items():
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(way)), ident
        assert all(a != b for a, b in pairwise(way)), ident
    assert shown >= {"Participant_network_fault", "lane_1", "work", "reply_late", "verify"}


def test_the_happy_path_of_a_plain_process_is_one_line() -> None:
    steps: list[Step] = [
        ("startEvent", "s", ""),
        ("userTask", "a", "A"),
        ("userTask", "b", "B"),
        ("endEvent", "e", ""),
    ]
    root = drawn(diagrams.process("p", "P", steps, [("s", "a"), ("a", "b"), ("b", "e")]))
    assert all(len(way) == 2 for way in ways(root).values())


def test_boundary_events_sit_on_the_bottom_edge() -> None:
    root = drawn(diagrams.callback())
    bounds = {
        shape.get("bpmnElement", ""): shape.find(f"{{{DC}}}Bounds")
        for shape in root.iter(f"{{{BPMNDI}}}BPMNShape")
    }
    event, host = bounds["limit_1"], bounds["callback_1"]
    assert event is not None
    assert host is not None
    middle = int(event.get("y", "")) + int(event.get("height", "")) // 2
    assert middle == int(host.get("y", "")) + int(host.get("height", ""))


def test_only_the_drawing_changes() -> None:
    before, after = load_bpmn(diagrams.callback()), drawn(diagrams.callback())
    old, new = (
        [etree.tostring(p, method="c14n") for p in children(root, "process")] for root in (before, after)
    )
    assert old == new
    again = layout_bpmn(etree.tostring(after, encoding="UTF-8"))
    assert again == layout_bpmn(diagrams.callback())


def test_the_same_file_gives_the_same_drawing_whatever_the_hash_seed() -> None:
    code = (
        "import sys; from engine.design.layout import layout_bpmn; from tests.unit import diagrams; "
        "sys.stdout.buffer.write(layout_bpmn(diagrams.investigation()))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {layout_bpmn(diagrams.investigation())}


def test_notes_and_several_pools() -> None:
    steps: list[Step] = [("startEvent", "s", ""), ("userTask", "a", "A"), ("endEvent", "e", "")]
    note = (
        '<bpmn:textAnnotation id="n"><bpmn:text>两小时内答复</bpmn:text></bpmn:textAnnotation>'
        '<bpmn:association id="t" sourceRef="a" targetRef="n"/>'
    )
    content = diagrams.process("p", "P", steps, [("s", "a"), ("a", "e")], lanes={"一线坐席": "s a e"})
    content = content.replace(b"</bpmn:process>", note.encode() + b"</bpmn:process>")
    second = b'<bpmn:process id="q"><bpmn:startEvent id="qs"/></bpmn:process></bpmn:definitions>'
    root = drawn(content.replace(b"</bpmn:definitions>", second))
    assert check_drawing(root) == []
    assert {"n", "Participant_p", "Participant_q", "qs"} <= {
        shape.get("bpmnElement") for shape in root.iter(f"{{{BPMNDI}}}BPMNShape")
    }


def part(root: etree._Element, ident: str, tag: str) -> etree._Element:
    """The bounds, label bounds or last waypoint of an element: ``dc:Bounds``, ``label`` or ``waypoint``."""
    drawn_as = next(e for e in root.iter() if e.get("bpmnElement") == ident)
    path = {
        "bounds": f"{{{DC}}}Bounds",
        "label": f"{{{BPMNDI}}}BPMNLabel/{{{DC}}}Bounds",
        "waypoint": f"{{{DI}}}waypoint[last()]",
    }[tag]
    found = drawn_as.find(path)
    assert found is not None
    return found


def middle_of(root: etree._Element, ident: str) -> tuple[int, int]:
    """A point on the first stretch of a flow."""
    a, b = ways(root)[ident][:2]
    return (a[0] + b[0]) // 2, (a[1] + b[1]) // 2


def put(element: etree._Element, **values: int) -> None:
    """Set numbers of a box or a point."""
    for key, value in values.items():
        element.set(key, str(value))


def spoil_label_on_label(root: etree._Element) -> None:
    other = part(root, "limit_1", "label")
    put(part(root, "reached_1", "label"), x=int(other.get("x", "")), y=int(other.get("y", "")))


def spoil_label_on_shape(root: etree._Element) -> None:
    box = part(root, "archive", "bounds")
    put(part(root, "reached_1", "label"), x=int(box.get("x", "")) + 5, y=int(box.get("y", "")) + 30)


def spoil_label_on_flow(root: etree._Element) -> None:
    x, y = middle_of(root, "start__register_request")
    put(part(root, "reached_1", "label"), x=x - 30, y=y - 7)


def spoil_label_on_lane_edge(root: etree._Element) -> None:
    lane = part(root, "lane_2", "bounds")
    put(part(root, "reached_1", "label"), x=int(lane.get("x", "")) + 60, y=int(lane.get("y", "")) - 7)


def spoil_long_name_in_a_step(root: etree._Element) -> None:
    next(e for e in root.iter() if e.get("id") == "callback_1").set(
        "name", "把处理结果在时限内回复给客户" * 3
    )


def spoil_long_name_beside(root: etree._Element) -> None:
    next(e for e in root.iter() if e.get("id") == "reached_1").set(
        "name", "客户是否已经在时限以内接听了电话" * 2
    )


def spoil_name_without_place(root: etree._Element) -> None:
    for label in list(root.iter(f"{{{BPMNDI}}}BPMNLabel")):
        shape = label.getparent()
        if shape is not None and shape.get("bpmnElement") == "reached_1":
            shape.remove(label)


def spoil_step_on_flow(root: etree._Element) -> None:
    x, y = middle_of(root, "start__register_request")
    put(part(root, "archive", "bounds"), x=x - 8, y=y - 40, width=16)


def spoil_loose_end(root: etree._Element) -> None:
    end = part(root, "start__register_request", "waypoint")
    put(end, x=int(end.get("x", "")) - 20)


def spoil_step_on_step(root: etree._Element) -> None:
    box = part(root, "callback_1", "bounds")
    put(part(root, "archive", "bounds"), x=int(box.get("x", "")), y=int(box.get("y", "")))


SPOILED = [
    (spoil_label_on_label, "label", "overlaps that of"),
    (spoil_label_on_shape, "label", "overlaps archive"),
    (spoil_label_on_flow, "label", "crossed by start__register_request"),
    (spoil_label_on_lane_edge, "label", "edge of lane"),
    (spoil_long_name_in_a_step, "clipped", "than its shape has"),
    (spoil_long_name_beside, "clipped", "than its box has"),
    (spoil_name_without_place, "missing", "no place"),
    (spoil_step_on_flow, "through", "runs through archive"),
    (spoil_loose_end, "loose", "does not touch"),
    (spoil_step_on_step, "overlap", "overlaps"),
]


@pytest.mark.parametrize(("spoil", "kind", "words"), SPOILED)
def test_the_check_finds_what_is_wrong(
    spoil: Callable[[etree._Element], None], kind: str, words: str
) -> None:
    root = etree.fromstring(layout_bpmn(diagrams.callback()))
    assert check_drawing(root) == []
    spoil(root)
    assert any(fault.kind == kind and words in fault.message for fault in check_drawing(root))


def test_steps_outside_their_lane_and_broken_numbers_are_found() -> None:
    root = etree.fromstring(layout_bpmn(diagrams.callback()))
    put(part(root, "archive", "bounds"), y=-200)
    part(root, "answered", "bounds").set("width", "?")
    kinds = {(fault.kind, fault.element) for fault in check_drawing(root)}
    assert {("lane", "archive"), ("missing", "answered")} <= kinds


def test_two_flows_on_one_line_are_found() -> None:
    steps: list[Step] = [
        ("startEvent", "s", ""),
        ("userTask", "a", ""),
        ("userTask", "b", ""),
        ("endEvent", "e", ""),
    ]
    root = etree.fromstring(
        layout_bpmn(diagrams.process("p", "P", steps, [("s", "a"), ("a", "b"), ("b", "e")]))
    )
    by_flow = {e.get("bpmnElement", ""): e for e in root.iter(f"{{{BPMNDI}}}BPMNEdge")}
    first, *_, last = by_flow.values()
    put(first.findall(f"{{{DI}}}waypoint")[-1], x=int(last.findall(f"{{{DI}}}waypoint")[-1].get("x", "")))
    assert "along" in {fault.kind for fault in check_drawing(root)}


def test_command_draws_and_checks(tmp_path: Path) -> None:
    runner = CliRunner()
    good, bad = tmp_path / "a.bpmn", tmp_path / "b.bpmn"
    good.write_bytes(diagrams.callback())
    bad.write_bytes(b"<x")
    assert runner.invoke(layout_command, [str(good), "--check"]).exit_code == 1
    assert runner.invoke(layout_command, [str(good)]).exit_code == 0
    assert runner.invoke(layout_command, [str(good), "--check"]).exit_code == 0
    result = runner.invoke(layout_command, [str(bad)])
    assert result.exit_code == 1
    assert "b.bpmn:1" in result.output


@st.composite
def generated(draw: st.DrawFn) -> bytes:
    """Processes with lanes, boundary timers, loops and any number of joins and splits."""
    count = draw(st.integers(2, 16))
    steps: list[Step] = [("startEvent", "n0", draw(st.sampled_from(NAMES)))]
    flows: list[FlowLine] = []
    names = ["一线坐席", "派单员", "系统"][: draw(st.integers(1, 3))]
    lanes: dict[str, list[str]] = {name: [] for name in names}
    lanes[names[0]].append("n0")
    splits: list[str] = ["n0"]
    for number in range(1, count):
        kind = draw(
            st.sampled_from(["userTask", "userTask", "exclusiveGateway", "parallelGateway", "endEvent"])
        )
        ident = f"n{number}"
        source = draw(st.sampled_from(splits))
        flows.append((source, ident, draw(st.sampled_from(BRANCHES))))
        steps.append((kind, ident, draw(st.sampled_from(NAMES))))
        lanes[draw(st.sampled_from(names))].append(ident)
        if not _is_gateway(steps, source):
            splits.remove(source)
        if kind != "endEvent":
            splits.append(ident)
        if not splits:
            splits.append("n0")
        if kind == "userTask":
            for each in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
                event = f"b{number}_{each}"
                steps.append(
                    ("boundaryEvent", event, draw(st.sampled_from(NAMES)), f'attachedToRef="{ident}"')
                )
                splits.append(event)
    targets = [step[1] for step in steps if step[0] not in ("boundaryEvent", "startEvent")]
    gateways = [step[1] for step in steps if step[0] == "exclusiveGateway"]
    if gateways:
        for _ in range(draw(st.integers(0, 3))):
            pair = (draw(st.sampled_from(gateways)), draw(st.sampled_from(targets)))
            if pair not in [(f[0], f[1]) for f in flows]:
                flows.append((*pair, draw(st.sampled_from(BRANCHES))))
    laned = {name: " ".join(ids) for name, ids in lanes.items()}
    return diagrams.process("p", "生成的流程", steps, flows, lanes=laned if draw(st.booleans()) else None)


def _is_gateway(steps: list[Step], ident: str) -> bool:
    return any(step[1] == ident and step[0].endswith("Gateway") for step in steps)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(generated())
def test_generated_diagrams_are_drawn_without_fault(content: bytes) -> None:
    root = drawn(content)
    faults = [fault for fault in check_drawing(root) if fault.kind not in ("label", "clipped")]
    assert faults == []
