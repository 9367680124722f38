"""An immutable, numbered set of files: diagrams, decision tables, forms, texts, calendars, roles.

A :class:`Release` is compiled part by part on first use and then shared by all cases that run on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property

from lxml import etree

from engine.base.errors import InvalidFile, NotFound
from engine.base.safe_parsing import load_bpmn, load_dmn
from engine.bpmn.diagrams import Element, Process, read_processes
from engine.bpmn.spiff import script_functions
from engine.bpmn.spiff.parser import Program
from engine.forms import Field, Form
from engine.people.roles import Assignment, Roles, load_roles
from engine.privacy.sealing import Seal
from engine.sla.calendar import Calendar
from engine.sla.time_rules import Parameter, TimeRules, load_parameters

from .counted import Counted, counted
from .digest import digest_of
from .templates import Template, load_template

CALENDAR = "bpmn/calendars/cn.json"
PARAMETERS = "bpmn/decisions/sla.dmn"
ROLES = "bpmn/roles.json"


def sha256(content: bytes) -> str:
    """Hex SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def stored(body: bytes | memoryview | str) -> bytes:
    """A file's bytes as a database gives them; of what somebody wrote into its place as text, those of the text."""
    return body.encode() if isinstance(body, str) else bytes(body)


class Release:
    """A set of files by path, such as ``bpmn/telecom/cantonese_callback.bpmn``."""

    def __init__(self, number: int, files: Mapping[str, bytes]) -> None:
        self.number = number
        self.files = dict(files)

    def _under(self, folder: str, ending: str) -> dict[str, bytes]:
        return {p: self.files[p] for p in sorted(self.files) if p.startswith(folder) and p.endswith(ending)}

    @cached_property
    def digest(self) -> str:
        """The hash that stands for all its files (:mod:`engine.release.digest`)."""
        return digest_of({path: sha256(body) for path, body in self.files.items()})

    @cached_property
    def _diagrams(self) -> dict[str, etree._Element]:
        return {path: load_bpmn(body, path) for path, body in self._under("bpmn/", ".bpmn").items()}

    @cached_property
    def processes(self) -> dict[str, Process]:
        """Every process by id; raises :class:`InvalidFile` when two files define the same one."""
        found: dict[str, Process] = {}
        for path, root in self._diagrams.items():
            for process in read_processes(path, root):
                if process.id in found:
                    raise InvalidFile(
                        f"{path}: process {process.id!r} is also defined in {found[process.id].path}"
                    )
                found[process.id] = process
        return found

    @cached_property
    def forms(self) -> dict[str, Form]:
        """Forms by key (the file's stem)."""
        return {_stem(path): Form.load(body, path) for path, body in self._under("forms/", ".json").items()}

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Field by name, for data that came without a form: some form's that asks for it."""
        found: dict[str, Field] = {}
        for form in self.forms.values():
            for field in form.fields:
                if field.widget != "readonly" or field.name not in found:
                    found[field.name] = field
        return found

    @cached_property
    def counted(self) -> Counted:
        """What reports count of its cases."""
        return counted(self.forms.values(), self.processes.values())

    @cached_property
    def templates(self) -> dict[str, Template]:
        """Texts by key (the file's stem)."""
        return {
            _stem(path): load_template(body, path)
            for path, body in self._under("bpmn/templates/", ".json").items()
        }

    @cached_property
    def roles(self) -> Roles:
        """Roles and lanes."""
        body = self.files.get(ROLES)
        return load_roles(body) if body is not None else Roles({}, {})

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """SLA parameters by id."""
        body = self.files.get(PARAMETERS)
        return load_parameters(body) if body is not None else {}

    @cached_property
    def calendar(self) -> Calendar | None:
        """The business calendar, where the release has one."""
        body = self.files.get(CALENDAR)
        return Calendar.load(body) if body is not None else None

    @cached_property
    def time(self) -> TimeRules:
        """Due dates, warnings, pauses and quiet hours by this release's parameters and calendar."""
        return TimeRules(self.parameters, self.calendar) if self.calendar is not None else TimeRules.empty()

    @cached_property
    def program(self) -> Program:
        """The executable processes."""
        tables = {
            p: load_dmn(b, p) for p, b in self._under("bpmn/decisions/", ".dmn").items() if p != PARAMETERS
        }
        return Program(self._diagrams, tables, script_functions.functions(self.time))

    @cached_property
    def personal(self) -> frozenset[str]:
        """Names of all fields that any form marks personal."""
        return frozenset(name for form in self.forms.values() for name in form.personal_names)

    @cached_property
    def texts(self) -> frozenset[str]:
        """Names of all fields in which people write a text of their own."""
        return frozenset(name for form in self.forms.values() for name in form.text_names)

    @cached_property
    def coded(self) -> frozenset[str]:
        """Names of data that a person only chooses, counts or dates: no text of their own."""
        fields = {field.name: field for form in self.forms.values() for field in form.fields}
        return frozenset(fields) - self.texts - self.personal

    def seal(self, key: bytes | None) -> Seal:
        """What seals the values of one case on this release; ``key`` is None after erasure."""
        return Seal(key, self.personal, self.texts)

    def process(self, process: str) -> Process:
        """The process, or :class:`NotFound`."""
        found = self.processes.get(process)
        if found is None:
            raise NotFound(f"release {self.number} has no process {process!r}")
        return found

    def element(self, process: str, element: str) -> Element:
        """An element of a process, or :class:`NotFound`. Multi-instance children count as their element."""
        known = self.processes.get(process) or self.process(process)
        found = known.elements.get(element) or known.elements.get(element.partition(" [")[0])
        if found is None:
            raise NotFound(f"process {process!r} has no element {element!r}")
        return found

    def assignment(self, process: str, element: str, calls: list[tuple[str, str]]) -> Assignment:
        """Who does ``element``: its lane's assignment, or in a called process perhaps that of the calling element."""
        duty = self.roles.assignment(self.element(process, element).lane)
        for caller_process, caller in reversed(calls):
            if duty.role != "caller":
                break
            duty = self.roles.assignment(self.element(caller_process, caller).lane)
        return duty if duty.role != "caller" else Assignment("agent")


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]
