"""The tables. ``history`` and the release tables are the truth; the rest is derived from them or operational.

Instants are ISO 8601 text in UTC with offset (``2026-02-13T08:00:00+00:00``): they sort as text.
JSON is TEXT or BLOB, never ``jsonb``: the order of keys carries meaning (ADR 0003).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from . import process_tables as process_tables
from . import proof_tables as proof_tables
from . import release_tables as release_tables
from .metadata import metadata as metadata
from .people_tables import person as person


def _text(name: str, *, null: bool = False, **kw: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, **kw)


def _int(name: str, *, null: bool = False, **kw: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=null, **kw)


def _blob(name: str, *, null: bool = False, **kw: Any) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=null, **kw)


# ---------------------------------------------------------------- truth
history = sa.Table(
    "history",
    metadata,
    _text("case_id", primary_key=True),
    _int("seq", primary_key=True, autoincrement=False),
    _text("at"),
    _text("recorded_at"),
    _text("actor"),
    _blob("command"),
    _blob("effects"),
    _int("release"),
    _text("engine"),
    _blob("prev_hash"),
    _blob("hash"),
    sqlite_with_rowid=False,
)
blob = sa.Table("blob", metadata, _text("sha256", primary_key=True), _blob("body"))
release = sa.Table(
    "release",
    metadata,
    _int("number", primary_key=True, autoincrement=False),
    _text("created_at"),
    _text("author"),
    _text("note"),
    _text("state"),  # 'active' | 'superseded'; what waits to be one is a proposal (release_tables.py)
    _text("approved_by", null=True),  # the second person, or the author where none was needed
    _text("approved_at", null=True),
)
release_file = sa.Table(
    "release_file",
    metadata,
    _int("release", primary_key=True, autoincrement=False),
    _text("path", primary_key=True),
    _text("sha256"),
    _text("author"),  # 'folder' for what ships in the checkout, else the designer's name
)
subject_key = sa.Table("subject_key", metadata, _text("case_id", primary_key=True), _blob("key", null=True))

# ---------------------------------------------------------------- caches and read models (rebuildable)
cases = sa.Table(
    "cases",
    metadata,
    _text("id", primary_key=True),
    _int("seq"),
    _blob("head"),
    _text("at"),
    _text("process"),
    _int("release"),
    _text("opened_at"),
    _text("closed_at", null=True),
    _text("outcome", null=True),
    _text("state"),  # 'open' | 'closed'
    _text("waiting_customer", null=True),  # reason of the pause, when paused
    _text("external_id", null=True, unique=True),
    _text("parent", null=True),  # the case that opened this one
    _text("channel", null=True),
    _text("severity", null=True),
    _text("title", null=True),  # personal: first words of the complaint; erasure clears it
    _text("customer", null=True),  # personal: name
    _text("phone", null=True),  # personal: plain number; lists show it masked
    _text("phone_key", null=True),  # keyed HMAC of the number, for look-ups
    _text("started_by"),
    _text("next_due", null=True),  # the earliest instant at which time will do something to the case
    _text("wake_lease", null=True),  # a worker is on it until then
)
snapshot = sa.Table("snapshot", metadata, _text("case_id", primary_key=True), _int("seq"), _blob("body"))
URGENT, ORDINARY = 0, 1  #: ranks of tasks; work lists begin with the lowest
task = sa.Table(
    "task",
    metadata,
    _text("case_id", primary_key=True),
    _int("task", primary_key=True, autoincrement=False),
    _text("element"),
    _text("name"),
    _text("process"),  # id of the process the element is drawn in (a called one, perhaps)
    _text("form", null=True),
    _text("lane", null=True),
    _text("role"),
    _text("skill", null=True),
    _text("department", null=True),
    _text("opened_at"),
    _text("due_at", null=True),  # the earliest limit it is under (engine/case/projections/tasks.py)
    _text("not_before", null=True),  # quiet hours: not to be called before
    _text("claimed_by", null=True),
    _text("claimed_at", null=True),
    _text("closed_at", null=True),
    _text("completed_by", null=True),
    _text("state"),  # 'open' | 'completed' | 'cancelled'
    _int("rank", server_default=str(ORDINARY)),
    sqlite_with_rowid=False,
)
timer = sa.Table(
    "timer",
    metadata,
    _text("case_id", primary_key=True),
    _int("timer", primary_key=True, autoincrement=False),
    _text("element"),
    _int("task", null=True),  # the user task or sub-process task it is attached to
    _text("due"),
    _text("state"),  # 'pending' | 'paused' | 'fired' | 'ended'
    sqlite_with_rowid=False,
)
sla_clock = sa.Table(
    "sla_clock",
    metadata,
    _text("case_id", primary_key=True),
    _text("clock", primary_key=True),
    _text("parameter"),
    _int("task", null=True),
    _text("element", null=True),
    _text("started"),  # the anchor instant
    _text("due"),
    _text("warn_at", null=True),
    _text(
        "state"
    ),  # 'running' | 'paused' | 'breached' (still running) | 'met' | 'missed' (done late) | 'stopped'
    _text("warned_at", null=True),
    _text("breached_at", null=True),
    _text("ended_at", null=True),
    _text("paused_at", null=True),
    _int("provisional", default=0),
    sqlite_with_rowid=False,
)
case_fact = sa.Table(  # named, non-personal values that reports count by (engine/case/projections/facts.py)
    "case_fact",
    metadata,
    _text("case_id", primary_key=True),
    _int("seq", primary_key=True, autoincrement=False),
    _text("name", primary_key=True),
    _text("value"),  # JSON
    _text("at"),
    sqlite_with_rowid=False,
)
respondent = sa.Table(  # who is complained about, under a digest of their name (engine/people/respondents.py)
    "respondent",
    metadata,
    _text("case_id", primary_key=True),
    _text("who", primary_key=True),
    sqlite_with_rowid=False,
)
incident = sa.Table(
    "incident",
    metadata,
    _text("id", primary_key=True),
    _text("case_id"),
    _text("element", null=True),
    _text("kind"),
    _text("message"),
    _text("command"),  # JSON of the command that failed, to retry
    _text("opened_at"),
    _text("closed_at", null=True),
    _text("closed_by", null=True),
    _text("resolution", null=True),
    _int("attempts", default=1),
)

# ---------------------------------------------------------------- operational
outbox = sa.Table(
    "outbox",
    metadata,
    _text("id", primary_key=True),  # case/key: one send for one event, ever
    _text("case_id"),
    _int("seq"),
    _text("kind"),  # of a service: engine/base/services.py
    _text("key"),
    _text("template"),
    _text("recipient"),
    _text("body"),
    _text("created_at"),
    _text("not_before"),
    _text("state"),  # 'pending' | 'sending' | 'sent' | 'unknown' | 'failed' | 'cancelled'
    _int("attempts", default=0),
    _text("next_at"),
    _text("sent_at", null=True),
    _text("result", null=True),
    _text("lease", null=True),  # a worker is sending it until then
    _text("received", null=True),  # JSON: who of those it goes to has it (engine/queries/receivers.py)
)
notice = sa.Table(
    "notice",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    _text("case_id", null=True),
    _text("role", null=True),
    _text("person", null=True),
    _text("text"),
    _text("at"),
    _text("level"),  # 'info' | 'warn' | 'breach'
    _text("read_by", null=True),
    _text(
        "topic", null=True
    ),  # limit, release or proposal, and level of what is told as one line (engine/queries/notices.py)
)
answer = sa.Table(  # idempotency: the first answer to a submit key
    "answer",
    metadata,
    _text("key", primary_key=True),
    _text("at"),
    _text("receipt"),
    sqlite_with_rowid=False,
)
draft = sa.Table(  # what an agent typed but did not send
    "draft",
    metadata,
    _text("case_id", primary_key=True),
    _int("task", primary_key=True, autoincrement=False),
    _text("person", primary_key=True),
    _text("body"),
    _text("at"),
)
diagram_draft = sa.Table(  # a designer's unpublished file
    "diagram_draft",
    metadata,
    _text("path", primary_key=True),
    _text("author", primary_key=True),
    _blob("body"),
    _int("base_release"),
    _text("at"),
)
view_log = sa.Table(  # who looked at what; a chain (engine/storage/chains.py)
    "view_log",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    _text("at"),
    _text("person"),
    _text("case_id"),
    _text("what"),
    _int("format"),
    _blob("hash"),
)
case_number = sa.Table("case_number", metadata, _text("day", primary_key=True), _int("last"))
setting = sa.Table("setting", metadata, _text("key", primary_key=True), _text("value"))

# The work lists: equality up to rank and due time, then page after page in order (engine/queries/inbox.py).
# Each holds open tasks only, with their state, so that they are counted without a look at the table. Its second
# condition is true of every task it serves (of every held one for those that a person holds); the one way of
# reading that the index serves repeats it, so that a planner which guesses (SQLite without statistics) cannot take
# another index. It is of a column behind the others: SQLite would seek by it if it could.
_is_open = task.c.state == sa.literal_column("'open'")
OPEN_QUEUE = sa.and_(_is_open, task.c.task >= sa.literal_column("0"))
OPEN_ALL = sa.and_(_is_open, task.c.case_id > sa.literal_column("''"))
OPEN_MINE = _is_open  # a holder that is equal to somebody is not null: that much, planners see themselves
_is_held = sa.and_(_is_open, task.c.claimed_by.is_not(None))
_order = (task.c.rank, task.c.due_at, task.c.case_id, task.c.task, task.c.state)
sa.Index(
    "ix_task_open",
    *(task.c[name] for name in ("claimed_by", "role", "skill", "department")),
    *_order,
    sqlite_where=OPEN_QUEUE,
    postgresql_where=OPEN_QUEUE,
)
sa.Index("ix_task_mine", task.c.claimed_by, *_order, sqlite_where=_is_held, postgresql_where=_is_held)
sa.Index("ix_task_due", *_order, sqlite_where=OPEN_ALL, postgresql_where=OPEN_ALL)
_waiting = cases.c.next_due.is_not(None)
sa.Index("ix_cases_wake", cases.c.next_due, sqlite_where=_waiting, postgresql_where=_waiting)
sa.Index("ix_cases_opened", cases.c.opened_at, cases.c.id)
sa.Index("ix_cases_list", cases.c.state, cases.c.opened_at, cases.c.id)
sa.Index("ix_cases_process", cases.c.process, cases.c.state, cases.c.opened_at, cases.c.id)
sa.Index("ix_cases_process_opened", cases.c.process, cases.c.opened_at, cases.c.id)
_closed = cases.c.closed_at.is_not(None)
sa.Index("ix_cases_closed", cases.c.closed_at, cases.c.id, sqlite_where=_closed, postgresql_where=_closed)
_has_parent = cases.c.parent.is_not(None)
sa.Index("ix_cases_parent", cases.c.parent, sqlite_where=_has_parent, postgresql_where=_has_parent)
_has_phone = cases.c.phone_key.is_not(None)
sa.Index("ix_cases_phone", cases.c.phone_key, sqlite_where=_has_phone, postgresql_where=_has_phone)
IS_DUPLICATE = case_fact.c.name == sa.literal_column("'duplicate_of'")
sa.Index("ix_fact_duplicate", case_fact.c.value, sqlite_where=IS_DUPLICATE, postgresql_where=IS_DUPLICATE)
sa.Index("ix_respondent_who", respondent.c.who)
sa.Index(
    "ix_clock_parameter", *(sla_clock.c[name] for name in ("parameter", "state", "due", "case_id", "clock"))
)
sa.Index("ix_clock_due", sla_clock.c.state, sla_clock.c.due)
sa.Index("ix_clock_breached", sla_clock.c.breached_at)
sa.Index("ix_outbox_next", outbox.c.state, outbox.c.next_at)
sa.Index("ix_outbox_case", outbox.c.case_id)
sa.Index("ix_outbox_list", outbox.c.created_at, outbox.c.id)
sa.Index("ix_outbox_state", outbox.c.state, outbox.c.created_at, outbox.c.id)
sa.Index("ix_incident_open", incident.c.closed_at, incident.c.case_id)
sa.Index("ix_notice_role", notice.c.role, notice.c.id)
sa.Index("ix_notice_person", notice.c.person, notice.c.id)
sa.Index("ix_notice_case", notice.c.case_id)
