"""One case for the regulator: what it was asked, by whom and when it was answered, with what evidence and recourse."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.base.errors import NotFound
from engine.base.facts import plain, resolve
from engine.forms import Form
from engine.queries import timeline, work
from engine.queries.cases import Case
from engine.queries.rows import text
from engine.queries.sent import Sent, messages
from engine.queries.timeline import Step
from engine.release.release import Release
from engine.storage.database import Database
from engine.storage.tables import cases

RECOURSE = "recourse_text"  #: the answer that says which way the customer may still go


@dataclass(frozen=True, slots=True)
class Said:
    """A value recorded at a step, with who recorded it."""

    at: str
    actor: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file that came with the case; the bytes can be proved by their SHA-256."""

    name: str
    sha256: str
    size: int
    at: str
    actor: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """A case from receipt to final answer. ``head`` proves the history up to ``seq``."""

    case: Case
    received_at: str | None
    acknowledged_at: str | None
    steps: list[Step]
    data: dict[str, Any]
    replies: list[Said]
    recourse: list[Said]
    evidence: list[Evidence]
    clocks: list[work.SlaClock]
    messages: list[Sent]
    head: str

    def as_json(self, made_at: str) -> dict[str, Any]:
        """All of it as plain data; ``made_at`` is when the dossier was made."""
        case = self.case
        return {
            "made_at": made_at,
            "case": {name: getattr(case, name) for name in Case.__dataclass_fields__ if name != "phone_key"},
            "received_at": self.received_at,
            "acknowledged_at": self.acknowledged_at,
            "limits": [_plain(clock) for clock in self.clocks],
            "replies": [_plain(one) for one in self.replies],
            "messages": [_plain(message) for message in self.messages],
            "recourse": [_plain(one) for one in self.recourse],
            "evidence": [_plain(one) for one in self.evidence],
            "data": self.data,
            "history": [
                {"seq": s.seq, "at": s.at, "recorded_at": s.recorded_at, "actor": s.actor, "type": s.kind,
                 "command": s.command, "effects": plain(s.effects), "release": s.release, "hash": s.hash}
                for s in self.steps
            ],
            "head": {"seq": case.seq, "hash": self.head},
        }  # fmt: skip


def dossier(
    db: Database, case: Case, steps: list[Step], release: Release, forms: Mapping[str, Form]
) -> Dossier:
    """The dossier of a case as it now stands, by the ``steps`` of its history.

    What was told is what the forms mark so: ``forms`` those of the release in force, for a case whose own ``release``
    is older than such marks.
    """
    marked = release.forms if any(form.tells for form in release.forms.values()) else forms
    told = list(_told(steps, case, release, marked))
    data = timeline.data_after(steps)
    with db.read() as c:
        head = c.execute(sa.select(cases.c.head).where(cases.c.id == case.id)).scalar()
    return Dossier(
        case=case,
        received_at=data.get("received_at"),
        acknowledged_at=data.get("acknowledged_at"),
        steps=steps,
        data=data,
        replies=[one for one in told if one.name != RECOURSE],
        recourse=[one for one in told if one.name == RECOURSE],
        evidence=list(_evidence(steps)),
        clocks=work.clocks(db, case.id),
        messages=[
            one
            for one in messages(steps, work.messages(db, case.id))
            if _to_customer(one, release.roles.names)
        ],
        head=head.hex() if isinstance(head, bytes) else text(head),
    )


def _to_customer(message: Sent, roles: Collection[str]) -> bool:
    """Whether a message went to the customer: no word to the house itself, by webhook or by mail to a role."""
    role, _, department = message.recipient.partition("@")
    inside = message.kind == "webhook" or (role in roles and "." not in department)
    return not inside


def _told(steps: Iterable[Step], case: Case, release: Release, forms: Mapping[str, Form]) -> Iterable[Said]:
    """Answers of completed steps that are what the customer was told, by the form of the step."""
    asked: dict[int, str] = {}
    for step in steps:
        form = forms.get(asked.get(step.command.get("task", 0), "")) if step.kind == "complete" else None
        answers = step.command.get("data", {})
        for name in form.told(answers) if form else ():
            yield Said(step.at, step.actor, name, answers[name])
        for opened in step.effects.opened:
            with suppress(NotFound):
                element = release.element(*resolve(case.process, opened.element))
                asked[opened.task] = element.properties.get("form", "")


def _evidence(steps: Iterable[Step]) -> Iterable[Evidence]:
    seen: set[str] = set()
    for step in steps:
        for value in (step.command.get("data") or {}).values():
            for file in value if isinstance(value, list) else ():
                if (
                    isinstance(file, dict)
                    and {"name", "sha256", "size"} <= file.keys()
                    and file["sha256"] not in seen
                ):
                    seen.add(file["sha256"])
                    yield Evidence(file["name"], file["sha256"], file["size"], step.at, step.actor)


def _plain(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}
