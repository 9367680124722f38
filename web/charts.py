"""Tables of reports as pages show them: cells with links, and bars that need no script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.reports.model import Cell, Figure, Report, Table, Term
from engine.reports.report_text import ReportText

from .i18n import joined, listed

SHOWN = 200  #: rows of a table on a page; all of them are in the CSV
BARS = 14  #: bars of a chart; more say nothing


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell: ``href`` leads to the cases behind it, ``share`` draws a small bar."""

    text: str
    href: str | None
    number: bool
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar, in per cent of the longest; ``code`` chooses its colour."""

    code: str
    name: str
    text: str
    begin: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled bar."""

    label: str
    text: str
    href: str | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, lying, or upright over time. ``told`` says it in words; ``left`` bars are not drawn."""

    bars: tuple[Bar, ...]
    legend: tuple[tuple[str, str], ...]
    upright: bool
    told: str
    most: str
    left: int


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table with its chart. ``plain``: one number a row, so the bars stand in the table itself."""

    key: str
    title: str
    columns: tuple[tuple[str, bool], ...]  #: heading, whether its cells are numbers
    rows: tuple[tuple[ShownCell, ...], ...]
    left: int
    chart: Chart | None
    plain: bool


Link = Callable[[str, int, int], str]  #: table, row, column → address of the cases behind a figure
CaseLink = Callable[[str], str]


def shown_table(
    report: Report, table: Table, in_words: ReportText, link: Link, case_link: CaseLink, hidden: set[str]
) -> ShownTable:
    """``table`` in words; rows about ``hidden`` cases are left out."""
    numbered = [
        (number, row)
        for number, row in enumerate(table.rows)
        if not any(isinstance(c, Term) and c.kind == "case" and c.code in hidden for c in row)
    ]

    def cell(row: int, column: int, one: Cell) -> ShownCell:
        if isinstance(one, Figure):
            href = link(table.key, row, column) if one.cases else None
            return ShownCell(in_words.figure(one), href, True, one.value if one.unit == "share" else None)
        href = case_link(one.code) if one.kind == "case" and one.code else None
        return ShownCell(in_words.term(one), href, False)

    rows = tuple(
        tuple(cell(number, column, one) for column, one in enumerate(row)) for number, row in numbered[:SHOWN]
    )
    numeric = [bool(table.rows) and isinstance(one, Figure) for one in (table.rows[0] if table.rows else ())]
    numeric += [False] * (len(table.columns) - len(numeric))
    plain = sum(numeric) == 1 and not table.over_time
    chart = _chart(table, in_words, link, plain) if table.chart else None
    return ShownTable(
        table.key,
        in_words.table(report, table.key),
        tuple(zip((in_words.term(column) for column in table.columns), numeric, strict=True)),
        rows,
        len(numbered) - len(rows),
        chart,
        plain and chart is not None,
    )


def _chart(table: Table, in_words: ReportText, link: Link, plain: bool) -> Chart | None:
    columns = [n for n, column in enumerate(table.columns) if column.code in table.chart]
    named = [(table.columns[n].code, in_words.term(table.columns[n])) for n in columns]
    values = [[_value(row[n]) for n in columns] for row in table.rows]
    longest = max((sum(row) for row in values), default=0)
    if not longest:
        return None
    bars = []
    for number, (row, amounts) in enumerate(zip(table.rows, values, strict=True)):
        begin, parts = 0.0, []
        for (code, name), column, amount in zip(named, columns, amounts, strict=True):
            width = 100 * amount / longest
            parts.append(Part(code, name, in_words.cell(row[column]), round(begin, 2), round(width, 2)))
            begin += width
        href = link(table.key, number, columns[0]) if len(columns) == 1 and amounts[0] else None
        bars.append(Bar(_label(row, in_words), f"{sum(amounts):g}", href, tuple(parts)))
    drawn = bars if table.over_time or plain else bars[:BARS]
    words = joined(f"{bar.label} {listed(f'{p.name} {p.text}' for p in bar.parts)}" for bar in drawn)
    legend = tuple(named) if len(named) > 1 else ()
    return Chart(tuple(drawn), legend, table.over_time, words, f"{longest:g}", len(bars) - len(drawn))


def _value(cell: Cell) -> float:
    return cell.value or 0 if isinstance(cell, Figure) else 0


def _label(row: tuple[Cell, ...], in_words: ReportText) -> str:
    words = []
    for cell in row:
        if isinstance(cell, Figure):
            break
        words.append(in_words.term(cell))
    return " · ".join(filter(None, words))
