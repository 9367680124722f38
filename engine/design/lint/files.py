"""Rules on files as such: readable XML and JSON, and the kinds of file that have loaders of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from engine.base.errors import GongdanError
from engine.base.safe_parsing import InvalidXml, safe_json
from engine.forms import Form
from engine.people.roles import load_roles
from engine.release.scenario_files import FOLDER, read
from engine.release.templates import load_template
from engine.sla.calendar import Calendar
from engine.sla.parameters import load_parameters

from .catalogue.files import (
    CALENDAR_INVALID,
    FIELD_BOUNDS,
    FORM_INVALID,
    JSON_INVALID,
    PARAMETERS_INVALID,
    ROLES_INVALID,
    SCENARIO_UNREADABLE,
    TEMPLATE_INVALID,
    XML_COUNT,
    XML_DEPTH,
    XML_DOCTYPE,
    XML_ENCODING,
    XML_INSTRUCTION,
    XML_KIND,
    XML_SCHEMA,
    XML_SIZE,
    XML_SYNTAX,
)
from .context import LOADING
from .finding import Finding, Rule

_BY_CHECK = {
    "size": XML_SIZE,
    "encoding": XML_ENCODING,
    "doctype": XML_DOCTYPE,
    "instruction": XML_INSTRUCTION,
    "depth": XML_DEPTH,
    "count": XML_COUNT,
    "syntax": XML_SYNTAX,
    "kind": XML_KIND,
    "schema": XML_SCHEMA,
}


def refused_xml(file: str, error: InvalidXml) -> Finding:
    """The finding for a file the XML door refused."""
    problem = error.problem.removeprefix("not well-formed XML: ")  # which the rule says itself
    return _BY_CHECK.get(error.rule, XML_SYNTAX).at(file, None, error.line, problem=problem)


def lint_json(file: str, content: bytes) -> Iterator[Finding]:
    """Findings on a JSON file, by the loader of its kind."""
    try:
        raw: Any = safe_json(content, file)
    except InvalidXml as error:
        problem = error.problem.removeprefix("not valid JSON: ")  # which the rule says itself
        yield JSON_INVALID.at(file, None, error.line, problem=problem)
        return
    except RecursionError:
        yield JSON_INVALID.at(file, problem="nested too deeply")
        return
    kind = _loader(file.replace("\\", "/"))
    if kind is not None:
        faults = list(loaded(file, *kind, content))
        yield from faults
        if kind[0] is FORM_INVALID and not faults:
            yield from _bounds(file, raw["fields"])


def _bounds(file: str, fields: list[dict[str, Any]]) -> Iterator[Finding]:
    """Fields of a sound form whose days, instants or amounts have no bounds of their own."""
    for item in fields:
        yield from _bounds(file, item.get("fields", []))
        wanted = {"date": ("earliest", "latest"), "datetime": ("earliest", "latest"), "money": ("maximum",)}
        given = item.keys() | item.get("schema", {}).keys()
        missing = [key for key in wanted.get(item["widget"], ()) if key not in given]
        if missing and not ("exclusiveMaximum" in given and item["widget"] == "money"):
            yield FIELD_BOUNDS.at(file, field=item["name"], keys=", ".join(missing))


def lint_parameters(file: str, content: bytes) -> Iterator[Finding]:
    """Findings on the table of limits."""
    yield from loaded(file, PARAMETERS_INVALID, lambda body, path: load_parameters(body), content)


Loader = Callable[[bytes, str], object]


def loaded(file: str, rule: Rule, load: Loader, content: bytes) -> Iterator[Finding]:
    """A finding of ``rule`` when ``load`` refuses the content."""
    try:
        load(content, file)
    except GongdanError as error:
        yield rule.at(file, problem=error)
    except LOADING as error:
        yield rule.at(file, problem=f"{type(error).__name__}: {error}")


def _loader(path: str) -> tuple[Rule, Loader] | None:
    if path.startswith(FOLDER):
        return SCENARIO_UNREADABLE, read
    if "forms/" in path:
        return FORM_INVALID, Form.load
    if "templates/" in path:
        return TEMPLATE_INVALID, load_template
    if "calendars/" in path:
        return CALENDAR_INVALID, lambda body, name: Calendar.load(body)
    if path.endswith("roles.json"):
        return ROLES_INVALID, load_roles
    return None
