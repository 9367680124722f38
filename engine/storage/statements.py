"""Statements of the command path: objects that name what is written, compiled once for each kind of database.

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
        made = sql.compile(dialect=dialect, column_keys=keys)
        positions = getattr(made, "positiontup", None)
        # Literals of the statement; what a row must bring has no value here, and one that it lacks is an error.
        fixed = {
            name: value
            for name, value in made.params.items()
            if value is not None and not (name in made.binds and made.binds[name].required)
        }
        return Compiled(str(made), _taking(positions, fixed))


Write = tuple[Statement, Row]  #: a statement and its values


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL, and what makes of a row the driver's values. It raises :class:`KeyError` for one that is missing."""

    sql: str
    values: Callable[[Row], Any]


def _taking(names: Sequence[str] | None, fixed: Row) -> Callable[[Row], Any]:
    """Takes the named values out of a row, in order; all of them by name where there are no ``names``.

    ``fixed`` are values that the statement itself has. Every write comes by here: most by a getter without Python code.
    """
    if not names:
        return lambda row: {**fixed, **row}
    take: Callable[[Row], Any] = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    return (lambda row: take({**fixed, **row})) if fixed else take
