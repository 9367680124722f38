"""The only door by which an XML or JSON file of a designer comes in.

A file passes, in this order: size, UTF-8 (XML that declares another encoding is converted), a streaming pass that
stops at the first DOCTYPE, processing instruction, entity, excess depth or excess count; then one hardened lxml parser;
then the schema of its kind.
Every refusal is an :class:`InvalidXml` (or :class:`InvalidJson`) with the line and how to mend it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from math import isinf
from typing import cast
from xml.parsers import expat

from lxml import etree

from .errors import InvalidFile
from .schemas import DMN_SCHEMAS, bpmn_schema, dmn_schema
from .xml_encoding import as_utf8

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DI = "http://www.omg.org/spec/DD/20100524/DI"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 20_000
MAX_ATTRIBUTES = 100_000
MAX_ATTRIBUTES_EACH = 64
#: elements with an id that another element has too
MAX_REPEATED_IDS = 500
MAX_JSON_DEPTH = 32
MAX_JSON_VALUES = 100_000
MAX_DIGITS = 18


class InvalidXml(InvalidFile):
    """A refused XML file.

    ``rule`` names the check (``size``, ``encoding``, ``doctype``, ``instruction``, ``depth``, ``count``,
    ``syntax``, ``kind``, ``schema``); ``line`` counts from 1, or is None; ``mend`` says what to do.
    """

    def __init__(self, name: str, rule: str, problem: str, mend: str, line: int | None = None) -> None:
        self.name, self.rule, self.problem, self.mend, self.line = name, rule, problem, mend, line
        where = name if line is None else f"{name}:{line}"
        super().__init__(f"{where}: {problem}. {mend}")


class InvalidJson(InvalidXml):
    """A refused JSON file; same attributes as :class:`InvalidXml`."""


def local(element: etree._Element) -> str:
    """Tag of an element without its namespace; ``""`` for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def line_of(element: etree._Element) -> int | None:
    """The line an element starts on, counted from 1."""
    line: int | None = cast("int | None", element.sourceline)
    return line


def children(element: etree._Element, name: str | None = None) -> Iterator[etree._Element]:
    """Child elements in the BPMN namespace, only those called ``name`` when given."""
    prefix = f"{{{BPMN}}}"
    for child in element:
        tag = child.tag
        if isinstance(tag, str) and tag.startswith(prefix) and name in (None, tag[len(prefix) :]):
            yield child


def parse_xml(content: bytes, name: str = "file") -> etree._Element:
    """Root element of a harmless, well-formed XML file (schema not checked).

    Raises :class:`InvalidXml`.
    """
    if len(content) <= MAX_BYTES:
        content = as_utf8(content)
    _check_bytes(content, name, InvalidXml)
    _stream(content, name)
    try:
        return etree.fromstring(content, _parser())
    except etree.XMLSyntaxError as error:
        line = error.lineno or None
        raise InvalidXml(name, "syntax", f"not well-formed XML: {error.msg}", _MEND_SYNTAX, line) from None


def load_bpmn(content: bytes, name: str = "file") -> etree._Element:
    """Root of a BPMN 2.0 diagram that satisfies OMG's schema.

    Raises :class:`InvalidXml`.
    """
    root = parse_xml(content, name)
    if root.tag != f"{{{BPMN}}}definitions":
        raise InvalidXml(
            name, "kind", "not a BPMN 2.0 diagram", "The root must be bpmn:definitions (BPMN 2.0).", 1
        )
    for problem in schema_problems(root, name):
        raise problem
    return root


def load_dmn(content: bytes, name: str = "file") -> etree._Element:
    """Root of a DMN file (1.1 to 1.3) that satisfies its schema.

    Raises :class:`InvalidXml`.
    """
    root = parse_xml(content, name)
    if dmn_namespace(root) is None:
        raise InvalidXml(
            name, "kind", "not a DMN decision", "The root must be definitions of DMN 1.1, 1.2 or 1.3.", 1
        )
    for problem in schema_problems(root, name):
        raise problem
    return root


def dmn_namespace(root: etree._Element) -> str | None:
    """The DMN model namespace of a file's root, or None when it is no decision."""
    namespace, _, tag = str(root.tag).rpartition("}")
    return namespace[1:] if tag == "definitions" and namespace[1:] in DMN_SCHEMAS else None


def schema_problems(root: etree._Element, name: str = "file") -> list[InvalidXml]:
    """What the schema of a BPMN or DMN file says against it, in document order, not more than 20."""
    repeated = [
        (ident, count)
        for ident, count in Counter(cast("list[str]", root.xpath("//@id"))).items()
        if count > 1
    ]
    if sum(count for _, count in repeated) > MAX_REPEATED_IDS:
        # the schema validator needs quadratic time for these
        problem = f"{len(repeated)} ids are used more than once, such as {repeated[0][0]!r}"
        return [InvalidXml(name, "schema", problem, "Give every element an id of its own.")]
    namespace = dmn_namespace(root)
    schema = bpmn_schema() if namespace is None else dmn_schema(namespace)
    if schema.validate(root):
        return []
    return [
        InvalidXml(name, "schema", _plain(entry.message), _MEND_SCHEMA, entry.line)
        for entry in islice(cast("Iterable[etree._LogEntry]", schema.error_log), 20)
    ]


