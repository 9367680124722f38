"""Reports as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from engine.export.cells import BOM, safe

from .model import Cell, Figure, Report, Table
from .report_text import ReportText


def csv_lines(report: Report, tables: Iterable[Table], in_words: ReportText) -> Iterator[str]:
    """UTF-8 CSV with a byte order mark, line by line; several tables follow one another under their titles."""
    chosen = list(tables)
    yield BOM
    for number, table in enumerate(chosen):
        if len(chosen) > 1:
            if number:
                yield from _line([""])
            yield from _line([safe(in_words.table(report, table.key)), report.period.text])
        yield from _line([safe(in_words.term(column)) for column in table.columns])
        for row in table.rows:
            yield from _line([_plain(cell, in_words) for cell in row])


def _line(cells: list[str]) -> Iterator[str]:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    yield out.getvalue()


def _plain(cell: Cell, in_words: ReportText) -> str:
    if not isinstance(cell, Figure):
        return safe(in_words.term(cell))
    if cell.value is None:
        return ""
    return f"{cell.value:.4f}" if cell.unit == "share" else in_words.figure(cell)


def as_json(report: Report) -> dict[str, Any]:
    """The report with codes instead of words; each figure with its cases."""
    return {
        "report": report.name,
        "period": report.period.text,
        "begins": report.period.begins,
        "ends": report.period.ends,
        "branch": report.branch,
        "cases": len(report.cases),
        "tables": {
            table.key: [
                {column.code: _coded(cell) for column, cell in zip(table.columns, row, strict=True)}
                for row in table.rows
            ]
            for table in report.tables
        },
    }


def _coded(cell: Cell) -> Any:
    if isinstance(cell, Figure):
        return {"value": cell.value, "unit": cell.unit, "of": cell.of, "cases": list(cell.cases)}
    return cell.code
