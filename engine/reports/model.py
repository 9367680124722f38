"""What a report is made of. Every figure carries the numbers of the cases behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .period import Period


class Term(NamedTuple):
    """A word that is told in the reader's language: what ``code`` is called among things of ``kind``.

    Kinds: ``text`` (as it is), ``word`` (words.json), ``field`` (code ``name/value``: a form's option),
    ``process``, ``outcome`` (``process/key``), ``parameter``, ``severity``, ``state``, ``role``, ``template``,
    ``department``, ``team`` (``role/department``), ``triage``, ``name`` (of a question), ``person``, ``case``, ``day``,
    ``instant``.
    """

    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and the cases behind it. ``unit``: ``count``, ``share`` (of 1), ``mean``; None: nothing to tell."""

    value: float | None
    cases: tuple[str, ...]
    unit: str = "count"
    of: int = 0  #: how many it is a share or mean of


Cell = Term | Figure


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells. ``chart`` names the columns to draw, side by side when several.

    ``over_time``: the rows are days, drawn as upright columns.
    """

    key: str
    columns: tuple[Term, ...]
    rows: tuple[tuple[Cell, ...], ...]
    chart: tuple[str, ...] = ()
    over_time: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A report on a period. ``cases`` are all it was made from."""

    name: str
    period: Period
    cases: tuple[str, ...]
    tables: tuple[Table, ...]
    branches: tuple[str, ...] = ()  #: to choose from, where the report can be had per branch
    branch: str | None = None

    def table(self, key: str) -> Table | None:
        """The table called ``key``."""
        return next((table for table in self.tables if table.key == key), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for: period, the instant it is made at, perhaps one branch."""

    period: Period
    now: str
    branch: str | None = None


def word(code: str) -> Term:
    """A word of words.json."""
    return Term("word", code)


def words(*codes: str) -> tuple[Term, ...]:
    """Several words of words.json."""
    return tuple(map(word, codes))


def count(cases: Iterable[str]) -> Figure:
    """How many; a case that counts twice is listed once."""
    found = list(cases)
    return Figure(len(found), tuple(dict.fromkeys(found)))


def share(part: Sequence[str], whole: Sequence[str]) -> Figure:
    """Which share of ``whole`` is ``part``; behind it are the cases of the part."""
    value = len(part) / len(whole) if whole else None
    return Figure(value, tuple(dict.fromkeys(part)), "share", len(whole))


def mean(values: Sequence[tuple[str, float]]) -> Figure:
    """The mean of (case, number)."""
    value = sum(number for _, number in values) / len(values) if values else None
    return Figure(value, tuple(dict.fromkeys(case for case, _ in values)), "mean", len(values))
