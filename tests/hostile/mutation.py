"""Ten thousand ways to spoil a file that ships, each known by its number.

A spoilt file stays close to the real one: most survive the first doors and reach the checks behind them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from lxml import etree

from engine.base.safe_parsing import BPMN, SPIFF
from engine.base.settings import CHECKOUT
from engine.release.releases import read_folder
from engine.release.scenario_files import FOLDER as SCENARIOS

FILES = read_folder(CHECKOUT)
PATHS = sorted(path for path in FILES if not path.startswith(SCENARIOS))
_KINDS = [
    [path for path in PATHS if path.endswith(".bpmn")],
    [path for path in PATHS if path.endswith(".dmn")],
    [path for path in PATHS if path.endswith(".json")],
    sorted(path for path in FILES if path.startswith(SCENARIOS)),
]
_WEIGHTS = [12, 4, 4, 1]
#: expressions and scripts that reach for the machine, or for all of its time and memory
EXPRESSIONS = (
    "().__class__.__base__.__subclasses__()",
    "().__class__.__mro__[1].__subclasses__()[104].__init__.__globals__['sys']",
    "__import__('os').system('id')",
    "open('/etc/passwd').read()",
    "getattr('', '__class__')",
    "'{0.__class__}'.format(1)",
    "9 ** 9 ** 9",
    "1 << 10 ** 9",
    "'a' * 10 ** 10",
    "[0] * 10 ** 9",
    "sum(range(10 ** 12))",
    "(lambda f: f(f))(lambda f: f(f))",
    "[x for x in iter(int, 1)]",
    "not " * 3_000 + "a",
    "(" * 300 + "1" + ")" * 300,
    "-" * 2_000 + "1",
    "a" + " + 1" * 3_000,
    '"' + "x" * 20_000 + '"',
    '"R/PT0S"',
    '"R99999999/PT1S"',
    '"-PT1H"',
    '"P99999999999D"',
    '"9999-12-31T23:59:59+00:00"',
    '"0001-01-01T00:00:00+00:00"',
    '"not a time"',
    'after("9999-12-31T00:00:00+00:00", "P9999D")',
    'sla_due("NO_SUCH_LIMIT", now())',
    "now",
    "None",
    "1e999",
    "[]",
    "{}",
    "",
    "\u202e1 == 1",
    "data_get('case_no', case_no)",
    "while True: pass",
    "x = 1\nwhile True:\n    x = x * 2",
    "def f():\n    return f()\nx = f()",
    "x = []\nfor i in range(10 ** 9):\n    x.append(i)",
    "case_no = 1",
    "now = 1",
)
_WORDS = (
    "",
    " ",
    "-1",
    "0",
    "99999999999999999999",
    "true",
    "\u202eabc",
    "粤" * 300,
    "a b",
    "../../etc",
    "<",
    "x" * 70_000,
)
_PIECES = (
    b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
    b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
    b"<?xml-stylesheet href='http://127.0.0.1/x'?>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"&x;",
    b"&#0;",
    b"&#xD800;",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"</bpmn:process>",
    b"<bpmn:subProcess>" * 60,
    b"{" * 40,
    b'"a": NaN,',
    b'"a": 1, "a": 2,',
    b"9" * 5_000,
    b"\\ud800",
)  # fmt: skip
_REFERENCES = (
    *("sourceRef", "targetRef", "attachedToRef", "default", "bpmnElement", "calledElement", "messageRef"),
    *("errorRef", "dataObjectRef", "processRef", "id"),
)
_NAMESPACES = (
    (b"http://www.omg.org/spec/BPMN/20100524/MODEL", b"http://www.omg.org/spec/BPMN/20100524/DI"),
    (b"http://www.omg.org/spec/BPMN/20100524/DI", b"http://www.omg.org/spec/BPMN/20100524/MODEL"),
    (b"http://spiffworkflow.org/bpmn/schema/1.0/core", b"http://camunda.org/schema/1.0/bpmn"),
    (b"http://www.omg.org/spec/DD/20100524/DC", b"urn:nothing"),
    (b"https://www.omg.org/spec/DMN/20191111/MODEL/", b"http://www.omg.org/spec/DMN/20151101/dmn.xsd"),
    (b"http://www.w3.org/2001/XMLSchema-instance", b"urn:nothing"),
    (b"xmlns:bpmn=", b"xmlns:other="),
    (b"bpmn:", b""),
)


def spoilt(number: int) -> tuple[str, bytes]:
    """Path and content of spoilt file ``number``; the same number gives the same file."""
    chance = Random(number)
    (paths,) = chance.choices(_KINDS, _WEIGHTS)
    path = chance.choice(paths)
    content = FILES[path]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        by_structure = _JSON if path.endswith(".json") else _XML
        content = chance.choice(by_structure if chance.random() < 0.75 else _BYTES)(content, chance)
    return path, content


# ---------------------------------------------------------------- bytes
def _flip(content: bytes, chance: Random) -> bytes:
    body = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 50))):
        if body:
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return bytes(body)


def _truncate(content: bytes, chance: Random) -> bytes:
    return content[: chance.randint(0, len(content))]


def _put_in(content: bytes, chance: Random) -> bytes:
    at = chance.randint(0, len(content))
    return content[:at] + chance.choice(_PIECES) + content[at:]


def _double(content: bytes, chance: Random) -> bytes:
    at, to = sorted((chance.randint(0, len(content)), chance.randint(0, len(content))))
    return content[:to] + content[at:]


def _encode(content: bytes, chance: Random) -> bytes:
    text = content.decode("utf-8", "replace")
    how = chance.choice(("utf-16", "gb18030", "utf-8-sig", "latin-1", "utf-32", "utf-7"))
    body = text.encode(how, "replace")
    declared = chance.choice((b"UTF-8", b"GB18030", b"UTF-16", b"ISO-8859-1", b"nonsense"))
    return body.replace(b"UTF-8", declared, 1)


def _tag(content: bytes, chance: Random) -> bytes:
    """One start or end tag taken out or written twice."""
    tags = list(re.finditer(rb"<[^<>]*>", content))
    if not tags:
        return content
    tag = chance.choice(tags)
    twice = tag.group() * 2 if chance.random() < 0.5 else b""
    return content[: tag.start()] + twice + content[tag.end() :]


def _namespace(content: bytes, chance: Random) -> bytes:
    before, after = chance.choice(_NAMESPACES)
    return content.replace(before, after, chance.choice((-1, 1)))


_BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flip,
    _flip,
    _truncate,
    _put_in,
    _double,
    _encode,
    _tag,
    _tag,
    _namespace,
)


# ---------------------------------------------------------------- elements
def _on_tree(change: Callable[[list[Any], Random], None]) -> Callable[[bytes, Random], bytes]:
    """A change of the parsed file; what is well-formed no more stays as it is."""

    def changed(content: bytes, chance: Random) -> bytes:
        try:
            root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
        except (etree.XMLSyntaxError, ValueError):
            return content
        change([item for item in root.iter() if isinstance(item.tag, str)], chance)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    return changed


def _inside(items: list[Any], chance: Random) -> Any:
    return chance.choice(items[1:] or items)


def _delete(items: list[Any], chance: Random) -> None:
    item = _inside(items, chance)
    if item.getparent() is not None:
        item.getparent().remove(item)


def _duplicate(items: list[Any], chance: Random) -> None:
    item = _inside(items, chance)
    if item.getparent() is not None:
        twin = deepcopy(item)
        if chance.random() < 0.5:
            for number, part in enumerate(twin.iter()):
                if isinstance(part.tag, str) and part.get("id"):
                    part.set("id", f"{part.get('id')}_{number}")
        item.addnext(twin)


def _move(items: list[Any], chance: Random) -> None:
    item, target = _inside(items, chance), _inside(items, chance)
    if item.getparent() is not None and item not in list(target.iterancestors()) and item is not target:
        target.append(item)


def _swap_attributes(items: list[Any], chance: Random) -> None:
    first, second = (chance.choice([i for i in items if i.attrib]) for _ in range(2))
    a, b = chance.choice(list(first.attrib)), chance.choice(list(second.attrib))
    first.attrib[a], second.attrib[b] = second.attrib[b], first.attrib[a]


def _break_reference(items: list[Any], chance: Random) -> None:
    name = chance.choice(_REFERENCES)
    having = [item for item in items if item.get(name)]
    if having:
        ids = [item.get("id") for item in items if item.get("id")]
        chance.choice(having).set(name, chance.choice([*_WORDS[:-2], "nobody", *ids, *ids]))


def _huge_id(items: list[Any], chance: Random) -> None:
    having = [item for item in items if item.get("id")]
    if having:
        item, own = (found := chance.choice(having)), found.get("id")
        long = chance.choice(("x" * 100_000, "元" * 30_000, f"a{'9' * 20_000}"))
        item.set("id", long)
        if chance.random() < 0.7:
            for other in items:
                for key, value in other.attrib.items():
                    if value == own:
                        other.set(key, long)
                if other.text == own:
                    other.text = long


def _attribute(items: list[Any], chance: Random) -> None:
    item = chance.choice([i for i in items if i.attrib])
    name = chance.choice(list(item.attrib))
    if chance.random() < 0.3:
        del item.attrib[name]
    else:
        item.set(name, chance.choice((*_WORDS, *EXPRESSIONS[:12])))


def _say(items: list[Any], chance: Random) -> None:
    """Another expression, script or cell."""
    written = ("conditionExpression", "script", "timeDate", "timeDuration", "timeCycle", "text", "property")
    having = [i for i in items if i.tag.rpartition("}")[2] in written]
    if having:
        item = chance.choice(having)
        words = chance.choice(EXPRESSIONS)
        if item.tag.endswith("}property"):
            item.set("value", words)
        else:
            item.text = words


def _rename(items: list[Any], chance: Random) -> None:
    """An element becomes another kind of element."""
    space = f"{{{BPMN}}}"
    nodes = [i for i in items if i.tag.startswith(space) and i.get("id")]
    if nodes:
        kinds = (
            *("userTask", "scriptTask", "serviceTask", "callActivity", "subProcess", "exclusiveGateway"),
            *("parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway", "startEvent"),
            *("endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent", "transaction"),
            *("adHocSubProcess", "sequenceFlow", "receiveTask", "sendTask", "businessRuleTask", "task"),
        )
        chance.choice(nodes).tag = space + chance.choice(kinds)


def _loop(items: list[Any], chance: Random) -> None:
    """An element is repeated, perhaps very often."""
    space = f"{{{BPMN}}}"
    tasks = [
        i for i in items if i.tag.startswith(space) and i.tag.endswith(("Task", "Activity", "subProcess"))
    ]
    if tasks:
        kind = chance.choice(("standardLoopCharacteristics", "multiInstanceLoopCharacteristics"))
        made = etree.SubElement(chance.choice(tasks), space + kind)
        if kind.startswith("multi"):
            made.set("isSequential", chance.choice(("true", "false")))
            count = etree.SubElement(made, space + "loopCardinality")
            count.text = chance.choice(("3", "10000000", "-1", "n", *EXPRESSIONS[6:9]))
        else:
            made.set("loopMaximum", chance.choice(("3", "10000000", "-1", "n")))
            if chance.random() < 0.5:
                etree.SubElement(made, space + "loopCondition").text = chance.choice(("True", "a == 1"))


def _property(items: list[Any], chance: Random) -> None:
    """A property of the engine is given another name or another's value."""
    having = [i for i in items if i.tag == f"{{{SPIFF}}}property"]
    if having:
        first, second = chance.choice(having), chance.choice(having)
        key = chance.choice(("name", "value"))
        a, b = first.get(key, ""), second.get(key, "")
        first.set(key, b)
        second.set(key, a)


