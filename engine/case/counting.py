"""What came of each command, for those who watch: a count, a duration and, where the log is told so, a line."""

from __future__ import annotations

import time
from contextvars import Token
from types import TracebackType
from typing import Any

import structlog

from engine.base import logs, metrics
from engine.base.errors import Conflict, GongdanError, TechnicalFailure, Unavailable

from .commands import Command

OK, AGAIN, REFUSED, CONFLICT, UNAVAILABLE, FAILED = (
    "ok",
    "again",
    "refused",
    "conflict",
    "unavailable",
    "failed",
)
_log = structlog.get_logger("gongdan.commands")


def result_of(error: type[BaseException]) -> str:
    """What an error of this class makes of a command."""
    if issubclass(error, Conflict):
        return CONFLICT
    if issubclass(error, Unavailable):
        return UNAVAILABLE
    if issubclass(error, TechnicalFailure) or not issubclass(error, GongdanError):
        return FAILED
    return REFUSED


class Counted:
    """Counts the command that is given within: ``with Counted(command) as told``."""

    __slots__ = ("_began", "_bound", "_command", "case", "result", "seq")

    def __init__(self, command: Command) -> None:
        self._command = command
        self._bound: dict[str, Token[Any]] = {}
        self.case = command.case_id
        self.seq: int | None = None  #: of its row in the history, once it is there
        self.result = OK

    def __enter__(self) -> Counted:
        if logs.detailed():  # what is logged below says of which command
            self._bound = dict(
                structlog.contextvars.bind_contextvars(
                    case=self.case, command=self._command.kind, actor=self._command.actor
                )
            )
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, error: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        spent, kind = time.perf_counter() - self._began, self._command.kind
        if error is not None:
            self.result = result_of(error)
        metrics.commands.labels(kind, self.result).inc()
        metrics.command_seconds.labels(kind).observe(spent)
        if logs.detailed():
            milliseconds = round(spent * 1000, 1)
            _log.info("command", result=self.result, case=self.case, seq=self.seq, milliseconds=milliseconds)
            structlog.contextvars.reset_contextvars(**self._bound)
