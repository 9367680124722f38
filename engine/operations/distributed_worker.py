"""Many machines: workers on PostgreSQL through Procrastinate.

The tables stay the truth. Each worker scans for what is due (claimed with SKIP LOCKED and a lease) and hands it to
Procrastinate, which spreads the jobs over all workers and retries those whose worker died. A job does what the
embedded worker does: wake some cases, or send what the outbox holds. Scheduled cases are few, and each worker looks
itself whether one is missing; of two that open the same one, one wins.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import procrastinate
import sqlalchemy as sa
import structlog
from procrastinate.exceptions import AlreadyEnqueued

from engine.app import Gongdan
from engine.base.errors import ConfigurationError, GongdanError
from engine.delivery.timers import portions

from . import leftovers, sinks
from .pulse import WORKER, Pulse
from .told import Told
from .worker import LONGEST_ROUND, attempt, refuse_simulated

QUEUE = "gongdan"
_SCHEMA_LOCK = 0x60D7  #: advisory lock: one worker installs Procrastinate's tables, the others wait
log = structlog.get_logger("gongdan.fleet")


class Fleet:
    """One worker process among many. ``concurrency`` is the number of jobs it runs side by side."""

    def __init__(self, gongdan: Gongdan, concurrency: int = 8) -> None:
        """Raises :class:`ConfigurationError` for SQLite (use the worker inside ``serve``) or a simulated database."""
        if gongdan.db.sqlite:
            raise ConfigurationError(
                "`worker` needs PostgreSQL (DATABASE_URL); on SQLite `serve` does its work"
            )
        refuse_simulated(gongdan)
        self._gongdan = gongdan
        self._concurrency = concurrency
        self.rounds, self.doing = 0, ""  #: looks that are over; several kinds of work go on at once
        self._looked = time.monotonic()
        url = gongdan.db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self.app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
        self._wake = self.app.task(queue=QUEUE, name="wake_cases", retry=3)(self._wake_cases)
        self._send = self.app.task(queue=QUEUE, name="send")(self._send_due)

    # ------------------------------------------------------------ jobs
    def _wake_cases(self, case_ids: list[str]) -> None:
        self._gongdan.timers.wake(
            case_ids, self._gongdan.wall()
        )  # while the database is away it is tried again

    def _send_due(self) -> None:
        while self._gongdan.outbox.work(self._gongdan.wall()):
            pass

    # ------------------------------------------------------------ running
    async def run(self) -> None:
        """Scan and work until the process is told to stop."""
        await asyncio.to_thread(self.install)
        pulse = Pulse(self._gongdan, WORKER, self)
        async with self.app.open_async():
            scanner = asyncio.create_task(self._scan())
            pulse.start()
            try:
                await self.app.run_worker_async(
                    queues=[QUEUE], concurrency=self._concurrency, delete_jobs="successful", name="gongdan"
                )
            finally:
                scanner.cancel()
                with suppress(asyncio.CancelledError):
                    await scanner
                await asyncio.to_thread(pulse.stop)

    def faults(self) -> list[Told]:
        """Why it does not look for work though it should; empty while it does."""
        since = time.monotonic() - self._looked
        most = LONGEST_ROUND + self._gongdan.settings.worker_poll_seconds
        return [Told("The worker hangs since {seconds} s", seconds=round(since))] if since > most else []

    async def _scan(self) -> None:
        while True:
            if not await self.look(self._gongdan.wall()):
                await asyncio.sleep(self._gongdan.settings.worker_poll_seconds)

    async def look(self, now: datetime) -> int:
        """Hand out what is due at ``now`` and open what is missing, each for itself; returns how many things that was.

        Whatever goes wrong is logged, and looked at again next time: a scanner that ended would leave this machine
        without work, and nobody would see it.
        """
        found, self._looked = 0, time.monotonic()
        try:
            found = await self.hand_out(now)
        except (GongdanError, procrastinate.exceptions.ConnectorException) as error:
            log.warning("scan failed, trying again", error=str(error))
        except Exception:
            log.exception("scan failed, trying again")
        for kind, work in (
            ("schedule", self._gongdan.schedule.open_due),
            ("files", self._settle),
            ("stuck cases", self._gongdan.incidents.find_stuck),
            ("security log", self._hand_on),
        ):
            found += await asyncio.to_thread(attempt, kind, partial(work, now))
        self.rounds += 1
        return found

    def _settle(self, now: datetime) -> int:
        return leftovers.settle(self._gongdan, now)

    def _hand_on(self, now: datetime) -> int:
        return sinks.hand_on(self._gongdan, now)

    async def hand_out(self, now: datetime) -> int:
        """Claim what is due at ``now`` and make jobs of it; returns how many cases were claimed."""
        due = await asyncio.to_thread(self._gongdan.timers.claim, now)
        for case_ids in portions(due):
            await self._defer(self._wake, f"wake:{case_ids[0]}", case_ids=case_ids)
        if await asyncio.to_thread(self._gongdan.outbox.is_due, now):
            await self._defer(self._send, "send")
        return len(due)

    @staticmethod
    async def _defer(task: Any, lock: str, **arguments: list[str]) -> None:
        with suppress(AlreadyEnqueued):
            await task.configure(queueing_lock=lock).defer_async(**arguments)

    def install(self) -> None:
        """Put Procrastinate's tables into the database where they are missing."""
        with self._gongdan.db.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")
            if not sa.inspect(connection).has_table("procrastinate_jobs"):
                # The driver's own cursor: the schema holds many statements and percent signs.
                raw: Any = connection.connection.driver_connection
                raw.cursor().execute(procrastinate.schema.SchemaManager.get_schema())
