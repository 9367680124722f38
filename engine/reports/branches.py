"""A report branch by branch: one file each, as the weekly list is sent (seed 004:548)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from engine.base.errors import Rejected
from engine.storage.database import Database

from . import make
from .closed_list import branch_term
from .model import Asked, Report, Table
from .report_text import ReportText
from .writing import csv_lines

_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
Kept = Callable[[Table], Table]  #: a table without the rows that its reader must not see


def by_branch(db: Database, name: str, asked: Asked) -> Iterator[Report]:
    """The report of each branch that has cases in the period, by the branch's name.

    Raises :class:`Rejected` when no branch has any, or the report is not had by branch.
    """
    whole = make(db, name, replace(asked, branch=None))
    if not whole.branches:
        raise Rejected(
            "Expected branches with cases in {period}, but report {name!r} has none",
            period=asked.period.text,
            name=name,
        )
    return (make(db, name, replace(asked, branch=branch)) for branch in whole.branches)


def files(
    reports: Iterable[Report], in_words: ReportText, kept: Kept = lambda table: table
) -> Iterator[tuple[str, str]]:
    """(file name, CSV) of each report; the name says report, period and branch and is safe on every system."""
    used: set[str] = set()
    for report in reports:
        words = [
            in_words.title(report.name),
            report.period.text,
            in_words.term(branch_term(report.branch or "")),
        ]
        stem = name = _UNSAFE.sub("_", "-".join(words))
        while name in used:  # two branches that differ in such characters only
            name = f"{stem}_{len(used)}"
        used.add(name)
        yield f"{name}.csv", "".join(csv_lines(report, [kept(table) for table in report.tables], in_words))


def zipped(named: Iterable[tuple[str, str]]) -> bytes:
    """The files as one zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in named:
            archive.writestr(name, text)
    return out.getvalue()
