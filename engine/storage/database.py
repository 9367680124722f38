"""The database: one SQLAlchemy engine, reads through it, and the command path's statements on the driver itself.

SQLAlchemy gives pool, dialect, tables and SQL text. The handful of statements a command writes are compiled once
and executed on the driver's cursor: plain ``execute`` would cost more than the whole engine (measured, ADR 0009).
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import event

from engine.base import failpoints
from engine.base.errors import Conflict

from . import liveness
from .refusals import NO_VALUES, translated, unread
from .statements import Compiled, Question, Row, Statement, Write
from .usage_lock import InUse
from .writer_lock import Turns

log = structlog.get_logger("gongdan.database")
# Of a statement that failed (somebody was first: everyday), psycopg also says that those after it were not run.
logging.getLogger("psycopg").addFilter(lambda record: "error ignored terminating" not in str(record.msg))

CONNECT = 10  #: seconds to wait for a server
GROUP = 64  #: commands committed together at most
CACHE_KB = 32_768  #: of pages the writer keeps; SQLite's 2 MB read a page anew for every second write


@dataclass(slots=True, eq=False)
class _Job:
    """The writes of one command, and what came of them."""

    writes: list[Write]
    finished: bool = False
    error: BaseException | None = None


class Database:
    """A migrated database at ``url``. Thread-safe; each process opens its own.

    ``lookup_key`` is the key under which persons are found in it (engine/people/respondents.py).
    """

    def __init__(self, url: str, *, synchronous: str = "FULL", lookup_key: bytes = b"") -> None:
        self.url = url
        self.lookup_key = lookup_key
        self.sqlite = url.startswith("sqlite")
        file = sa.make_url(url).database if self.sqlite else None
        place = os.path.realpath(file) if file and file != ":memory:" else None
        options: dict[str, Any] = {}
        # A server that is nowhere must not be waited for as long as the system would.
        if not self.sqlite and "connect_timeout" not in sa.make_url(url).query:
            options["connect_args"] = {"connect_timeout": CONNECT}
        if place or not self.sqlite:  # one in memory has one connection a thread
            options |= {"pool_size": 20, "max_overflow": 20}
        if self.sqlite:
            options["connect_args"] = {"isolation_level": None, "timeout": 30, "check_same_thread": False}
        self.engine = sa.create_engine(url, **options)
        if self.sqlite:
            event.listen(self.engine, "do_connect", lambda *_: self.in_use.share())
            event.listen(self.engine, "connect", lambda raw, _: _prepare_sqlite(raw, synchronous))
        else:
            liveness.watch(self.engine)
        driver: Any = self.engine.dialect.loaded_dbapi
        self._driver_error: type[Exception] = driver.Error
        # What one command's values alone can cause: those who wait beside it have nothing to do with it.
        self._dead_connection: tuple[type[Exception], ...] = (driver.InterfaceError, driver.ProgrammingError)
        self._own_faults: tuple[type[Exception], ...] = (
            Conflict, driver.IntegrityError, driver.DataError, *self._dead_connection, *NO_VALUES,
        )  # fmt: skip
        self._queue: deque[_Job] = deque()
        self._compiled: dict[Statement | Question, Compiled] = {}
        self._kept: sa.Connection | None = None
        self.in_use = InUse(place)
        self._turns = Turns(place)
        self._write_lock = threading.Lock()  # SQLite has one writer: queue here rather than spin on its lock

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading; raises :class:`Unavailable` when the database is away or busy."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, *NO_VALUES) as error:
            if (said := unread(error)) is None:
                raise
            raise said from error

    def ask(self, question: Question, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a compiled question, as the driver gives them; raises as :meth:`read` does.

        What every command asks goes this way: SQLAlchemy's own costs ten times as much, and a server
        that is asked one thing needs no transaction around it.
        """
        return self.ask_each(question, [values])[0]

    def ask_each(self, question: Question, several: Sequence[Row]) -> list[list[tuple[Any, ...]]]:
        """:meth:`ask` with several values in turn; a server is sent all of them before it answers the first."""
        asked = self._compiled.get(question) or self._in_words(question)
        try:
            borrowed = self.engine.raw_connection()
            raw: Any = borrowed.driver_connection
            try:
                if not self.sqlite:
                    raw.autocommit = True
                with raw.pipeline() if not self.sqlite and len(several) > 1 else nullcontext():
                    answers = [raw.execute(asked.sql, asked.values(values)) for values in several]
                    found: list[list[tuple[Any, ...]]] = [answer.fetchall() for answer in answers]
            finally:
                if not self.sqlite:
                    self._with_transactions(borrowed)
                borrowed.close()
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, self._driver_error, *NO_VALUES) as error:
            if (said := unread(error)) is None:
                raise
            raise said from error
        return found

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction for operational writes (people, drafts, releases); the command path uses :meth:`write`.

        Raises :class:`Conflict` and :class:`Unavailable` as :meth:`write` does.
        """
        failpoints.reach("operation.asked")
        try:
            if not self.sqlite:
                with self.engine.begin() as connection:
                    yield connection
                    failpoints.reach("operation.written")
            else:
                with self._write_lock, self._turns.taken():
                    connection = self._kept_writer()
                    try:  # what fails in the middle of beginning may have begun
                        connection.exec_driver_sql("BEGIN IMMEDIATE")
                        yield connection
                        failpoints.reach("operation.written")
                        self.in_use.check()
                        connection.exec_driver_sql("COMMIT")
                    finally:
                        connection.rollback()  # of what was not committed; nothing where all was
            failpoints.reach("operation.done")
        except sa.exc.DBAPIError as error:
            raise translated(error.orig or error) from error
        except (
            sa.exc.TimeoutError,
            *NO_VALUES,
        ) as error:  # every connection is taken, or the values are none
            raise translated(error) from error

    def write(self, writes: Iterable[Write]) -> None:
        """One transaction of compiled statements.

        Raises :class:`Conflict` when somebody was
        first, :class:`Unavailable` when the database cannot be written; nothing is kept in either case.
        On SQLite, commands that wait for the one writer are committed together (group commit).
        """
        job = _Job(list(writes))
        if not self.sqlite:
            self._commit([job])
        else:
            self._queue.append(job)
            with self._write_lock:
                try:
                    while not job.finished:  # whoever held the lock before may have taken it along
                        self._commit([self._queue.popleft() for _ in range(min(len(self._queue), GROUP))])
                except BaseException:
                    if job in self._queue:  # it fell behind a group that failed: nobody may write it any more
                        self._queue.remove(job)
                    raise
        if job.error is not None:
            raise job.error

    def _commit(self, jobs: list[_Job]) -> None:
        """Write all jobs in one transaction; each learns what came of it."""
        failed: BaseException | None = None
        try:
            self._turns.take()  # not with a context manager: every completion comes by here
            try:
                self._transaction(jobs)
            finally:
                self._turns.give()
        except sa.exc.DBAPIError as error:
            failed = translated(error.orig or error)
        except (
            sa.exc.TimeoutError,
            self._driver_error,
            *NO_VALUES,
        ) as error:  # every connection is taken, or …
            failed = translated(error)
        except BaseException as error:
            failed = error
            raise
        finally:
            for job in jobs:
                if not job.finished:  # of a group with a conflict, some may be committed
                    job.error, job.finished = failed, True

    def _transaction(self, jobs: list[_Job]) -> None:
        if self.sqlite:
            self._transaction_sqlite(jobs)
            failpoints.reach("commit.done")
            return
        borrowed = self.engine.raw_connection()
        raw: Any = borrowed.driver_connection
        try:
            self._transaction_postgresql(raw, jobs)
            failpoints.reach("commit.done")
        except BaseException:
            self._roll_back(raw)
            raise
        finally:
            borrowed.close()

    def _transaction_sqlite(self, jobs: list[_Job]) -> None:
        """All jobs in one transaction. Where one of several is at fault, each has one of its own instead."""
        raw: Any = self._kept_writer().connection.driver_connection
        try:
            with closing(raw.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                failpoints.reach("commit.begun")
                for job in jobs:
                    self._statements(cursor, job)
                failpoints.reach("commit.written")
                self.in_use.check()
                cursor.execute("COMMIT")
            for job in jobs:
                job.finished = True
        except self._own_faults as error:
            self._roll_back(raw)
            if isinstance(error, self._dead_connection):
                self._drop_writer()
            if len(jobs) == 1:
                jobs[0].error = error if isinstance(error, Conflict) else translated(error)
                jobs[0].finished = True
                return
            for job in jobs:  # a savepoint each would cost every group what only this one needs
                self._transaction_sqlite([job])
        except BaseException:
            self._roll_back(raw)
            raise

    def _transaction_postgresql(self, raw: Any, jobs: list[_Job]) -> None:
        """Statements travel together (pipeline mode): a command costs two round trips, however much it writes."""
        with raw.pipeline() as pipeline:
            failpoints.reach("commit.begun")
            fences = [cursor for job in jobs for cursor in self._send(raw, job)]
            pipeline.sync()
            for cursor in fences:
                _check_fence(cursor)
            failpoints.reach("commit.written")
            raw.commit()

    def _send(self, raw: Any, job: _Job) -> Iterator[Any]:
        """Send a job's statements; yields the cursors of its fences, which know what they touched after a sync."""
        plain = raw.cursor()
        for statement, row in job.writes:
            compiled = self._compiled.get(statement) or self._in_words(statement)
            cursor = raw.cursor() if statement.fence else plain
            cursor.execute(compiled.sql, compiled.values(row))
            if cursor is not plain:
                yield cursor

    def _statements(self, cursor: Any, job: _Job) -> None:
        for statement, row in job.writes:
            compiled = self._compiled.get(statement) or self._in_words(statement)
            cursor.execute(compiled.sql, compiled.values(row))
            if statement.fence:
                _check_fence(cursor)

    def _in_words(self, statement: Statement | Question) -> Compiled:
        found = self._compiled[statement] = statement.compiled(self.engine.dialect)
        return found

    def _with_transactions(self, borrowed: Any) -> None:
        """Let the next user of a connection have transactions; one that is broken, or not done, is given up."""
        try:
            borrowed.driver_connection.autocommit = False
        except self._driver_error:
            borrowed.invalidate()

    def _kept_writer(self) -> sa.Connection:
        """The one connection of this process that writes to SQLite; the caller holds the lock.

        Whatever another connection commits empties the page cache of this one, so nothing else writes.
        """
        if self._kept is None:
            self._kept = self.engine.connect()
            self._kept.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KB}")
            self._kept.rollback()
        return self._kept

    def _drop_writer(self) -> None:
        if self._kept is not None:
            self._kept.invalidate()
            self._kept.close()
            self._kept = None
            self.in_use.forget_log()

    def _roll_back(self, raw: Any) -> None:
        try:
            if not self.sqlite or raw.in_transaction:
                raw.rollback()
        except self._driver_error as error:  # the connection is gone, and with it the transaction
            log.warning("rollback failed", error=str(error))

    def rows(self, statement: sa.Select[*tuple[Any, ...]]) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        """All rows of a select."""
        with self.read() as connection:
            return connection.execute(statement).all()

    def shed(self) -> None:
        """Empty SQLite's write-ahead log, in which old pages stay readable until it is written over."""
        if self.sqlite:
            with self._write_lock, self.read() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all pooled connections."""
        with self._write_lock:  # who is writing finishes
            if self._kept is not None:
                self._kept.close()
                self._kept = None
            self._turns.end()
        self.engine.dispose()
        self.in_use.end()


def _prepare_sqlite(raw: Any, synchronous: str) -> None:
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute(f"PRAGMA synchronous={synchronous}")
    raw.execute("PRAGMA foreign_keys=ON")
    raw.execute("PRAGMA secure_delete=ON")  # what is erased must not stay readable in free pages


def _check_fence(cursor: Any) -> None:
    if cursor.rowcount != 1:
        raise Conflict("Expected the case as it was read, but another change was first")
