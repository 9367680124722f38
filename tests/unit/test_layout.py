"""Automatic drawing: nothing overlaps, nothing runs through anything, everything is in its lane."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from engine.cli.layout import layout as layout_command
from engine.layout import layout_bpmn
from engine.layout.check import check_drawing
from engine.settings import CHECKOUT
from engine.xml import BPMN, BPMNDI, DC, DI, children, load_bpmn
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


def covered_twice(root: etree._Element) -> list[tuple[str, str]]:
    """Pairs of flows that run along each other without a common end."""
    flows = {f.get("id", ""): f for f in root.iter(f"{{{BPMN}}}sequenceFlow")}
    drawn_ways = {ident: way for ident, way in ways(root).items() if ident in flows}
    found = []
    for (one, a), (two, b) in combinations(drawn_ways.items(), 2):
        if any(flows[one].get(key) == flows[two].get(key) for key in ("sourceRef", "targetRef")):
            continue
        for (p, q), (r, s) in ((x, y) for x in pairwise(a) for y in pairwise(b)):
            for axis in (0, 1):
                if p[axis] == q[axis] == r[axis] == s[axis]:
                    low = max(min(p[1 - axis], q[1 - axis]), min(r[1 - axis], s[1 - axis]))
                    high = min(max(p[1 - axis], q[1 - axis]), max(r[1 - axis], s[1 - axis]))
                    if high > low:
                        found.append((one, two))
    return found


@pytest.mark.parametrize("sample", [diagrams.callback, diagrams.investigation])
def test_samples_are_drawn_without_fault(sample: Callable[[], bytes]) -> None:
    root = drawn(sample())
    assert check_drawing(root) == []
    assert covered_twice(root) == []


SHIPPED = sorted(path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "bpmn").rglob("*.bpmn"))


@pytest.mark.parametrize("path", SHIPPED)
def test_what_ships_is_drawn_without_fault(path: str) -> None:
    content = (CHECKOUT / path).read_bytes()
    assert check_drawing(load_bpmn(content)) == []
    again = drawn(content)
    assert check_drawing(again) == []
    assert covered_twice(again) == []


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
        "import sys; from engine.layout import layout_bpmn; from tests.unit import diagrams; "
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


def test_the_check_finds_what_is_wrong() -> None:
    good = layout_bpmn(diagrams.callback())
    root = etree.fromstring(good)
    for shape in root.iter(f"{{{BPMNDI}}}BPMNShape"):
        bounds = shape.find(f"{{{DC}}}Bounds")
        assert bounds is not None
        if shape.get("bpmnElement") == "archive":
            bounds.set("y", "120")
        if shape.get("bpmnElement") == "sms_2":
            bounds.set("x", str(int(bounds.get("x", "0")) + 100))
        if shape.get("bpmnElement") == "answered":
            bounds.set("width", "?")
    kinds = {fault.kind for fault in check_drawing(root)}
    assert {"lane", "missing"} <= kinds
    assert kinds & {"through", "overlap"}


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
    faults = [fault for fault in check_drawing(root) if fault.kind != "label"]
    assert faults == []
    assert covered_twice(root) == []
