"""Whether this process can do its work: write, keep files, wake what is due, tell the time.

What is found out is for the log and for administrators; strangers hear one word.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import structlog

from engine.app import Gongdan
from engine.base.errors import GongdanError

from . import checks, figures, pulse
from .checks import BAD, Check
from .figures import Figures
from .pulse import ENDED, Beat, Works
from .told import Told

PATIENCE = 2.0  #: seconds that whoever asks waits at most
FRESH = 1.0  #: seconds an answer is good for: many who ask cost no more than one
log = structlog.get_logger("gongdan.health")


@dataclass(frozen=True, slots=True)
class State:
    """How things are: what was looked at and, where the database could be asked, how the work stands."""

    checks: list[Check] = field(default_factory=list)
    release: int | None = None  #: in force; None also where the database cannot even be read
    figures: Figures | None = None
    beats: list[Beat] = field(default_factory=list)
    room: dict[str, float] = field(default_factory=dict)  #: bytes that are free, by what is kept there
    skew: float | None = None  #: seconds that the clock is ahead

    @property
    def well(self) -> bool:
        """Whether the process can do its work."""
        return all(check.well for check in self.checks)

    @property
    def lost(self) -> list[Beat]:
        """Processes that ended without a word."""
        return [beat for beat in self.beats if not beat.fresh and beat.kind != ENDED]


class Health:
    """The health of one process. Looks in a thread of its own: what hangs there keeps nobody waiting."""

    def __init__(self, gongdan: Gongdan, worker: Works | None = None, *, needs_worker: bool = False) -> None:
        """``worker``: the one that this process must have running; ``needs_worker``: somebody else must."""
        self._gongdan, self._worker, self._needs_worker = gongdan, worker, needs_worker
        self._lock = threading.Lock()
        self._looking: threading.Event | None = None
        self._last, self._looked = State(), float("-inf")
        self._told: frozenset[str] = frozenset()

    def look(self) -> State:
        """How things are now, or a second ago; at once unwell when that cannot be found out. Logs what changed."""
        return self._tell(self.seen())

    def seen(self) -> State:
        """The same, without a word in the log: for who asks once."""
        with self._lock:
            if self._looking is None and time.monotonic() - self._looked > FRESH:
                self._looking = threading.Event()
                threading.Thread(
                    target=self._examine, args=[self._looking], name="gongdan-health", daemon=True
                ).start()
            looking = self._looking
        if looking is not None and not looking.wait(PATIENCE):
            silent = Check(checks.DATABASE, BAD, [Told("The database does not answer")])
            return State([silent], beats=self._last.beats)
        return self._last

    def _tell(self, state: State) -> State:
        """Log what has changed, once."""
        now = frozenset(check.name for check in state.checks if not check.well)
        with self._lock:
            changed, self._told = now != self._told, now
        if changed and state.well:
            log.info("well again")
        elif changed:
            said = [str(told) for check in state.checks if not check.well for told in check.told]
            details = [check.detail for check in state.checks if not check.well and check.detail]
            log.error("not well", found="; ".join([*said, *details]))
        return state

    def _examine(self, done: threading.Event) -> None:
        state = State([Check(checks.DATABASE, BAD, [Told("The database does not answer")])])
        try:
            state = self._state()
        except Exception:  # nobody foresaw it: not well, and whoever reads the log learns why
            log.exception("health cannot be found out")
        finally:
            with self._lock:
                self._last, self._looked, self._looking = state, time.monotonic(), None
            done.set()

    def _state(self) -> State:
        room = checks.room(self._gongdan)
        kept = checks.files(self._gongdan, room)
        faults = None if self._worker is None else self._worker.faults()
        release = None
        try:
            release = self._gongdan.releases.current_number()
            before = checks.write(self._gongdan.db, self._gongdan.wall())
            return self._with_database(release, before, room, kept, faults)
        except GongdanError as error:
            said = [Told("Nothing can be written to the database")]
            written = Check(checks.DATABASE, BAD, said, str(error))
            worker = [] if faults is None else [checks.worker(faults, (), (), needed=False)]
            return State([written, kept, *worker], release, beats=self._last.beats, room=room)

    def _with_database(
        self,
        release: int | None,
        before: str | None,
        room: dict[str, float],
        kept: Check,
        faults: list[Told] | None,
    ) -> State:
        """What can be known while the database answers."""
        gongdan = self._gongdan
        with gongdan.db.read() as connection:
            wall = gongdan.wall()
            beats = pulse.read(gongdan.db, connection, wall)
            counted = figures.read(connection, wall)
            skew = checks.skew_of(gongdan, connection, before)
        state = State(release=release, figures=counted, beats=beats, room=room, skew=skew)
        state.checks.extend(
            (
                Check(checks.DATABASE),
                kept,
                checks.clock(gongdan, skew, beats),
                checks.found(checks.RELEASE, [] if release else [Told("No release is published")]),
            )
        )
        if faults is not None or self._needs_worker:  # a simulated installation owes no work
            state.checks.extend(
                (
                    checks.worker(faults, beats, state.lost, needed=self._needs_worker),
                    checks.timers(counted, beats),
                    checks.messages(counted, beats),
                )
            )
        state.checks.append(checks.incidents(counted))
        return state
