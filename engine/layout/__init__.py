"""Automatic drawing of BPMN diagrams: lanes, columns, straight happy path, orthogonal flows.

    new = layout_bpmn(path.read_bytes(), path.name)

The semantic part of the file stays as it is (a collaboration with one pool is added where lanes need it);
every diagram interchange is replaced. The result depends on the file alone.
"""

from __future__ import annotations

from lxml import etree

from engine.layout.write import redraw
from engine.xml import parse_xml

__all__ = ["layout_bpmn"]


def layout_bpmn(content: bytes, name: str = "diagram") -> bytes:
    """The same BPMN file with a complete, fresh drawing.

    Raises :class:`engine.errors.InvalidFile` when the file is not a harmless XML file.
    """
    root = parse_xml(content, name)
    redraw(root)
    tree = root.getroottree()
    return (
        etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
        .replace(b"<?xml version='1.0' encoding='UTF-8'?>", b'<?xml version="1.0" encoding="UTF-8"?>', 1)
        .rstrip()
        + b"\n"
    )
