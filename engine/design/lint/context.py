"""What a file may refer to: the forms, texts, tables, processes, lanes and limits that stand beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lxml import etree

from engine.base.errors import GongdanError
from engine.base.safe_parsing import InvalidXml, dmn_namespace, parse_xml
from engine.bpmn.diagrams import rhythm_of
from engine.bpmn.kinds import BY_PERSON, KINDS
from engine.bpmn.model import DiagramModel, Node, Scope
from engine.bpmn.reading import read_diagram
from engine.forms import Form
from engine.people.roles import load_roles
from engine.release.templates import load_template
from engine.sla.parameters import Parameter, load_parameters

from .expressions import read_expression, read_script
from .graph import reachable

PARAMETERS = "bpmn/decisions/sla.dmn"
#: what a broken file may make a loader raise; lint reports such files by itself
LOADING = (GongdanError, ValueError, TypeError, KeyError, AttributeError, LookupError, RecursionError)
#: names every case has
ALWAYS = frozenset({"case_no", "case_opened_at"})
#: names of a case that its rhythm opened
SCHEDULED = frozenset({"report_period", "scheduled_for"})


@dataclass(frozen=True)
class Table:
    """What a decision table reads whatever its other columns say, and what it gives."""

    inputs: tuple[str, ...]
    outputs: frozenset[str]


@dataclass
class LintContext:
    """The surroundings of a file. An empty mapping or set means: not known, so nothing is said about it."""

    forms: dict[str, Form] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    decisions: set[str] = field(default_factory=set)
    tables: dict[str, Table] = field(default_factory=dict)
    processes: dict[str, list[str]] = field(default_factory=dict)
    waits: dict[str, bool] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)
    opens: dict[str, set[str]] = field(default_factory=dict)  #: of whose cases it opens one
    opens_alone: dict[str, set[str]] = field(default_factory=dict)  #: without anybody having worked before
    scheduled: set[str] = field(default_factory=set)
    lanes: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    choices: dict[str, set[object]] = field(default_factory=dict)
    _read: dict[str, tuple[bytes, DiagramModel]] = field(
        default_factory=dict
    )  #: diagrams that were read, by path

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> LintContext:
        """The context made of a set of files by path; broken ones are left out."""
        context = cls(names=set(ALWAYS))
        for path in sorted(files):
            try:
                context._add(path, files[path])
            except LOADING:
                continue
        return context

    @property
    def whole(self) -> bool:
        """True when the files are a whole release, so that an unknown name is surely wrong."""
        return bool(self.forms and self.processes and self.parameters)

    def _add(self, path: str, content: bytes) -> None:
        if path.endswith(".bpmn"):
            model = read_diagram(parse_xml(content, path), path)
            self._read[path] = content, model
            self._add_diagram(model)
        elif path.endswith("decisions/sla.dmn"):
            self.parameters = load_parameters(content)
        elif path.endswith(".dmn"):
            self._add_decision(parse_xml(content, path))
        elif path.startswith("forms/") or "/forms/" in path:
            form = Form.load(content, path)
            self.forms[_stem(path)] = form
            self._add_fields(form)
        elif "templates/" in path and path.endswith(".json"):
            template = load_template(content, path)
            self.templates[_stem(path)] = template.kind
        elif path.endswith("roles.json"):
            read = load_roles(content, path)
            self.lanes |= set(read.lanes)
            self.roles |= set(read.names)

    def _add_diagram(self, model: DiagramModel) -> None:
        for process in model.processes:
            self.processes.setdefault(process.id, []).append(model.file)
            nodes = list(process.scope.all_nodes())
            timers = (timer for node in nodes if node.kind == "startEvent" for timer in node.timers)
            if any(rhythm_of(timer.text) for timer in timers):
                self.scheduled.add(process.id)
            self.waits[process.id] = any(may_wait(node.kind, node.events) for node in nodes)
            self.calls.setdefault(process.id, set()).update(
                called for node in nodes if (called := node.element.get("calledElement"))
            )
            alone = _without_anybody(process.scope)
            for node in nodes:
                if opened := node.properties.get("process"):
                    self.opens.setdefault(process.id, set()).add(opened)
                    if node in alone:
                        self.opens_alone.setdefault(process.id, set()).add(opened)
        for node in model.nodes() if model.readable else ():
            scripts = [node.script[0]] if node.script is not None else []
            scripts += [text for tag in ("preScript", "postScript") if (text := node.extension(tag))]
            for text in scripts:
                self.names |= set(read_script(text).binds)
            for item in node.element.iter():
                if isinstance(item.tag, str) and item.tag.endswith(("}inputDataItem", "}outputDataItem")):
                    self.names.add(item.get("id", ""))

    def _add_decision(self, root: etree._Element) -> None:
        space = dmn_namespace(root)
        for decision in root.iter(f"{{{space}}}decision"):
            ident = decision.get("id", "")
            outputs = frozenset(output.get("name", "") for output in decision.iter(f"{{{space}}}output"))
            self.decisions.add(ident)
            self.tables[ident] = Table(_asked_first(decision, f"{{{space}}}"), outputs)
            self.names |= outputs

    def _add_fields(self, form: Form) -> None:
        for item in form.fields:
            if item.widget != "readonly":  # which shows what somebody else gave
                self.names.add(item.name)
            if item.options:
                self.choices.setdefault(item.name, set()).update(option.value for option in item.options)

    def known(self, path: str, content: bytes) -> DiagramModel | None:
        """The diagram in a file that this context was made of, as it was read for it."""
        there, model = self._read.get(path, (None, None))
        return model if there == content else None

    def model_of(self, path: str, content: bytes) -> DiagramModel | None:
        """As :func:`model_of`; what is known is not read again."""
        return self.known(path, content) or model_of(path, content)

    def names_in(self, model: DiagramModel) -> set[str]:
        """Names that data of a diagram's cases may have: also those of a rhythm, where one opens them."""
        reached, ahead = set(self.scheduled), list(self.scheduled)
        while ahead:
            process = ahead.pop()
            called = (self.calls.get(process, set()) | self.opens.get(process, set())) - reached
            reached |= called
            ahead += called
        ours = {process.id for process in model.processes}
        return self.names | SCHEDULED if ours & reached else self.names

    def goes_on_in(self, process: str) -> set[str]:
        """Processes that it calls, and those whose cases it opens before anybody has worked."""
        return self.calls.get(process, set()) | self.opens_alone.get(process, set())

    def surely_waits(self, process: str) -> bool:
        """May a called process be taken to wait for somebody? True for an unknown one."""
        return self.waits.get(process, True)


