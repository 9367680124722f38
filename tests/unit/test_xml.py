"""The door for XML and JSON: what it refuses, with line and mend, and what it lets through."""

from __future__ import annotations

import time

import pytest

from engine.base.errors import InvalidFile
from engine.base.safe_parsing import (
    BPMN,
    InvalidJson,
    InvalidXml,
    load_bpmn,
    load_dmn,
    parse_xml,
    safe_json,
)
from engine.base.settings import CHECKOUT
from tests.unit import diagrams
from tests.unit.lint_samples import table

GOOD = diagrams.callback()


@pytest.mark.parametrize(
    ("content", "rule", "line"),
    [
        (b"<a>" + b" " * 2_100_000 + b"</a>", "size", None),
        ("<a>粤</a>".encode("gb18030"), "encoding", 1),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "encoding", 1),
        (b'<?xml version="1.0" encoding="rot13"?><a/>', "encoding", 1),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "encoding", 1),
        ('<?xml version="1.0" encoding="GB18030"?><a>粤</a>'.encode(), "encoding", 1),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>粤</a>'.encode(), "encoding", 1),
        (b'<?xml version="1.0" encoding="windows-1252"?><a>\x81</a>', "encoding", 1),
        ("<a/>".encode("utf-16") + b"\0", "encoding", 1),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "doctype", 1),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE ä><a/>'.encode("latin-1"), "doctype", 2),
        ('<?xml version="1.0" encoding="GBK"?>\n<?php 粤 ?><a/>'.encode("gbk"), "instruction", 2),
        (b'\n<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n<a>&b;</a>', "doctype", 2),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>', "doctype", 1),
        (b"<a>\n<?php x ?></a>", "instruction", 2),
        (b"<a>" * 65 + b"</a>" * 65, "depth", 1),
        (b"<a>" + b"<b/>" * 20_001 + b"</a>", "count", 1),
        (b"<a " + b" ".join(b'a%d=""' % n for n in range(65)) + b"/>", "count", 1),
        (b"<a>\n<b>\n</a>", "syntax", 3),
        (b"", "syntax", 1),
        (b"<a>&nbsp;</a>", "syntax", 1),
        (b"<x:a/>", "syntax", 1),
    ],
)
def test_what_no_file_may_be(content: bytes, rule: str, line: int | None) -> None:
    began = time.process_time()
    with pytest.raises(InvalidXml) as caught:
        parse_xml(content, "a.bpmn")
    assert time.process_time() - began < 1
    error = caught.value
    assert (error.rule, error.line) == (rule, line)
    assert str(error).startswith("a.bpmn" if line is None else f"a.bpmn:{line}")
    assert error.mend in str(error)


def test_comments_cdata_and_a_byte_order_mark_are_fine() -> None:
    root = parse_xml(b"\xef\xbb\xbf<?xml version='1.0'?><!-- c --><a><![CDATA[<!DOCTYPE x>]]></a>")
    assert root.text == "<!DOCTYPE x>"


def test_a_diagram_by_the_schema() -> None:
    assert load_bpmn(GOOD).tag == f"{{{BPMN}}}definitions"
    with pytest.raises(InvalidXml) as caught:
        load_bpmn(GOOD.replace(b"<bpmn:laneSet ", b"<bpmn:surprise/>\n<bpmn:laneSet "), "x.bpmn")
    assert caught.value.rule == "schema"
    assert caught.value.line is not None
    with pytest.raises(InvalidXml, match="bpmn:definitions"):
        load_bpmn(b"<definitions/>")


def test_many_repeated_ids_are_refused_at_once() -> None:
    body = '<bpmn:userTask id="a"/>' * 19_000
    content = f"{diagrams.HEAD}<bpmn:process>{body}</bpmn:process></bpmn:definitions>".encode()
    began = time.process_time()
    with pytest.raises(InvalidXml, match="more than once"):
        load_bpmn(content)
    assert time.process_time() - began < 1


def test_a_decision_by_the_schema() -> None:
    load_dmn(table(("-", "1")))
    load_dmn((CHECKOUT / "bpmn/decisions/sla.dmn").read_bytes())
    with pytest.raises(InvalidXml) as caught:
        load_dmn(table(("-", "1")).replace(b"<rule ", b"<ruler/><rule "))
    assert caught.value.rule == "schema"
    with pytest.raises(InvalidXml) as caught:
        load_dmn(GOOD)
    assert caught.value.rule == "kind"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"[" * 40 + b"]" * 40, "depth"),
        (b"[" * 2_000_000, "depth"),
        (b'{"a": 1, "a": 2}', "duplicate"),
        (b'{"a": NaN}', "syntax"),
        (b'{"a": Infinity}', "syntax"),
        (b'{"a": 1e999}', "syntax"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "syntax"),
        (b'{"a": 1,}', "syntax"),
        (b'{"a": "\\ud800"}', "syntax"),
        (b'{"\\uDFFF": 1}', "syntax"),
        (b"\xff", "encoding"),
        (b" " * 2_200_000, "size"),
        (b"", "syntax"),
        (b'"\\"' * 500_000, "syntax"),
    ],
)
def test_json_that_is_refused(content: bytes, rule: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidJson) as caught:
        safe_json(content, "a.json")
    assert time.process_time() - began < 1
    assert caught.value.rule == rule
    assert isinstance(caught.value, InvalidFile)


def test_a_character_in_two_halves_is_whole() -> None:
    assert safe_json(b'["\\ud83d\\ude00"]', "a.json") == ["\U0001f600"]


def test_the_second_of_two_keys_is_pointed_at() -> None:
    with pytest.raises(InvalidJson) as caught:
        safe_json(b'{\n"a": 1,\n"b": 2,\n"a": 3}', "a.json")
    assert caught.value.line == 4


def test_json_keeps_its_order_and_its_values() -> None:
    assert safe_json('{"z": [1, 2.5, null, true], "a": "粤\\"[["}'.encode()) == {
        "z": [1, 2.5, None, True],
        "a": '粤"[[',
    }
