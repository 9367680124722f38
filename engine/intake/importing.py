"""Cases from a complaint file: read, triage, start. Repeatable by external id; a bad row never stops the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import GongdanError, InvalidFile
from engine.case.commands import StartCase
from engine.storage.tables import cases

from .lines import BadRow
from .mapping import Mapping
from .reader import Complaint, read_file
from .triage import TABLE, TriageTable

IMPORT = "system:import"  #: the actor of cases that come from a file


@dataclass
class ImportReport:
    """What an import did. ``read`` counts every row: ``created + existing + len(rejected)``."""

    read: int = 0
    created: int = 0
    existing: int = 0
    rejected: list[BadRow] = field(default_factory=list)
    by_process: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The stable keys of ``import --json``."""
        rejected = [{"line": row.line, "reason": row.reason} for row in self.rejected]
        return {"read": self.read, "created": self.created, "existing": self.existing, "rejected": rejected}


def import_file(
    gongdan: Gongdan,
    path: Path,
    mapping: Mapping,
    *,
    historic: bool = False,
    on_bytes: Callable[[int], object] | None = None,
) -> ImportReport:
    """Start one case for each new complaint of the file at ``path``.

    A live import opens its cases now; the limits of a whole case count from the instant its complaint was received
    all the same. With ``historic``, and always in a simulated database, each case is opened at that instant. Raises
    InvalidFile when the file as a whole does not fit the mapping, NotFound when nothing is published.
    """
    now = gongdan.now()
    historic = historic or gongdan.keys.seed is not None
    table = _table(gongdan)
    known = _known(gongdan, mapping.id_prefix)
    report = ImportReport()
    for row in read_file(path, mapping, now=now, on_bytes=on_bytes):
        report.read += 1
        if isinstance(row, BadRow):
            report.rejected.append(row)
        elif row.external_id in known:
            report.existing += 1
        else:
            try:
                process = _start(gongdan, table, row, row.received_at if historic else now)
            except GongdanError as error:
                report.rejected.append(BadRow(row.line, f"not taken: {error}"))
                continue
            known.add(row.external_id)
            report.created += 1
            report.by_process[process] = report.by_process.get(process, 0) + 1
    return report


def _table(gongdan: Gongdan) -> TriageTable:
    """The triage table of the current release; every process it can give must be there."""
    release = gongdan.releases.current()
    content = release.files.get(TABLE)
    if content is None:
        raise InvalidFile(f"release {release.number} has no {TABLE}")
    table = TriageTable(content)
    for process in table.processes:
        release.process(process)
    return table


def _known(gongdan: Gongdan, prefix: str) -> set[str]:
    """External ids of this source that are cases already."""
    query = sa.select(cases.c.external_id).where(cases.c.external_id.startswith(prefix, autoescape=True))
    return {str(row[0]) for row in gongdan.db.rows(query)}


def _start(gongdan: Gongdan, table: TriageTable, row: Complaint, at: str) -> str:
    triage = table.decide(row.text, row.subject)
    data = {**row.data, "triage_category": triage.category, "triage_rule": triage.rule}
    gongdan.dispatch(
        StartCase(process=triage.process, data=data, external_id=row.external_id, actor=IMPORT, at=at)
    )
    return triage.process
