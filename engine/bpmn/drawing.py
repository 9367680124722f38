"""The drawing in a BPMN file: which box or way each element has, in px. Numbers that are none count as not drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from lxml import etree

from engine.base.safe_parsing import BPMNDI, DC, DI

Point = tuple[int, int]
Way = list[Point]


@dataclass(frozen=True)
class Box:
    """A rectangle in px, ``(x, y)`` its top left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """x of the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """y of the bottom edge."""
        return self.y + self.height

    def moved(self, dx: int, dy: int) -> Box:
        """The same box elsewhere."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def overlaps(self, other: Box) -> bool:
        """True when the two share an area (touching edges do not count)."""
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )

    def contains(self, other: Box) -> bool:
        """True when ``other`` lies inside."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    @property
    def outline(self) -> Way:
        """The four edges as one way around."""
        left, top, right, bottom = self.x, self.y, self.right, self.bottom
        return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]

    def grown(self, by: int) -> Box:
        """The same box with ``by`` px more on every side (fewer, when negative)."""
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def crossed_by(self, a: Point, b: Point) -> bool:
        """True when the segment ``a``–``b`` passes through the inside; along an edge is not inside."""
        enter, leave = 0.0, 1.0
        for at, step, low, high in (
            (a[0], b[0] - a[0], self.x, self.right),
            (a[1], b[1] - a[1], self.y, self.bottom),
        ):
            if step == 0:
                if not low < at < high:
                    return False
            else:
                first, last = sorted(((low - at) / step, (high - at) / step))
                enter, leave = max(enter, first), min(leave, last)
        return enter < leave


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file draws of the element ``about``; ``is_open``: a sub-process whose steps are shown where it stands."""

    about: str
    box: Box | None
    label: Box | None
    is_open: bool
    looks: dict[str, str]  #: attributes that say how it looks, not where: colours, a gateway's cross


@dataclass(frozen=True, slots=True)
class Edge:
    """The way of the flow or association ``about``."""

    about: str
    way: Way
    label: Box | None
    looks: dict[str, str]


class Drawing:
    """All that a file draws, in its order. What is drawn twice counts as it is drawn last."""

    def __init__(self, shapes: list[Shape], edges: list[Edge], *, planes: int) -> None:
        self.shapes = shapes
        self.edges = edges
        self.planes = planes  #: sheets that the file has

    @cached_property
    def boxes(self) -> dict[str, Box]:
        """The box of each element that has one."""
        return {shape.about: shape.box for shape in self.shapes if shape.box is not None}

    @cached_property
    def ways(self) -> dict[str, Way]:
        """The points of each edge, however few."""
        return {edge.about: edge.way for edge in self.edges}

    @cached_property
    def labels(self) -> dict[str, Box]:
        """The place of each name that has one."""
        return {part.about: part.label for part in self._parts() if part.label is not None}

    @cached_property
    def looks(self) -> dict[str, dict[str, str]]:
        """Attributes of shapes and edges that say how an element looks."""
        return {part.about: part.looks for part in self._parts() if part.looks}

    @cached_property
    def named(self) -> set[str]:
        """Ids that any shape or edge names, with or without a place."""
        return {part.about for part in self._parts()}

    @cached_property
    def shown(self) -> set[str]:
        """Ids that have a box, or a way of two points or more."""
        return set(self.boxes) | {edge.about for edge in self.edges if len(edge.way) > 1}

    def _parts(self) -> Iterable[Shape | Edge]:
        return (*self.shapes, *self.edges)


def read_drawing(root: etree._Element) -> Drawing:
    """The drawing of a parsed file; never raises, whatever the elements."""
    shapes = [
        Shape(
            _about(part),
            _box(part.find(f"{{{DC}}}Bounds")),
            _label(part),
            part.get("isExpanded") == "true",
            _looks(part),
        )
        for part in root.iter(f"{{{BPMNDI}}}BPMNShape")
    ]
    edges = [
        Edge(_about(part), _way(part), _label(part), _looks(part))
        for part in root.iter(f"{{{BPMNDI}}}BPMNEdge")
    ]
    return Drawing(shapes, edges, planes=sum(1 for _ in root.iter(f"{{{BPMNDI}}}BPMNPlane")))


def _about(part: etree._Element) -> str:
    """The id in the qualified name that a shape or edge gives."""
    return part.get("bpmnElement", "").rpartition(":")[2]


def _box(bounds: etree._Element | None) -> Box | None:
    if bounds is None:
        return None
    numbers = [_number(bounds.get(key)) for key in ("x", "y", "width", "height")]
    values = [number for number in numbers if number is not None]
    return Box(*values) if len(values) == 4 else None


def _label(part: etree._Element) -> Box | None:
    return _box(part.find(f"{{{BPMNDI}}}BPMNLabel/{{{DC}}}Bounds"))


def _way(part: etree._Element) -> Way:
    numbers = [(_number(p.get("x")), _number(p.get("y"))) for p in part.findall(f"{{{DI}}}waypoint")]
    return [(x, y) for x, y in numbers if x is not None and y is not None]


def _looks(part: etree._Element) -> dict[str, str]:
    every = {str(key): str(value) for key, value in part.attrib.items()}
    return {key: value for key, value in every.items() if key.startswith("{") or key == "isMarkerVisible"}


def _number(text: str | None) -> int | None:
    try:
        return round(float(text or ""))
    except (ValueError, OverflowError):
        return None
