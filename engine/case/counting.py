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
        if error is not None:
            self.result = result_of(error)
        count(self._command, self.result, self.case, self.seq, time.perf_counter() - self._began)
        if self._bound:
            structlog.contextvars.reset_contextvars(**self._bound)


def count(command: Command, result: str, case: str, seq: int | None, seconds: float) -> None:
    """One command with its result, the row it wrote and the ``seconds`` it took."""
    metrics.commands.labels(command.kind, result).inc()
    metrics.command_seconds.labels(command.kind).observe(seconds)
    if logs.detailed():
        _log.info("command", result=result, case=case, seq=seq, milliseconds=round(seconds * 1000, 1))
