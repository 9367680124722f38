"""The one way in: a command is checked, run, recorded and answered here, and nowhere else is anything committed.

Order: what time has brought comes first (each due thing a command of its own, stamped with its due time), then the
asked command. A live command executes its own canonical bytes, parsed back, so that live run and replay are one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    AmendData,
    Command,
    CompleteTask,
    NoteIncident,
    RecordServiceResult,
    ResumeClocks,
    StartCase,
    parse,
    to_plain,
)
from .counting import AGAIN, Counted
from .handlers import execute
from .history import canonical
from .instance import Instance
from .numbers import CaseNumbers
from .projections import Change
from .waking import ATTEMPTS, CatchingUp, Waking


class Receipt(Struct, frozen=True):
    """The answer to a command. ``already`` says that the same submit key was answered before."""

    case_id: str
    seq: int
    at: str
    opened: list[int] = []
    closed: list[int] = []
    done: str | None = None
    already: bool = False


class Dispatcher(Waking):
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
            known = self.known(command.case_id)
            instance = known or self.instance(command.case_id)
            with instance.lock:
                if known is not None and self.doubtful():
                    self.moved_on(instance)
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
                except CatchingUp:
                    raise
                except Conflict:
                    metrics.conflicts.inc()
                    continue  # another process has done what was due
                try:
                    return self._run_checked(instance, command, beside)
                except Unavailable:
                    raise
                except GongdanError:
                    if not self.moved_on(instance):
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

    # ------------------------------------------------------------ one command, one transaction
    def _recorded_at(self, command: Command) -> str:
        """When a row is written; in a simulated database its own clock says so: the same seed gives the same heads."""
        return self._wall().isoformat() if self.keys.seed is None else command.at

    def _run(
        self,
        instance: Instance,
        plain: dict[str, Any],
        key: str | None,
        extra: Sequence[Write] = (),
        together: list[Write] | None = None,
    ) -> Receipt:
        """Execute a command and commit it; with ``together`` its writes are added there, for the caller to commit."""
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
            if together is None:
                store.commit(self.db, row, change, writes)
            else:  # at once: what comes next changes the instance
                together.extend(store.writes(row, change, writes))
        except BaseException:
            instance.seq, instance.head = before
            self._drop(instance)  # it may be half changed: the next one is built from history
            raise
        if together is None:
            self._committed(instance)
        return receipt

    def _committed(self, instance: Instance) -> None:
        if instance.done:
            self.forget(instance.case_id)
        failpoints.reach("dispatch.answered")


def _receipt(instance: Instance, effects: Effects) -> Receipt:
    return Receipt(
        case_id=instance.case_id,
        seq=instance.seq,
        at=instance.at,
        opened=[opened.task for opened in effects.opened],
        closed=effects.closed,
        done=effects.done,
    )