def may_wait(kind: str, events: list[str]) -> bool:
    """Does an element of this kind wait for a person, a message or a time?"""
    known = KINDS[kind]
    return known.waits or not known.waits_for.isdisjoint(events)


def _without_anybody(scope: Scope) -> set[Node]:
    """Nodes that a case comes to by itself: at once, or as time passes while nobody does anything."""

    def steps(node: Node) -> Iterable[Node]:
        if node.inner is not None:
            yield from (inner for inner in node.inner.nodes.values() if inner.kind == "startEvent")
        yield from node.boundary if node.kind in BY_PERSON else node.scope.steps(node)

    return reachable((node for node in scope.nodes.values() if node.kind == "startEvent"), steps)


def names_of(expression: str) -> set[str]:
    """Names of the data an expression reads."""
    return set(read_expression(expression).reads)


def model_of(path: str, content: bytes) -> DiagramModel | None:
    """The diagram in a file, or None when it is no harmless XML."""
    try:
        return read_diagram(parse_xml(content, path), path)
    except InvalidXml:
        return None


def _asked_first(decision: etree._Element, space: str) -> tuple[str, ...]:
    """Inputs that some rule asks before any other: later columns are read only where those before them match."""
    inputs = [
        (node.findtext(f"{space}text") or "").strip() for node in decision.iter(f"{space}inputExpression")
    ]
    first = set()
    for rule in decision.iter(f"{space}rule"):
        cells = [(node.findtext(f"{space}text") or "").strip() for node in rule.iter(f"{space}inputEntry")]
        first |= {number for number, cell in enumerate(cells) if cell not in ("", "-")} and {
            next(number for number, cell in enumerate(cells) if cell not in ("", "-"))
        }
    return tuple(text for number, text in enumerate(inputs) if number in first and text)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]
