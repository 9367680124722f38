"""How a file opens in the editors: whose drafts there are, and what the modeler can show of a diagram.

Files without a drawing are laid out, and what is wrong is said in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext, ngettext

from engine.base.errors import InvalidFile
from engine.base.safe_parsing import InvalidXml, parse_xml
from engine.bpmn.reading import read_diagram
from engine.design import publish_gate
from engine.design.layout import layout_bpmn
from engine.design.layout.shown import needed, shown
from engine.queries import drafts
from engine.queries.drafts import DiagramDraft

from . import designer_files, request_context


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a diagram opens. ``drawn`` says that its drawing is made on opening; ``note`` is what people must know.

    ``why`` says what is wrong with a file that cannot be shown; ``incomplete`` that a fresh drawing would show more.
    """

    drawn: bool = False
    note: str = ""
    why: str = ""
    incomplete: bool = False


def sheet(body: bytes, path: str, *, afresh: bool) -> Sheet:
    """How the diagram in ``body`` opens; ``afresh``: somebody asked for a fresh drawing."""
    try:
        root = parse_xml(body, path)
    except InvalidXml:
        return Sheet(why=gettext("The file cannot be read; the findings below say why."))
    model = read_diagram(root, path)
    if not (model.processes or model.collaborations):
        return Sheet(
            why=gettext("The file has no process, so there is nothing to draw. Write one into its text.")
        )
    lacking = needed(root) - shown(root)
    undrawn = not model.drawing.planes or (lacking and not shown(root))
    if not (undrawn or afresh):
        note = ngettext(
            "%(num)s element of the file is not drawn and not seen here.",
            "%(num)s elements of the file are not drawn and not seen here.",
            len(lacking),
        )
        return Sheet(note=note if lacking else "", incomplete=bool(lacking))
    try:
        layout_bpmn(body, path)
    except InvalidFile as error:
        why = gettext("No drawing could be made: “%(reason)s”", reason=str(error))
        return Sheet(note="" if undrawn else why, why=why if undrawn else "")
    if undrawn:
        note = gettext("The file had no drawing, so it was laid out. Keep the draft to keep the drawing.")
    else:
        note = gettext(
            "Drawn afresh. Keep the draft to keep this drawing; leave the page to keep the old one."
        )
    return Sheet(drawn=True, note=note)


def opened(path: str, draft: DiagramDraft | None) -> dict[str, Any]:
    """What both editors say of a file: whose drafts there are, and on which release this one stands."""
    gongdan = request_context.gongdan()
    release = gongdan.releases.current()
    return {
        "path": path,
        "name": designer_files.names(release).get(path, path),
        "draft": draft,
        "seen": draft.digest if draft else "",
        "base": draft.base_release if draft else release.number,
        "release": release,
        "overtaken": bool(draft and publish_gate.overtaken(gongdan.releases, release, [draft])),
        "others": [
            one
            for one in drafts.diagrams(gongdan.db, path=path)
            if one.author != request_context.person().name
        ],
    }
