"""The background work of one machine: wake due cases, send what the outbox holds, open scheduled cases, settle files,
find cases that stand still.

A thread inside ``serve``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from engine.app import Gongdan
from engine.base.errors import ConfigurationError, GongdanError

from . import leftovers, sinks

LONGEST_ROUND = 180.0  #: seconds of work in a round, beside the one answer of a gateway that it waits for
log = structlog.get_logger("gongdan.worker")


def refuse_simulated(gongdan: Gongdan) -> None:
    """Raise :class:`ConfigurationError` for a simulated database: its clock is not the wall's."""
    if gongdan.keys.seed is not None:
        raise ConfigurationError(
            "this database is simulated; a live worker would mix its clock with the wall's"
        )


def attempt(kind: str, work: Callable[[], int]) -> int:
    """Do one kind of work; whatever it meets is logged and tried again next round, the other kinds go on."""
    try:
        return work()
    except GongdanError as error:
        log.warning("work failed, trying again", kind=kind, error=str(error))
    except Exception:  # a worker must outlive whatever its work meets; it is logged whole
        log.exception("work failed, trying again", kind=kind)
    return 0


def work_once(gongdan: Gongdan, now: datetime) -> int:
    """One round at ``now`` (aware): each kind of work for itself. Returns how many things were done."""
    return (
        attempt("timers", lambda: gongdan.timers.wake_due(now))
        + attempt("outbox", lambda: len(gongdan.outbox.work(now)))
        + attempt("schedule", lambda: gongdan.schedule.open_due(now))
        + attempt("files", lambda: leftovers.settle(gongdan, now))
        + attempt("stuck cases", lambda: gongdan.incidents.find_stuck(now))
        + attempt("security log", lambda: sinks.hand_on(gongdan, now))
    )


class Worker:
    """Runs rounds until stopped; a database that is away is waited for."""

    def __init__(self, gongdan: Gongdan) -> None:
        refuse_simulated(gongdan)
        self._gongdan = gongdan
        self._round = time.monotonic()  #: when the round under way began
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self.run, name="gongdan-worker", daemon=True)

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Finish the round under way and end (``timeout`` in seconds)."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def faults(self) -> list[str]:
        """Why it does not work though it should; empty while it does."""
        if self._stopped.is_set():
            return []
        if not self._thread.is_alive():
            return ["the worker has ended"]
        settings = self._gongdan.settings
        since = time.monotonic() - self._round
        most = LONGEST_ROUND + settings.sms_timeout_seconds + settings.worker_poll_seconds
        return [f"the worker hangs since {since:.0f} s"] if since > most else []

    def run(self) -> None:
        """Work until :meth:`stop`; poll less while there is nothing to do."""
        pause = self._gongdan.settings.worker_poll_seconds
        while not self._stopped.is_set():
            self._round = time.monotonic()
            if not work_once(self._gongdan, self._gongdan.wall()):
                self._stopped.wait(pause)
