"""One run: processes on one database, a clock, and a seed that decides what happens next."""

from __future__ import annotations

import hashlib
import random
import sys
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import structlog

from engine.app import Gongdan
from engine.base import failpoints
from engine.base.errors import GongdanError
from engine.base.sending import Gateway
from engine.base.settings import Settings
from engine.delivery.gateways.staff import StaffMail
from engine.release.release import Release

from . import faults
from .faults import Image, Stopped
from .outside import OUTSIDE, Door
from .record import Record
from .stage import Stage

BEGIN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  #: a Monday, nine o'clock in Shanghai
#: where a run may begin: a plain week, and before holidays with make-up days
BEGINNINGS = (
    BEGIN,
    datetime(2026, 2, 12, 6, 0, tzinfo=UTC),
    datetime(2026, 4, 30, 8, 30, tzinfo=UTC),
    datetime(2026, 9, 24, 2, 0, tzinfo=UTC),
)
#: failpoints at which a process holds no lock that another one needs
FREE = frozenset({
    "dispatch.executed", "dispatch.answered", "operation.asked", "operation.done",
    "timers.claimed", "outbox.claimed", "outbox.sent",
})  # fmt: skip
SELDOM = frozenset({"outbox.claimed", "outbox.sent", "timers.claimed"})
RARE = 15  #: times as likely that a process stops at one of those
#: failpoints before and after which a commit is under way
_WRITTEN, _DONE = ("commit.written", "operation.written"), ("commit.done", "operation.done")
_FULL = 2  #: SQLite's number for syncing each commit
DEEPEST = 3  #: processes that stand in the middle of something at once
SKEW = timedelta(seconds=100)  #: how wrong a process's clock may be


@dataclass
class Process:
    """One process: its own engine, its own idea of the time."""

    name: str
    worker: bool
    skew: timedelta = timedelta()
    engine: Gongdan | None = None

    @property
    def g(self) -> Gongdan:
        """The engine of a process that runs."""
        assert self.engine is not None
        return self.engine


@dataclass(frozen=True)
class Weather:
    """How much goes wrong in one run: chances for each occasion."""

    stop: float
    meanwhile: float
    tear: float
    disk: float
    skewed: bool
    live: int
    snapshots: int
    outside: dict[str, int]