def safe_json(content: bytes, name: str = "file") -> object:
    """The value of a JSON file: UTF-8, ≤ 2 MB, ≤ 32 deep, no duplicate keys, no NaN, integers ≤ 18 digits.

    Raises :class:`InvalidJson`.
    """
    _check_bytes(content, name, InvalidJson)
    text = content.decode("utf-8-sig")
    _check_json_depth(text, name)
    count = 0

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal count
        count += len(items)
        if count > MAX_JSON_VALUES:
            raise InvalidJson(name, "count", f"more than {MAX_JSON_VALUES} values", "Split the file.")
        result = dict(items)
        if len(result) != len(items):
            twice = Counter(key for key, _ in items).most_common(1)[0][0]
            raise InvalidJson(
                name, "duplicate", f"the key {twice[:80]!r} appears twice", "Keep one of the two.",
                _line_of_second(text, twice),
            )  # fmt: skip
        return result

    def integer(digits: str) -> int:
        if len(digits) > MAX_DIGITS + 1:
            raise InvalidJson(name, "syntax", "a number has too many digits", "Write it as text.")
        return int(digits)

    def number(digits: str) -> float:
        value = float(digits)
        if isinf(value):
            raise InvalidJson(name, "syntax", f"the number {digits[:40]} is too large", "Write it as text.")
        return value

    def constant(word: str) -> object:
        raise InvalidJson(name, "syntax", f"{word} is not JSON", "Use a number or null.")

    try:
        value: object = json.loads(
            text,
            object_pairs_hook=pairs,
            parse_int=integer,
            parse_float=number,
            parse_constant=constant,
        )
    except json.JSONDecodeError as error:
        mend = "Mend the JSON at this line: commas, quotes and brackets."
        raise InvalidJson(name, "syntax", f"not valid JSON: {error.msg}", mend, error.lineno) from None
    if _SURROGATE.search(text) and not _is_text(json.dumps(value, ensure_ascii=False)):
        what = "a text holds half a character (an escape \\ud800 to \\udfff without its other half)"
        raise InvalidJson(name, "syntax", what, "Write the whole character.")
    return value


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_MEND_SYNTAX = "Mend the XML at this line, or export the file again from the modeler."
_MEND_SCHEMA = "Correct the element at this line, or save the diagram again in the modeler."


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_pis=True,
        collect_ids=False,
        attribute_defaults=False,
    )


def _check_bytes(content: bytes, name: str, refuse: type[InvalidXml]) -> None:
    if len(content) > MAX_BYTES:
        raise refuse(name, "size", "the file has more than 2 MB", "Split it or remove embedded pictures.")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse(name, "encoding", "the file is not UTF-8", "Save it again as UTF-8.", line) from None
    if b"\x00" in content:
        raise refuse(name, "encoding", "the file holds NUL bytes", "Save it again as UTF-8 text.")


def _stream(content: bytes, name: str) -> None:
    """Walk the file once without building anything; stop at the first thing that is not allowed."""
    parser = expat.ParserCreate()
    depth = nodes = attributes = 0

    def refuse(rule: str, problem: str, mend: str) -> InvalidXml:
        return InvalidXml(name, rule, problem, mend, parser.CurrentLineNumber)

    def start(tag: str, items: dict[str, str]) -> None:
        nonlocal depth, nodes, attributes
        depth, nodes, attributes = depth + 1, nodes + 1, attributes + len(items)
        if depth > MAX_DEPTH:
            raise refuse("depth", f"elements nested more than {MAX_DEPTH} deep", "Flatten the file.")
        if nodes > MAX_NODES:
            raise refuse("count", f"more than {MAX_NODES} elements", "Split the diagram.")
        if attributes > MAX_ATTRIBUTES or len(items) > MAX_ATTRIBUTES_EACH:
            raise refuse("count", "too many attributes", "Remove attributes that no tool needs.")

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise refuse("doctype", "a DOCTYPE is not allowed", "Remove the <!DOCTYPE …> declaration.")

    def instruction(*_: object) -> None:
        raise refuse(
            "instruction", "a processing instruction is not allowed", "Remove the <?…?> before this line."
        )

    def declaration(version: str, encoding: str | None, standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii"):
            what = f"the file declares {encoding}, and is not in it, or nobody here reads it"
            raise refuse("encoding", what, "Save it as UTF-8 and declare UTF-8.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.ProcessingInstructionHandler = instruction
    parser.XmlDeclHandler = declaration
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        message = f"not well-formed XML: {expat.ErrorString(error.code)}"
        raise InvalidXml(name, "syntax", message, _MEND_SYNTAX, error.lineno) from None


def _plain(message: str) -> str:
    """A schema message without namespaces and without the long list of alternatives."""
    short = re.sub(r"\{[^}]*\}", "", message)
    return re.sub(r" Expected is (?:one of )?\(.*", "", short).rstrip(". ")[:300]


def _check_json_depth(text: str, name: str) -> None:
    """Refuse deep nesting before the recursive decoder sees it."""
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', text, re.DOTALL):
        sign = token.group()
        if sign in "[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                line = text.count("\n", 0, token.start()) + 1
                problem = f"nested more than {MAX_JSON_DEPTH} deep"
                raise InvalidJson(name, "depth", problem, "Flatten the file.", line)
        elif sign in "]}":
            depth -= 1


def _line_of_second(text: str, key: str) -> int | None:
    first = text.find(json.dumps(key, ensure_ascii=False))
    second = text.find(json.dumps(key, ensure_ascii=False), first + 1) if first >= 0 else -1
    return text.count("\n", 0, second) + 1 if second >= 0 else None
