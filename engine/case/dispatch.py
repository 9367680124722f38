"""The one way in: a command is checked, run, recorded and answered here, and nowhere else is anything committed.

Order: what time has brought comes first (each due thing a command of its own, stamped with its due time), then the
asked command. A live command executes its own canonical bytes, parsed back, so that live run and replay are one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import asdict, replace

from engine.base import facts, failpoints, metrics, texts
from engine.base.errors import Conflict, GongdanError, Rejected, TechnicalFailure, Unavailable
from engine.base.facts import Effects
from engine.people import respondents
from engine.people.directory import People, Person
from engine.people.rules import RESPONDENT
from engine.privacy.keys import Keys
from engine.release.releases import Releases
from engine.storage.database import Database
from engine.storage.statements import Write

from . import checks, snapshots, store
from .behaviour import NEWEST
from .commands import (
    CLOCK,
    AmendData,
    BreachClock,
    Command,
    CompleteTask,
    FireTimer,
    NoteIncident,
    RecordServiceResult,
    ResumeClocks,
    StartCase,
    WarnClock,
    parse,
    to_plain,
)
from .counting import AGAIN, Counted
from .handlers import execute
from .history import canonical
from .instance import Instance
from .instance_cache import LiveInstances
from .numbers import CaseNumbers
from .projections import Change

ATTEMPTS = 5  #: fresh copies a command is tried on while other processes keep changing its case
MAX_FIRINGS = 500  #: due things worked off before one command; a stuck clock must not hold a thread for ever


class Receipt(Struct, frozen=True):
    """The answer to a command. ``already`` says that the same submit key was answered before."""

    case_id: str
    seq: int
    at: str
    opened: list[int] = []
    closed: list[int] = []
    done: str | None = None
    already: bool = False


class _CatchingUp(Conflict):
    """More is due on a case than one command may wait for."""


class Dispatcher(LiveInstances):
    """Runs commands on live instances, kept in a bounded LRU and fenced by ``seq``."""

    def __init__(
        self,
        db: Database,
        releases: Releases,
        people: People,
        keys: Keys,
        lookup_key: bytes,
        *,
        live: int = 500,
        wall: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(db, releases, keys, live)
        self.people = people
        self._numbers = CaseNumbers(db)
        self._lookup_key = lookup_key
        self._wall = wall or (lambda: datetime.now(UTC))

    # ------------------------------------------------------------ commands
    def dispatch(self, command: Command, beside: Sequence[Write] = ()) -> Receipt:
        """Run ``command``. Raises what :mod:`engine.base.errors` names; a refused command changes nothing.

        ``beside``: what is written with it, in the same transaction, on a case that is there.
        """
        with Counted(command) as counted:
            receipt = self._answer(command, beside)
            counted.case, counted.seq = receipt.case_id, receipt.seq
            if receipt.already:
                counted.result = AGAIN
        return receipt

    def _answer(self, command: Command, beside: Sequence[Write]) -> Receipt:
        texts.check(asdict(command))
        if (answered := self._answered(command)) is not None:
            return answered
        try:
            return self._start(command) if isinstance(command, StartCase) else self._on_fresh(command, beside)
        except Rejected:  # perhaps because the same submit came through while this one waited
            if (answered := self._answered(command)) is not None:
                return answered
            raise

    def _answered(self, command: Command) -> Receipt | None:
        """The receipt first given for the command's submit key."""
        if command.key is None or (found := store.first_answer(self.db, command.key)) is None:
            return None
        receipt = Receipt(**orjson.loads(found))
        if command.case_id not in ("", receipt.case_id):
            raise Rejected("Expected a submit key of its own, but this key was used for another case")
        return replace(receipt, already=True)

    def _start(self, command: StartCase) -> Receipt:
        release = self.releases.current()
        checks.start(command, release, self.people)
        data = checks.start_data(command, release)
        case_id = self._numbers.next(command.at)
        key = self.keys.fresh(case_id)
        instance = Instance(case_id, command.process, release, release.seal(key))
        with instance.lock:
            if command.parent is None:
                instance.about = frozenset()  # until a command names somebody, this one too
            plain = {**to_plain(command), "data": data}
            try:
                receipt = self._run(instance, plain, command.key, [Keys.NEW(case_id=case_id, key=key)])
            except TechnicalFailure:  # before anything was written
                self._numbers.give_back(case_id)
                raise
        self._keep(instance)
        return receipt

    def _on_fresh(self, command: Command, beside: Sequence[Write]) -> Receipt:
        """Run on the live instance; when that turns out stale (another process was first), again on a fresh one."""
        waits_for_time = not isinstance(command, NoteIncident | RecordServiceResult)
        for _ in range(ATTEMPTS):
            instance = self.instance(command.case_id)
            with instance.lock:
                if instance.spoiled:  # while we waited
                    continue
                try:
                    if waits_for_time:
                        # As of when it will count: a slow page asks after others moved the case on.
                        self._work_off(instance, max(command.at, instance.at), command)
                except TechnicalFailure:
                    if not isinstance(command, AmendData):
                        raise
                    waits_for_time = False  # time is stuck on a failing step, and this may be what mends it
                    continue
                except _CatchingUp:
                    raise
                except Conflict:
                    metrics.conflicts.inc()
                    continue  # another process has done what was due
                try:
                    return self._run_checked(instance, command, beside)
                except Unavailable:
                    raise
                except GongdanError:
                    if not self._is_stale(instance):
                        raise
                    metrics.conflicts.inc()
        raise Conflict(
            "Expected case {case_id} to hold still, but it keeps changing; try again", case_id=command.case_id
        )

    def _run_checked(self, instance: Instance, command: Command, beside: Sequence[Write]) -> Receipt:
        plain = to_plain(command)
        plain["at"] = max(command.at, instance.at)
        plain.update(self._checked(command, plain["at"], instance))
        early = isinstance(command, CompleteTask) and plain["at"] < instance.not_before.get(command.task, "")
        if isinstance(command, CompleteTask) and instance.paused is not None and not early:
            # Who works on a case does not wait for its customer: the limits run on from here.
            resume = ResumeClocks(case_id=command.case_id, actor=command.actor, at=plain["at"])
            self._run(instance, to_plain(resume), None)
        return self._run(instance, plain, command.key, beside)

    def _checked(self, command: Command, at: str, instance: Instance) -> dict[str, Any]:
        def is_about(person: Person) -> bool:
            if instance.about is None:
                digests, has_parent = respondents.written(self.db, instance.case_id)
                if has_parent:  # that one may name somebody at any time
                    return respondents.is_one(self.db, person, digests)
                instance.about = digests
            return respondents.is_one(self.db, person, instance.about)

        return checks.command(command, at, instance, self.people, self._is_case, is_about)

    def _is_case(self, number: str) -> bool:
        return store.head(self.db, number) is not None

    # ------------------------------------------------------------ time
    def wake(self, case_id: str, now: str) -> int:
        """Let time do what is due on a case by ``now``; returns how many things it did.

        An error says at which end of the history it came (``seq``).
        """
        done = 0
        for _ in range(ATTEMPTS):
            instance = self.instance(case_id)
            with instance.lock:
                if instance.spoiled:
                    continue
                try:
                    done += self._work_off(instance, now, None)
                except Conflict:
                    continue
                except GongdanError as error:
                    error.seq = instance.seq
                    raise
                if done or not self._is_stale(instance):  # a stale copy may not know of what is due
                    break
        return done

    def wake_once(self, case_id: str, now: str, skip: tuple[str, ...], skipped_by: str) -> None:
        """Fire the next due timer of a case, passing over failed automatic steps."""
        instance = self.instance(case_id)
        with instance.lock:
            due = instance.next_due()
            if due is None or due[0] > now:
                return
            command = _due_command(instance, due)
            if isinstance(command, FireTimer):
                command = replace(command, skip=skip, skipped_by=skipped_by)
            self._checked(command, command.at, instance)
            self._run_due(instance, command)

    def _work_off(self, instance: Instance, now: str, asked: Command | None) -> int:
        """Issue what is due by ``now``, in due order. A due thing the asked command itself names is left to it.

        After a long outage it stops at a limit, and the next look goes on; raises :class:`TechnicalFailure` when the
        clock does not move: a diagram that arms timers in the past would fire for ever.
        """
        done, first = 0, instance.next_due()
        due = first
        while due is not None and due[0] <= now:
            if done >= MAX_FIRINGS:
                if first is not None and due[0] <= first[0]:
                    raise TechnicalFailure(
                        f"more than {MAX_FIRINGS} timers due at {due[0]}: the clock does not move"
                    )
                if asked is None:
                    break
                raise _CatchingUp(
                    "Expected case {case_id} to be up to date, but it is catching up; try again",
                    case_id=instance.case_id,
                )
            command = _due_command(instance, due)
            if asked is not None and replace(asked, actor=CLOCK, at=command.at, key=None) == command:
                break
            self._run_due(instance, command)
            done += 1
            due = instance.next_due()
        return done

    def _run_due(self, instance: Instance, command: Command) -> None:
        with Counted(command) as counted:
            counted.seq = self._run(instance, to_plain(command), None).seq

    # ------------------------------------------------------------ one command, one transaction
    def _recorded_at(self, command: Command) -> str:
        """When a row is written; in a simulated database its own clock says so: the same seed gives the same heads."""
        return self._wall().isoformat() if self.keys.seed is None else command.at

    def _run(
        self, instance: Instance, plain: dict[str, Any], key: str | None, extra: Sequence[Write] = ()
    ) -> Receipt:
        before = instance.seq, instance.head
        try:
            instance.follow(NEWEST)
            command_bytes = canonical(instance.sealed(plain))
            command = parse(instance.seal.parse(command_bytes))
            effects = execute(instance, command, NEWEST)
            effects_bytes = canonical(facts.plain(effects))
            failpoints.reach("dispatch.executed")
            row = store.new_row(
                instance.case_id,
                instance.seq + 1,
                command,
                command_bytes,
                effects_bytes,
                instance.release.number,
                instance.head,
                self._recorded_at(command),
            )
            instance.seq, instance.head = row["seq"], row["hash"]
            receipt = _receipt(instance, effects)
            writes = list(extra)
            if key is not None:
                given = orjson.dumps(asdict(receipt)).decode()
                writes.append(store.ANSWER(key=key, at=row["recorded_at"], receipt=given))
            if snapshots.is_due(instance) and (secret := self.keys.get(instance.case_id)) is not None:
                body = snapshots.write(instance, secret)
                writes.append(store.SNAPSHOT(case_id=instance.case_id, seq=instance.seq, body=body))
                instance.snapshot_seq, instance.replayed = instance.seq, 0
            change = Change(instance, command, effects, self._lookup_key)
            if (isinstance(command, StartCase) and command.respondent) or RESPONDENT in change.news:
                instance.about = None
            store.commit(self.db, row, change, writes)
        except BaseException:
            instance.seq, instance.head = before
            self._drop(instance)  # it may be half changed: the next one is built from history
            raise
        if instance.done:
            self.forget(instance.case_id)
        failpoints.reach("dispatch.answered")
        return receipt


def _due_command(instance: Instance, due: tuple[str, int, str]) -> Command:
    instant, rank, thing = due
    common: Mapping[str, Any] = {"case_id": instance.case_id, "actor": CLOCK, "at": max(instant, instance.at)}
    if rank == 0:
        return WarnClock(clock=thing, **common)
    if rank == 1:
        return BreachClock(clock=thing, **common)
    return FireTimer(timer=int(thing), **common)


def _receipt(instance: Instance, effects: Effects) -> Receipt:
    return Receipt(
        case_id=instance.case_id,
        seq=instance.seq,
        at=instance.at,
        opened=[opened.task for opened in effects.opened],
        closed=effects.closed,
        done=effects.done,
    )
