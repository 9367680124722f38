"""The background work of one machine: wake due cases, send what the outbox holds, open scheduled cases, settle files,
find cases that stand still.

A thread inside ``serve``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog

from engine.app import Gongdan
from engine.base.errors import ConfigurationError, GongdanError

from . import leftovers, sinks
from .told import Told

TIMERS = "timers"
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


def _kinds(gongdan: Gongdan, now: datetime) -> Iterator[tuple[str, Callable[[], int]]]:
    """Each kind of work, and how a portion of it is done at ``now``."""
    yield TIMERS, lambda: gongdan.timers.wake_due(now)
    yield "outbox", lambda: len(gongdan.outbox.work(now))
    yield "schedule", lambda: gongdan.schedule.open_due(now)
    yield "files", lambda: leftovers.settle(gongdan, now)
    yield "stuck cases", lambda: gongdan.incidents.find_stuck(now)
    yield "security log", lambda: sinks.hand_on(gongdan, now)


def work_once(gongdan: Gongdan, now: datetime, begins: Callable[[str], None] = lambda _: None) -> int:
    """One round at ``now`` (aware): each kind of work for itself. Returns how many things were done.

    ``begins`` hears which kind begins.
    """
    done = 0
    for kind, work in _kinds(gongdan, now):
        begins(kind)
        done += attempt(kind, work)
    return done


class Worker:
    """Runs rounds until stopped; a database that is away is waited for."""

    def __init__(self, gongdan: Gongdan) -> None:
        refuse_simulated(gongdan)
        self._gongdan = gongdan
        self.rounds, self.doing = 0, ""  #: rounds that are over; the kind of work under way
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

    def faults(self) -> list[Told]:
        """Why it does not work though it should; empty while it does."""
        if self._stopped.is_set():
            return []
        if not self._thread.is_alive():
            return [Told("The worker has ended")]
        settings = self._gongdan.settings
        since = time.monotonic() - self._round
        most = LONGEST_ROUND + settings.sms_timeout_seconds + settings.worker_poll_seconds
        return [Told("The worker hangs since {seconds} s", seconds=round(since))] if since > most else []

    def run(self) -> None:
        """Work until :meth:`stop`; poll less while there is nothing to do."""
        pause = self._gongdan.settings.worker_poll_seconds
        while not self._stopped.is_set():
            self._round = time.monotonic()
            done = work_once(self._gongdan, self._gongdan.wall(), self._begins)
            self.doing = ""
            self.rounds += 1
            if not done:
                self._stopped.wait(pause)

    def _begins(self, kind: str) -> None:
        self.doing = kind
