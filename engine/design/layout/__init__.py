"""Automatic drawing of BPMN diagrams: lanes, columns, straight happy path, orthogonal flows.

    new = layout_bpmn(path.read_bytes(), path.name)

The semantic part of the file stays as it is (a pool is added where lanes, or other pools beside a process, need
one); every diagram interchange is replaced. The result depends on the file alone, and is never worse than what the
file had: nothing that was drawn, or should be, is missing, and there are not more faults than before.
"""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from engine.base.errors import InvalidFile
from engine.base.safe_parsing import BPMN, InvalidXml, local, parse_xml, schema_problems

from .check import check_drawing
from .shown import needed, shown
from .write import redraw

__all__ = ["layout_bpmn"]

#: how much of what is against a drawing one message names
TOLD = 5


def layout_bpmn(content: bytes, name: str = "diagram") -> bytes:
    """The same BPMN file with a complete, fresh drawing.

    Raises :class:`engine.base.errors.InvalidFile` when the file is not a harmless BPMN file, or when the fresh drawing
    would be worse than the one it has; the message says what of it.
    """
    old = parse_xml(content, name)
    if old.tag != f"{{{BPMN}}}definitions":
        raise InvalidXml(name, "kind", "not a BPMN 2.0 diagram", "Only bpmn:definitions can be drawn.", 1)
    new = deepcopy(old)
    redraw(new)
    made = (
        etree.tostring(new.getroottree(), xml_declaration=True, encoding="UTF-8")
        .replace(b"<?xml version='1.0' encoding='UTF-8'?>", b'<?xml version="1.0" encoding="UTF-8"?>', 1)
        .rstrip()
        + b"\n"
    )
    _refuse_worse(old, parse_xml(made, name), name)
    return made


def _refuse_worse(old: etree._Element, new: etree._Element, name: str) -> None:
    stood = shown(old)
    missing = (stood | needed(new)) - shown(new)
    if missing:
        told = [f"{local(e)} {e.get('id')}" for e in old.iter(f"{{{BPMN}}}*") if e.get("id") in missing]
        _refuse(name, f"would lack {len(missing)}", told)
    broken = schema_problems(new, name)
    if broken and not schema_problems(old, name):
        _refuse(name, "would break the schema", [error.problem for error in broken])
    before, after = (check_drawing(root) if stood else [] for root in (old, new))
    if len(after) > len(before):
        told = [f"{fault.element}: {fault.message}" for fault in after if fault not in before]
        _refuse(name, f"would have more faults ({len(after)} instead of {len(before)})", told)


def _refuse(name: str, why: str, told: list[str]) -> None:
    more = f" and {len(told) - TOLD} more" if len(told) > TOLD else ""
    raise InvalidFile(
        f"{name}: left as it is, for a fresh drawing {why}: {'; '.join(told[:TOLD])}{more}. Draw it by hand."
    )