class World:
    """Everything of one run. ``work`` is what a process does in one step."""

    def __init__(self, stage: Stage, folder: Path, seed: int, work: Callable[[World, Process], None]) -> None:
        self.stage, self.folder, self.seed = stage, folder, seed
        self.rng = random.Random(f"system/{seed}")
        draw = self.rng
        self.weather = Weather(
            stop=draw.choice((0, 0, 0.01, 0.03)),
            meanwhile=draw.choice((0, 0.05, 0.2)),
            tear=draw.choice((0, 0, 0, 0.04)),
            disk=draw.choice((0, 0, 0.1)),
            skewed=draw.random() < 0.4,
            live=draw.choice((2, 500, 500)),
            snapshots=draw.choice((2, 20)),
            outside=draw.choice(OUTSIDE),
        )
        self.now = draw.choice(BEGINNINGS)
        self.began = self.now
        self.record = Record()
        self.behaviour = stage.behaviour(f"system/{seed}")
        self.trace: list[str] = []
        self.round = 0
        self.calm = False  #: nothing goes wrong any more
        self._work = work
        self._stack: list[Process] = []
        self._bad_disk = False
        self._synced: Image | None = None
        self._left: Image | None = None
        self.processes = [Process("page1", False), Process("page2", False), Process("worker1", True)]
        if draw.random() < 0.7:
            self.processes.append(Process("worker2", True))
        stage.copy_to(folder)

    @property
    def outside(self) -> dict[str, int]:
        """What may become of a call of a gateway, and how often; in the end nobody is stopped by it."""
        return self.weather.outside if not self.calm else {**self.weather.outside, "stopped": 0, "sent": 2}

    # ------------------------------------------------------------ time
    def clock_of(self, process: Process) -> datetime:
        """What a process takes for the time."""
        return self.now + process.skew

    def pass_time(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span

    def monotonic(self) -> float:
        """Seconds since the run began."""
        return (self.now - self.began).total_seconds()

    # ------------------------------------------------------------ processes
    def start(self, process: Process) -> None:
        """Start a process, or start it anew."""
        self._starting = process
        process.engine = self.stage.open(
            self.folder,
            lambda: self.clock_of(process),
            synchronous="FULL" if self.weather.tear else "OFF",
            live=self.weather.live,
        )
        mail = process.engine.outbox._gateways["mail"]
        assert isinstance(mail, StaffMail)
        mail._elapsed = self.monotonic

    def gateways(self, _: Settings) -> dict[str, Gateway]:
        """The gateways of the process that is being started."""
        process = self._starting
        door = Door(self, lambda: self.clock_of(process))
        return {"sms": door, "mail": door, "webhook": door}

    def end(self, process: Process) -> None:
        """A process is no more; the system gives back what it held."""
        if process.engine is not None:
            process.engine.close()
            process.engine = None

    def run(self, steps: int) -> None:
        """So many steps, each of one process."""
        for process in self.processes:
            self.start(process)
        for _ in range(steps):
            self.step()

    def settle(self, work: Callable[[Process], None]) -> None:
        """Nothing goes wrong any more, everybody runs, and ``work`` is done by the last process."""
        self.calm = True
        for process in self.processes:
            process.skew = timedelta()
            if process.engine is None:
                self.start(process)
        work(self.processes[-1])

    def step(self) -> None:
        """One step of some process; whoever has stopped is started first."""
        self._pass_a_moment()
        pages = self.rng.random() < 0.65
        process = self.rng.choice([one for one in self.processes if one.worker is not pages])
        try:
            self._do(process)
        except Stopped as stop:
            self._power_cut(stop)

    def _pass_a_moment(self) -> None:
        self.pass_time(timedelta(milliseconds=self.rng.randrange(1, 40_000)))

    def _do(self, process: Process) -> None:
        """One step of ``process``, perhaps in the middle of a step of another one."""
        before, self.round = self.round, self.record.next()
        self._stack.append(process)
        try:
            if process.engine is None:
                self.say(process, "starts anew")
                self.start(process)
            if self.weather.skewed and self.rng.random() < 0.1:
                process.skew = timedelta(seconds=self.rng.uniform(-1, 1) * SKEW.total_seconds())
                self.say(process, f"its clock is set to {process.skew.total_seconds():+.0f} s")
            self._work(self, process)
        except Stopped as stop:
            self.say(process, str(stop))
            if stop.process is None:
                raise
            self.end(process)
        finally:
            self._stack.pop()
            self.round = before

    def _power_cut(self, stop: Stopped) -> None:
        """Every process is gone at once; what the disk holds is found by those that start next."""
        for process in self.processes:
            self.end(process)
        assert self._left is not None, stop
        self._left.restore(self.folder)
        self._left = self._synced = None

    def meanwhile(self) -> None:
        """Perhaps another process does something while one stands where it is."""
        if self.calm or self._bad_disk or len(self._stack) >= DEEPEST:
            return
        others = [one for one in self.processes if one not in self._stack]
        if others and self.rng.random() < self.weather.meanwhile:
            process = self.rng.choice(others)
            self.say(self._stack[-1], "stands still meanwhile")
            self._pass_a_moment()
            self._do(process)

    # ------------------------------------------------------------ faults
    def stop(self, place: str) -> None:
        """The process at work ends here, unless all is calm."""
        if not self.calm:
            raise Stopped(self._stack[-1].name, place)

    def reach(self, name: str) -> None:
        """A named place of the engine is reached: perhaps somebody stops there, or others go on meanwhile."""
        if self.calm or not self._stack:
            return
        if self.weather.tear:
            self._perhaps_power_cut(name)
        if self.rng.random() < self.weather.stop * (RARE if name in SELDOM else 1):
            self.stop(name)
        if name in FREE:
            self.meanwhile()

    def _perhaps_power_cut(self, name: str) -> None:
        if name in _WRITTEN:
            self._synced = self._safe() if self.rng.random() < self.weather.tear else None
        elif name in _DONE and self._synced is not None:
            self._left = faults.torn(self.rng, self._synced, Image.of(self.folder))
            raise Stopped(None, f"{name}, its log torn")
        elif name in FREE and self.rng.random() < self.weather.tear / 10:
            self._left = faults.half_checkpointed(self.rng, Image.of(self.folder))
            raise Stopped(None, f"{name}, its checkpoint half done")

    def _safe(self) -> Image:
        """What is on the disk for good: every commit, where each is synced; else what was there in the beginning."""
        raw: Any = self._stack[-1].g.db._kept_writer().connection.driver_connection
        (synchronous,) = raw.execute("PRAGMA synchronous").fetchone()
        return Image.of(self.folder) if synchronous >= _FULL else Image(Image.of(self.folder).data, b"")

    @contextmanager
    def perhaps_bad_disk(self, process: Process) -> Iterator[None]:
        """Perhaps the disk is full or busy while the block runs."""
        if self.calm or self._bad_disk or self.rng.random() >= self.weather.disk:
            yield
            return
        kind = self.rng.choice(faults.DISKS)
        self.say(process, f"meets a disk that is {kind}")
        self._bad_disk = True
        try:
            with faults.bad_disk(process.g, kind, self.rng):
                yield
        finally:
            self._bad_disk = False

    # ------------------------------------------------------------ what is told
    def say(self, process: Process | None, words: str) -> None:
        """Write a line of the trace."""
        who = process.name if process else "-"
        deep = "  " * max(0, len(self._stack) - 1)
        self.trace.append(f"{len(self.trace):4} {self.now:%m-%d %H:%M:%S.%f} {deep}{who}: {words}")

    def hear(self, words: str) -> None:
        """Write a line of the trace, about whoever is at work."""
        self.say(self._stack[-1] if self._stack else None, words)

    def digest(self, heads: str) -> str:
        """A digest of everything that was told, and of the ``heads`` of all histories."""
        return hashlib.sha256("\n".join([*self.trace, heads]).encode()).hexdigest()

    @contextmanager
    def simulated(self) -> Iterator[None]:
        """While the block runs, time, chance and failures are this world's."""

        def made(number: int, files: dict[str, bytes]) -> Release:
            return self.stage.made(number, files)

        ids = iter(range(1, 1 << 30))
        clock = SimpleNamespace(monotonic=self.monotonic)
        uuids = SimpleNamespace(uuid4=lambda: SimpleNamespace(hex=f"{next(ids):032x}"))
        places: dict[str, Any] = {
            "engine.app.gateways": self.gateways,
            "engine.release.releases.Release": made,
            "engine.delivery.outbox.time": clock,
            "engine.people.directory.time": clock,
            "engine.case.incidents.uuid": uuids,
            "engine.case.snapshots.EVERY": self.weather.snapshots,
            "engine.case.snapshots.TASKS_A_COMMAND": 1000,
        }
        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(failpoints, "reach", self.reach))
            for place, value in places.items():
                stack.enter_context(mock.patch(place, value))
            stack.enter_context(_listening(self.record.unforeseen))
            try:
                yield
            finally:
                for process in self.processes:
                    self.end(process)


@contextmanager
def _listening(unforeseen: list[str]) -> Iterator[None]:
    """While the block runs nothing is logged, and what nobody foresaw is written down."""

    def hear(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if line.get("exc_info") and not isinstance(sys.exception(), GongdanError):
            unforeseen.append(f"{line['event']}: {traceback.format_exc()}")
        raise structlog.DropEvent

    chain = structlog.get_config()["processors"]
    before = list(chain)
    chain[:] = [hear]
    try:
        yield
    finally:
        chain[:] = before
