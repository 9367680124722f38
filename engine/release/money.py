"""What has to do with money in a release, by what its forms ask and its scripts compute, not by what things are called.

Money is what a form asks or shows as money, and what a script computes from it. A decision table is about money when
it reads such a name, gives one, gives what a script computes money with, or stands for an approval.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable

from lxml import etree

from engine.base.safe_parsing import load_dmn, local
from engine.forms.model import Field

from . import compare
from .release import PARAMETERS, Release

_WORD = re.compile(r"[A-Za-z_]\w*")
_ASSIGNED = re.compile(r"\s*([A-Za-z_]\w*)\s*(?://|[-+*/%])?=(?!=)")
_SCRIPTS = ("script", "preScript", "postScript")
#: of a field, what people read and what reports count: no change of the money itself
_WORDING = frozenset({"label", "help", "section", "report", "message"})


class Money:
    """The names, tables and steps of one release that money depends on."""

    def __init__(self, release: Release) -> None:
        self._drawn = {
            path: compare.described(release, path) for path in release.files if path.endswith(".bpmn")
        }
        lines = [
            line
            for elements in self._drawn.values()
            for facts in elements.values()
            for script in _SCRIPTS
            for line in facts.get(script, "").splitlines()
        ]
        asked = {name for form in release.forms.values() for name in _asked(form.fields)}
        self.names = frozenset(_computed(asked, lines))
        self._uses = {word for line in lines if self.mentions(line) for word in _WORD.findall(line)}
        self._approving = {
            facts["calledDecisionId"]
            for elements in self._drawn.values()
            for facts in elements.values()
            if "approves" in facts and "calledDecisionId" in facts
        }

    def mentions(self, text: str) -> bool:
        """Whether ``text`` names something that is money."""
        return not self.names.isdisjoint(_WORD.findall(text))

    def decides(self, path: str, body: bytes) -> bool:
        """Whether the decision table in the file ``path`` is about money."""
        if path == PARAMETERS:  # limits, which are a kind of their own
            return False
        parts = list(load_dmn(body, path).iter(etree.Element))
        gives = {str(one.get("name")) for one in parts if local(one) == "output"}
        decisions = {str(one.get("id")) for one in parts if local(one) == "decision"}
        return (
            not self._approving.isdisjoint(decisions)
            or not gives.isdisjoint(self.names | self._uses)
            or any(self.mentions(one.text or "") for one in parts if local(one) == "text")
        )

    def steps(self, path: str, tables: Collection[str]) -> set[str]:
        """Elements of the diagram ``path`` that money depends on: what names it, approves, or asks one of ``tables``.

        With the flows at them, the gateways at those flows, and where these lead.
        """
        elements = self._drawn.get(path, {})
        found = {
            id
            for id, facts in elements.items()
            if "approves" in facts
            or facts.get("calledDecisionId") in tables
            or any(self.mentions(text) for text in facts.values())
        }
        flows = {
            id: {facts.get("sourceRef", ""), facts.get("targetRef", "")}
            for id, facts in elements.items()
            if facts["type"] == "sequenceFlow"
        }
        at = {end for id, ends in flows.items() if id in found or ends & found for end in ends}
        found |= {id for id in at & elements.keys() if elements[id]["type"].endswith("Gateway")}
        return found | {id for id, ends in flows.items() if ends & found}

    def asks(self, body: bytes) -> list[str]:
        """What the form in ``body`` says of money: its fields and rules about it, without their wording."""
        raw = json.loads(body)
        told = (
            json.dumps({key: value for key, value in part.items() if key not in _WORDING}, sort_keys=True)
            for part in (*raw.get("fields", []), *raw.get("rules", []))
        )
        return sorted(filter(self.mentions, told))


def _asked(fields: Iterable[Field]) -> Iterable[str]:
    for field in fields:
        if "money" in (field.widget, field.shown_as):
            yield field.name
        if field.rows is not None:
            yield from _asked(field.rows.fields)


def _computed(names: set[str], lines: Iterable[str]) -> set[str]:
    """``names`` and whatever a line of a script computes from one of them."""
    targets = ((_ASSIGNED.match(line), line) for line in lines)
    made = [(one.group(1), set(_WORD.findall(line[one.end() :]))) for one, line in targets if one]
    known, size = set(names), -1
    while len(known) != size:
        size = len(known)
        known |= {name for name, used in made if not known.isdisjoint(used)}
    return known
