"""Kinds of change that may need a second person, decided by what the files say: a new kind is a row of ``KINDS``.

Which of them do need one in an installation is a setting (``GONGDAN_SECOND_PERSON``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.base.locales import NAME_PROPERTIES
from engine.base.services import SERVICES, Recipient

from . import compare
from .money import Money
from .release import PARAMETERS, ROLES, Release

#: facts of an element that change nothing of what happens
_WORDING = frozenset({"name", "documentation", *NAME_PROPERTIES})
_TIMERS = frozenset({"timeDate", "timeDuration", "timeCycle"})
_CLOCKS = frozenset({"case_clocks", "meets", "not_before"})
_WORD = re.compile(r"\w+")
_TIME = re.compile(r"\b(?:sla_due|param|after|outside_quiet_hours)\s*\(")
#: kinds of texts that only the house itself reads, and the services that send them
_STAFF = frozenset(one.texts for one in SERVICES.values() if one.recipient is Recipient.ROLE)
_TO_STAFF = frozenset(kind for kind, one in SERVICES.items() if one.recipient is Recipient.ROLE)
_SENDING = frozenset({"service", "template", "to", "event", "withdraws"})


@dataclass(frozen=True, slots=True)
class Step:
    """An element of a diagram that differs: its facts before and after (none where it is not), and which differ."""

    id: str
    was: Mapping[str, str]
    now: Mapping[str, str]
    differs: frozenset[str]

    def says(self, name: str) -> set[str]:
        """What it says and said under ``name``."""
        return {facts[name] for facts in (self.was, self.now) if name in facts}


class Change:
    """Two releases and what differs between them, looked at once for all kinds."""

    def __init__(self, before: Release, after: Release) -> None:
        self.before, self.after = before, after
        self.paths = [one.path for one in compare.files(before, after)]

    @cached_property
    def steps(self) -> dict[str, list[Step]]:
        """Diagram → its elements of which more than the wording differs."""
        return {path: list(self._differing(path)) for path in self.paths if path.endswith(".bpmn")}

    def _differing(self, path: str) -> Iterator[Step]:
        before, after = (compare.described(one, path) for one in (self.before, self.after))
        for id in sorted(before.keys() | after.keys()):
            was, now = before.get(id, {}), after.get(id, {})
            names = {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)}
            if names - _WORDING:
                yield Step(id, was, now, frozenset(names - _WORDING))

    def holding(self, path: str) -> list[Release]:
        """Those of the two releases that have the file."""
        return [one for one in (self.before, self.after) if path in one.files]


def _roles(change: Change) -> Iterator[str]:
    """Who works in which lane; for which lanes there is work, in which lane a form is filled in, who is kept off."""
    yield from (path for path in change.paths if path == ROLES)
    for path, steps in change.steps.items():
        before, after = (_duties(one, path) for one in (change.before, change.after))
        lanes, forms = {lane for lane, _ in before}, {form for _, form in before}
        gained = any(lane not in lanes or form in forms for lane, form in after - before)
        if gained or any("exclude" in step.differs for step in steps):
            yield path


def _duties(release: Release, path: str) -> set[tuple[str, str]]:
    """Lane and form of each task for people."""
    found = compare.described(release, path).values()
    return {(one.get("lane", ""), one.get("form", "")) for one in found if one["type"] == "userTask"}


def _limits(change: Change) -> Iterator[str]:
    """The table of limits, calendars, and where diagrams start, meet or compute with them."""
    yield from (path for path in change.paths if path == PARAMETERS or path.startswith("bpmn/calendars/"))
    for path, steps in change.steps.items():
        if any(
            not _TIMERS.isdisjoint(step.was.keys() | step.now.keys())
            or not _CLOCKS.isdisjoint(step.differs)
            or any(_TIME.search(text) for name in step.differs for text in step.says(name))
            for step in steps
        ):
            yield path


def _money(change: Change) -> Iterator[str]:
    """Questions for money, tables and scripts that decide about it, approvals and what leads to them."""
    if not any(path.endswith((".bpmn", ".dmn")) or path.startswith("forms/") for path in change.paths):
        return
    sides = [(one, Money(one)) for one in (change.before, change.after)]
    tables = {
        path.rpartition("/")[2].removesuffix(".dmn")
        for one, money in (sides if change.steps else ())
        for path, body in one.files.items()
        if path.endswith(".dmn") and money.decides(path, body)
    }
    for path in change.paths:
        bodies = [one.files[path] for one in change.holding(path)]
        if path.endswith(".dmn"):
            touched = any(money.decides(path, body) for _, money in sides for body in bodies)
        elif path.startswith("forms/"):
            asked = [{said for _, money in sides for said in money.asks(body)} for body in bodies]
            touched = bool(asked[0]) if len(asked) == 1 else asked[0] != asked[1]
        else:
            concerned = {step for _, money in sides for step in money.steps(path, tables)}
            touched = any(step.id in concerned for step in change.steps.get(path, []))
        if touched:
            yield path


def _texts(change: Change) -> Iterator[str]:
    """What customers read or hear: the texts, the steps that send or show them, tables and scripts that choose one."""
    keys = {
        key
        for one in (change.before, change.after)
        for key, text in one.templates.items()
        if text.kind not in _STAFF
    }
    for path in change.paths:
        if path.startswith("bpmn/templates/") and path.rpartition("/")[2].removesuffix(".json") in keys:
            yield path
        if path.endswith(".dmn") and any(
            _names(keys, one.files[path].decode()) for one in change.holding(path)
        ):
            yield path
    for path, steps in change.steps.items():
        if any(
            "say" in step.differs
            or _sends(step)
            or any(_names(keys, text) for name in step.differs for text in step.says(name))
            for step in steps
        ):
            yield path


def _names(keys: Collection[str], text: str) -> bool:
    """Whether ``text`` names one of the ``keys``."""
    return not set(keys).isdisjoint(_WORD.findall(text))


def _sends(step: Step) -> bool:
    """Whether what it sends to somebody outside differs."""
    return not _SENDING.isdisjoint(step.differs) and bool(step.says("service") - _TO_STAFF)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change: what people call it, by language, and the paths of a change that are of this kind."""

    name: dict[str, str]
    paths: Callable[[Change], Iterator[str]]


def _name(hans: str, hant: str, english: str) -> dict[str, str]:
    return {"zh-Hans": hans, "zh-Hant-HK": hant, "en": english}


KINDS = {
    "roles": Kind(_name("谁可做什么", "誰可做甚麼", "who may do what"), _roles),
    "limits": Kind(_name("时限", "時限", "limits"), _limits),
    "money": Kind(_name("金额", "金額", "money"), _money),
    "texts": Kind(_name("给客户的文字", "給客戶的文字", "texts to customers"), _texts),
}


def touched(before: Release, after: Release, kinds: Collection[str]) -> dict[str, list[str]]:
    """Those of ``kinds`` that differ between two releases, each with the files in which they do."""
    change = Change(before, after)
    found = {kind: sorted(set(one.paths(change))) for kind, one in KINDS.items() if kind in kinds}
    return {kind: paths for kind, paths in found.items() if paths}
