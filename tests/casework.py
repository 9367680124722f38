"""A small company for tests of the engine: one short process with everything in it, people, a clock that stands still.

``work``: call the customer, send an SMS about each attempt, call again while busy. The call has a limit of two hours
(``CAN_CALLBACK_1``) whose breach alerts the supervisor; the whole case a limit of fifteen days (``REG_TEL_REPLY``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.sending import SENT, Answer, Entry
from engine.base.settings import CHECKOUT, Settings
from engine.case.commands import ClaimTask, CompleteTask, StartCase
from engine.case.dispatch import Receipt
from engine.people.directory import DEMO_PEOPLE
from engine.queries.work import Incident, all_incidents
from engine.storage.tables import history, sla_clock
from tests.bpmn_text import bpmn, end, script, service, timer_on, user
from tests.clock import Clock

LOCALES = ("zh-Hans", "zh-Hant-HK", "en")
CUSTOMER = {"customer_name": "陈大文", "contact_phone": "13812345678", "content": "月费多扣了一笔,请查清楚"}


def form(key: str, *fields: dict[str, Any]) -> bytes:
    """A form file; a field needs only its ``name`` (a text, not required) and what differs."""
    filled = [
        {"schema": {"type": "string"}, "widget": "text", "label": dict.fromkeys(LOCALES, f["name"]), **f}
        for f in fields
    ]
    return json.dumps(
        {"key": key, "title": dict.fromkeys(LOCALES, key), "source": "tests", "fields": filled}
    ).encode()


def template(key: str, text: str, kind: str = "sms", **slots: str) -> bytes:
    """A text file whose slots are plain expressions."""
    return json.dumps(
        {
            "key": key,
            "kind": kind,
            "version": 1,
            "source": "tests",
            "text": dict.fromkeys(LOCALES, text),
            "slots": slots,
        }
    ).encode()


WORK = bpmn(
    "work",
    "start > begin > call > count > tell > x_again > end_reached; x_again > call: result == 'busy'; "
    "t_limit > alert > end_late",
    script("begin", "attempts = 0"),
    user("call", form="call", name="回访客户"),
    script("count", "attempts = attempts + 1"),
    service(
        "tell", service="sms", template='"sms_attempt"', to="contact_phone", event="['attempt', attempts]"
    ),
    end("end_reached", outcome="reached"),
    timer_on("call", "t_limit", 'sla_due("CAN_CALLBACK_1", case_opened_at)', "timeDate"),
    service("alert", service="notice", template='"notice_late"', to='"supervisor"', level="breach"),
    startable="true",
    case_clocks="REG_TEL_REPLY",
)
FILES: dict[str, bytes | None] = {
    "bpmn/tests/work.bpmn": WORK,
    "forms/call.json": form(
        "call", {"name": "result", "required": True}, {"name": "note"}, {"name": "said", "personal": True}
    ),
    "forms/intake.json": form(
        "intake",
        {"name": "contact_phone", "personal": True},
        {"name": "customer_name", "personal": True},
        {"name": "content", "personal": True},
    ),
    "bpmn/templates/sms_attempt.json": template(
        "sms_attempt", "{name}您好,第{n}次回访", name="customer_name", n="attempts"
    ),
    "bpmn/templates/notice_late.json": template(
        "notice_late", "{no} {name} 超时", "notice", no="case_no", name="customer_name"
    ),
    **{
        path: (CHECKOUT / path).read_bytes()
        for path in ("bpmn/decisions/sla.dmn", "bpmn/calendars/cn.json", "bpmn/roles.json")
    },
}


class FakeGateway:
    """Answers what it is told to, and remembers what it was given."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[Entry] = []

    def send(self, entry: Entry) -> Answer:
        """The next prepared answer; when there is none, the entry is accepted."""
        self.sent.append(entry)
        return self.answers.pop(0) if self.answers else Answer(SENT, "ok")


