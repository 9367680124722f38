"""The schemas of BPMN and DMN, as they ship inside SpiffWorkflow (found without importing it)."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

from .errors import InvalidFile

#: DMN model namespaces and the schema that describes each.
DMN_SCHEMAS = {
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "DMN13.xsd",
    "http://www.omg.org/spec/DMN/20180521/MODEL/": "DMN12.xsd",
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd": "DMN.xsd",
}


@cache
def bpmn_schema() -> etree.XMLSchema:
    """OMG's schema of BPMN 2.0 with its drawings."""
    return _schema("bpmn/parser/schema/BPMN20.xsd")


@cache
def dmn_schema(namespace: str) -> etree.XMLSchema:
    """The schema of the DMN version with this model namespace."""
    return _schema(f"dmn/parser/schema/{DMN_SCHEMAS[namespace]}")


def _schema(path: str) -> etree.XMLSchema:
    spec = find_spec("SpiffWorkflow")
    if spec is None or not spec.submodule_search_locations:
        raise InvalidFile("SpiffWorkflow is not installed: the BPMN schema is missing. Run make setup.")
    return etree.XMLSchema(etree.parse(Path(spec.submodule_search_locations[0]) / path))
