"""XES 2.0 (IEEE 1849-2016): one trace a case, one event a step, with concept, organisation, time and lifecycle."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, BinaryIO

from lxml import etree

from .events import Event, Trace

NAMESPACE = "http://www.xes-standard.org/"
_NAMES: Any = {None: NAMESPACE}
_EXTENSIONS = (
    ("Concept", "concept"),
    ("Organizational", "org"),
    ("Time", "time"),
    ("Lifecycle", "lifecycle"),
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_START = "1970-01-01T00:00:00+00:00"


def write(traces: Iterable[Trace], out: BinaryIO) -> int:
    """Write a log to ``out`` case by case; returns the number of events."""
    events = 0
    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        attributes = {"xes.version": "1849.2016", "xes.features": "nested-attributes"}
        with xml.element(_tag("log"), attributes, nsmap=_NAMES):
            for name, prefix in _EXTENSIONS:
                uri = f"http://www.xes-standard.org/{prefix}.xesext"
                xml.write(_node("extension", name=name, prefix=prefix, uri=uri))
            for scope, keys in (
                ("trace", {"concept:name": ""}),
                ("event", {"concept:name": "", "org:resource": "", "lifecycle:transition": "complete"}),
            ):
                node = _node("global", scope=scope)
                node.extend(_text(key, value) for key, value in keys.items())
                if scope == "event":
                    node.append(_date("time:timestamp", _START))
                xml.write(node)
            xml.write(_node("classifier", name="Activity", keys="concept:name lifecycle:transition"))
            xml.write(_text("lifecycle:model", "standard"))
            for trace in traces:
                xml.write(_trace(trace))
                xml.flush()
                events += len(trace.events)
    return events


def _trace(trace: Trace) -> etree._Element:
    node = _node("trace")
    told = {
        "concept:name": trace.case_id,
        "process": trace.process,
        "outcome": trace.outcome,
        "severity": trace.severity,
        "channel": trace.channel,
    }
    node.extend(_text(key, value) for key, value in told.items() if value)
    node.append(_date("opened", trace.opened_at))
    if trace.closed_at:
        node.append(_date("closed", trace.closed_at))
    node.extend(_event(event) for event in trace.events)
    return node


def _event(event: Event) -> etree._Element:
    node = _node("event")
    node.append(_text("concept:name", event.activity))
    node.append(_text("concept:instance", str(event.task)))
    node.append(_text("org:resource", event.actor))
    node.append(_date("time:timestamp", event.at))
    node.append(_text("lifecycle:transition", event.lifecycle))
    node.append(_text("element", f"{event.process}/{event.element}"))
    node.append(_text("kind", event.kind))
    return node


def _text(key: str, value: str) -> etree._Element:
    return _node("string", key=key, value=_NOT_XML.sub("?", value))


def _date(key: str, instant: str) -> etree._Element:
    return _node("date", key=key, value=instant)


def _node(tag: str, /, **attributes: str) -> etree._Element:
    return etree.Element(_tag(tag), attributes, nsmap=_NAMES)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