_XML: tuple[Callable[[bytes, Random], bytes], ...] = tuple(
    _on_tree(change)
    for change in (
        *(_delete, _duplicate, _move, _swap_attributes, _break_reference, _break_reference, _huge_id),
        *(_attribute, _say, _say, _rename, _loop, _property),
    )
)


# ---------------------------------------------------------------- JSON
def _on_json(change: Callable[[list[tuple[Any, Any]], Random], None]) -> Callable[[bytes, Random], bytes]:
    def changed(content: bytes, chance: Random) -> bytes:
        try:
            value = json.loads(content)
        except ValueError:
            return content
        places = list(_places(value))
        if places:
            change(places, chance)
        return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")

    return changed


def _places(value: Any) -> Any:
    """(container, key) of every value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def _drop(places: list[tuple[Any, Any]], chance: Random) -> None:
    container, key = chance.choice(places)
    del container[key]


def _other_value(places: list[tuple[Any, Any]], chance: Random) -> None:
    container, key = chance.choice(places)
    other, where = chance.choice(places)
    odd: list[Any] = [None, True, -1, 0, 1e300, 10**17, "", [], {}, [[]], {"a": {}}, *_WORDS, *EXPRESSIONS]
    container[key] = deepcopy(other[where]) if chance.random() < 0.4 else chance.choice(odd)


def _other_key(places: list[tuple[Any, Any]], chance: Random) -> None:
    named = [(container, key) for container, key in places if isinstance(container, dict)]
    if named:
        container, key = chance.choice(named)
        container[chance.choice(("typename", "__class__", "", "case_no", "now", "x" * 5_000))] = (
            container.pop(key)
        )


def _swap(places: list[tuple[Any, Any]], chance: Random) -> None:
    lists = [container[key] for container, key in places if isinstance(container[key], list)]
    for found in lists[:1] if lists else ():
        chance.shuffle(found)
        found += deepcopy(found[:1])


def _nest(places: list[tuple[Any, Any]], chance: Random) -> None:
    container, key = chance.choice(places)
    for _ in range(chance.choice((3, 40))):
        container[key] = [container[key]]


_JSON: tuple[Callable[[bytes, Random], bytes], ...] = tuple(
    _on_json(change) for change in (_drop, _other_value, _other_value, _other_key, _swap, _nest)
)
