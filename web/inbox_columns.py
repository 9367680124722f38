"""The columns of the inbox, of its page and of its CSV file. A plain one is a row here; its text fits both.

A column that is drawn otherwise than by its text has a cell of its name in ``templates/inbox/cells.html``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext, lazy_gettext

from engine.base.phones import mask_phone
from engine.queries.inbox import WorkItem

from . import formatting
from .i18n import pick

Heading = object  #: a text that flask_babel translates, or one by language


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``text`` is its value in words; without one it is on the page only, and has a cell of its name.

    ``style`` are classes of a plain cell; ``bare``: its heading is only read out.
    """

    key: str
    heading: Heading
    text: Callable[[WorkItem], str | None] | None = None
    style: str = ""
    bare: bool = False


def _filed(instant: str | None) -> str:
    if not formatting.is_instant(instant):
        return instant or ""
    return formatting.parse(instant).strftime("%Y-%m-%d %H:%M")


COLUMNS = {
    column.key: column
    for column in (
        Column("case", lazy_gettext("Case"), lambda row: row.case_id, "num"),
        Column("task", lazy_gettext("Task"), lambda row: row.name),
        Column("process", lazy_gettext("Process"), lambda row: formatting.process_name(row.process), "muted"),
        Column("role", lazy_gettext("Role"), lambda row: formatting.role(row.role)),
        Column("customer", lazy_gettext("Customer"), lambda row: row.customer),
        Column("phone", lazy_gettext("Phone"), lambda row: mask_phone(row.phone), "num"),
        Column("complaint", lazy_gettext("Complaint")),
        Column("opened", lazy_gettext("Opened"), lambda row: _filed(row.opened_at)),
        Column("due", lazy_gettext("Due"), lambda row: _filed(row.due_at)),
        Column("left", lazy_gettext("Left")),
        Column("used", lazy_gettext("Time used"), bare=True),
        Column("held", lazy_gettext("Held by"), lambda row: formatting.who(row.claimed_by), "muted"),
        Column("urgent", lazy_gettext("Urgent"), lambda row: gettext("yes") if row.urgent else ""),
        Column("actions", lazy_gettext("Actions"), bare=True),
    )
}
#: in their order on the page, and in that of the file
SEEN = ("case", "task", "process", "customer", "phone", "complaint", "due", "left", "used", "held", "actions")
FILED = ("case", "process", "task", "role", "customer", "phone", "opened", "due", "held", "urgent")


def seen() -> list[Column]:
    """The columns of the page."""
    return [COLUMNS[key] for key in SEEN]


def headings() -> list[str]:
    """The headings of the file."""
    return [pick(COLUMNS[key].heading) for key in FILED]


def line(row: WorkItem) -> list[str | None]:
    """A row of the file."""
    return [text(row) for key in FILED if (text := COLUMNS[key].text) is not None]
