"""The kinds of BPMN elements: the one table of what each is, asks and does.

Whatever differs from kind to kind and is no algorithm of its own stands here, so that a new kind is a row: engine,
lint, layout, handbook, exports, simulation and pages read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .properties import (
    OF_DECISION,
    OF_END,
    OF_SCRIPT_TASK,
    OF_SERVICE_TASK,
    OF_USER_TASK,
    Property,
)


class Category(StrEnum):
    """What an element is on a drawing."""

    TASK = "task"
    CONTAINER = "container"  #: a sub-process: it has steps of its own
    EVENT = "event"
    GATEWAY = "gateway"
    ARTIFACT = "artifact"  #: a note or data, which nothing passes


#: px: width and height as drawn; a task grows with its name, a container with its steps
_SIZES = {
    Category.TASK: (100, 80),
    Category.CONTAINER: (100, 80),
    Category.EVENT: (36, 36),
    Category.GATEWAY: (50, 50),
    Category.ARTIFACT: (50, 50),
}


@dataclass(frozen=True, slots=True)
class ElementKind:
    """One kind of element. ``tag`` is its BPMN name, ``word`` what the handbook calls it, "" where it is no step there.

    ``finding``: the lint rule that refuses it, for what the engine does not run as drawn. ``properties``: those that
    the engine reads of one. ``waits_for``: the events that it waits for, where it has one.
    """

    tag: str
    category: Category
    word: str = ""
    finding: str = ""
    properties: tuple[Property, ...] = ()
    waits_for: frozenset[str] = frozenset()
    by_person: bool = False  #: a person does it: it needs a form and a lane
    opens_task: bool = False  #: the engine opens a task for it, which somebody takes and completes
    waits: bool = False  #: it waits for somebody or something, whatever it says
    decides: bool = False  #: the flows that leave it have conditions
    calls: bool = False  #: its steps are drawn in another diagram
    idle: bool = False  #: it does nothing
    explains_itself: bool = False  #: what it does can be read in it: no documentation is asked

    @property
    def is_node(self) -> bool:
        """Whether a case passes it."""
        return self.category is not Category.ARTIFACT

    @property
    def is_step(self) -> bool:
        """Whether a list of steps in words has it: a case passes it, and it is no fork of the way."""
        return self.is_node and self.category is not Category.GATEWAY

    @property
    def steps_inside(self) -> bool:
        """Whether it goes on while steps of its own, or of what it calls, are done."""
        return self.calls or self.category is Category.CONTAINER

    @property
    def is_recorded(self) -> bool:
        """Whether passing it is an event for process mining; of a task for people, its taking and closing are."""
        automatic = self.category is Category.TASK and not self.opens_task and not self.calls
        return automatic or self.category is Category.EVENT

    @property
    def needs_name(self) -> bool:
        """Whether lint asks for a name, however many flows leave it."""
        return self.category is Category.TASK and not self.idle

    @property
    def needs_documentation(self) -> bool:
        """Whether lint asks where it comes from."""
        return self.needs_name and not self.calls and not self.explains_itself

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px, at least."""
        return _SIZES[self.category]


_TIMES = frozenset({"timer", "message"})

KINDS: dict[str, ElementKind] = {
    kind.tag: kind
    for kind in (
        ElementKind("task", Category.TASK, idle=True),
        ElementKind(
            "userTask",
            Category.TASK,
            "人工",
            properties=OF_USER_TASK,
            by_person=True,
            opens_task=True,
            waits=True,
        ),
        ElementKind("manualTask", Category.TASK, "人工", by_person=True, waits=True),
        ElementKind("serviceTask", Category.TASK, "发送", properties=OF_SERVICE_TASK),
        ElementKind("scriptTask", Category.TASK, "自动", properties=OF_SCRIPT_TASK, explains_itself=True),
        ElementKind("businessRuleTask", Category.TASK, "判定表", properties=OF_DECISION),
        ElementKind("sendTask", Category.TASK),
        ElementKind("receiveTask", Category.TASK, waits=True),
        ElementKind("callActivity", Category.TASK, "调用", calls=True),
        ElementKind("subProcess", Category.CONTAINER, "子流程"),
        ElementKind("transaction", Category.CONTAINER),
        ElementKind("adHocSubProcess", Category.CONTAINER, finding="adhoc"),
        ElementKind("startEvent", Category.EVENT),
        ElementKind("endEvent", Category.EVENT, properties=OF_END),
        ElementKind("intermediateCatchEvent", Category.EVENT, waits_for=_TIMES),
        ElementKind("intermediateThrowEvent", Category.EVENT),
        ElementKind("boundaryEvent", Category.EVENT, waits_for=_TIMES),
        ElementKind("exclusiveGateway", Category.GATEWAY, decides=True),
        ElementKind("inclusiveGateway", Category.GATEWAY, decides=True),
        ElementKind("parallelGateway", Category.GATEWAY),
        ElementKind("eventBasedGateway", Category.GATEWAY, finding="event_gateway"),
        ElementKind("complexGateway", Category.GATEWAY, finding="complex_gateway"),
        ElementKind("textAnnotation", Category.ARTIFACT),
        ElementKind("dataObjectReference", Category.ARTIFACT),
        ElementKind("dataStoreReference", Category.ARTIFACT),
    )
}
FLOW = "sequenceFlow"


def _tags(*categories: Category) -> frozenset[str]:
    return frozenset(tag for tag, kind in KINDS.items() if kind.category in categories)


TASKS = _tags(Category.TASK)
CONTAINERS = _tags(Category.CONTAINER)
EVENTS = _tags(Category.EVENT)
GATEWAYS = _tags(Category.GATEWAY)
ARTIFACTS = _tags(Category.ARTIFACT)
NODES = TASKS | CONTAINERS | EVENTS | GATEWAYS
#: gateways whose outgoing flows have conditions
DECIDING = frozenset(tag for tag, kind in KINDS.items() if kind.decides)
#: steps for which the engine opens a task
OPENS_TASK = frozenset(tag for tag, kind in KINDS.items() if kind.opens_task)
#: steps that people do
BY_PERSON = frozenset(tag for tag, kind in KINDS.items() if kind.by_person)
#: steps that a list of steps in words has
STEPS = frozenset(tag for tag, kind in KINDS.items() if kind.is_step)
#: kinds whose passing is an event of its own in exports
RECORDED = frozenset(tag for tag, kind in KINDS.items() if kind.is_recorded)
#: kinds that go on while other steps are done in them
HOLDING = frozenset(tag for tag, kind in KINDS.items() if kind.steps_inside)
#: what the engine reads of each kind that it reads something of
PROPERTIES = {tag: kind.properties for tag, kind in KINDS.items() if kind.properties}