class Desk:
    """The engine on one database, with the clock of the test."""

    def __init__(self, gongdan: Gongdan, clock: Clock) -> None:
        self.g = gongdan
        self.clock = clock

    @property
    def at(self) -> str:
        """The instant that commands carry."""
        return self.clock.now

    def start(
        self, process: str = "work", *, key: str | None = None, actor: str = "agent1", **data: Any
    ) -> str:
        """Open a case; returns its number."""
        asked = StartCase(process=process, data={**CUSTOMER, **data}, actor=actor, at=self.at, key=key)
        return self.g.dispatch(asked).case_id

    def open(self, case: str) -> dict[str, int]:
        """Open tasks: element → task."""
        return {
            ref.rpartition("/")[2]: task for task, (ref, _) in self.g.dispatcher.current(case).open.items()
        }

    def claim(self, case: str, element: str = "call", actor: str = "agent1") -> Receipt:
        """Claim the open task of ``element``."""
        return self.g.dispatch(
            ClaimTask(case_id=case, task=self.open(case)[element], actor=actor, at=self.at)
        )

    def complete(
        self,
        case: str,
        element: str = "call",
        *,
        actor: str = "agent1",
        key: str | None = None,
        **values: Any,
    ) -> Receipt:
        """Complete the open task of ``element`` with form ``values``."""
        task = self.open(case)[element]
        return self.g.dispatch(
            CompleteTask(case_id=case, task=task, data=values, actor=actor, at=self.at, key=key)
        )

    def wake(self) -> int:
        """Let time do what is due by the test's clock."""
        return self.g.timers.wake_due(self.clock.instant)

    def send(self) -> list[str]:
        """Work off the outbox; the new states."""
        return [sent.state for sent in self.g.outbox.work(self.clock.instant)]

    def history(self, case: str) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
        """(actor, at, command, effects) of each row, as stored."""
        rows = self.g.db.rows(sa.select(history).where(history.c.case_id == case).order_by(history.c.seq))
        return [(r.actor, r.at, json.loads(r.command), json.loads(r.effects)) for r in rows]

    def kinds(self, case: str) -> list[str]:
        """The kinds of a case's commands, in order."""
        return [command["type"] for _, _, command, _ in self.history(case)]

    def clocks(self, case: str) -> dict[str, str]:
        """SLA clocks by parameter: their latest state."""
        rows = self.g.db.rows(
            sa.select(sla_clock).where(sla_clock.c.case_id == case).order_by(sla_clock.c.clock)
        )
        return {row.parameter: row.state for row in rows}

    def incidents(self) -> list[Incident]:
        """Open incidents, as the administrator sees them: the newest first."""
        return all_incidents(self.g.db, self.g.people.get("admin1"))

    def values(self, statement: str, **parameters: Any) -> list[Any]:
        """The first column of a query."""
        with self.g.db.read() as connection:
            return list(connection.execute(sa.text(statement), parameters).scalars())


@contextmanager
def opened(
    folder: Path,
    clock: Clock,
    url: str | None = None,
    *,
    files: dict[str, bytes | None] | None = None,
    **settings: Any,
) -> Iterator[Desk]:
    """A desk on ``url`` (default: SQLite in ``folder``), with the small company's release and people when it is new."""
    chosen = Settings.from_env({}, var=folder, database_url=url, **settings)
    gongdan = open_gongdan(chosen, wall=lambda: clock.instant, synchronous="OFF")
    try:
        if gongdan.releases.current_number() is None:
            gongdan.releases.publish(files or FILES, "tests", "the small company", clock.now)
            gongdan.people.add_many(DEMO_PEOPLE, "no password")
        yield Desk(gongdan, clock)
    finally:
        gongdan.close()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A desk on SQLite."""
    with opened(tmp_path, clock) as made:
        yield made


@pytest.fixture
def any_desk(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    """A desk on SQLite and, in a second run of the test, on PostgreSQL."""
    with opened(tmp_path, clock, database_url) as made:
        yield made


@pytest.fixture
def second(any_desk: Desk, tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    """Another process's engine on the same database (own connections, own live cases)."""
    with opened(tmp_path / "second", clock, database_url, lookup_key=any_desk.g.settings.lookup_key) as other:
        yield other
