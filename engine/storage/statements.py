"""Statements and questions of the command path: objects that name what is written or read, compiled once a database.

Plain ``execute`` of SQLAlchemy would cost more than the whole engine (measured, ADR 0009).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

Row = dict[str, Any]
Changing = sa.Insert | sa.Update | sa.Delete


class Statement:
    """A statement that changes rows of one table. Called with its values it is something to write.

    ``sql`` may be a function of whether the database is SQLite, where the two are spoken to differently. A ``fence``
    must touch exactly one row: where it does not, somebody was first and nothing is kept.
    """

    __slots__ = ("_sql", "fence", "table")

    def __init__(self, sql: Changing | Callable[[bool], Changing], *, fence: bool = False) -> None:
        self.fence = fence
        self._sql = sql
        table = self._in(sqlite=True).table
        if not isinstance(table, sa.Table):
            raise TypeError(f"a statement changes one table, not {table!r}")
        self.table = table

    def __call__(self, **values: Any) -> Write:
        """These values, to be written."""
        return self, values

    def __repr__(self) -> str:
        return f"<Statement on {self.table.name}>"

    def _in(self, *, sqlite: bool) -> Changing:
        return self._sql(sqlite) if callable(self._sql) else self._sql

    def compiled(self, dialect: sa.Dialect) -> Compiled:
        """The statement in the words of a database."""
        sql = self._in(sqlite=dialect.name == "sqlite")
        keys = None
        if isinstance(sql, sa.Insert):  # a numbered key is the database's to give
            numbered = self.table.autoincrement_column
            keys = [column.name for column in self.table.c if column is not numbered]
        return _compiled(sql, dialect, keys)


Write = tuple[Statement, Row]  #: a statement and its values


class Question:
    """A select of the command path; what it depends on are parameters that go by name."""

    __slots__ = ("_sql",)

    def __init__(self, sql: sa.Select[*tuple[Any, ...]]) -> None:
        self._sql = sql

    def compiled(self, dialect: sa.Dialect) -> Compiled:
        """The question in the words of a database."""
        return _compiled(self._sql, dialect, None)


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL, and what makes of a row the driver's values. It raises :class:`KeyError` for one that is missing."""

    sql: str
    values: Callable[[Row], Any]


def _compiled(sql: Changing | sa.Select[Any], dialect: sa.Dialect, keys: list[str] | None) -> Compiled:
    made: Any = sql.compile(dialect=dialect, column_keys=keys)
    # Literals of the statement; what a row must bring has no value here, and one that it lacks is an error.
    fixed = {
        name: value
        for name, value in made.params.items()
        if value is not None and not (name in made.binds and made.binds[name].required)
    }
    return Compiled(str(made), _taking(getattr(made, "positiontup", None), fixed))


def _taking(names: Sequence[str] | None, fixed: Row) -> Callable[[Row], Any]:
    """Takes the named values out of a row, in order; all of them by name where there are no ``names``.

    ``fixed`` are values that the statement itself has. Every write comes by here: most by a getter without Python code.
    """
    if not names:
        return lambda row: {**fixed, **row}
    take: Callable[[Row], Any] = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    return (lambda row: take({**fixed, **row})) if fixed else take
