"""Histories read plainly: rows as they are stored, with nothing of the code that projects, counts or reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa

from engine.app import Gongdan
from engine.privacy.sealing import Seal
from engine.storage.tables import history

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: where the branch stands, the first that was told counts (docs/reports.md)
BRANCH = (
    "responsible_branch", "branch", "destination_region", "origin_region", "checked_centre", "centre",
    "hospital_department", "site", "responsible_department", "department",
)  # fmt: skip
TYPE = (
    "complaint_type", "category", "dispute_type", "behaviour", "main_cause", "check_object", "reason_l1", "kind",
)  # fmt: skip
SCORES = ("overall", "satisfaction", "patient_satisfaction")
SOLVED = ("solved", "problem_solved", "owner_satisfied")
LEVELS = ("general", "severe", "major")
LATE = ("breached", "missed")
#: what is asked about the work after it was done
AFTERWARDS = frozenset({
    "archive", "satisfaction_revisit", "revisit_request", "contact_log", "recourse_told", "improvement",
    "process_review",
})  # fmt: skip


@dataclass
class Limit:
    """A limit of a case as its history tells it."""

    parameter: str
    started: str
    due: str
    states: list[tuple[str, str]] = field(default_factory=list)  #: (state, when)

    @property
    def late(self) -> bool:
        return any(state in LATE for state, _ in self.states)

    @property
    def end(self) -> str | None:
        """How it ended: ``met``, ``missed`` or ``stopped``; what had passed before it fell away was missed."""
        ended = [state for state, _ in self.states if state in ("met", "missed", "stopped")]
        return ("missed" if self.late else ended[-1]) if ended else None


@dataclass
class Case:
    """A case as its history tells it."""

    id: str
    process: str
    opened: str
    opened_by: str
    closed: str | None = None
    outcome: str | None = None
    said: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)  #: name → (when, value), by forms
    known: dict[str, list[Any]] = field(
        default_factory=dict
    )  #: the same, and what tables and scripts decided
    limits: dict[str, Limit] = field(default_factory=dict)
    work: list[tuple[str, str, str]] = field(default_factory=list)  #: (when, form, person) of completed tasks
    sent: list[str] = field(default_factory=list)  #: templates of SMS asked for

    @property
    def closed_on(self) -> date | None:
        """The local day of the close."""
        return None if self.closed is None else local(self.closed)

    def last(self, *names: str) -> Any:
        """The latest value of the first of ``names`` that has one."""
        return next((self.known[name][-1] for name in names if self.known.get(name)), None)

    def answers(self, *names: str) -> list[tuple[str, Any]]:
        return [told for name in names for told in self.said.get(name, ())]

    @property
    def branch(self) -> str:
        return str(next((v for n in BRANCH if (v := self.last(n))), "unassigned"))

    @property
    def kind(self) -> str:
        return next((f"{name}/{value}" for name in TYPE if (value := self.last(name))), "")

    @property
    def severity(self) -> str:
        return self.last("severity") or "general"

    @property
    def in_time(self) -> bool:
        closing = [limit for limit in self.limits.values() if "_CLOSE_" in limit.parameter]
        return not any(limit.late for limit in closing or self.limits.values())

    @property
    def score(self) -> int | None:
        found = next((told for name in SCORES if (told := self.said.get(name))), None)
        return found[-1][1] if found else None

    @property
    def solved(self) -> bool | None:
        found = next((told for name in SOLVED if (told := self.said.get(name))), None)
        return found[-1][1] if found else None

    @property
    def asked(self) -> bool:
        """Whether anybody tried to ask the customer."""
        revisits = [
            limit
            for limit in self.limits.values()
            if "REVISIT" in limit.parameter or "_RV" in limit.parameter
        ]
        return self.rated or bool(revisits)

    @property
    def rated(self) -> bool:
        return self.score is not None or self.solved is not None

    @property
    def satisfied(self) -> bool:
        return self.rated and not ((self.score or 3) <= 2 or self.solved is False)

    @property
    def rises(self) -> list[tuple[str, str]]:
        """Severity above any earlier one, as (from, to)."""
        found: list[tuple[str, str]] = []
        highest: str | None = None
        for level in self.known.get("severity", ()):
            if highest is not None and LEVELS.index(level) > LEVELS.index(highest):
                found.append((highest, level))
            if highest is None or LEVELS.index(level) > LEVELS.index(highest):
                highest = level
        return found

    def handled_before(self, when: str | None) -> str:
        """Who last worked on the matter itself (before an instant)."""
        done = [who for at, form, who in self.work if form not in AFTERWARDS and (when is None or at < when)]
        return done[-1] if done else ""

    @property
    def reopens(self) -> str | None:
        """The earlier case, where somebody confirmed that this is the same matter again."""
        again = self.last("duplicate_relation") in ("reopened", "recomplaint")
        return str(self.last("duplicate_of") or "") if again else None


def local(at: str) -> date:
    """The day in Shanghai of an instant in UTC."""
    return datetime.fromisoformat(at).astimezone(SHANGHAI).date()


def read(gongdan: Gongdan) -> list[Case]:
    """Every case, in order of its number."""
    release = gongdan.releases.current()
    found: dict[str, Case] = {}
    forms: dict[tuple[str, int], str] = {}
    seals: dict[str, Seal] = {}
    query = sa.select(history.c.case_id, history.c.at, history.c.actor, history.c.command, history.c.effects)
    for number, at, actor, command, effects in gongdan.db.rows(
        query.order_by(history.c.case_id, history.c.seq)
    ):
        asked, did = orjson.loads(command), orjson.loads(effects)
        case = found.get(number) or found.setdefault(number, Case(number, asked["process"], at, actor))
        seal = seals.get(number) or seals.setdefault(number, release.seal(gongdan.keys.get(number)))
        _hear(
            case,
            at,
            _open(seal, asked.get("data", {})),
            [_open(seal, put) for _, put, _ in did.get("data", ())],
        )
        if asked["type"] == "complete":
            case.work.append((at, forms[number, asked["task"]], actor))
        for task, reference, *_ in did.get("opened", ()):
            process, _, element = reference.rpartition("/")
            drawn = release.element(process or case.process, element)
            forms[number, task] = drawn.properties["form"]
        for clock, parameter, started, due, *_ in did.get("clocks", ()):
            case.limits[clock] = Limit(parameter, started, due)
        for clock, state, detail in did.get("clock_changes", ()):
            case.limits[clock].states.append((state, at))
            if state in ("resumed", "moved", "recounted"):
                case.limits[clock].due = detail[0]
        case.sent += [r["template"] for r in did.get("requests", ()) if r["service"] == "sms"]
        if "done" in did:
            case.closed, case.outcome = at, did["done"]
    return list(found.values())


def _open(seal: Seal, data: dict[str, Any]) -> dict[str, Any]:
    """Texts that people typed, open; what is personal stays sealed: it is nobody's business."""
    return {name: value if name in seal.personal else seal.open_all(value) for name, value in data.items()}


def _hear(case: Case, at: str, said: dict[str, Any], decided: list[dict[str, Any]]) -> None:
    """Note what a form said, and what the steps after it decided."""
    for name, value in said.items():
        if _plain(value):
            case.said.setdefault(name, []).append((at, value))
    for values in (said, *decided):
        for name, value in values.items():
            if _plain(value) and value != next(iter(case.known.get(name, [])[-1:]), None):
                case.known.setdefault(name, []).append(value)


def _plain(value: Any) -> bool:
    return value is not None and not isinstance(value, dict | list)
