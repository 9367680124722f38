"""Pools: the processes of a file in the collaborations that name them, each with its header, lanes and content."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from engine.base.safe_parsing import BPMN, children
from engine.bpmn.drawing import Box
from engine.bpmn.model import DrawnProcess
from engine.bpmn.reading import read_diagram

from .draw import HEADER, Drawing, draw_scope
from .model import Scope, scope_of
from .text import text_width

ORIGIN = 160, 80
POOL_GAP = 40
#: px of a pool that shows nothing of what is in it
BLACK_BOX = 300, 60


@dataclass
class _Pool:
    """A participant and what is drawn in it; a black box has no scope."""

    participant: etree._Element
    scope: Scope | None
    drawing: Drawing
    depth: int


def collaborations(root: etree._Element) -> list[etree._Element]:
    """The collaborations of a file, which afterwards name every process that has something to draw.

    A process that no pool names gets a pool (in place): modelers show nothing of it beside a collaboration.
    A file of one process without lanes needs no collaboration and has none.
    """
    found = list(children(root, "collaboration"))
    drawn = read_diagram(root, "").processes
    processes = [process.element for process in drawn]
    named = {_process_of(pool) for one in found for pool in children(one, "participant")}
    free = [p for p in processes if p.get("id", "") not in named]
    if not found:
        laned = any(p.find(f"{{{BPMN}}}laneSet/{{{BPMN}}}lane") is not None for p in processes)
        return [_add_collaboration(root, free)] if laned or len(processes) > 1 else []
    _add_participants(found[0], [p.element for p in drawn if p.element in free and p.scope.nodes])
    return found


def _process_of(participant: etree._Element) -> str:
    return participant.get("processRef", "").rpartition(":")[2]


def _add_collaboration(root: etree._Element, processes: list[etree._Element]) -> etree._Element:
    collaboration = etree.Element(
        f"{{{BPMN}}}collaboration", {"id": f"Collaboration_{processes[0].get('id', '')}"}
    )
    collaboration.text, collaboration.tail = "\n  ", "\n  "
    _add_participants(collaboration, processes)
    root.insert(root.index(processes[0]), collaboration)
    return collaboration


def _add_participants(collaboration: etree._Element, processes: list[etree._Element]) -> None:
    """One pool for each process, after those that are there: the schema has message flows behind them."""
    before = list(children(collaboration, "participant"))
    if before:
        at = collaboration.index(before[-1]) + 1
    else:
        heading = ("documentation", "extensionElements")
        at = sum(1 for child in children(collaboration) if child.tag.endswith(heading))
    for process in processes:
        ident = process.get("id", "")
        participant = etree.Element(
            f"{{{BPMN}}}participant",
            {"id": f"Participant_{ident}", "name": process.get("name", ident), "processRef": ident},
        )
        participant.tail = "\n    " if process is not processes[-1] else "\n  "
        collaboration.insert(at, participant)
        at += 1
    if processes:
        first = collaboration.index(next(children(collaboration, "participant")))
        if first:
            collaboration[first - 1].tail = "\n    "
        else:
            collaboration.text = "\n    "


def draw_pools(root: etree._Element, collaboration: etree._Element, done: set[str]) -> Drawing:
    """A drawing of a collaboration; processes in ``done`` are drawn already and stay closed here."""
    processes = {process.id: process for process in read_diagram(root, "").processes}
    pools = [_pool(participant, processes, done) for participant in children(collaboration, "participant")]
    width = max((HEADER * pool.depth + pool.drawing.width for pool in pools), default=600)
    drawing = Drawing()
    x, y = ORIGIN
    for pool in pools:
        _add_pool(drawing, pool, x, y, width)
        y += pool.drawing.height + POOL_GAP
    drawing.width, drawing.height = x + width, y
    return drawing


def _pool(participant: etree._Element, processes: dict[str, DrawnProcess], done: set[str]) -> _Pool:
    ident = _process_of(participant)
    process = None if ident in done else processes.get(ident)
    if process is None:
        width, height = BLACK_BOX
        return _Pool(participant, None, Drawing(width=width, height=height), 1)
    done.add(ident)
    scope = scope_of(process.scope)
    drawing = draw_scope(scope)
    drawing.height = max(drawing.height, text_width(participant.get("name", "")) + 20)
    if scope.lanes:
        # the last lane takes what notes or a long pool name add below
        last = scope.lanes[-1].id
        band = drawing.bands[last]
        drawing.bands[last] = Box(band.x, band.y, band.width, drawing.height - band.y)
    depth = 1 + max((len(lane.parents) + 1 for lane in scope.lanes), default=0)
    return _Pool(participant, scope, drawing, depth)


def _add_pool(drawing: Drawing, pool: _Pool, x: int, y: int, width: int) -> None:
    ident = pool.participant.get("id", "")
    height = pool.drawing.height
    drawing.bands[ident] = Box(x, y, width, height)
    left = x + HEADER * pool.depth
    bands = pool.drawing.bands
    own = {lane.id for lane in pool.scope.lanes} if pool.scope is not None else set()
    pool.drawing.bands = {
        lane: box for lane, box in bands.items() if lane not in own
    }  # those of sub-processes
    drawing.add(pool.drawing, left, y)
    spans: dict[str, tuple[int, int, int]] = {}
    for lane in pool.scope.lanes if pool.scope is not None else []:
        top, bottom = y + bands[lane.id].y, y + bands[lane.id].bottom
        for level, (parent, _) in enumerate(lane.parents):
            first, last, _ = spans.get(parent, (top, bottom, 0))
            spans[parent] = (min(first, top), max(last, bottom), x + HEADER * (level + 1))
        spans[lane.id] = (top, bottom, x + HEADER * (len(lane.parents) + 1))
    # parents before their lanes, so that the inner ones are drawn on top
    for lane_id, (top, bottom, at) in sorted(spans.items(), key=lambda item: item[1][2]):
        drawing.bands[lane_id] = Box(at, top, x + width - at, bottom - top)
